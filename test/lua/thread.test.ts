import assert from 'node:assert/strict';
import { test } from 'node:test';
import { first, type NativeFrame, pushFrame, ret2, suspended, toArray } from '../../src/lua/call.ts';
import { type Coroutine, callNow, currentThread, suspend } from '../../src/lua/coroutine.ts';
import { LuaError, throwError } from '../../src/lua/error.ts';
import { natives } from '../../src/lua/lib/native.ts';
import { LuaState } from '../../src/lua/state.ts';
import { LuaTable } from '../../src/lua/table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../../src/lua/value.ts';

/** A state with `wait(payload)`, which parks the thread, and natives that call back. */
function stateWithWait(): { state: LuaState; log: string[] } {
  const log: string[] = [];
  const state = new LuaState({ print: (text) => log.push(text.trimEnd()) });
  class MapFrame implements NativeFrame {
    readonly name = 'map';
    private readonly f: LuaFunction;
    private readonly t: LuaTable;
    private readonly out: LuaTable;
    constructor(f: LuaFunction, t: LuaTable, out: LuaTable) {
      this.f = f;
      this.t = t;
      this.out = out;
    }
    resume(r: LuaResult): LuaResult {
      this.out.push(first(r));
      return this.run();
    }
    run(): LuaResult {
      while (this.out.length() < this.t.length()) {
        const r = this.f(this.t.getInt(this.out.length() + 1));
        if (suspended(r)) return pushFrame(this);
        this.out.push(first(r));
      }
      return this.out;
    }
  }
  const functions = natives({
    wait: (...payload: LuaValue[]): LuaResult => suspend(payload),
    map: (f: LuaValue, t: LuaValue): LuaResult => new MapFrame(f as LuaFunction, t as LuaTable, new LuaTable()).run(),
    strict: (f: LuaValue): LuaResult => toArray(callNow(f, []))[0],
    fail: (): LuaResult => throwError('native failure'),
  });
  for (const [name, fn] of Object.entries(functions)) state.globals.setStr(name, fn);
  return { state, log };
}

function start(state: LuaState, source: string): Coroutine {
  return state.newThread(state.load(source, '=test'));
}

test('a thread ends with its results', () => {
  const { state } = stateWithWait();
  const t = start(state, 'local a, b = ... return a + b, "x"');
  assert.deepEqual(t.resume([1, 2]), { status: 'done', values: [3, 'x'] });
  assert.equal(t.status, 'dead');
});

test('suspending parks everything up to the thread, and yields stop at the nearest resume', () => {
  const { state, log } = stateWithWait();
  const t = start(
    state,
    `
    local mt = { __index = function(_, k) return (wait("index " .. k)) end,
                 __lt = function() return wait("lt") end, __concat = function() return wait("concat") end }
    local obj = setmetatable({}, mt)
    local co = coroutine.wrap(function(a)
      print("in co", a, wait("co"))
      local b = coroutine.yield("yielded")
      print("b", b, pcall(function() return wait("pcall") end))
      for i in function(_, i) if not i then return wait("iter") end end do print("i", i) end
      return obj.field, obj < obj, obj .. "x"
    end)
    print(co("first"))
    print(co("second"))
    print(table.concat(map(function(v) return v .. wait("map " .. v) end, { "a", "b" }), ","))
    package.preload.m = function() return { v = wait("require") } end
    print(require("m").v)
    print(("x y"):gsub("%w", function(w) return wait("gsub " .. w) end))
    local t = { 3, 1, 2 } table.sort(t, function(a, b) wait("sort") return a < b end)
    print(t[1], t[2], t[3])
    print(xpcall(function() wait("xp") error("E", 0) end, function(m) return "H" .. m end))
    return "end"
  `,
  );
  const payloads: string[] = [];
  let r = t.resume();
  for (let i = 0; r.status === 'suspended' && i < 60; i++) {
    payloads.push(String((r.payload as LuaValue[])[0]));
    r = t.resume([`r${i}`]);
  }
  assert.deepEqual(r, { status: 'done', values: ['end'] });
  assert.deepEqual(payloads.slice(0, 10), [
    'co',
    'pcall',
    'iter',
    'index field',
    'lt',
    'concat',
    'map a',
    'map b',
    'require',
    'gsub x',
  ]);
  assert.deepEqual(log, [
    'in co\tfirst\tr0',
    'yielded',
    'b\tsecond\ttrue\tr1',
    'i\tr2',
    'r3\ttrue\tr5',
    'ar6,br7',
    'r8',
    'r9 r10\t2',
    '1\t2\t3',
    'false\tHE',
  ]);
});

test('coroutine.yield in the thread itself comes back as yielded', () => {
  const { state } = stateWithWait();
  const t = start(state, 'local r = coroutine.yield(1, 2) return r');
  assert.deepEqual(t.resume(), { status: 'yielded', values: [1, 2] });
  assert.deepEqual(t.resume(['back']), { status: 'done', values: ['back'] });
});

test('an error can be thrown into what a thread waits for', () => {
  const { state } = stateWithWait();
  const t = start(state, 'return pcall(coroutine.wrap(function() wait() end))');
  assert.equal(t.resume().status, 'suspended');
  assert.deepEqual(t.resumeError('aborted'), { status: 'done', values: [false, 'aborted'] });
});

test('a killed thread runs no more', () => {
  const { state, log } = stateWithWait();
  const t = start(state, 'pcall(wait) print("never")');
  t.resume();
  t.kill();
  assert.equal(t.status, 'dead');
  assert.throws(() => t.resume(), LuaError);
  assert.deepEqual(log, []);
});

test('an uncaught error has the traceback of the point of error, parked frames included', () => {
  const { state } = stateWithWait();
  const t = start(
    state,
    `local function inner()
  wait()
  fail()
end
local function outer()
  inner()
end
outer()`,
  );
  t.resume();
  assert.throws(
    () => t.resume(),
    (e) => {
      assert.ok(e instanceof LuaError);
      assert.equal(e.value, 'test:3: native failure');
      assert.equal(
        e.traceback,
        "stack traceback:\n\t[C]: in function 'fail'\n\ttest:3: in function 'inner'\n\ttest:6: in function 'outer'\n\ttest:8: in main chunk",
      );
      return true;
    },
  );
});

test('an error in a coroutine that is resumed is no error of the thread', () => {
  const { state } = stateWithWait();
  const t = start(state, 'return coroutine.resume(coroutine.create(function() wait() fail() end))');
  t.resume();
  assert.deepEqual(t.resume(), { status: 'done', values: [false, 'test:1: native failure'] });
});

test('callNow refuses suspensions with an error that pcall catches', () => {
  const { state } = stateWithWait();
  const t = start(state, 'return pcall(strict, wait)');
  assert.deepEqual(t.resume(), {
    status: 'done',
    values: [false, 'attempt to yield across C-call boundary'],
  });
  const ok = start(
    state,
    'local function f(n) if n == 0 then return "deep" end return f(n - 1) end return strict(function() return f(5000) end)',
  );
  assert.deepEqual(ok.resume(), { status: 'done', values: ['deep'] });
});

test('host data is inherited by coroutines', () => {
  const { state } = stateWithWait();
  state.globals.setStr('data', () => currentThread()!.host as LuaValue);
  const t = start(state, 'return data(), coroutine.wrap(function() return data() end)()');
  t.host = 'request 1';
  assert.deepEqual(t.resume(), { status: 'done', values: ['request 1', 'request 1'] });
});

test('states are isolated and share compiled code', () => {
  const source = 'x = (x or 0) + 1 string.extra = 1 return x, ("").extra';
  const a = new LuaState();
  const b = new LuaState();
  assert.deepEqual(start(a, source).resume(), { status: 'done', values: [1, 1] });
  assert.deepEqual(start(a, source).resume(), { status: 'done', values: [2, 1] });
  assert.deepEqual(start(b, 'return x, ("").extra').resume(), { status: 'done', values: [undefined, undefined] });
});

test('many threads interleave', () => {
  const { state } = stateWithWait();
  const f = state.load('local n = ... for i = 1, 3 do n = n + wait(i) end return n', '=f');
  const threads = [1, 2, 3].map((n) => {
    const t = state.newThread(f);
    t.resume([n * 100]);
    return t;
  });
  for (let i = 0; i < 2; i++) for (const t of threads) t.resume([1]);
  assert.deepEqual(
    threads.map((t) => t.resume([1])),
    [103, 203, 303].map((n) => ({ status: 'done', values: [n] })),
  );
});

test('natives return several values', () => {
  const state = new LuaState();
  state.globals.setStr('two', () => ret2(1, 2));
  assert.deepEqual(start(state, 'local a, b = two() return b, a, (two())').resume(), {
    status: 'done',
    values: [2, 1, 1],
  });
});

test('strings that are too long for V8 are an error of Lua', () => {
  const text = 'local s = ("x"):rep(2 ^ 28) return pcall(function() return s .. s .. s end)';
  assert.deepEqual(start(new LuaState(), text).resume(), { status: 'done', values: [false, 'not enough memory'] });
});

const WRAPPED = `local inner = coroutine.wrap(function()
  wait()
  error("deep")
end)
local outer = coroutine.wrap(function()
  inner()
end)
outer()`;

function failureOf(run: () => unknown): LuaError {
  try {
    run();
  } catch (e) {
    assert.ok(e instanceof LuaError);
    return e;
  }
  return assert.fail('no error');
}

test('an error that leaves wrapped coroutines gets the place of each call, and the traceback of the outermost', () => {
  const { state } = stateWithWait();
  const t = start(state, WRAPPED);
  t.resume();
  const e = failureOf(() => t.resume());
  assert.equal(e.value, 'test:8: test:6: test:3: deep');
  assert.equal(e.traceback, "stack traceback:\n\t[C]: in function 'outer'\n\ttest:8: in main chunk");
  assert.equal(e.outer, undefined);
});

test('in a scheduled thread it comes as it is, with the stacks of all coroutines', () => {
  const { state } = stateWithWait();
  const t = start(state, WRAPPED);
  t.isScheduled = true;
  t.resume();
  const e = failureOf(() => t.resume());
  assert.equal(e.value, 'test:3: deep');
  assert.equal(e.given, 'deep');
  assert.equal(e.traceback, "stack traceback:\n\t[C]: in function 'error'\n\ttest:3: in function <test:1>");
  assert.deepEqual(e.outer, [
    "stack traceback:\n\t[C]: in function 'inner'\n\ttest:6: in function <test:5>",
    "stack traceback:\n\t[C]: in function 'outer'\n\ttest:8: in main chunk",
  ]);
});

test('in a scheduled thread the status of a coroutine that cannot be resumed is named', () => {
  const { state } = stateWithWait();
  const source = `local outer
    outer = coroutine.create(function()
      return select(2, coroutine.resume(coroutine.create(function() return coroutine.resume(outer) end)))
    end)
    return select(2, coroutine.resume(outer))`;
  const t = start(state, source);
  assert.deepEqual(t.resume(), { status: 'done', values: [false, 'cannot resume running coroutine'] });
  const u = start(state, source);
  u.isScheduled = true;
  assert.deepEqual(u.resume(), { status: 'done', values: [false, 'cannot resume normal coroutine'] });
});
