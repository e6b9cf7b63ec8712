// string.dump and the loading of what it gives.
//
// There is no bytecode: a dump holds the source of the function's chunk, the chunk's name and which of its functions
// is meant. It opens like LuaJIT's bytecode, so that load's mode and tests for binary chunks treat it as binary.

import { type Chunk, protoOf } from './compiler/compile.ts';
import { isBoxed } from './compiler/emit-base.ts';
import { LuaError } from './error.ts';
import type { LuaTable } from './table.ts';
import type { LuaFunction } from './value.ts';

const SIGNATURE = '\x1bLJtsresty\n';
/** What LuaJIT's bytecode starts with, before the number of its version. */
const LUAJIT = '\x1bLJ';
const LUAJIT_VERSIONS = '\x01\x02';

/** The dump of a Lua function, undefined for a native one. A stripped one lacks the chunk's name. */
export function dumpFunction(f: LuaFunction, strip: boolean): string | undefined {
  const proto = protoOf(f);
  if (proto === undefined) return undefined;
  const { chunk, fn } = proto;
  const name = strip ? '' : chunk.name;
  return `${SIGNATURE}${fn.index} ${name.length} ${chunk.source.length}\n${name}${chunk.source}`;
}

/** Whether a chunk is binary. */
export function isBinary(text: string): boolean {
  return text.charCodeAt(0) === 27;
}

/** Makes the function of a dump, whose upvalues are nil. `name` is the chunk name for messages. */
export function undump(
  text: string,
  name: string,
  env: LuaTable,
  compile: (source: string, name: string) => Chunk,
): LuaFunction {
  const shown = isBinary(name) ? '(binary)' : /^[@=]/.test(name) ? name.slice(1) : name;
  const refuse = (what: string): never => {
    throw new LuaError(`${shown}: cannot load ${what}`);
  };
  if (!text.startsWith(SIGNATURE)) {
    if (SIGNATURE.startsWith(text) && text.length > LUAJIT.length) refuse('malformed bytecode');
    refuse(
      text.startsWith(LUAJIT) && LUAJIT_VERSIONS.includes(text[LUAJIT.length] ?? '?')
        ? "bytecode of LuaJIT, load the function's source"
        : 'incompatible bytecode',
    );
  }
  const head = /^(\d{1,9}) (\d{1,9}) (\d{1,9})\n/.exec(text.slice(SIGNATURE.length, SIGNATURE.length + 40));
  if (head === null) return refuse('malformed bytecode');
  const start = SIGNATURE.length + head[0].length;
  const middle = start + Number(head[2]);
  const end = middle + Number(head[3]);
  if (text.length !== end) return refuse('malformed bytecode');
  // LuaJIT gives a stripped function the name that the dump is loaded with.
  const chunkName = middle > start ? text.slice(start, middle) : isBinary(name) ? '=?' : name;
  let chunk: Chunk;
  try {
    chunk = compile(text.slice(middle), chunkName);
  } catch (e) {
    // Whatever it was made of, that is no dump.
    if (!(e instanceof LuaError)) throw e;
    return refuse('malformed bytecode');
  }
  const proto = chunk.protos[Number(head[1])];
  if (proto === undefined) return refuse('malformed bytecode');
  if (proto.fn.index === 0) return chunk.instantiate(env);
  return proto.instantiate(
    env,
    proto.fn.upvalues.map((local) => (isBoxed(local) ? { v: undefined } : undefined)),
  );
}
