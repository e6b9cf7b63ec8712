/**
 * The thread's side of ngx.run_worker_thread: a Lua state with the part of the ngx table that needs no request. Shared
 * dictionaries are called in the process's main thread, whose lock is for processes, not for threads.
 */
import { getHeapStatistics } from 'node:v8';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { collect, LuaError, type LuaFunction, LuaState, LuaTable, type LuaValue, NULL } from '../../../lua/index.ts';
import { tuneV8 } from '../../../lua/tune.ts';
import type { SharedDict } from '../../../shm/dict.ts';
import { base64 } from '../library/base64.ts';
import { digestModule, random, sha, string, tablepool } from '../library/digest.ts';
import { lrucache } from '../library/lrucache.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from '../library/module.ts';
import { installConfig } from '../ngx/config.ts';
import { installEncoding } from '../ngx/encoding.ts';
import { installShared } from '../ngx/shared.ts';
import {
  CopyError,
  copyIn,
  copyOut,
  type DictAnswer,
  type DictCall,
  type Outcome,
  type Task,
  type ThreadSetup,
} from './message.ts';

const setup = workerData as ThreadSetup;

/** Stands for a dictionary of the main thread. */
class RemoteDict {
  readonly name: string;
  error: string | undefined = undefined;
  flags = 0;
  forcible = false;
  stale = false;

  constructor(name: string) {
    this.name = name;
  }

  call(method: string, args: readonly unknown[]): unknown {
    const { calls, answered } = setup;
    calls.postMessage({ dict: this.name, method, args } satisfies DictCall);
    Atomics.wait(answered, 0, 0);
    Atomics.store(answered, 0, 0);
    const answer = receiveMessageOnPort(calls)?.message as DictAnswer;
    this.error = answer.error;
    this.flags = answer.flags;
    this.forcible = answer.forcible;
    this.stale = answer.stale;
    if (answer.thrown !== undefined) throw new Error(answer.thrown);
    return answer.result;
  }
}

/** A dictionary whose every method is called over there. */
function remoteDict(name: string): SharedDict {
  const dict = new RemoteDict(name);
  return new Proxy(dict, {
    get: (target, key) =>
      key in target ? Reflect.get(target, key) : (...args: unknown[]) => target.call(String(key), args),
  }) as unknown as SharedDict;
}

const versionOnly: ModuleLoader = () => moduleTable({ version: CORE_VERSION });

/** Modules that need neither requests nor a configuration. */
const MODULES: Readonly<Record<string, (state: LuaState) => LuaValue>> = {
  ...Object.fromEntries(
    ['base', 'base64', 'hash', 'shdict', 'uri'].map((name) => [`resty.core.${name}`, versionOnly as never]),
  ),
  ...(Object.fromEntries(
    ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map((name) => [`resty.${name}`, digestModule(name)]),
  ) as Record<string, never>),
  'ngx.base64': base64 as never,
  'resty.lrucache': lrucache as never,
  'resty.lrucache.pureffi': lrucache as never,
  'resty.random': random as never,
  'resty.sha': sha as never,
  'resty.string': string as never,
  tablepool: tablepool as never,
};

function makeState(): LuaState {
  const state = new LuaState({ packagePath: setup.packagePath, packageCpath: setup.packageCpath });
  const ngx = new LuaTable();
  installEncoding(ngx);
  installConfig(ngx, {
    subsystem: 'http',
    debug: setup.debug,
    prefix: () => setup.prefix,
    configure: () => setup.configure,
  });
  installShared(ngx, setup.dicts, remoteDict);
  ngx.setStr('null', NULL);
  state.globals.setStr('ngx', ngx);
  state.loaded.setStr('ngx', ngx);
  for (const [name, load] of Object.entries(MODULES)) state.preload(name, () => load(state));
  return state;
}

/** Calls a function to its end; its errors are thrown. */
function call(state: LuaState, fn: LuaFunction, args: LuaValue[]): LuaValue[] {
  const result = state.newThread(fn).resume(args);
  if (result.status !== 'done') throw new LuaError('attempt to yield from outside a coroutine');
  return result.values;
}

function run(state: LuaState, index: LuaFunction, task: Task): Outcome {
  try {
    const [module] = call(state, state.globals.getStr('require') as LuaFunction, [task.module]);
    if (!(module instanceof LuaTable)) return { error: 'invalid lua module' };
    const [fn] = call(state, index, [module, task.name]);
    if (typeof fn !== 'function') return { error: 'invalid function' };
    const values = call(state, fn as LuaFunction, task.args.map(copyIn));
    return { values: values.map((value) => copyOut(value)) };
  } catch (error) {
    if (error instanceof CopyError) return { error: `${error.message} in the return value` };
    if (!(error instanceof LuaError)) return { error: String((error as Error).stack ?? error) };
    const { value } = error;
    return { error: typeof value === 'string' || typeof value === 'number' ? String(value) : 'unknown reason' };
  }
}

/** Bytes by which tasks may let the heap grow before what they left is collected. */
const GROWTH = 8 * 1024 * 1024;
/** What was in use after the last collection. */
let inUse = heapSize();

function heapSize(): number {
  return getHeapStatistics().used_heap_size;
}

/** V8 collects when a program allocates: a thread that has nothing to do would keep a large result for ever. */
function collectAfterGrowth(): void {
  if (heapSize() - inUse < GROWTH) return;
  collect();
  inUse = heapSize();
}

if (parentPort !== null) {
  tuneV8();
  const state = makeState();
  const index = state.load('local t, k = ... return t[k]', '=worker thread');
  parentPort.on('message', (task: Task) => {
    parentPort?.postMessage(run(state, index, task));
    // This call's own frame may still refer to the result.
    setImmediate(collectAfterGrowth);
  });
}
