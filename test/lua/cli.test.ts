/** `tsresty lua`: what luajit prints and exits with, under our name. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../src/cli/tsresty.ts', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const tsx = import.meta.resolve('tsx');
const folder = mkdtempSync(`${tmpdir()}/lua-cli-`);
after(() => rmSync(folder, { recursive: true }));

function lua(args: readonly string[], input = ''): { out: string; err: string; status: number | null } {
  const r = spawnSync(process.execPath, ['--import', tsx, program, 'lua', ...args], {
    cwd: folder,
    input,
    encoding: 'latin1',
    env: { ...process.env, LUA_PATH: './?.lua', LUA_INIT: undefined },
  });
  return { out: r.stdout, err: r.stderr, status: r.status };
}

test('runs a script with its arguments', () => {
  writeFileSync(`${folder}/a.lua`, '#!/usr/bin/lua\nprint(arg[0], arg[1], #arg, ...)\nprint(require("m"))');
  writeFileSync(`${folder}/m.lua`, 'return "module " .. ...');
  assert.deepEqual(lua(['a.lua', 'x', '\u00e9']), {
    out: 'a.lua\tx\t2\tx\t\u00c3\u00a9\nmodule m\n',
    err: '',
    status: 0,
  });
});

test('an uncaught error shows its traceback and gives exit code 1', () => {
  writeFileSync(`${folder}/e.lua`, 'local function f() error("boom") end\nlocal function g() f() end\nprint(1) g()');
  assert.deepEqual(lua(['e.lua']), {
    out: '1\n',
    err:
      'lua: e.lua:1: boom\nstack traceback:\n' +
      "\t[C]: in function 'error'\n\te.lua:1: in function 'f'\n\te.lua:2: in function 'g'\n" +
      '\te.lua:3: in main chunk\n\t[C]: in ?\n',
    status: 1,
  });
});

test('-e, error objects, syntax errors, files that are not there', () => {
  assert.deepEqual(lua(['-e', 'x = 3', '-e', 'print(x)']), { out: '3\n', err: '', status: 0 });
  assert.equal(lua(['-e', 'error({})']).err, 'lua: (error object is not a string)\n');
  assert.equal(
    lua(['-e', 'error(setmetatable({}, { __tostring = function() return "obj" end }))']).err.split('\n')[0],
    'lua: obj',
  );
  assert.deepEqual(lua(['-e', 'x =']), {
    out: '',
    err: "lua: (command line):1: unexpected symbol near '<eof>'\n",
    status: 1,
  });
  assert.equal(lua(['none.lua']).err, 'lua: cannot open none.lua: No such file or directory\n');
  assert.equal(lua(['-e', 'os.exit(7)']).status, 7);
});

test('reads a script from standard input', () => {
  assert.equal(lua(['-', 'a'], 'print(...)').out, 'a\n');
  assert.match(lua([], 'error("x")').err, /^lua: stdin:1: x\n/);
});

test('the prompt', () => {
  const r = lua(['-i'], 'x =\n1\n= x, nil\nerror("a", 0)\nlocal y = 2\nprint(y)\n');
  assert.equal(r.out.slice(r.out.indexOf('\n') + 1), '> >> > 1\tnil\n> > > nil\n> \n');
  assert.match(r.err, /^a\nstack traceback:\n\t\[C\]: in function 'error'\n\tstdin:1: in main chunk\n/);
  assert.equal(r.status, 0);
});

test('scripts run the interpreter again by the name in arg', { skip: !existsSync(`${root}dist/tsresty.cjs`) }, () => {
  writeFileSync(`${folder}/again.lua`, 'print(...) if ... then os.execute(arg[-1] .. " again.lua") end');
  const r = spawnSync(`${root}bin/tsresty-lua`, ['again.lua', 'x'], { cwd: folder, encoding: 'latin1' });
  assert.deepEqual([r.stdout, r.stderr, r.status], ['x\n\n', '', 0]);
});

test('the outermost level is C, as in luajit', () => {
  const code =
    'local i = 0 repeat i = i + 1 local at = debug.getinfo(i, "S") if at then io.write(at.what, " ") end until not at';
  assert.deepEqual(lua(['-e', code]), { out: 'main C ', err: '', status: 0 });
});

test('dofile and loadfile without a name read standard input', () => {
  assert.deepEqual(lua(['-e', 'print(dofile())'], '#!/usr/bin/lua\nprint("in", ...) return 7'), {
    out: 'in\n7\n',
    err: '',
    status: 0,
  });
  assert.equal(lua(['-e', 'print(loadfile())'], 'x =').out, "nil\tstdin:1: unexpected symbol near '<eof>'\n");
});
