/**
 * npm run bench:lua: tsresty's Lua engine against LuaJIT, LuaJIT's interpreter, Lua 5.1 and wasmoon, in one run.
 *
 *   npm run bench:lua -- [OPTIONS] [NAMES...]     NAMES are names or parts of them; all if absent
 *
 *   --awfy DIR      a checkout of github.com/smarr/are-we-fast-yet, for its Lua programs
 *   --softdev DIR   a checkout of github.com/softdevteam/lua_benchmarking, for its programs
 *   --suites NAMES  of own, awfy, softdev, micro        --peers NAMES   of luajit, luajit -joff, lua5.1, wasmoon
 *   --rounds N      (default 3)                         --seconds N     of calls a process and round (default 1)
 *   --node PATH     another Node.js                     --wasmoon DIR   a folder that has node_modules/wasmoon
 *   --out FILE      without extension (default bench/results/lua, or nothing when only parts are run)
 *
 * Every program is run in a process of its own, once in each round and peer, the peers taking turns; a process calls
 * the program until the seconds are over, and gives the first call with loading, and the median of the second half.
 * Shown are the medians over the rounds. The figure is CPU time of the thread that runs Lua (clock.ts).
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Bar, chart } from '../chart.ts';
import { threadClock } from './clock.ts';
import { findPeers, type Peer, run, type Sample } from './peers.ts';
import { allPrograms, SUITES } from './programs.ts';
import { median, type Row, report } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    awfy: { type: 'string' },
    softdev: { type: 'string' },
    suites: { type: 'string' },
    peers: { type: 'string' },
    rounds: { type: 'string', default: process.env['ROUNDS'] ?? '3' },
    seconds: { type: 'string', default: '1' },
    node: { type: 'string', default: process.execPath },
    wasmoon: { type: 'string' },
    out: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const suites = values.suites?.split(',');
const known = allPrograms({ awfy: values.awfy, softdev: values.softdev });
/** A name stands for the program of that name, or for all whose names it is part of. */
const named = (title: string): boolean =>
  positionals.length === 0 ||
  positionals.some((name) => (known.some((p) => p.title === name) ? title === name : title.includes(name)));
const programs = known.filter((p) => (suites === undefined || suites.includes(p.suite)) && named(p.title));
const isWhole = suites === undefined && positionals.length === 0 && values.peers === undefined;
const out = values.out ?? (isWhole ? join(fileURLToPath(new URL('../results', import.meta.url)), 'lua') : undefined);

function middle(samples: readonly Sample[]): Sample {
  const of = (pick: (s: Sample) => number): number => median(samples.map(pick));
  const one = samples[0]!;
  return {
    first: of((s) => s.first),
    steady: of((s) => s.steady),
    best: Math.min(...samples.map((s) => s.best)),
    calls: of((s) => s.calls),
    memory: of((s) => s.memory),
    result: one.result,
    ...(one.code === undefined ? {} : { code: one.code }),
    ...(one.others === undefined ? {} : { others: of((s) => s.others ?? 0) }),
  };
}

const start = Date.now();

/** Shows on a terminal what is being measured. */
function progress(doing: string): void {
  if (!process.stderr.isTTY) return;
  const minutes = ((Date.now() - start) / 60000).toFixed(1);
  process.stderr.write(doing === '' ? '\r\x1b[K' : `\r\x1b[K${minutes} min, ${doing}`);
}

const scratch = mkdtempSync(join(tmpdir(), 'lua-bench-'));
const missing: string[] = [];
const rows: Row[] = [];
try {
  const peers = await findPeers(
    { scratch, node: values.node, wasmoon: values.wasmoon, only: values.peers?.split(',') },
    missing,
  );
  for (const name of missing) process.stderr.write(`left out: ${name}\n`);
  for (const [i, program] of programs.entries()) {
    const samples = new Map<string, Sample[]>();
    const failures = new Map<string, string>();
    for (let round = 1; round <= rounds; round++) {
      for (const peer of peers) {
        if (failures.has(peer.name)) continue;
        progress(`${i + 1} of ${programs.length}: ${program.title}, round ${round}, ${peer.name}`);
        const sample = run(peer, program, seconds);
        if (typeof sample === 'string') failures.set(peer.name, sample);
        else samples.set(peer.name, [...(samples.get(peer.name) ?? []), sample]);
      }
    }
    const results = new Map<string, Sample>();
    for (const [name, list] of samples) results.set(name, middle(list));
    rows.push({ program, results, failures });
    const line = peers.map((peer) => `${peer.name} ${text(results.get(peer.name))}`).join('   ');
    progress('');
    process.stderr.write(`${program.title.padEnd(36)} ${line}\n`);
    // A run takes long: what there is can be read meanwhile, and stays if the run is ended.
    write(peers);
  }
  process.stdout.write(write(peers));
} finally {
  rmSync(scratch, { recursive: true });
}

/** Writes the results so far; the report. */
function write(peers: readonly Peer[]): string {
  const markdown = report({ rows, peers, missing, rounds, seconds, clock: threadClock().name, suites: SUITES });
  if (out !== undefined) {
    writeFileSync(`${out}.md`, markdown);
    writeFileSync(`${out}.svg`, chart('Speed of Lua programs against LuaJIT, JIT on', bars(rows), 'LuaJIT = 1'));
  }
  return markdown;
}

/** A time with three digits. */
function text(sample: Sample | undefined): string {
  if (sample === undefined) return '-';
  const { steady } = sample;
  return steady < 0.9995e-6
    ? `${(steady * 1e9).toPrecision(3)}ns`
    : steady < 1e-3
      ? `${(steady * 1e6).toPrecision(3)}us`
      : `${(steady * 1e3).toPrecision(3)}ms`;
}

function bars(all: readonly Row[]): Bar[] {
  return all.flatMap(({ program, results }) => {
    const ours = results.get('tsresty');
    const theirs = results.get('luajit');
    if (ours === undefined || theirs === undefined) return [];
    const detail = `${text(ours)} / ${text(theirs)}`;
    return [{ label: program.title, ratio: theirs.steady / ours.steady, goal: undefined, detail }];
  });
}
