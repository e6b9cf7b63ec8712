/**
 * Compares random programs with LuaJIT:
 * `node --import tsx test/lua/fuzz/run.ts --seed N --count M [--kind program|...] [--from I] [--show] [--keep FOLDER]`.
 * Differences are shrunk and shown. `--show` prints the program `--from` instead. LUAJIT names another LuaJIT.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compare, type Difference } from './compare.ts';
import { luajit } from './engines.ts';
import { kinds, makeProgram } from './kinds.ts';
import { minimize } from './minimize.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    kind: { type: 'string', default: 'program' },
    from: { type: 'string', default: '0' },
    keep: { type: 'string' },
    limit: { type: 'string', default: '10' },
    'resume-every': { type: 'string', default: '1' },
    raw: { type: 'boolean', default: false },
    show: { type: 'boolean', default: false },
  },
});
const kind = kinds[values.kind];
if (kind === undefined) throw new Error(`--kind is one of ${Object.keys(kinds).join(', ')}`);
if (luajit === undefined) throw new Error('there is no luajit (LUAJIT names one)');
const seed = Number(values.seed);
const from = Number(values.from);
if (values.show) {
  process.stdout.write(`${makeProgram(values.kind, seed, from, luajit)}\n`, 'latin1');
  process.exit(0);
}

const began = Date.now();
let done = 0;
let different = 0;
const limit = Number(values.limit);
const count = Number(values.count);
const resumeEvery = Number(values['resume-every']);
process.stderr.write(`${values.kind}, seed ${seed}, against ${luajit.version}${luajit.compat52 ? ' with 5.2' : ''}\n`);
for (let at = from; at < from + count && different < limit; at += kind.batch) {
  const end = Math.min(at + kind.batch, from + count);
  for (const difference of await compare(values.kind, seed, at, end, luajit, resumeEvery)) {
    if (++different <= limit) await report(difference);
  }
  done += end - at;
  const seconds = (Date.now() - began) / 1000;
  process.stderr.write(`\r${done} done, ${different} different, ${(done / seconds).toFixed(0)}/s `);
}
process.stderr.write('\n');
process.stdout.write(`${values.kind} seed ${seed} from ${from}: ${done} programs, ${different} different\n`);
process.exitCode = different === 0 ? 0 : 1;

async function report(difference: Difference): Promise<void> {
  const { index, form } = difference;
  const small = values.raw ? difference : await minimize(difference);
  process.stdout.write(
    `\n---- ${values.kind} seed ${seed} index ${index} (${form})\n${small.program}\n---- LuaJIT\n${small.expected}\n---- ours\n${small.actual}\n`,
    'latin1',
  );
  if (values.keep !== undefined) {
    mkdirSync(values.keep, { recursive: true });
    writeFileSync(`${values.keep}/${values.kind}-${seed}-${index}.lua`, difference.program, 'latin1');
  }
}
