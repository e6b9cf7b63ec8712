// Runs run.ts from one bundle, without what tsx adds to each function that is made: `node test/lua/fuzz/start.mjs --seed 1 --count 1000`.
// Arguments are those of run.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const entry = join(import.meta.dirname, 'run.ts');
const folder = mkdtempSync(join(tmpdir(), 'lua-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const outfile = join(folder, 'run.mjs');
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  // harness.lua is found beside run.ts.
  define: { 'import.meta.url': JSON.stringify(pathToFileURL(entry).href) },
  logLevel: 'error',
});
await import(pathToFileURL(outfile).href);
