// Which folder of src/ may import which. docs/architecture.md draws and explains it; a new arrow belongs there first.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The four folders at the bottom may know each other: logs go over sockets, sockets are configured, and so on. */
const BASE = ['conf', 'log', 'net', 'shm'];

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  lua: [],
  regex: [],
  conf: BASE,
  log: BASE,
  net: BASE,
  shm: BASE,
  upstream: BASE,
  http: [...BASE, 'regex', 'upstream'],
  stream: [...BASE, 'upstream'],
  // TLS for stream by http's handshake: the one place where the two meet.
  'stream-ssl': [...BASE, 'http', 'stream'],
  api: [...BASE, 'http', 'regex', 'stream', 'upstream'],
  'hosts/lua': [...BASE, 'api', 'hosts', 'http', 'lua', 'regex', 'stream', 'stream-ssl', 'upstream'],
  'hosts/typescript': [...BASE, 'api', 'hosts', 'http'],
  hosts: [...BASE, 'api', 'http', 'upstream'],
  // The flags that V8 needs for Lua are given to processes when they start.
  process: [...BASE, 'lua'],
  tools: [...BASE, 'regex'],
  cli: [
    ...BASE,
    'api',
    'hosts',
    'hosts/lua',
    'hosts/typescript',
    'http',
    'lua',
    'process',
    'stream',
    'stream-ssl',
    'tools',
  ],
  // src/index.ts, the package's public face.
  '.': ['api', 'hosts/typescript', 'http', 'lua'],
};

function files(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? files(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}

/** The room that a file of src/ lies in. */
function roomOf(path: string): string {
  const parts = path.split('/').slice(1);
  if (parts.length === 1) return '.';
  if (parts[0] === 'hosts') return parts.length === 2 ? 'hosts' : `hosts/${parts[1]}`;
  return parts[0] as string;
}

const IMPORT = /^(?:import|export)\b[^;]*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm;

test('folders import only what docs/architecture.md lets them', () => {
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const file of files('src')) {
    const from = roomOf(file);
    const allowed = ALLOWED[from];
    assert.ok(
      allowed !== undefined,
      `${from}/ is a new folder: say in this test and in docs/architecture.md what it may import`,
    );
    seen.add(from);
    for (const match of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      const target = normalize(join(dirname(file), (match[1] ?? match[2]) as string));
      if (!target.startsWith('src/')) continue;
      const to = roomOf(target);
      if (to !== from && !allowed.includes(to)) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen.size > 10, 'the sources were found');
});

/** Packages that the server needs at run time. A new one must earn its place. */
const PACKAGES = new Set(['esbuild', 'koffi']);

test('imports name files with their ending, modules of Node with node:, and known packages', () => {
  const wrong: string[] = [];
  for (const file of files('src')) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const match of text.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'|^import '([^']+)'/gm)) {
      const name = (match[1] ?? match[2]) as string;
      const good = name.startsWith('.') ? name.endsWith('.ts') : name.startsWith('node:') || PACKAGES.has(name);
      if (!good) wrong.push(`${file} imports ${name}`);
    }
  }
  assert.deepEqual(wrong, []);
});
