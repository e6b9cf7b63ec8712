// io.popen over the C library's popen(3), which hosts switch on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LuaState, useSystemPipes } from '../../../src/lua/index.ts';

useSystemPipes();

function run(source: string): unknown[] {
  const state = new LuaState();
  const result = state.newThread(state.load(source, '=test')).resume();
  assert.equal(result.status, 'done');
  return result.status === 'done' ? result.values : [];
}

test('a command runs beside the program', () => {
  const [early, first, rest, ok, how, status] = run(`
    local began = os.time()
    local f = io.popen('echo one; read line < /dev/null; echo two; exit 3')
    local early = os.time() - began < 5
    return early, f:read('*l'), f:read('*a'), f:close()`);
  assert.deepEqual([early, first, rest, ok, how, status], [true, 'one', 'two\n', undefined, 'exit', 3]);
});

test('signals, bytes, much output', () => {
  assert.deepEqual(run(`local f = io.popen('kill -9 $$') return f:read('*a'), f:close()`), [
    '',
    undefined,
    'signal',
    9,
  ]);
  assert.deepEqual(run(`local f = io.popen("printf '\\\\344'; echo \\228") return f:read('*l')`), ['\xe4\xe4']);
  assert.deepEqual(run(`local f = io.popen('head -c 200000 /dev/zero') return #f:read('*a'), f:close()`), [
    200000,
    true,
    'exit',
    0,
  ]);
});

test('writing to it is refused, closing ends it', () => {
  const [ok, message] = run(`local f = io.popen('true') return f:write('x')`);
  assert.deepEqual([ok, message], [undefined, 'Bad file descriptor']);
  assert.deepEqual(run(`local f = io.popen('true') f:close() return pcall(f.read, f)`), [
    false,
    'attempt to use a closed file',
  ]);
});
