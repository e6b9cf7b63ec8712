/** The Lua implementations that bench/lua compares, and running one program in one of them. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { NODE_OPTIONS } from '../../src/lua/tune.ts';
import type { Program } from './programs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const measure = join(root, 'bench/lua/measure.lua');

/** What one process measured; times in seconds of CPU of the thread that runs Lua. */
export interface Sample {
  /** Loading and the first call. */
  readonly first: number;
  /** Median of the second half of the calls. */
  readonly steady: number;
  readonly best: number;
  readonly calls: number;
  /** Resident bytes at the end. */
  readonly memory: number;
  readonly result: string;
  /** Characters of generated JavaScript (tsresty). */
  readonly code?: number;
  /** CPU time of other threads (compiler, collector) as part of the main thread's (tsresty). */
  readonly others?: number;
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface PeerOptions {
  /** The scratch folder for bundles. */
  readonly scratch: string;
  readonly node: string;
  /** A folder with node_modules/wasmoon, if it is not installed with the repository. */
  readonly wasmoon: string | undefined;
  /** Names of the peers wanted; all if absent. */
  readonly only: readonly string[] | undefined;
}

function versionOf(command: readonly string[]): string | undefined {
  const [program, ...args] = command as [string, ...string[]];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0
    ? (stdout + stderr)
        .trim()
        .split('\n')[0]!
        .replace(/\s+(--|Copyright).*/, '')
    : undefined;
}

async function bundle(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [join(root, 'bench/lua', entry)],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    outfile,
    logLevel: 'error',
  });
}

function findWasmoon(folder: string | undefined): string | undefined {
  try {
    return createRequire(join(folder === undefined ? root : resolve(folder), 'package.json')).resolve('wasmoon');
  } catch {
    return undefined;
  }
}

/** tsresty first, then the peers that are installed; names of those that are not are put into `missing`. */
export async function findPeers(options: PeerOptions, missing: string[]): Promise<Peer[]> {
  const { scratch, node, only } = options;
  const wanted = (name: string): boolean => only === undefined || only.includes(name);
  await bundle('engine.ts', join(scratch, 'engine.cjs'));
  // Packages outside the bundle are found from the scratch folder through NODE_PATH.
  const env = { NODE_PATH: join(root, 'node_modules'), BENCH_ROOT: root };
  const nodeVersion = versionOf([node, '--version']) ?? '';
  const peers: Peer[] = [
    {
      name: 'tsresty',
      version: `tsresty on Node.js ${nodeVersion}`,
      command: [node, ...NODE_OPTIONS, join(scratch, 'engine.cjs')],
      env,
    },
  ];
  const interpreters: [string, string[]][] = [
    ['luajit', ['luajit']],
    ['luajit -joff', ['luajit', '-joff']],
    ['lua5.1', ['lua5.1']],
  ];
  for (const [name, command] of interpreters) {
    if (!wanted(name)) continue;
    const version = versionOf([command[0]!, '-v']);
    if (version === undefined) missing.push(`${name} (no such program)`);
    else peers.push({ name, version: name.includes('-') ? `${version}, JIT off` : version, command, env: {} });
  }
  if (wanted('wasmoon')) {
    const place = findWasmoon(options.wasmoon);
    if (place === undefined) missing.push('wasmoon (npm package is not installed)');
    else {
      await bundle('wasmoon.ts', join(scratch, 'wasmoon.cjs'));
      const { version } = createRequire(place)(join(place, '../../package.json')) as { version: string };
      peers.push({
        name: 'wasmoon',
        version: `wasmoon ${version} (Lua 5.4 in WebAssembly)`,
        command: [node, ...NODE_OPTIONS, join(scratch, 'wasmoon.cjs')],
        env: { ...env, WASMOON: place },
      });
    }
  }
  return peers;
}

/** Runs a program once; the reason as text if that failed. */
export function run(peer: Peer, program: Program, seconds: number): Sample | string {
  const [command, ...args] = peer.command as [string, ...string[]];
  const { suite, dir, name, param } = program;
  if (!existsSync(dir)) return `no ${dir}`;
  const result = spawnSync(command, [...args, measure, suite, dir, name, param, String(seconds)], {
    encoding: 'latin1',
    // Programs of softdev open data files; elsewhere a module must not be found by accident.
    cwd: suite === 'softdev' ? dir : '/',
    env: { ...process.env, ...peer.env },
    timeout: 120_000 + seconds * 10_000,
    maxBuffer: 1 << 28,
  });
  const found: Partial<Sample> = {};
  for (const line of result.stdout.split('\n')) {
    if (line.startsWith('@bench ')) Object.assign(found, JSON.parse(line.slice(7)));
  }
  if (found.steady !== undefined) return found as Sample;
  if (result.error !== undefined)
    return result.error.message.includes('ETIMEDOUT') ? 'took too long' : result.error.message;
  const reason = result.stderr.trim().split('\n')[0] ?? '';
  return reason === '' ? `ended with status ${result.status ?? result.signal}` : reason;
}
