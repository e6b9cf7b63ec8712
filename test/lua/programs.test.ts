/**
 * Runs the programs of programs/ and compares what they print with LuaJIT: the one that is installed, or else its
 * stored output. `UPDATE=1` stores LuaJIT's output anew. Programs in programs52/ use what only a LuaJIT built with
 * LUAJIT_ENABLE_LUA52COMPAT has, as OpenResty's: their expected output is written by hand.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testing } from '../../src/lua/compiler/emit.ts';
import { LuaError } from '../../src/lua/error.ts';
import { standardStreams } from '../../src/lua/lib/io.ts';
import { LuaState } from '../../src/lua/state.ts';
import { LuaTable } from '../../src/lua/table.ts';

const folder = fileURLToPath(new URL('programs/', import.meta.url));
const folder52 = fileURLToPath(new URL('programs52/', import.meta.url));
const hasLuajit = spawnSync('luajit', ['-v']).status === 0;

/** What the program prints, and its error. */
function run(path: string, name: string, suffix = ''): string {
  let output = '';
  const { stdout } = standardStreams();
  const write = stdout.write;
  // io.write goes to the process's stream.
  stdout.write = (bytes: string) => {
    output += bytes;
  };
  try {
    const state = new LuaState();
    const arg = new LuaTable();
    arg.set(0, name);
    state.globals.setStr('arg', arg);
    const thread = state.newThread(state.load(readFileSync(path, 'latin1') + (suffix && '\n-- ' + suffix), '@' + name));
    thread.canYield = false;
    thread.resume();
  } catch (e) {
    if (!(e instanceof LuaError)) throw e;
    output += `error: ${e.message}\n${e.traceback}\n`;
  } finally {
    stdout.write = write;
  }
  return output;
}

function expected(name: string): string {
  const stored = folder + name.replace(/\.lua$/, '.out');
  if (hasLuajit) {
    const result = spawnSync('luajit', [name], { cwd: folder, encoding: 'latin1' });
    // LuaJIT does not check bytecode, and a truncated chunk (dump_binary.lua) makes it crash now and then: what it
    // printed another time serves.
    if (result.signal === null) {
      assert.equal(result.status, 0, result.stderr);
      if (process.env.UPDATE) writeFileSync(stored, result.stdout, 'latin1');
      return result.stdout;
    }
  }
  assert.ok(existsSync(stored), `no stored output for ${name}`);
  return readFileSync(stored, 'latin1');
}

for (const name of readdirSync(folder).filter((f) => f.endsWith('.lua'))) {
  test(`prints what LuaJIT prints: ${name}`, () => {
    assert.equal(run(folder + name, name), expected(name));
  });
}

/** Their resume forms need more native stack, or setfenv for the caller or the function of a parked one. */
const FAST_ONLY = ['recursion.lua', 'environments.lua', 'levels_behind_metamethods.lua'];

for (const name of readdirSync(folder).filter((f) => f.endsWith('.lua') && !FAST_ONLY.includes(f))) {
  test(`the resume forms do the same: ${name}`, () => {
    testing.alwaysResume = true;
    try {
      assert.equal(run(folder + name, name, '#'), expected(name));
    } finally {
      testing.alwaysResume = false;
    }
  });
}

for (const name of readdirSync(folder52).filter((f) => f.endsWith('.lua'))) {
  test(`5.2 compatibility: ${name}`, () => {
    assert.equal(run(folder52 + name, name), readFileSync(folder52 + name.replace(/\.lua$/, '.out'), 'latin1'));
  });
}
