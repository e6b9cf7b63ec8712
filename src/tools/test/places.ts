/**
 * Where servers run. The first place is Test::Nginx's own, port 1984 and t/servroot: blocks that name a port, a file of
 * the machine or a service all tests share run only there, one after the other. Others run anywhere, so in parallel.
 */
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Block } from './block.ts';
import { PerlArray, PerlRegex, type Value } from './perl/values.ts';
import { isFree } from './ports.ts';
import type { Place } from './settings.ts';

const DEFAULT_PORT = 1984;
/** The server's port and those of three stream servers. */
const PORTS = 4;
/** Ports below those that the system gives to clients. */
const LOWEST = 12_000;
const HIGHEST = 32_000;

/** Ports, folders and services that only one block at a time can use. */
const SHARED = [
  /\b1984\b/,
  /\blisten\s+(?:[\w.*[\]:]+:)?\d+/,
  /\blisten\s+unix:\s*\/(?!\S*\$TEST_NGINX_HTML_DIR)/,
  /t\/servroot/,
  /(?:^|["'\s=:(])\/tmp\//,
  /\$TEST_NGINX_(?:MEMCACHED|REDIS|MYSQL|POSTGRESQL|RESOLVER)\w*/,
  /\b(?:11211|6379|3306)\b/,
];

/** Folders beside the tests. */
const NEAR = [/(?:^|["'\s=:(/.])t\/\w/];

/** Whether a block must run at the first place. */
export function needsFirstPlace(block: Block): boolean {
  for (const name of ['tcp_listen', 'udp_listen']) if (/^\s*\d+\s*$/.test(block.text(name) ?? '')) return true;
  return namesOf(block).some((name) => mentions(block.get(name), SHARED));
}

/**
 * Whether a block of a file whose own Perl does the work must not run beside others that must not: besides what is
 * shared by servers, it may write files, and name folders beside the tests.
 */
export function needsFirstThread(block: Block): boolean {
  return (
    block.has('user_files') || needsFirstPlace(block) || namesOf(block).some((name) => mentions(block.get(name), NEAR))
  );
}

const namesOf = (block: Block): string[] => [...block.written.keys()].filter((name) => name !== 'name');

function mentions(value: Value, what: readonly RegExp[]): boolean {
  if (value instanceof PerlArray) return value.values.some((one) => mentions(one, what));
  const source = value instanceof PerlRegex ? value.source : typeof value === 'string' ? value : '';
  return what.some((pattern) => pattern.test(source));
}

/** A folder for servers: t/servroot beside the tests, as Test::Nginx has it, or a temporary one. */
function rootFor(port: number, first: boolean, env: Readonly<Record<string, string | undefined>>): string {
  const set = env['TEST_NGINX_SERVROOT'];
  if (set !== undefined && set !== '') return first ? resolve(set) : `${resolve(set)}_${port}`;
  const base = existsSync('t') ? resolve('t') : join(mkdtempSync(join(tmpdir(), 'tsresty-test-')), 't');
  return join(base, first ? 'servroot' : `servroot_${port}`);
}

/** Finds so many places. The first has Test::Nginx's port when that is free. */
export async function findPlaces(count: number, env: Readonly<Record<string, string | undefined>>): Promise<Place[]> {
  const places: Place[] = [];
  const wanted = Number(env['TEST_NGINX_SERVER_PORT'] || env['TEST_NGINX_PORT'] || DEFAULT_PORT);
  const set = env['TEST_NGINX_SERVER_PORT'] !== undefined || env['TEST_NGINX_PORT'] !== undefined;
  if (set || (await areFree(wanted))) places.push({ port: wanted, root: rootFor(wanted, true, env) });
  const taken = new Set(places.map(({ port }) => port));
  for (let attempt = 0; places.length < count && attempt < 1000; attempt++) {
    const port = LOWEST + PORTS * Math.floor((Math.random() * (HIGHEST - LOWEST)) / PORTS);
    if (taken.has(port) || !(await areFree(port))) continue;
    taken.add(port);
    places.push({ port, root: rootFor(port, places.length === 0, env) });
  }
  if (places.length < count) throw new Error('no free ports');
  return places;
}

async function areFree(port: number): Promise<boolean> {
  for (let i = 0; i < PORTS; i++) if (!(await isFree(port + i))) return false;
  return true;
}
