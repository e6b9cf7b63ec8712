// Limits of running threads (src/lua/limits.ts).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LimitedResult } from '../../src/lua/coroutine.ts';
import { LuaError } from '../../src/lua/error.ts';
import type { LimitEvent, Limits } from '../../src/lua/limits.ts';
import { LuaState } from '../../src/lua/state.ts';
import type { LuaFunction } from '../../src/lua/value.ts';

function start(source: string, limits: Limits, natives: Record<string, LuaFunction> = {}) {
  const state = new LuaState({ preemption: true, print() {} });
  for (const [name, f] of Object.entries(natives)) state.globals.setStr(name, f);
  const thread = state.newThread(state.load(source, '=t'));
  return { state, thread, result: thread.resumeLimited([], limits) };
}

function status(r: LimitedResult): string {
  return r.status === 'interrupted' ? `${r.status} ${r.reason}` : r.status;
}

/** Loops that never end, in all places where Lua code can be called from. */
const ENDLESS: Record<string, string> = {
  while: 'while true do end',
  repeat: 'repeat local x = 1 until false',
  goto: '::a:: goto a',
  'numeric for': 'for i = 1, math.huge do end',
  'generic for': 'for i in function() return 1 end do end',
  pairs: 'local t = {1} while true do for k in pairs(t) do end end',
  'tail calls': 'local function f() return f() end f()',
  recursion: 'local function f() f() f() end for i = 1, math.huge do pcall(f) end',
  pcall: 'while true do pcall(function() while true do end end) end',
  xpcall: 'while true do xpcall(function() while true do end end, function(e) return e end) end',
  coroutine: 'coroutine.wrap(function() while true do end end)()',
  'coroutine in pcall': 'while true do pcall(coroutine.wrap(function() while true do end end)) end',
  resume: 'while true do coroutine.resume(coroutine.create(function() while true do end end)) end',
  __index: 'local x = setmetatable({}, { __index = function() while true do end end }).y',
  __newindex: 'setmetatable({}, { __newindex = function() while true do end end }).y = 1',
  __add: 'local x = setmetatable({}, { __add = function() while true do end end }) + 1',
  __eq: 'local m = { __eq = function() while true do end end } local x = setmetatable({}, m) == setmetatable({}, m)',
  __lt: 'local m = { __lt = function() while true do end end } local x = setmetatable({}, m) < setmetatable({}, m)',
  __concat: 'local x = setmetatable({}, { __concat = function() while true do end end }) .. "x"',
  __call: 'setmetatable({}, { __call = function() while true do end end })()',
  __tostring: 'tostring(setmetatable({}, { __tostring = function() while true do end end }))',
  iterator: 'for x in function() while true do end end do end',
  sort: 'table.sort({ 3, 1, 2 }, function(a, b) while true do end end)',
  gsub: '("x"):gsub("x", function() while true do end end)',
  require: 'package.preload.m = function() while true do end end require "m"',
  loaded: 'load("while true do end")()',
};

for (const [place, source] of Object.entries(ENDLESS)) {
  test(`an endless loop is interrupted, goes on and is killed: ${place}`, () => {
    const { thread, result } = start(source, { budget: 5000 });
    assert.equal(status(result), 'interrupted budget');
    assert.ok(result.used >= 5000 && result.used < 6000, String(result.used));
    assert.equal(status(thread.resumeLimited([], { budget: 3000 })), 'interrupted budget');
    assert.equal(status(thread.resumeLimited([], { timeSlice: 5 })), 'interrupted time');
    thread.kill();
    assert.equal(thread.status, 'dead');
  });

  test(`nothing catches the end: ${place}`, () => {
    const { thread, result } = start(source, { budget: 2000, onLimit: () => 'kill' });
    assert.equal(status(result), 'killed');
    assert.equal(thread.status, 'dead');
  });
}

test('what cannot be suspended goes on to the next place where it can', () => {
  // Readers of load cannot be suspended.
  const source = 'load(function() for i = 1, 5000 do end done = true end) while true do end';
  const { state, result } = start(source, { budget: 1000 });
  assert.equal(status(result), 'interrupted budget');
  assert.equal(state.globals.getStr('done'), true);
  const events: LimitEvent[] = [];
  const endless = 'load(function() while true do end end)';
  const killed = start(endless, { budget: 100, onLimit: (e) => (events.push(e) < 3 ? 'suspend' : 'kill') });
  assert.equal(status(killed.result), 'killed');
  assert.deepEqual(
    events.map((e) => e.canSuspend),
    [false, false, false],
  );
});

test('what can never be suspended is killed in the end', () => {
  const { result } = start('xpcall(error, function() while true do end end)', { budget: 100, patience: 20 });
  assert.equal(status(result), 'killed');
  assert.ok(result.used > 2000 && result.used < 3000, String(result.used));
});

test('variables and results survive interruptions at every point', () => {
  const source = `
    local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
    local t, s = {}, 0
    for i = 1, 10 do t[i] = function() s = s + i return i, i * 2 end end
    for i, f in ipairs(t) do local a, b = f() s = s + a * b end
    local k = 0
    repeat local x = k k = k + 1 until x == 5
    ::again:: k = k + 1 if k < 20 then goto again end
    local co = coroutine.wrap(function(...) for i = 1, select('#', ...) do coroutine.yield((select(i, ...))) end end)
    local list = {}
    for i = 1, 3 do list[i] = co('a', 'b', 'c') end
    table.sort(t, function(a, b) return a() > b() end)
    return fib(12), s, k, table.concat(list), (t[1]()), pcall(error, 'e', 0)`;
  const expected = new LuaState().newThread(new LuaState().load(source, '=t')).resume();
  assert.equal(expected.status, 'done');
  for (const budget of [1, 2, 3, 7, 100]) {
    const { thread, result } = start(source, { budget });
    let r = result;
    while (r.status === 'interrupted') r = thread.resumeLimited([], { budget });
    assert.deepEqual(r.status === 'done' && r.values, expected.status === 'done' && expected.values);
  }
});

test('without limits, and with limits that are not reached, programs just run', () => {
  const state = new LuaState({ preemption: true });
  const thread = state.newThread(state.load('local s = 0 for i = 1, 10 do s = s + i end return s', '=t'));
  assert.deepEqual(thread.resumeLimited([], { budget: 100, timeSlice: 1000 }), {
    status: 'done',
    values: [55],
    used: 11,
  });
  const other = state.newThread(state.load('for i = 1, 1e5 do end return 1', '=t'));
  assert.deepEqual(other.resume(), { status: 'done', values: [1] });
});

test('errors for a limit have a position, can be caught, and come back', () => {
  let errors = 0;
  const limits: Limits = { budget: 100, onLimit: () => (++errors > 3 ? 'kill' : { error: 'too long' }) };
  const state = new LuaState({ preemption: true });
  const thread = state.newThread(state.load('for i = 1, 10 do end\nwhile true do end', '=t'));
  assert.throws(
    () => thread.resumeLimited([], { budget: 50, onLimit: () => ({ error: 'too long' }) }),
    (e) => e instanceof LuaError && e.message === 't:2: too long',
  );
  const { result } = start('while true do pcall(function() while true do end end) end', limits);
  assert.equal(status(result), 'killed');
  assert.equal(errors, 4);
});

test('resumeError throws where the thread was interrupted', () => {
  const { thread, result } = start('local ok, e = pcall(function() while true do end end) return e', { budget: 10 });
  assert.equal(status(result), 'interrupted budget');
  assert.deepEqual(thread.resumeError('stop'), { status: 'done', values: ['stop'] });
});

test('a running thread can be killed from below', () => {
  const state = new LuaState({ preemption: true });
  const stop: LuaFunction = () => {
    thread.kill();
    return undefined;
  };
  state.globals.setStr('stop', stop);
  const thread = state.newThread(state.load('pcall(function() stop() while true do end end) after = true', '=t'));
  assert.throws(
    () => thread.resume(),
    (e) => e instanceof LuaError && e.message === 'thread was killed',
  );
  assert.equal(thread.status, 'dead');
  assert.equal(state.globals.getStr('after'), undefined);
  const plain = new LuaState();
  plain.globals.setStr('stop', () => {
    other.kill();
    return undefined;
  });
  const other = plain.newThread(plain.load('stop()', '=t'));
  assert.throws(() => other.resume(), /cannot kill a running thread/);
  assert.throws(() => other.resumeLimited([], {}), /preemption/);
});

test('threads run by natives of others have limits of their own', () => {
  const inner: LuaFunction = () => {
    const { result } = start('while true do end', { budget: 1000 });
    return result.status;
  };
  const { result } = start('local r = inner() while true do last = r end', { budget: 100 }, { inner });
  assert.equal(status(result), 'interrupted budget');
  assert.ok(result.used < 200);
});
