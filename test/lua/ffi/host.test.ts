import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineCFunction } from '../../../src/lua/ffi/clib.ts';
import { readMemory, writeMemory } from '../../../src/lua/ffi/host.ts';
import { LuaState } from '../../../src/lua/state.ts';
import type { LuaValue } from '../../../src/lua/value.ts';

function run(source: string): LuaValue[] {
  const state = new LuaState();
  const r = state.newThread(state.load(source, '=test')).resume();
  assert.equal(r.status, 'done');
  return r.values;
}

test('C functions of the host read and write the memory of Lua code', () => {
  defineCFunction('host_hex_dump', (to, from, size) => {
    writeMemory(to, Buffer.from(readMemory(from, Number(size)), 'latin1').toString('hex'));
    return undefined;
  });
  const [text] = run(`
    local ffi = require 'ffi'
    ffi.cdef 'void host_hex_dump(char *to, const char *from, size_t size);'
    local b = ffi.new('char[?]', 6)
    ffi.C.host_hex_dump(b, 'abc', 3)
    return ffi.string(b, 6)`);
  assert.equal(text, '616263');
});

test('memory reserved by string.buffer becomes part of it', () => {
  const values = run(`
    local ffi = require 'ffi'
    local b = require('string.buffer').new()
    b:put 'x'
    local p, n = b:reserve(10)
    ffi.copy(p, 'hello')
    b:commit(5)
    b:putcdata(ffi.new('char[3]', 'abc'), 2)
    local q, m = b:ref()
    return tostring(b), n, ffi.string(q, m)`);
  assert.deepEqual(values, ['xhelloab', 10, 'xhelloab']);
});

test('declarations belong to a state', () => {
  run("require('ffi').cdef 'typedef int only_here;'");
  assert.throws(
    () => run("return require('ffi').typeof 'only_here'"),
    /declaration specifier expected near 'only_here'/,
  );
});

test('memory is not left', () => {
  assert.throws(() => run("return require('ffi').cast('int *', 0)[0]"), /NULL pointer/);
  assert.throws(
    () => run("local a = require('ffi').new('int[1000]') return a[5000]"),
    /test:1: attempt to access memory out of bounds/,
  );
});

test('collectgarbage runs the finalizers of what is gone', () => {
  const seen: string[] = [];
  const state = new LuaState({ print: (text) => seen.push(text) });
  const fn = state.load(
    `local ffi = require 'ffi'
    local weak = setmetatable({}, { __mode = 'k' })
    local function make(n)
      local p = ffi.gc(ffi.new('int[1]', n), function(x) print(x[0]) end)
      weak[p] = n
      return p
    end
    local kept = make(1)
    make(42)
    collectgarbage()
    print(next(weak) == kept, next(weak, kept))
    ffi.gc(kept, nil)
    kept = nil`,
    '=test',
  );
  state.newThread(fn).resume();
  assert.deepEqual(seen, ['42\n', 'true\tnil\n']);
});
