/** Objects that only weak tables and proxies reach are collected. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collect, limitCollections } from '../../src/lua/gc/collector.ts';
import { LuaState } from '../../src/lua/state.ts';
import type { LuaFunction } from '../../src/lua/value.ts';

const SOURCE = `
local held = {}
return function()
  local keys = setmetatable({}, { __mode = 'k' })
  local values = setmetatable({}, { __mode = 'v' })
  local both = setmetatable({}, { __mode = 'kv' })
  keys[held] = 1 values.held = held both[held] = held
  for i = 1, 50 do
    local k = {}
    keys[k] = { k } -- its value holds it
    values['v' .. i] = {}
    both[{}] = held
  end
  values.text = 'x'
  return function()
    local function count(t) local n = 0 for _ in pairs(t) do n = n + 1 end return n end
    return count(keys), count(values), count(both), keys[held], values.held == held, both[held] == held, values.text
  end
end`;

test('weak keys and values', async () => {
  const state = new LuaState();
  const run = (f: LuaFunction) => {
    const r = state.newThread(f).resume();
    assert.equal(r.status, 'done');
    return (r as { values: unknown[] }).values;
  };
  const [make] = run(state.load(SOURCE, '=weak'));
  const [count] = run(make as LuaFunction);
  assert.deepEqual(run(count as LuaFunction).slice(0, 3), [51, 52, 51]);
  for (let i = 0; i < 5; i++) {
    await nextTurn();
    collect();
  }
  assert.deepEqual(run(count as LuaFunction), [1, 2, 1, 1, true, true, 'x']);
});

test('__gc of a proxy', async () => {
  const state = new LuaState();
  const run = (source: string) => state.newThread(state.load(source, '=gc')).resume() as { values: unknown[] };
  run(`
    collected = 0
    local function make()
      local p = newproxy(true)
      getmetatable(p).__gc = function(q) collected = collected + (type(q) == 'userdata' and 1 or 100) end
      getmetatable(p).__index = { answer = 42 }
      kept = newproxy(p)
    end
    make()`);
  for (let i = 0; i < 5; i++) {
    await nextTurn();
    collect();
  }
  assert.deepEqual(run('return collected, kept.answer').values, [1, 42]);
});

test('a closed state runs the finalizers of what still lives, the last one first', () => {
  const state = new LuaState();
  const run = (source: string) => state.newThread(state.load(source, '=gc')).resume() as { values: unknown[] };
  run(`
    order, kept = {}, {}
    for i = 1, 3 do
      kept[i] = newproxy(true)
      getmetatable(kept[i]).__gc = function(p) order[#order + 1] = p == kept[i] and i or -i end
    end
    local ffi = require 'ffi'
    kept.c = ffi.gc(ffi.new('int[1]', 7), function(c) order[#order + 1] = c[0] end)
    getmetatable(kept[1]).__gc = function()
      order[#order + 1] = 'first'
      getmetatable(newproxy(true)).__gc = function() order[#order + 1] = 'made by it' end
    end`);
  state.close();
  state.close();
  assert.deepEqual(run('return unpack(order)').values, [7, 3, 2, 'first', 'made by it']);
});

test('a finalizer that fails, or waits, does not disturb others', () => {
  const state = new LuaState();
  const run = (source: string) => state.newThread(state.load(source, '=gc')).resume() as { values: unknown[] };
  const { write } = process.stderr;
  let errors = '';
  process.stderr.write = ((text: string) => {
    errors += text;
    return true;
  }) as typeof process.stderr.write;
  try {
    const source = `
      done = 0
      local function proxy(f) getmetatable(newproxy(true)).__gc = f end
      for i = 1, 3 do
        proxy(function() done = done + 1 if i == 2 then error('oops') elseif i == 3 then coroutine.yield() end end)
      end
      collectgarbage()
      return done`;
    assert.deepEqual(run(source).values, [3]);
  } finally {
    process.stderr.write = write;
  }
  assert.equal(errors, 'ERROR in finalizer: attempt to yield across C-call boundary\nERROR in finalizer: gc:5: oops\n');
});

test('a server collects everything only for a part of its time', () => {
  const make = (): WeakRef<object> => new WeakRef({});
  const isGone = (): boolean => {
    const ref = make();
    collect();
    return ref.deref() === undefined;
  };
  limitCollections(0);
  let rounds = 0;
  while (isGone() && rounds < 10_000) rounds++;
  assert.ok(rounds > 0 && rounds < 10_000);
  limitCollections(1);
  assert.ok(isGone());
});
