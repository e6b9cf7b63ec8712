/**
 * What goes between a worker process and its threads with Lua states of their own (ngx.run_worker_thread): Lua values
 * as data, tasks, and calls of shared dictionaries. ngx_lua: ngx_http_lua_worker_thread.c.
 */
import type { MessagePort } from 'node:worker_threads';
import { Coroutine, LuaTable, type LuaValue, NULL } from '../../../lua/index.ts';

/** A Lua value without its state. A table is a list of its keys and values in turns. */
export type Copied = undefined | boolean | number | string | null | readonly Copied[];

/** Tables that are nested deeper are taken for circular. */
const MAX_DEPTH = 100;

/** Why a value cannot be copied. */
export class CopyError extends Error {}

function unsupported(type: string): never {
  throw new CopyError(`unsupported Lua type: LUA_T${type}`);
}

/** A value as data. @throws CopyError */
export function copyOut(value: LuaValue, depth = 1): Copied {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
    case 'number':
    case 'string':
      return value;
    case 'function':
      return unsupported('FUNCTION');
    default:
  }
  if (value === NULL) return null;
  if (value instanceof Coroutine) return unsupported('THREAD');
  if (!(value instanceof LuaTable)) return unsupported('USERDATA');
  if (depth >= MAX_DEPTH) {
    throw new CopyError(`suspicious circular references, table depth exceed max depth: ${MAX_DEPTH}`);
  }
  const pairs: Copied[] = [];
  for (const [key, item] of value.entries()) pairs.push(copyOut(key, depth + 1), copyOut(item, depth + 1));
  return pairs;
}

/** The value that data stands for. */
export function copyIn(data: Copied): LuaValue {
  if (data === null) return NULL;
  if (typeof data !== 'object') return data;
  const table = new LuaTable();
  for (let i = 0; i < data.length; i += 2) table.set(copyIn(data[i]), copyIn(data[i + 1]));
  return table;
}

/** What a thread is started with. */
export interface ThreadSetup {
  readonly packagePath: string;
  readonly packageCpath: string;
  readonly prefix: string;
  /** ngx.config.nginx_configure(). */
  readonly configure: string;
  /** ngx.config.debug. */
  readonly debug: boolean;
  /** Names of the shared dictionaries. */
  readonly dicts: readonly string[];
  /** For calls of them, whose answers the thread waits for on `answered`: 1 when there is one. */
  readonly calls: MessagePort;
  readonly answered: Int32Array;
}

/** A function to call. */
export interface Task {
  readonly module: string;
  readonly name: string;
  readonly args: readonly Copied[];
}

/** How that went: its results, or the error. */
export type Outcome = { readonly values: readonly Copied[] } | { readonly error: string };

/** A call of a method of a shared dictionary. */
export interface DictCall {
  readonly dict: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What it gave, with what the dictionary says about it besides. */
export interface DictAnswer {
  readonly result?: unknown;
  readonly thrown?: string;
  readonly error: string | undefined;
  readonly flags: number;
  readonly forcible: boolean;
  readonly stale: boolean;
}
