/** The tables of bench/results/lua.md. */

import { arch, cpus } from 'node:os';
import type { Peer, Sample } from './peers.ts';
import type { Program, Suite } from './programs.ts';

/** What was measured of a program, by the name of the peer. */
export interface Row {
  readonly program: Program;
  readonly results: ReadonlyMap<string, Sample>;
  readonly failures: ReadonlyMap<string, string>;
}

export interface Report {
  readonly rows: readonly Row[];
  readonly peers: readonly Peer[];
  readonly missing: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  /** How CPU time was measured. */
  readonly clock: string;
  readonly suites: readonly { readonly name: Suite; readonly title: string }[];
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function geometricMean(numbers: readonly number[]): number {
  return Math.exp(numbers.reduce((sum, n) => sum + Math.log(n), 0) / numbers.length);
}

/** The report as Markdown. */
export function report(r: Report): string {
  const others = r.peers.filter((peer) => peer.name !== 'tsresty');
  const lines = [
    '# Lua programs: tsresty against other implementations',
    '',
    ...r.peers.map((peer) => `- ${peer.version}`),
    ...r.missing.map((name) => `- not measured: ${name}`),
    '',
    `${cpus()[0]?.model ?? arch()}, ${cpus().length} cores. Medians of ${r.rounds} rounds in which the peers take turns, each`,
    `program in a process of its own that calls it for ${r.seconds} s. "First" is loading and the first call, the other times are`,
    'the median of the second half of the calls. CPU time of the thread that runs Lua, user and system:',
    `${r.clock} in Node.js, os.clock in the others, which have one thread. Ratios are tsresty's time by`,
    "the peer's: below 1 tsresty is faster. `npm run bench:lua` makes this file; see bench/lua/run.ts.",
    '',
    ...means(r, others),
  ];
  for (const suite of r.suites) {
    const rows = r.rows.filter((row) => row.program.suite === suite.name);
    if (rows.length > 0) lines.push(...table(suite.title, rows, others, suite.name === 'micro' ? 'µs' : 'ms'));
  }
  lines.push(...notes(r));
  return lines.join('\n');
}

function ratios(rows: readonly Row[], peer: string, pick: (s: Sample) => number): number[] {
  return rows.flatMap(({ results }) => {
    const ours = results.get('tsresty');
    const theirs = results.get(peer);
    return ours === undefined || theirs === undefined || !(pick(theirs) > 0) ? [] : [pick(ours) / pick(theirs)];
  });
}

function means(r: Report, others: readonly Peer[]): string[] {
  const lines = [
    '## Geometric means of the ratios',
    '',
    `| | programs | ${others.map((p) => p.name).join(' | ')} | ${others.map((p) => `first call, ${p.name}`).join(' | ')} |`,
    `|---|--:|${others.map(() => '--:|--:|').join('')}`,
  ];
  const cell = (numbers: readonly number[], all: number): string => {
    if (numbers.length === 0) return '-';
    const mean = geometricMean(numbers).toFixed(2);
    return numbers.length === all ? mean : `${mean} (of ${numbers.length})`;
  };
  for (const suite of [...r.suites, { name: undefined, title: 'all' }]) {
    const rows = r.rows.filter((row) => suite.name === undefined || row.program.suite === suite.name);
    const measured = rows.filter((row) => row.results.has('tsresty')).length;
    if (measured === 0) continue;
    const steady = others.map((p) =>
      cell(
        ratios(rows, p.name, (s) => s.steady),
        measured,
      ),
    );
    const first = others.map((p) =>
      cell(
        ratios(rows, p.name, (s) => s.first),
        measured,
      ),
    );
    lines.push(`| ${suite.title} | ${measured} | ${steady.join(' | ')} | ${first.join(' | ')} |`);
  }
  return [...lines, ''];
}

function table(title: string, rows: readonly Row[], others: readonly Peer[], unit: 'ms' | 'µs'): string[] {
  const scale = unit === 'ms' ? 1e3 : 1e6;
  const time = (seconds: number | undefined): string =>
    seconds === undefined ? '-' : (seconds * scale).toFixed(seconds * scale < 1 ? 3 : seconds * scale < 100 ? 2 : 0);
  const megabytes = (bytes: number | undefined): string => (bytes === undefined ? '-' : (bytes / 1e6).toFixed(0));
  const names = others.map((p) => p.name);
  const columns = [
    `tsresty, ${unit}`,
    ...names.map((name) => `${name}, ${unit}`),
    ...names.map((name) => `ratio, ${name}`),
    'first, tsresty',
    ...(names.includes('luajit') ? ['first, luajit'] : []),
    'best, tsresty',
    'memory MB, tsresty',
    ...(names.includes('luajit') ? ['luajit'] : []),
    'other threads',
    'JavaScript KB',
  ];
  const lines = [`## ${title}`, '', `| | ${columns.join(' | ')} |`, `|---|${columns.map(() => '--:|').join('')}`];
  for (const { program, results } of rows) {
    const ours = results.get('tsresty');
    const luajit = results.get('luajit');
    const ratio = (name: string): string => {
      const theirs = results.get(name);
      return ours === undefined || theirs === undefined ? '-' : (ours.steady / theirs.steady).toFixed(2);
    };
    const cells = [
      time(ours?.steady),
      ...names.map((name) => time(results.get(name)?.steady)),
      ...names.map(ratio),
      time(ours?.first),
      ...(names.includes('luajit') ? [time(luajit?.first)] : []),
      time(ours?.best),
      megabytes(ours?.memory),
      ...(names.includes('luajit') ? [megabytes(luajit?.memory)] : []),
      ours?.others === undefined ? '-' : `${(ours.others * 100).toFixed(0)} %`,
      ours?.code === undefined ? '-' : (ours.code / 1e3).toFixed(1),
    ];
    lines.push(`| ${program.title} | ${cells.join(' | ')} |`);
  }
  return [...lines, ''];
}

/** Programs that gave different results, or failed. */
function notes(r: Report): string[] {
  const lines: string[] = [];
  const failed = new Map<string, string[]>();
  for (const { program, results, failures } of r.rows) {
    const ours = results.get('tsresty')?.result;
    const theirs = results.get('luajit')?.result;
    if (ours !== undefined && theirs !== undefined && ours !== theirs) {
      lines.push(`- ${program.title}: tsresty gives ${ours}, LuaJIT ${theirs}.`);
    }
    for (const [peer, reason] of failures) {
      // A message starts with the program's name and names files of this machine.
      const short = reason.replace(/^[\w.]+: /, '').replace(/\S*\/(?=[\w.-]+:)/g, '');
      const key = `${peer}: ${short.slice(0, 160).replace(/[|`]/g, "'")}`;
      failed.set(key, [...(failed.get(key) ?? []), program.title]);
    }
  }
  for (const [key, titles] of failed) lines.push(`- ${key} (${titles.join(', ')})`);
  return lines.length === 0 ? [] : ['## Not measured, or with different results', '', ...lines, ''];
}
