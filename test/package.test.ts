// The package as its users get it: packed, unpacked into an empty folder beside its dependencies, and used from there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, GLOBALS, RunningServer, root } from './support/server.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'package-')));
const modules = join(folder, 'node_modules');
const own = join(modules, 'tsresty');

function run(command: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', timeout: 120_000 });
  return { status, output: stdout + stderr };
}

before(() => {
  mkdirSync(own, { recursive: true });
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(packed.status, 0, packed.stderr);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
  assert.equal(run('tar', 'xzf', tarball, '--strip-components=1', '-C', own).status, 0);
  // What an installation would put beside it, and what tsc needs; nothing else of the checkout can be found.
  const installed = join(root, 'node_modules');
  const { dependencies } = JSON.parse(spawnSync('cat', [join(own, 'package.json')], { encoding: 'utf8' }).stdout);
  for (const name of [...Object.keys(dependencies), '@types', 'undici-types']) {
    if (existsSync(join(installed, name))) symlinkSync(realpathSync(join(installed, name)), join(modules, name));
  }
});

after(() => rmSync(folder, { recursive: true }));

test('the package holds what it needs, and no sources, tests or configuration of the project', () => {
  assert.deepEqual(
    readdirSync(own).filter((name) => !['lualib', 'LICENSE', 'README.md'].includes(name)),
    ['bin', 'dist', 'examples', 'package.json'],
  );
});

test('npx tsresty -v', () => {
  mkdirSync(join(modules, '.bin'), { recursive: true });
  symlinkSync('../tsresty/bin/tsresty', join(modules, '.bin/tsresty'));
  const { status, output } = run('npx', '--no-install', 'tsresty', '-v');
  assert.equal(status, 0, output);
  assert.match(output, /^nginx version: tsresty\/\d+\.\d+\.\d+$/m);
});

test('tsresty -p DIR serves Lua and TypeScript', async () => {
  const port = await freePort();
  const app = join(folder, 'app');
  for (const name of ['conf', 'logs']) mkdirSync(join(app, name), { recursive: true });
  writeFileSync(
    join(app, 'conf/nginx.conf'),
    `events {} http { server { listen 127.0.0.1:${port};
      location / { content_by_lua_block { ngx.say("hello from ", _VERSION) } }
      location /ts { content_by_ts_file hello.ts; } } }`,
  );
  writeFileSync(
    join(app, 'hello.ts'),
    "import { constants, type Ngx } from 'tsresty';\nexport default (ngx: Ngx) => ngx.say('status ', constants.HTTP_OK);\n",
  );
  const server = await RunningServer.start(folder, ['-p', 'app', '-g', GLOBALS], port, [
    process.execPath,
    join(modules, '.bin/tsresty'),
  ]);
  try {
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'hello from Lua 5.1\n');
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/ts`)).text(), 'status 200\n');
  } finally {
    await server.stop();
  }
});

test('the declarations serve a handler that uses all of them', () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const made = spawnSync(
    process.execPath,
    [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(own, 'dist/types')],
    { cwd: root, encoding: 'utf8' },
  );
  assert.equal(made.status, 0, made.stdout);
  writeFileSync(
    join(folder, 'handler.ts'),
    `import { constants, type Handler, type Ngx, type NgxSharedDict } from 'tsresty';
const handler: Handler = async (ngx) => {
  const hits: NgxSharedDict = ngx.shared.hits!;
  const count: number = hits.incr('all', 1, 0);
  const { status, body } = await ngx.capture('/other', { method: 'POST', args: { a: 'b' }, body: new Uint8Array(1) });
  if (status === constants.HTTP_NOT_FOUND) ngx.exit(constants.HTTP_NOT_FOUND);
  ngx.timer.at(1, (later: Ngx, premature: boolean) => later.log('info', premature));
  ngx.header['X-Count'] = count;
  ngx.say(body, ngx.var.uri ?? '', ngx.req.getUriArgs().get('a') ?? '');
  // @ts-expect-error there is no such function
  ngx.shout('x');
};
export default handler;
`,
  );
  const args = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', 'handler.ts'];
  const checked = run(process.execPath, tsc, ...args);
  assert.equal(checked.status, 0, checked.output);
});
