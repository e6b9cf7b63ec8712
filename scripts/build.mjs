// Bundles src/ into dist/: one entry per executable and public export, with code shared between them split into
// chunks, so that a start reads few files. Type declarations are emitted beside them (skipped with --fast).
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
// A package installed from the registry carries dist/ and none of the build tools.
if (!existsSync(join(root, 'src'))) process.exit(0);
const { build } = await import('esbuild');
const entries = { tsresty: 'src/cli/tsresty.ts', resty: 'src/cli/resty.ts', index: 'src/index.ts', lua: 'src/lua/index.ts' };
const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file))));
rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: present,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
});
if (!process.argv.includes('--fast')) {
  const tsc = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit', 'false', '--declaration',
      '--emitDeclarationOnly', '--outDir', 'dist/types', '--rootDir', 'src'],
    { cwd: root, stdio: 'inherit' },
  );
  if (tsc.status !== 0) process.exit(tsc.status ?? 1);
}
