/** What concerns the whole process: output that C and Lua share, finalizers at the end, names of libraries. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../src/cli/tsresty.ts', import.meta.url));

function lua(source: string): { out: string; err: string; status: number | null } {
  const r = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), program, 'lua', '-e', source], {
    encoding: 'latin1',
    env: { ...process.env, LUA_INIT: undefined },
  });
  return { out: r.stdout, err: r.stderr, status: r.status };
}

test("output of C and of Lua comes in order, io's files are FILE pointers", () => {
  const { out, err } = lua(`
    local ffi = require 'ffi'
    ffi.cdef [[
      typedef struct _IO_FILE FILE;
      int printf(const char *, ...); int puts(const char *); int fputs(const char *, FILE *); int fileno(FILE *);
    ]]
    io.write 'a ' ffi.C.printf('%s %d\\n', 'b', ffi.new('int', 1)) io.write 'c\\n' ffi.C.puts 'd'
    ffi.C.fputs('e\\n', io.stdout) print(ffi.C.fileno(io.stdout), ffi.C.fileno(io.stderr))
    local f = assert(io.tmpfile()) print(ffi.C.fileno(f) > 2)`);
  assert.equal(err, '');
  assert.equal(out, 'a b 1\nc\nd\ne\n1\t2\ntrue\n');
});

test('finalizers that have not run do so at the end; their errors are shown', () => {
  const { out, err, status } = lua(`
    local ffi = require 'ffi'
    kept = ffi.gc(ffi.new('int[1]', 5), function(p) print(p[0]) end)
    failing = ffi.gc(ffi.new('int[1]'), function() error 'oops' end)
    none = ffi.gc(ffi.gc(ffi.new('int[1]'), print), nil)`);
  assert.equal(out, '5\n');
  assert.match(err, /^ERROR in finalizer: .*oops\n$/);
  assert.equal(status, 0);
});

test('ffi.load finds libraries by name, and by path as they are', { skip: process.platform !== 'linux' }, () => {
  const { out } = lua(`
    local ffi = require 'ffi'
    ffi.cdef 'double cbrt(double);'
    print(ffi.load('libm.so.6').cbrt(27), ffi.load('libm.so.6', true).cbrt(8), ffi.C.cbrt(64))
    print(pcall(ffi.load, 'no_such_library'))
    print(pcall(ffi.load, './no_such_library'))`);
  assert.equal(
    out,
    '3\t2\t4\n' +
      'false\tlibno_such_library.so: cannot open shared object file: No such file or directory\n' +
      'false\t./no_such_library: cannot open shared object file: No such file or directory\n',
  );
});

test('memory errors are Lua errors', () => {
  const { out, status } = lua(`
    local ffi = require 'ffi'
    ffi.cdef 'typedef struct { int x; } mem_s; int mem_unknown(void); int abs(int);'
    local function check(f, ...) print((select(2, pcall(f, ...)):gsub('^.-:%d+: ', ''))) end
    check(function() return ffi.cast('mem_s *', nil).x end)
    check(function() ffi.cast('mem_s *', nil).x = 1 end)
    check(function() return ffi.new('int[5000]')[5000] end)
    check(function() ffi.new('int[5000]')[-1] = 1 end)
    check(function() ffi.copy(ffi.new('char[1000]'), ('x'):rep(2000)) end)
    check(function() ffi.fill(ffi.new('char[1000]'), 2000) end)
    check(function() return ffi.string(ffi.new('char[1000]'), 2000) end)
    check(function() return ffi.string(nil) end)
    check(function() return ffi.cast('int (*)(int)', nil)(1) end)
    check(function() return ffi.cast('int64_t *', ffi.new('char[1000]'))[2 ^ 50] end)`);
  const null_ = 'attempt to access memory through a NULL pointer\n';
  const bounds = 'attempt to access memory out of bounds\n';
  assert.equal(out, null_.repeat(2) + bounds.repeat(5) + null_ + 'attempt to call a NULL function pointer\n' + bounds);
  assert.equal(status, 0);
});

test('what the native call library cannot pass by value is named', () => {
  const r = lua(`
    local ffi = require 'ffi'
    ffi.cdef 'typedef union { int i; float f; } U; typedef struct { int a:3; } B; int abs(int);'
    for _, name in ipairs { 'U', 'B' } do
      local _, message = pcall(function() return ffi.cast(name .. ' (*)(int)', ffi.C.abs)(1) end)
      print((message:gsub('.*: it', 'it')))
    end`);
  assert.equal(r.out, 'it takes or returns a union by value\nit takes or returns a struct with bit-fields by value\n');
});
