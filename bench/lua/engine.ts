/** Runs a Lua script in tsresty's engine for bench/lua/run.ts, which bundles this file as servers are bundled. */

import { readFileSync } from 'node:fs';
import { traceCompiler } from '../../src/lua/compiler/compile.ts';
import { LuaState } from '../../src/lua/state.ts';
import { LuaTable } from '../../src/lua/table.ts';
import { tuneV8 } from '../../src/lua/tune.ts';
import { threadClock } from './clock.ts';

tuneV8();
const { seconds } = threadClock();
let code = 0;
traceCompiler((_, text) => {
  code += text.length;
});
const [script, ...args] = process.argv.slice(2) as [string, ...string[]];
const state = new LuaState();
state.globals.setStr('arg', LuaTable.fromArray(args));
state.globals.setStr('bench_clock', seconds);
state.globals.setStr('bench_memory', () => process.memoryUsage.rss());
const start = seconds();
const all = process.cpuUsage();
const thread = state.newThread(state.load(readFileSync(script, 'latin1'), `@${script}`));
thread.canYield = false;
try {
  thread.resume([]);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
const used = process.cpuUsage(all);
const others = (used.user + used.system) / 1e6 / (seconds() - start) - 1;
process.stdout.write(`@bench ${JSON.stringify({ code, others })}\n`);
