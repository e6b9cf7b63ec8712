/** Objects that only weak tables and proxies reach are collected. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LuaState } from '../../src/lua/state.ts';
import type { LuaFunction } from '../../src/lua/value.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

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
