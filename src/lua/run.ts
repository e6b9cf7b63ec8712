/**
 * Runs a Lua file: `node --import tsx src/lua/run.ts [--js] FILE [ARGS]`. A tool for working on the engine.
 * `--js` shows the JavaScript that is made of it.
 */

import { readFileSync } from 'node:fs';
import { traceCompiler } from './compiler/compile.ts';
import { LuaError } from './error.ts';
import { LuaState } from './state.ts';
import { LuaTable } from './table.ts';

const args = process.argv.slice(2);
if (args[0] === '--js') {
  args.shift();
  traceCompiler((file, text) => process.stderr.write(`-- ${file}\n${text}\n`));
}
const file = args[0];
if (file === undefined) {
  process.stderr.write('usage: run.ts [--js] FILE [ARGS]\n');
  process.exit(1);
}
const state = new LuaState();
const arg = LuaTable.fromArray(args.slice(1));
arg.set(0, file);
state.globals.setStr('arg', arg);
try {
  const thread = state.newThread(state.load(readFileSync(file, 'latin1'), '@' + file));
  thread.canYield = false;
  const result = thread.resume(args.slice(1));
  if (result.status !== 'done') throw new LuaError('attempt to yield from the main thread');
} catch (e) {
  if (!(e instanceof LuaError)) throw e;
  process.stderr.write(`lua: ${e.message}\n${e.traceback ?? ''}\n`, 'latin1');
  process.exitCode = 1;
}
