/**
 * Benchmarks of the Lua engine against LuaJIT: `node --import tsx bench/lua/run.ts [NAME...]`.
 *
 * Each program returns a function, which is called 24 times; shown are the first call (with compilation), the
 * median and the best of the second half, and LuaJIT's best, in milliseconds. The engine is bundled first: tsx adds
 * calls to every function, which cost up to four times. V8's flags are those of servers (src/lua/tune.ts).
 *
 * `ROUNDS=5` runs each program in as many processes, alternating with LuaJIT, and shows the smallest numbers: for
 * machines that do other things meanwhile.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = fileURLToPath(new URL('.', import.meta.url));
const scratch = mkdtempSync(`${tmpdir()}/lua-bench-`);
const names = process.argv.slice(2);
const programs = readdirSync(folder)
  .filter((f) => f.endsWith('.lua'))
  .map((f) => f.slice(0, -4))
  .filter((f) => names.length === 0 || names.includes(f));

const RUNNER = `
import { readFileSync } from 'node:fs';
import { LuaState } from '${folder}../../src/lua/state.ts';
import { tuneV8 } from '${folder}../../src/lua/tune.ts';
tuneV8();
const file = process.argv[2];
const state = new LuaState();
const f = state.newThread(state.load(readFileSync(file, 'latin1'), '@' + file)).resume([]).values[0];
const times = [];
let result;
for (let i = 0; i < 24; i++) {
  const start = process.hrtime.bigint();
  result = state.newThread(f).resume([]).values[0];
  times.push(Number(process.hrtime.bigint() - start) / 1e6);
}
const late = times.slice(12).sort((a, b) => a - b);
console.log(JSON.stringify({ first: times[0], best: late[0], median: late[6], result: String(result) }));
`;

const LUAJIT = `
local f = dofile(arg[1])
local best, result = 1e9
for i = 1, 14 do local t = os.clock() result = f() t = (os.clock() - t) * 1000 if t < best then best = t end end
io.write(string.format('{"best": %.3f, "result": "%s"}', best, tostring(result)))
`;

interface Measurement {
  readonly first: number;
  readonly best: number;
  readonly median: number;
  readonly result: string;
}

const rounds = Number(process.env['ROUNDS'] ?? 1);

/** The smallest numbers of two runs. */
function least(a: Measurement | undefined, b: Measurement | undefined): Measurement | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    first: Math.min(a.first, b.first),
    best: Math.min(a.best, b.best),
    median: Math.min(a.median, b.median),
    result: b.result,
  };
}

function run(command: string, args: readonly string[]): Measurement | undefined {
  const { stdout, status } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? (JSON.parse(stdout) as Measurement) : undefined;
}

try {
  writeFileSync(`${scratch}/runner.ts`, RUNNER);
  writeFileSync(`${scratch}/run.lua`, LUAJIT);
  await build({
    entryPoints: [`${scratch}/runner.ts`],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: `${scratch}/runner.mjs`,
    logLevel: 'error',
  });
  const cell = (n: number | undefined) => (n === undefined ? '-' : n.toFixed(2)).padStart(9);
  console.log('program'.padEnd(12) + ['first', 'median', 'best', 'luajit', 'ratio'].map((s) => s.padStart(9)).join(''));
  let product = 1;
  let compared = 0;
  for (const name of programs) {
    const file = `${folder}${name}.lua`;
    let ours: Measurement | undefined;
    let luajit: Measurement | undefined;
    for (let i = 0; i < rounds; i++) {
      ours = least(ours, run(process.execPath, [`${scratch}/runner.mjs`, file]));
      luajit = least(luajit, run('luajit', [`${scratch}/run.lua`, file]));
    }
    const ratio = ours !== undefined && luajit !== undefined ? ours.best / luajit.best : undefined;
    if (ratio !== undefined) {
      product *= ratio;
      compared++;
    }
    const differs =
      luajit !== undefined && ours?.result !== luajit.result
        ? `  results differ: ${ours?.result} ${luajit?.result}`
        : '';
    console.log(
      name.padEnd(12) + [ours?.first, ours?.median, ours?.best, luajit?.best, ratio].map(cell).join('') + differs,
    );
  }
  if (compared > 0) console.log('geometric mean of the ratios: ' + (product ** (1 / compared)).toFixed(2));
} finally {
  rmSync(scratch, { recursive: true });
}
