// Bundles src/ into dist/: the server's executable as two scripts, launcher and program; the public exports as ES
// modules, with code shared between them split into chunks. Type declarations are emitted beside them (skipped with
// --fast).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
// A package installed from the registry carries dist/ and none of the build tools.
if (!existsSync(join(root, 'src'))) process.exit(0);
const { build } = await import('esbuild');
const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
};
const fast = process.argv.includes('--fast');
// Declarations take seconds to make; a fast build leaves those of the last one.
mkdirSync(join(root, 'dist'), { recursive: true });
for (const name of readdirSync(join(root, 'dist'))) {
  if (name !== 'types' || !fast) rmSync(join(root, 'dist', name), { recursive: true });
}

// The server is CommonJS: in an ES module, importing node:fs alone makes Node load its streams (4 ms), and only
// scripts can be run from a code cache on Node 20. Lazily imported modules stay lazy inside the bundle.
const cjs = {
  ...common,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  // The directive that esbuild writes would come too late, behind the banner.
  banner: { js: "'use strict'; const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};
const importMeta = {
  'import.meta.url': '__importMetaUrl',
  'import.meta.filename': '__filename',
  'import.meta.dirname': '__dirname',
};
const program = 'program.cjs';
await build({ ...cjs, entryPoints: { program: 'src/cli/program.ts' }, define: importMeta });

// Modules of Node's that take milliseconds to load, and that a server may never need, are loaded by their first use.
const SLOW =
  /\brequire\("(node:(?:child_process|cluster|crypto|dgram|dns|dns\/promises|http|http2|https|net|readline|tls|tty|worker_threads|zlib))"\)/g;
const lazy = `'use strict'; const __lazyRequire = (name) => {
  let loaded;
  const load = () => (loaded ??= require(name));
  return new Proxy({}, {
    get: (_, key) => load()[key],
    has: (_, key) => key in load(),
    ownKeys: () => Reflect.ownKeys(load()),
    getOwnPropertyDescriptor: (_, key) => ({ ...Object.getOwnPropertyDescriptor(load(), key), configurable: true }),
  });
};\n`.replace(/\n */g, ' ');
const programPath = join(root, 'dist', program);
writeFileSync(programPath, lazy + readFileSync(programPath, 'latin1').replace(SLOW, '__lazyRequire("$1")'), 'latin1');
const hash = createHash('sha256').update(readFileSync(programPath)).digest('hex').slice(0, 16);
await build({
  ...cjs,
  entryPoints: { tsresty: 'src/cli/tsresty.ts' },
  define: { ...importMeta, PROGRAM_FILE: JSON.stringify(program), PROGRAM_HASH: JSON.stringify(hash) },
  plugins: [
    {
      name: 'program-and-tools-apart',
      setup: (b) => {
        b.onResolve({ filter: /\/program\.ts$/ }, () => ({ path: `./${program}`, external: true }));
        b.onResolve({ filter: /\/tools\/test\/command\.ts$/ }, () => ({ path: './test.js', external: true }));
        b.onResolve({ filter: /\/lua\/cli\.ts$/ }, () => ({ path: './lua-command.js', external: true }));
      },
    },
  ],
});
// A first run that leaves V8's code cache behind, with what reading a configuration compiles.
const folder = mkdtempSync(join(tmpdir(), 'tsresty-build-'));
mkdirSync(join(folder, 'conf'));
mkdirSync(join(folder, 'logs'));
writeFileSync(
  join(folder, 'conf/nginx.conf'),
  `events {} http { server { listen unix:${folder}/s; location / { content_by_lua_block { ngx.say("x") } } } }`,
);
const env = { ...process.env, TSRESTY_WRITE_CACHE: '1' };
// Servers run with the first flags (src/lua/tune.ts), everything else without.
for (const flags of [['--stack-size=3900'], []]) {
  const args = [...flags, join(root, 'bin/tsresty'), '-p', folder, '-t'];
  const run = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (run.status !== 0) {
    process.stderr.write(`The first run of the bundle failed:\n${run.stderr}`);
    process.exit(1);
  }
}
rmSync(folder, { recursive: true });

const entries = {
  resty: 'src/cli/resty.ts',
  index: 'src/index.ts',
  lua: 'src/lua/index.ts',
  'lua-command': 'src/lua/cli.ts',
  test: 'src/tools/test/command.ts',
};
const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file))));
await build({ ...common, entryPoints: present, splitting: true, format: 'esm' });
if (!fast) {
  const tsc = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    { cwd: root, stdio: 'inherit' },
  );
  if (tsc.status !== 0) process.exit(tsc.status ?? 1);
}
