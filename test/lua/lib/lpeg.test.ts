/**
 * lpeg: the machine and the JavaScript made of a program do the same, with random patterns; patterns that nest deeply.
 * What patterns mean is compared with LPeg in programs52/lib_lpeg.lua.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { LuaError } from '../../../src/lua/error.ts';
import { setOf } from '../../../src/lua/lib/lpeg/charset.ts';
import { Compiled } from '../../../src/lua/lib/lpeg/compile.ts';
import { generate, NATIVE_DEPTH } from '../../../src/lua/lib/lpeg/generate.ts';
import { makeGrammar } from '../../../src/lua/lib/lpeg/grammar.ts';
import { run } from '../../../src/lua/lib/lpeg/machine.ts';
import { Matcher } from '../../../src/lua/lib/lpeg/matcher.ts';
import {
  choice,
  count,
  difference,
  not,
  nullable,
  repeat,
  seq,
  TRUE,
  type Tree,
  text,
} from '../../../src/lua/lib/lpeg/tree.ts';
import { matchValues } from '../../../src/lua/lib/lpeg/values.ts';
import { LuaState } from '../../../src/lua/state.ts';
import { LuaTable } from '../../../src/lua/table.ts';
import type { LuaValue } from '../../../src/lua/value.ts';

let seed = Number(process.env.SEED ?? 1);

/** A number from 0 to n - 1. */
function random(n: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return Math.floor(seed / 65536) % n;
}

function bytes(most: number): string {
  let s = '';
  for (let n = random(most) + 1; n > 0; n--) s += 'aabbc\0\xff'[random(7)];
  return s;
}

function capture(what: 'simple' | 'table' | 'position' | 'group' | 'substitution', p: Tree): Tree {
  return { kind: 'capture', what, value: undefined, p };
}

/** A random pattern; `rules` nonterminals may be in it. */
function pattern(depth: number, rules: number): Tree {
  if (depth === 0) {
    const leaves: Tree[] = [
      text(bytes(3)),
      text(bytes(2)),
      { kind: 'set', set: setOf(bytes(3)) },
      count(random(3)),
      count(-1),
      capture('position', TRUE),
      capture('simple', count(1)),
      rules > 0 ? seq(count(random(2)), { kind: 'call', key: random(rules) + 1 }) : TRUE,
    ];
    return leaves[random(leaves.length)]!;
  }
  const a = pattern(depth - 1, rules);
  switch (random(14)) {
    case 0:
    case 1:
    case 2:
      return seq(a, pattern(depth - 1, rules));
    case 3:
    case 4:
    case 5:
      return choice(a, pattern(depth - 1, rules));
    case 6:
      return nullable(a, undefined) ? a : repeat(a, random(2));
    case 7:
      return repeat(a, -2);
    case 8:
      return difference(a, pattern(depth - 1, rules));
    case 9:
      return { kind: 'and', p: a };
    case 10:
      return not(a);
    case 11:
      return capture('simple', a);
    case 12:
      return capture('table', a);
    default:
      return { kind: 'runtime', p: a, fn: (_, i) => (i as number) % 5 !== 0 };
  }
}

/** A random grammar or pattern that passes the checks. */
function anyPattern(): Tree {
  for (;;) {
    if (random(2) === 0) return pattern(4, 0);
    const rules = LuaTable.fromArray([1, 2, 3]);
    const trees = [pattern(3, 3), pattern(2, 3), pattern(2, 3)];
    try {
      return makeGrammar(rules, (v) => trees[(v as number) - 1], assert.fail);
    } catch (e) {
      if (!(e instanceof LuaError)) throw e;
    }
  }
}

function plain(v: LuaValue): unknown {
  return v instanceof LuaTable ? v.items().map(plain) : v;
}

/** What a match gives: the end and the values, or the error. */
function outcome(compiled: Compiled, subject: string, match: (m: Matcher) => number): unknown {
  const m = new Matcher();
  m.setSubject(subject);
  m.compiled = compiled;
  m.limit = NATIVE_DEPTH;
  try {
    const end = match(m);
    return end < 0 ? end : [end, matchValues(m).map(plain)];
  } catch (e) {
    if (!(e instanceof LuaError)) throw e;
    return e.message;
  }
}

test('the machine and generated JavaScript give the same', () => {
  let matched = 0;
  for (let n = Number(process.env.CASES ?? 1500); n > 0; n--) {
    const compiled = new Compiled(anyPattern());
    const generated = generate(compiled.program);
    assert.ok(generated);
    for (let k = 0; k < 4; k++) {
      const subject = k === 0 ? '' : bytes(9);
      const expected = outcome(compiled, subject, (m) => run(m, 3, 0, 0));
      assert.deepEqual(
        outcome(compiled, subject, (m) => generated(m, 0)),
        expected,
      );
      if (expected !== -1) matched++;
    }
  }
  assert.ok(matched > 1000);
});

test('large patterns are split, and the largest left to the machine', () => {
  const words = (n: number): Tree => {
    let t: Tree = text('w0;');
    for (let k = 1; k < n; k++) t = choice(t, capture('simple', seq(text(`w${k}`), text(';'))));
    return capture('table', repeat(t, 0));
  };
  const compiled = new Compiled(words(3000));
  const generated = generate(compiled.program);
  assert.ok(generated);
  const subject = 'w7;w0;w2999;w1500;w41;x';
  const expected = [22, [['w7;', 'w2999;', 'w1500;', 'w41;']]];
  assert.deepEqual(
    outcome(compiled, subject, (m) => generated(m, 0)),
    expected,
  );
  assert.deepEqual(
    outcome(compiled, subject, (m) => run(m, 3, 0, 0)),
    expected,
  );
  assert.equal(generate(new Compiled(words(12000)).program), false);
});

function lua(source: string): LuaValue[] {
  const state = new LuaState();
  const result = state.newThread(state.load(source, '=test')).resume();
  assert.equal(result.status, 'done');
  return result.status === 'done' ? result.values : [];
}

test('recursion needs no native stack', () => {
  const values = lua(`
    local lpeg = require 'lpeg'
    local P, V, C = lpeg.P, lpeg.V, lpeg.C
    local p = P { '(' * V(1) ^ 0 * ')' }
    lpeg.setmaxstack(1000000)
    local deep = ('('):rep(200000) .. (')'):rep(200000)
    local cycle = P { 'a' * V(2) + '', 'b' * V(3) + '', 'c' * V(1) + '' }
    return p:match(deep), p:match(deep), cycle:match(('abc'):rep(100000))
  `);
  assert.deepEqual(values, [400001, 400001, 300001]);
});

test('a match inside of a match, and after an error', () => {
  const values = lua(`
    local lpeg = require 'lpeg'
    local word = lpeg.Ct((lpeg.C(1)) ^ 0)
    local outer = lpeg.Ct((lpeg.Cmt(lpeg.C(2), function(s, i, pair)
      if pair == '!!' then error('stop', 0) end
      return true, table.concat(word:match(pair), '-')
    end)) ^ 0)
    local before = table.concat(outer:match 'abcdef', ' ')
    local _, message = pcall(outer.match, outer, 'ab!!cd')
    return before, message, table.concat(outer:match 'ghij', ' ')
  `);
  assert.deepEqual(values, ['a-b c-d e-f', 'stop', 'g-h i-j']);
});

test('Lua modules go before built-in ones, which go before C modules', () => {
  const folder = mkdtempSync(`${tmpdir()}/lpeg-test-`);
  try {
    writeFileSync(`${folder}/re.lua`, 'return "mine"');
    writeFileSync(`${folder}/lfs.so`, '');
    writeFileSync(`${folder}/other.so`, '');
    const values = lua(`
      package.path, package.cpath = '${folder}/?.lua', '${folder}/?.so'
      local ok, message = pcall(require, 'other')
      return require 're', type(require 'lfs'.dir), require 'lpeg' == require 'lpeg', message
    `);
    assert.deepEqual(values.slice(0, 3), ['mine', 'function', true]);
    assert.match(String(values[3]), /other\.so':\n\tcompiled C modules cannot be loaded.*cjson.*lfs, lpeg, re/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
