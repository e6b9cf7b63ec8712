// Random calls of library functions, compared with an installed LuaJIT. `SEED` and `CASES` vary them:
// `SEED=7 CASES=20000 node --import tsx --test test/lua/lib/fuzz.test.ts`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ret2, retN, toArray } from '../../../src/lua/call.ts';
import { openBit, openMath, openString, openTable } from '../../../src/lua/lib/index.ts';
import { patternOf } from '../../../src/lua/lib/pattern.ts';
import { formatNumber, parseInteger, parseNumber } from '../../../src/lua/number.ts';
import { LuaTable } from '../../../src/lua/table.ts';
import type { LuaFunction, LuaValue } from '../../../src/lua/value.ts';
import { type Call, hasLuaJit, runInLuaJit, runOurs, show } from './luajit.ts';

const cases = Number(process.env.CASES ?? 1500);
let state = Number(process.env.SEED ?? 1);

/** An integer in 0..n-1. */
function below(n: number): number {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return (state >> 8) % n;
}

function pick<T>(from: readonly T[]): T {
  return from[below(from.length)]!;
}

const libraries = { string: openString(), table: openTable(), math: openMath(), bit: openBit() };

function library(name: keyof typeof libraries, fn: string): LuaFunction {
  return libraries[name].getStr(fn) as LuaFunction;
}

/** A call of LuaJIT's function and of ours; `args` makes new arguments each time, since tables may change. */
interface Case extends Call {
  readonly ours: LuaFunction;
  readonly make?: () => LuaValue[];
}

function compare(all: readonly Case[], rounds: readonly (() => void)[] = [() => {}]): void {
  const expected = runInLuaJit(all);
  assert.equal(expected.length, all.length);
  for (const prepare of rounds) {
    prepare();
    all.forEach(({ fn, args, ours, make }, i) => {
      const actual = runOurs(ours, make?.() ?? args);
      assert.equal(actual, expected[i], `${fn}(${args.map(show).join(', ')})`);
    });
  }
}

function repeat(make: () => Case | undefined): Case[] {
  return Array.from({ length: cases }, make).filter((c) => c !== undefined);
}

const bytes = new DataView(new ArrayBuffer(8));

function anyDouble(): number {
  for (;;) {
    bytes.setInt32(0, below(1 << 22) * 1024 + below(1024));
    bytes.setInt32(4, below(1 << 22) * 1024 + below(1024));
    const n = bytes.getFloat64(0) * pick([1, -1]);
    if (!Number.isNaN(n)) return n;
  }
}

const SPECIAL = [
  0,
  -0,
  1 / 0,
  -1 / 0,
  0 / 0,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  -(2 ** 63),
  1e14,
  1e15,
  99999999999999.5,
  1e21,
  1e-4,
  1e-5,
];
const HALVES = [0.5, 1.5, 2.5, -0.5, 0.125, 5e-324, 2 ** 31, -(2 ** 31)];

function number(): number {
  switch (below(9)) {
    case 0:
      return below(200) - 100;
    case 1:
      return (below(2000) - 1000) / 8;
    case 2:
      return (below(20000) - 10000) / 10 ** below(8);
    case 3:
      return below(1 << 22) * 2 ** (below(80) - 20);
    case 4:
      return anyDouble();
    case 5:
      return pick([...SPECIAL, ...HALVES]);
    case 6:
      return (below(1e6) / 1e6) * 10 ** (below(40) - 20);
    case 7:
      return 10 ** (below(60) - 30);
    default:
      return below(1 << 22) / 3;
  }
}

// ---- patterns

const CLASSES =
  'a b c . %a %d %s %w %S %A [abc] [^a] [a-c] [%a_] [^%s,] %. %% x 1 []a] [^]a] [a-] [%]] %x %p %c %l %u %z %g %1 %2 %0 % [ [a [% [^ ' +
  '[a-%a] ^ $ - %f[%w] %f[^a] %f %bab %b() %b %bx ] ) ( %f[%z]';
const PIECES = [...CLASSES.split(' '), ' ', '\0', '\xe9', '[\x80-\xff]'];

function pattern(): string {
  let text = below(8) === 0 ? '^' : '';
  let open = 0;
  for (let n = 1 + below(5); n > 0; n--) {
    if (below(5) === 0) {
      text += below(4) === 0 ? '()' : '(';
      if (text.endsWith('(')) open++;
    }
    text += pick(PIECES);
    if (below(3) === 0) text += pick(['*', '+', '-', '?']);
    if (open > 0 && below(2) === 0) {
      text += ')';
      open--;
    }
  }
  if (below(12) !== 0) text += ')'.repeat(open);
  return below(8) === 0 ? text + '$' : text;
}

const SUBJECT = ['a', 'b', 'c', 'a', 'b', 'x', '1', ' ', '(', ')', '%', '.', '_', ',', '\0', '\xe9', 'A', 'ab', 'aab'];

function subject(): string {
  return Array.from({ length: below(14) }, () => pick(SUBJECT)).join('');
}

/** What the prelude's `gmatch` and `upper` do. */
const gmatchAll: LuaFunction = (s, p) => {
  const next = library('string', 'gmatch')(s, p) as LuaFunction;
  const out: LuaValue[] = [];
  while (out.length <= 40) {
    const [a, b] = toArray(next());
    if (a === undefined) break;
    out.push(a, b === undefined || b === false ? '-' : b);
  }
  return LuaTable.fromArray(out);
};
const upper: LuaFunction = (a, b) =>
  a === 'b' ? undefined : a === 'c' ? false : `<${String(a)}${b === undefined ? '' : String(b)}>`;

const REPLACEMENTS = ['x', '', '<%0>', '%1', '%1%2', '%', '%%', '[%1]'];

function patternCase(): Case | undefined {
  const p = pattern();
  const s = subject();
  switch (below(5)) {
    case 0: {
      const init = below(2) === 0 ? undefined : below(12) - 6;
      if (init !== undefined && init > s.length + 1) return undefined; // differs with 5.2 compatibility
      return { fn: 'string.find', args: [s, p, init], ours: library('string', 'find') };
    }
    case 1:
      return { fn: 'string.match', args: [s, p], ours: library('string', 'match') };
    case 2:
      return { fn: 'gmatch', args: [s, p], ours: gmatchAll };
    case 3: {
      const limit = pick([undefined, undefined, 1, 2, 0]);
      return { fn: 'string.gsub', args: [s, p, pick(REPLACEMENTS), limit], ours: library('string', 'gsub') };
    }
    default:
      return { fn: 'string.gsub', args: [s, p, upper], ours: library('string', 'gsub') };
  }
}

test('patterns match as in LuaJIT, walked and compiled', { skip: !hasLuaJit }, () => {
  const all = repeat(patternCase);
  const compileAll = (): void => {
    for (const { args } of all) {
      const compiled = patternOf(args[1] as string);
      for (let i = 0; i < 70; i++) {
        try {
          compiled.search('', 0);
        } catch {
          // A malformed pattern fails every time.
        }
      }
    }
  };
  compare(all, [() => {}, compileAll]);
});

// ---- formats and numbers

function formatCase(): Case {
  let text = '';
  const args: LuaValue[] = [];
  for (let n = 1 + below(2); n > 0; n--) {
    if (below(3) === 0) text += pick(['x', '%%', ' ', '\0', 'abc']);
    text += '%';
    while (below(3) === 0) text += pick(['-', '+', ' ', '#', '0']);
    if (below(3) === 0) text += below(30);
    if (below(3) === 0) text += `.${below(5) === 0 ? '' : below(24)}`;
    const rare = below(30) === 0 ? pick(['y', 'l', '%', '\n', '', '123d']) : 'g';
    const letter = pick([...'diucxXoeEfFgGaAqsdfgssgfe', rare]);
    text += letter;
    if (below(12) === 0) args.push(pick(['10', '0x10', 'zz', '', true, undefined]));
    else if (letter === 's' || letter === 'q')
      args.push(pick(['', 'abc', 'a\nb\0c1\r"\\\x7f\x1f9\xff', number(), true]));
    else args.push(letter === 'c' ? below(256) : number());
  }
  if (below(30) === 0) args.pop();
  return { fn: 'string.format', args: [text, ...args], ours: library('string', 'format') };
}

test('formats numbers and strings as LuaJIT', { skip: !hasLuaJit }, () => {
  compare(repeat(formatCase));
});

const HEADS = ['', '', '', '0x', '0X', '0b', '-', '+', ' ', '-0x', '0', '1', '.', '1.', '9', '0x1.', '0x.'];
const BODIES = [
  '',
  '1',
  '10',
  'ff',
  '0.5',
  '.5',
  '1e5',
  '1p4',
  'e',
  'E-3',
  '123456789012345678',
  '9'.repeat(24),
  '8p-1080',
  '1.8P10',
];
const WORDS = [
  ' 1',
  '  ',
  'inf',
  'nan',
  'INF',
  'iNfinity',
  'x',
  '0000000000000000000000001',
  'ffffffffffffffffff8',
  '1p-1074',
  'e400',
  'e-400',
];
const TAILS = ['', '', '', '', ' ', '\n', 'z', '\0', 'L', 'LL', 'i', 'u'];

function numeral(): string {
  const body = pick([...BODIES, ...WORDS, String(below(1e6) / 1e6), String(number())]);
  return pick(HEADS) + body + pick(TAILS);
}

test('reads and writes numbers as LuaJIT', { skip: !hasLuaJit }, () => {
  const one = (): Case | undefined => {
    const text = numeral();
    if (/^\s*-\s*(inf|nan)/i.test(text)) return undefined; // older LuaJIT loses the sign
    switch (below(4)) {
      case 0:
        return { fn: 'tostring', args: [number()], ours: (n) => formatNumber(n as number) };
      case 1: {
        const base = 2 + below(35);
        if (base === 10) return undefined;
        return { fn: 'tonumber', args: [text, base], ours: (s, b) => parseInteger(s as string, b as number) };
      }
      default:
        return { fn: 'tonumber', args: [text], ours: (s) => parseNumber(s as string) };
    }
  };
  compare(repeat(one));
});

// ---- tables

const ORDERS: readonly [lua: string, less: (a: number, b: number) => boolean][] = [
  ['a < b', (a, b) => a < b],
  ['a > b', (a, b) => a > b],
  ['a % 10 < b % 10', (a, b) => a % 10 < b % 10],
  ['a <= b', (a, b) => a <= b],
  ['(a * 7) % 11 < (b * 5) % 13', (a, b) => (a * 7) % 11 < (b * 5) % 13],
  ['true', () => true],
  ['false', () => false],
];

function sortCase(items: number[]): Case {
  const [lua, less] = pick(ORDERS);
  const fn = `(function(t) local n = 0 table.sort(t, function(a, b) n = n + 1
    if not a or not b then return false end return ${lua} end) return t, n end)`;
  const ours: LuaFunction = (t) => {
    let n = 0;
    library('table', 'sort')(t, (a, b) => {
      n++;
      return a !== undefined && b !== undefined && less(a as number, b as number);
    });
    return ret2(t, n);
  };
  return { fn, args: [LuaTable.fromArray(items)], ours, make: () => [LuaTable.fromArray(items)] };
}

function tableCase(): Case {
  const items = Array.from({ length: below(below(10) === 0 ? 300 : 12) }, () => below(1000));
  const n = items.length;
  let name: string;
  let args: LuaValue[];
  switch (below(6)) {
    case 0:
      name = 'insert';
      args = below(3) === 0 ? [77] : [1 + below(n + 1), 77];
      break;
    case 1:
      name = 'remove';
      args = below(3) === 0 ? [] : [below(n + 3)];
      break;
    case 2:
      name = 'concat';
      args = [pick(['', ',', '--', undefined, 3]), pick([undefined, 1, 2, 0]), pick([undefined, 1, n, n - 1, n + 1])];
      break;
    case 3:
      name = 'move';
      args = [1 + below(5), below(n + 1), 1 + below(n + 1)];
      break;
    default:
      return sortCase(items);
  }
  const ours: LuaFunction = (t, ...rest) => retN([t, ...toArray(library('table', name)(t, ...rest))]);
  const fn = `(function(t, ...) return t, table.${name}(t, ...) end)`;
  return { fn, args: [LuaTable.fromArray(items), ...args], ours, make: () => [LuaTable.fromArray(items), ...args] };
}

test('changes and sorts tables as LuaJIT, with the same comparisons', { skip: !hasLuaJit }, () => {
  compare(repeat(tableCase));
});

// ---- math and bit

const EXACT = 'abs sqrt fmod modf frexp max min random randomseed'.split(' ');
const BITS = 'tobit bnot band bor bxor lshift rshift arshift rol ror bswap'.split(' ');

test('computes as LuaJIT', { skip: !hasLuaJit }, () => {
  const one = (): Case | undefined => {
    const args = Array.from(
      { length: 1 + below(3) },
      (): LuaValue => (below(11) === 0 ? pick(['10', '0x10', 'zz', true, undefined]) : number()),
    );
    if (below(2) === 0) {
      const name = pick(BITS);
      return { fn: `bit.${name}`, args, ours: library('bit', name) };
    }
    const name = pick(EXACT);
    if (name.startsWith('random') && args.some((v) => Number.isNaN(v))) return undefined; // NaN has no value of its own
    return { fn: `math.${name}`, args, ours: library('math', name) };
  };
  compare(repeat(one));
});
