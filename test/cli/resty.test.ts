// resty as a program: what it prints, how it ends.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const resty = join(import.meta.dirname, '../../bin/resty');
const folder = mkdtempSync(join(tmpdir(), 'tsresty-resty-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resty, ...args], {
    cwd: folder,
    encoding: 'latin1',
    timeout: 30000,
  });
  return { status, stdout, stderr };
}

const DEEP = 'local n = 0 local function f() n = n + 1 return 1 + f() end pcall(f) print(n > 15000)';

test('-e runs code with the ngx API', () => {
  const result = run('-e', 'ngx.say("md5 ", ngx.md5("x")) ngx.sleep(0.001) print("a", 1, nil)');
  assert.deepEqual(result, { status: 0, stdout: 'md5 9dd4e461268c8034f5c8564e155c67a6\na\t1\tnil\n', stderr: '' });
});

test('a file gets its arguments', () => {
  writeFileSync(join(folder, 'a.lua'), 'ngx.say(arg[0], " ", arg[1], " ", (...))');
  assert.equal(run('a.lua', 'one', 'two').stdout, 'a.lua one one\n');
});

test('an error ends with its traceback and status 1', () => {
  writeFileSync(join(folder, 'b.lua'), '\nerror("boom")');
  const result = run('b.lua');
  assert.equal(result.status, 1);
  assert.match(result.stderr, /^ERROR: b\.lua:2: boom\nstack traceback:\n/);
});

test('the script runs in the process that was started, with room for recursion, and its folder goes', () => {
  const { stdout } = spawnSync(
    resty,
    ['-e', 'local f = io.open("/proc/self/status") print(f and f:read("*a"):match("PPid:%s*(%d+)"))', '-e', DEEP],
    { cwd: folder, encoding: 'latin1', env: { ...process.env, TMPDIR: folder } },
  );
  assert.equal(stdout, `${process.platform === 'linux' ? process.pid : 'nil'}\ntrue\n`);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('resty-')),
    [],
  );
});

test('--shdict and -I', () => {
  writeFileSync(join(folder, 'mod.lua'), 'return { name = "mod" }');
  const result = run(
    '-I',
    folder,
    '--shdict',
    'd 1m',
    '-e',
    'ngx.shared.d:set("k", require("mod").name) ngx.say(ngx.shared.d:get("k"))',
  );
  assert.equal(result.stdout, 'mod\n');
});

test('what it cannot take is refused', () => {
  assert.deepEqual(run('-z'), { status: 25, stdout: '', stderr: 'unknown argument: -z\n' });
  assert.equal(run('nope.lua').stderr, 'resty: Lua input file nope.lua not found.\n');
});
