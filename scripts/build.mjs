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

// The server and `tsresty lua` are CommonJS: in an ES module, importing node:fs alone makes Node load its streams (4 ms), and only
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
await build({ ...cjs, entryPoints: { program: 'src/cli/program.ts' }, define: importMeta });
await build({ ...cjs, entryPoints: { 'lua-thread': 'src/hosts/lua/worker-thread/thread.ts' }, define: importMeta });
// A script run from a code cache cannot import: its few lazy imports, all of Node's modules, are required.
const supported = { 'dynamic-import': false };
await build({ ...cjs, supported, entryPoints: { 'lua-command': 'src/lua/cli.ts' }, define: importMeta });
await build({ ...cjs, supported, entryPoints: { test: 'src/tools/test/command.ts' }, define: importMeta });
await build({ ...cjs, entryPoints: { 'turns-thread': 'src/tools/test/turns-thread.ts' }, define: importMeta });

// Modules of Node's that take milliseconds to load, and that a server may never need, are loaded by their first use.
const SLOW =
  /\brequire\("(node:(?:child_process|cluster|crypto|dgram|dns|dns\/promises|http|http2|https|net|readline|tls|tty|v8|worker_threads|zlib))"\)/g;
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

/** Finishes a bundle that is run from a code cache; gives the hash of its content. */
function finishBundle(name) {
  const path = join(root, 'dist', name);
  writeFileSync(path, lazy + readFileSync(path, 'latin1').replace(SLOW, '__lazyRequire("$1")'), 'latin1');
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
}

const bundles = ['program', 'lua-command', 'test'];
const hashes = Object.fromEntries(bundles.map((name) => [name, finishBundle(`${name}.cjs`)]));
await build({
  ...cjs,
  entryPoints: { tsresty: 'src/cli/tsresty.ts' },
  define: { ...importMeta, BUNDLE_HASHES: JSON.stringify(hashes) },
  plugins: [
    {
      name: 'program-and-tools-apart',
      setup: (b) => {
        b.onResolve({ filter: /\/program\.ts$/ }, () => ({ path: './program.cjs', external: true }));
        b.onResolve({ filter: /\/tools\/test\/command\.ts$/ }, () => ({ path: './test.cjs', external: true }));
        b.onResolve({ filter: /\/lua\/cli\.ts$/ }, () => ({ path: './lua-command.cjs', external: true }));
      },
    },
  ],
});
// First runs that leave V8's code caches behind, with what reading a configuration, or running a script, compiles.
const folder = mkdtempSync(join(tmpdir(), 'tsresty-build-'));
mkdirSync(join(folder, 'conf'));
mkdirSync(join(folder, 'logs'));
writeFileSync(
  join(folder, 'conf/nginx.conf'),
  `events {} http { server { listen unix:${folder}/s; location / { content_by_lua_block { ngx.say("x") } } } }`,
);
/** What many scripts do: what has run is in the cache compiled. */
const WARM_UP = `
  local M = setmetatable({ x = 1 }, { __index = function(t, k) return k end })
  for k, v in pairs({ 1, 2, a = 3 }) do M[k] = v end
  for i, v in ipairs({ 'a', 'b' }) do table.insert(M, v .. i) end
  function M:method(...) local n = select('#', ...) while n > 0 do n = n - 1 end return self.x, n end
  M:method(1, 2)
  local s = ('%s %d'):format(('x'):rep(3), 42):gsub('%w+', string.upper):match('(%w+)')
  local ok, message = pcall(error, 'text')
  local co = coroutine.wrap(function(a) local b = coroutine.yield(a) return b end)
  co(1) co(2)
  table.sort({ 3, 1, 2 }, function(a, b) return a < b end) table.concat({ 1, 2 }, ',') tostring(M) tonumber('12') os.time() math.floor(1.5)
  pcall(require, 'no.such.module')
  io.write('')
`;
/** A test file whose Perl makes the checks; it needs no server. */
const TESTS = `use Test::Base;
plan tests => 1;
for my $block (blocks()) {
    my ($out, $err);
    IPC::Run::run(["/bin/sh", "-c", $block->cmd], \\undef, \\$out, \\$err, IPC::Run::timeout(60));
    is $out, $block->out, $block->name;
}
__DATA__
=== a
--- cmd: printf 1
--- out: 1
`;
writeFileSync(join(folder, 'a.t'), TESTS);
const env = { ...process.env, TSRESTY_WRITE_CACHE: '1' };
// Once with the options that the executable gives to Node (src/lua/tune.ts), once as run by `node bin/tsresty`.
for (const flags of [readFileSync(join(root, 'bin/tsresty'), 'latin1').match(/--\S+=\d+/g), []]) {
  for (const args of [
    ['-p', folder, '-t'],
    ['lua', '-e', WARM_UP],
    ['test', join(folder, 'a.t')],
  ]) {
    const run = spawnSync(process.execPath, [...flags, join(root, 'bin/tsresty'), ...args], { env, encoding: 'utf8' });
    if (run.status !== 0) {
      process.stderr.write(`The first run of a bundle failed:\n${run.stderr}`);
      process.exit(1);
    }
  }
}
rmSync(folder, { recursive: true });

const entries = {
  index: 'src/index.ts',
  lua: 'src/lua/index.ts',
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
