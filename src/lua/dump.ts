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

/** The dump of a Lua function, undefined for a native one. */
export function dumpFunction(f: LuaFunction): string | undefined {
  const proto = protoOf(f);
  if (proto === undefined) return undefined;
  const { chunk, fn } = proto;
  return `${SIGNATURE}${fn.index} ${chunk.name.length}\n${chunk.name}${chunk.source}`;
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
  const head = text.startsWith(SIGNATURE) ? /^(\d+) (\d+)\n/.exec(text.slice(SIGNATURE.length, 64)) : null;
  if (head === null) {
    const source = isBinary(name) ? '(binary)' : /^[@=]/.test(name) ? name.slice(1) : name;
    throw new LuaError(`${source}: cannot load incompatible bytecode`);
  }
  const start = SIGNATURE.length + head[0].length;
  const end = start + Number(head[2]);
  const chunk = compile(text.slice(end), text.slice(start, end));
  const proto = chunk.protos[Number(head[1])];
  if (proto === undefined) throw new LuaError(`${chunk.shortSource}: cannot load malformed bytecode`);
  if (proto.fn.index === 0) return chunk.instantiate(env);
  return proto.instantiate(
    env,
    proto.fn.upvalues.map((local) => (isBoxed(local) ? { v: undefined } : undefined)),
  );
}
