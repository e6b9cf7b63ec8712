/** Natives that are told where they are called (takePlace), against what the stack says (callerInfo). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CallerInfo,
  callerInfo,
  LuaState,
  type LuaValue,
  ret0,
  takePlace,
  wantsPlace,
} from '../../src/lua/index.ts';

/** Runs a chunk with such a native as `log`: what it was told, and what it found, call by call. */
function run(
  source: string,
  name = '@dir/a.lua',
): { text: LuaValue; told: CallerInfo | undefined; found: CallerInfo }[] {
  const calls: { text: LuaValue; told: CallerInfo | undefined; found: CallerInfo }[] = [];
  const log = (text: LuaValue): LuaValue => {
    const told = takePlace();
    calls.push({ text, told, found: callerInfo(1, log) });
    return ret0() as unknown as LuaValue;
  };
  const state = new LuaState({});
  state.globals.setStr('log', wantsPlace(log));
  const thread = state.newThread(state.load(source, name));
  const r = thread.resume([]);
  assert.equal(r.status, 'done');
  return calls;
}

test('a chunk itself says where it calls, as the stack does', () => {
  const calls = run(`log 'one'
    local t = {log = log}
    t.log(
      'three' .. tostring(nil)
    )
    for i = 1, 2 do local my_log = log my_log('loop') end
    local mt = setmetatable({}, {__call = function(_, x) log(x) end})
    load('log "loaded"', '=loaded')()
    do local log = mt log('through __call') end
    log((function() log('nested') return 'outer' end)())`);
  assert.deepEqual(
    calls.map(({ text, told }) => [text, told?.shortSource, told?.line]),
    [
      ['one', 'dir/a.lua', 1],
      ['threenil', 'dir/a.lua', 3],
      ['loop', 'dir/a.lua', 6],
      ['loop', 'dir/a.lua', 6],
      ['loaded', 'loaded', 1],
      ['through __call', undefined, undefined],
      ['nested', undefined, undefined],
      ['outer', 'dir/a.lua', 10],
    ],
  );
  for (const { told, found } of calls) if (told !== undefined) assert.deepEqual(told, found);
});

test('calls that are not made by the chunk itself have to ask the stack', () => {
  const calls = run(`local function f() log('f') end
    f()
    pcall(log, 'pcall')
    local other = log
    other('other')
    return log('tail')`);
  assert.deepEqual(
    calls.map(({ told }) => told),
    [undefined, undefined, undefined, undefined],
  );
  assert.equal(calls[0]!.found.name, 'f');
  assert.equal(calls[2]!.found.line, 5);
});

test('where a call failed for want of stack, its place is not taken for that of another', () => {
  const calls = run(`local other, depth = log, 0
    local text = 'local log, deeper = ... deeper() log("deep")'
    local chunk = load(text, '=deep')
    local function deeper() depth = depth + 1 chunk(log, deeper) end
    assert(not pcall(deeper))
    other('after')`);
  const last = calls[calls.length - 1]!;
  assert.equal(last.text, 'after');
  assert.equal(last.told, undefined);
  assert.equal(last.found.line, 6);
});
