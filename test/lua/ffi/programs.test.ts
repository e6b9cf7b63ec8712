/**
 * Programs that use the ffi library, compared with LuaJIT: the one that is installed, or else its stored output.
 * `UPDATE=1` stores LuaJIT's output anew.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LuaError } from '../../../src/lua/error.ts';
import { LuaState } from '../../../src/lua/state.ts';

const folder = fileURLToPath(new URL('programs/', import.meta.url));
const hasLuajit = spawnSync('luajit', ['-v']).status === 0;

function run(name: string): string {
  let output = '';
  const state = new LuaState({ print: (text) => (output += text) });
  const thread = state.newThread(state.load(readFileSync(folder + name, 'latin1'), '@' + name));
  thread.canYield = false;
  try {
    thread.resume();
  } catch (e) {
    if (!(e instanceof LuaError)) throw e;
    output += `error: ${e.message}\n${e.traceback}\n`;
  }
  return output;
}

function expected(name: string): string {
  const stored = folder + name.replace(/\.lua$/, '.out');
  if (hasLuajit) {
    const result = spawnSync('luajit', [name], { cwd: folder, encoding: 'latin1' });
    assert.equal(result.status, 0, result.stderr);
    if (process.env.UPDATE) writeFileSync(stored, result.stdout, 'latin1');
    return result.stdout;
  }
  assert.ok(existsSync(stored), `no stored output for ${name}`);
  return readFileSync(stored, 'latin1');
}

for (const name of readdirSync(folder).filter((f) => f.endsWith('.lua'))) {
  test(`prints what LuaJIT prints: ${name}`, () => {
    assert.equal(run(name), expected(name));
  });
}
