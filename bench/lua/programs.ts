/**
 * What bench/lua measures: the programs of this folder, the cases of `micro/`, and the Lua programs of two public
 * collections, which are read from checkouts outside the repository (their licences are their own).
 */

import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Suite = 'own' | 'awfy' | 'softdev' | 'micro';

/** One program, as measure.lua is told of it. */
export interface Program {
  readonly suite: Suite;
  readonly dir: string;
  readonly name: string;
  readonly param: string;
  /** As it is shown. */
  readonly title: string;
}

export const SUITES: readonly { readonly name: Suite; readonly title: string }[] = [
  { name: 'own', title: 'bench/lua' },
  { name: 'awfy', title: 'are-we-fast-yet' },
  { name: 'softdev', title: 'lua_benchmarking' },
  { name: 'micro', title: 'cjson and coroutines' },
];

/** Inner iterations: a call takes LuaJIT some 10 to 100 ms. All but List and Havlak are of sizes it can verify. */
const AWFY: Readonly<Record<string, number>> = {
  DeltaBlue: 4000,
  Richards: 10,
  Json: 20,
  CD: 100,
  Havlak: 15,
  Bounce: 300,
  List: 300,
  Mandelbrot: 500,
  NBody: 250000,
  Permute: 200,
  Queens: 200,
  Sieve: 600,
  Storage: 200,
  Towers: 100,
};

/** Arguments of run_iter: those of the collection's benchinfo.json, or less where a call would take long. */
const SOFTDEV: Readonly<Record<string, number>> = {
  array3d: 180,
  binarytrees: 2,
  bounce: 100000,
  capnproto_decode: 400,
  capnproto_encode: 240,
  chamenos: 20000,
  collisiondetector: 35,
  coroutine_ring: 1000000,
  deltablue: 4000,
  euler14: 3500000,
  fannkuch_redux: 45,
  fasta: 20,
  havlak: 1,
  heapsort: 100000,
  jsonlua_decode: 200,
  jsonlua_encode: 10,
  knucleotide: 1,
  life: 500,
  luacheck: 1,
  luacheck_parser: 1,
  mandelbrot: 1000,
  mandelbrot_bit: 1000,
  md5: 140,
  meteor: 1,
  nbody: 10,
  nsieve: 9,
  nsieve_bit: 9,
  partialsums: 2000000,
  pidigits: 1150,
  queens: 7000,
  quicksort: 300000,
  radixsort: 1000000,
  ray: 64,
  recursive_ack: 10,
  recursive_fib: 35,
  revcomp: 2,
  richards: 30,
  scimark_fft: 2500,
  scimark_lu: 450,
  scimark_mc: 13000000,
  scimark_sor: 3100,
  scimark_sparse: 12000,
  series: 2,
  spectralnorm: 2,
  table_cmpsort: 100000,
};

const DOCUMENTS = [
  'API response, 0.3 KB',
  'nested document, 20 KB',
  '1000 integers',
  '1000 fractions',
  'strings with escapes, 10 KB',
  '300 strings, 14 KB',
  '500 keys of one object',
];

const MICRO: readonly { readonly file: string; readonly cases: readonly string[] }[] = [
  { file: 'cjson', cases: [...DOCUMENTS.map((d) => `encode: ${d}`), ...DOCUMENTS.map((d) => `decode: ${d}`)] },
  {
    file: 'yield',
    cases: [
      'called, 1 deep',
      'called, 20 deep',
      'parked 1',
      'parked 10',
      'parked 50',
      'parked 200',
      'wrap as an iterator',
      'create and finish',
    ],
  },
];

/** Where the collections are checked out, as far as they are. */
export interface Checkouts {
  readonly awfy: string | undefined;
  readonly softdev: string | undefined;
}

/** All programs that can be run. Throws if a checkout is not what it is said to be. */
export function allPrograms(checkouts: Checkouts): Program[] {
  const here = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');
  const own = readdirSync(here)
    .filter((f) => f.endsWith('.lua') && f !== 'measure.lua')
    .map((f) => ({ suite: 'own' as const, dir: here, name: f.slice(0, -4), param: '', title: f.slice(0, -4) }));
  const programs: Program[] = own;
  if (checkouts.awfy !== undefined) {
    const dir = folderWith(checkouts.awfy, ['benchmarks/Lua', '.'], 'deltablue.lua');
    for (const [name, n] of Object.entries(AWFY)) {
      programs.push({ suite: 'awfy', dir, name, param: String(n), title: name });
    }
  }
  if (checkouts.softdev !== undefined) {
    const dir = folderWith(checkouts.softdev, ['.'], 'benchmarks/life/bench.lua');
    for (const [name, n] of Object.entries(SOFTDEV)) {
      programs.push({ suite: 'softdev', dir, name, param: String(n), title: name });
    }
  }
  for (const { file, cases } of MICRO) {
    for (const param of cases) {
      programs.push({ suite: 'micro', dir: `${here}/micro`, name: file, param, title: `${file} ${param}` });
    }
  }
  return programs;
}

function folderWith(checkout: string, candidates: readonly string[], file: string): string {
  for (const candidate of candidates) {
    if (existsSync(join(checkout, candidate, file))) return resolve(checkout, candidate);
  }
  throw new Error(`${checkout} has no ${file}`);
}
