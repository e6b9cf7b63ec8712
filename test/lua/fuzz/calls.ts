/** Programs that are calls of library functions with arguments of all sorts: patterns, formats, lists, everything else. */

import type { Dialect } from './generator.ts';
import type { Random } from './random.ts';

/** Bytes as a Lua string literal. */
function quoted(text: string): string {
  return `"${text.replace(/[^ !#-[\]-~]/g, (c) => '\\' + String(c.charCodeAt(0)).padStart(3, '0'))}"`;
}

const bytes = new DataView(new ArrayBuffer(8));

/** Any number as a Lua expression. */
function number(r: Random): string {
  switch (r.below(10)) {
    case 0:
      return String(r.below(200) - 100);
    case 1:
      return String((r.below(2000) - 1000) / 8);
    case 2:
      return String((r.below(20000) - 10000) / 10 ** r.below(8));
    case 3:
      return String(r.below(1 << 22) * 2 ** (r.below(80) - 20));
    case 4: {
      bytes.setInt32(0, r.below(2 ** 32) | 0);
      bytes.setInt32(4, r.below(2 ** 32) | 0);
      const n = bytes.getFloat64(0);
      return Number.isFinite(n) ? String(n) : '0/0';
    }
    case 5:
      return r.pick([
        '-0',
        '1/0',
        '-1/0',
        '0/0',
        '2^53',
        '2^63',
        '2^64',
        '-2^63',
        '1e14',
        '1e15',
        '99999999999999.5',
        '1e21',
        '1e-4',
        '1e-5',
        '0.5',
        '1.5',
        '2.5',
        '-0.5',
        '5e-324',
        '2^31',
        '-2^31',
        '2^32',
      ]);
    case 6:
      return String((r.below(1e6) / 1e6) * 10 ** (r.below(40) - 20));
    case 7:
      return `1e${r.below(60) - 30}`;
    case 8:
      return String(r.below(5));
    default:
      return `${r.below(1 << 22)}/3`;
  }
}

/** Shows a call's results or error, called by pcall itself or by name. */
function shown(r: Random, f: string, args: readonly string[]): string {
  if (r.once(2)) return `P(pcall(${[f, ...args].join(', ')}))`;
  const method = /^string\.(\w+)$/.exec(f)?.[1];
  const self = args[0];
  if (method !== undefined && self?.startsWith('"') && r.once(2)) {
    return `P(pcall(function() return (${self}):${method}(${args.slice(1).join(', ')}) end))`;
  }
  return `P(pcall(function() return ${f}(${args.join(', ')}) end))`;
}

// Patterns

const PIECES = [
  ...(
    'a b c . %a %d %s %w %S %A [abc] [^a] [a-c] [%a_] [^%s,] %. %% x 1 []a] [^]a] [a-] [%]] %x %p %c %l %u %z %g %1 %2 %0 % [ [a [% [^ ' +
    '[a-%a] ^ $ - %f[%w] %f[^a] %f %bab %b() %b %bx ] ) ( %f[%z] %D %W %P [%W] [^%w] [%-a] [a-c1] [^a-c]'
  ).split(' '),
  ' ',
  '\0',
  '\xe9',
  '[\x80-\xff]',
  '%\0',
  '[\0-\x1f]',
];
const SUBJECT = [
  'a',
  'b',
  'c',
  'a',
  'b',
  'x',
  '1',
  ' ',
  '(',
  ')',
  '%',
  '.',
  '_',
  ',',
  '\0',
  '\xe9',
  'A',
  'ab',
  'aab',
  '\n',
  '-',
  ']',
];

function pattern(r: Random): string {
  let text = r.once(8) ? '^' : '';
  let open = 0;
  for (let n = 1 + r.below(5); n > 0; n--) {
    if (r.once(5)) {
      text += r.once(4) ? '()' : '(';
      if (text.endsWith('(')) open++;
    }
    text += r.pick(PIECES);
    if (r.once(3)) text += r.pick(['*', '+', '-', '?']);
    if (open > 0 && r.once(2)) {
      text += ')';
      open--;
    }
  }
  if (!r.once(12)) text += ')'.repeat(open);
  return r.once(8) ? text + '$' : text;
}

function subject(r: Random): string {
  return Array.from({ length: r.below(14) }, () => r.pick(SUBJECT)).join('');
}

export function patternProgram(r: Random, { compat52 }: Dialect): string {
  const p = quoted(pattern(r));
  const text = subject(r);
  const s = quoted(text);
  // A pattern that is used often gets compiled.
  const warm = r.once(2) ? `pcall(function() for i = 1, 70 do string.find("", ${p}) end end)\n` : '';
  const call = (): string => {
    switch (r.below(6)) {
      case 0: {
        // What starts behind the end is found with 5.2 only.
        const init = r.below(12) - 6;
        const args = init > text.length + 1 && !compat52 ? [s, p] : [s, p, String(init)];
        if (args.length === 3 && r.once(8)) args.push('true');
        return shown(r, `string.${r.pick(['find', 'match'])}`, args);
      }
      case 1:
        return shown(r, 'string.match', [s, p]);
      case 2:
        return `P(pcall(function() local n = 0 for a, b in string.gmatch(${s}, ${p}) do P(a, b) n = n + 1 if n > 40 then break end end end))`;
      case 3: {
        const replacement = r.pick([
          '"x"',
          '""',
          '"<%0>"',
          '"%1"',
          '"%1%2"',
          '"%"',
          '"%%"',
          '"[%1]"',
          '7',
          '"%x"',
          'true',
          'nil',
        ]);
        const args = [s, p, replacement];
        if (r.once(3)) args.push(r.pick(['1', '2', '0', '-1', '1.5', '"1"']));
        return shown(r, 'string.gsub', args);
      }
      case 4:
        return shown(r, 'string.gsub', [s, p, '{ a = "A", b = 1, c = false, ab = "[ab]", [1] = "one" }']);
      default:
        return shown(r, 'string.gsub', [
          s,
          p,
          'function(a, b) if a == "b" then return nil elseif a == "c" then return false elseif a == "x" then return {} end return "<" .. a .. tostring(b) .. ">" end',
        ]);
    }
  };
  return `${warm}${call()}\n${call()}`;
}

// Formats

export function formatProgram(r: Random): string {
  const one = (): string => {
    let text = '';
    const args: string[] = [];
    for (let n = 1 + r.below(2); n > 0; n--) {
      if (r.once(3)) text += r.pick(['x', '%%', ' ', '\0', 'abc']);
      text += '%';
      while (r.once(3)) text += r.pick(['-', '+', ' ', '#', '0']);
      if (r.once(3)) text += r.below(30);
      if (r.once(3)) text += `.${r.once(5) ? '' : r.below(24)}`;
      const letter = r.once(30)
        ? r.pick(['y', 'l', '%', '\n', '', '123d', '.123f', 'h'])
        : r.pick([...'diucxXoeEfFgGaAqsdfgssgfe']);
      text += letter;
      if (r.once(12)) args.push(r.pick(['"10"', '"0x10"', '"zz"', '""', 'true', 'nil', '{}', 'print']));
      else if (letter === 's' || letter === 'q') {
        args.push(
          r.pick([
            '""',
            '"abc"',
            quoted('a\nb\0c1\r"\\\x7f\x1f9\xff'),
            number(r),
            'true',
            'nil',
            `("xyz"):rep(${r.below(60)})`,
          ]),
        );
      } else args.push(letter === 'c' ? String(r.below(256)) : number(r));
    }
    if (r.once(30)) args.pop();
    // The address of a table is not the same everywhere.
    const safe = args.map((a) => (a === '{}' && /[sq]/.test(text) ? 'false' : a));
    return shown(r, 'string.format', [quoted(text), ...safe]);
  };
  return `${one()}\n${one()}\n${one()}`;
}

// Everything else

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
const TAILS = ['', '', '', '', ' ', '\n', 'z', '\0', 'e', 'p', '.', '..', '0x'];

function numeral(r: Random): string {
  const n = number(r);
  const text =
    r.pick(HEADS) +
    r.pick([...BODIES, ...WORDS, String(r.below(1e6) / 1e6), n.includes('/') || n.includes('^') ? '7' : n]) +
    r.pick(TAILS);
  // Older LuaJITs lose the sign.
  return /^\s*-\s*(inf|nan)/i.test(text) ? '5' : text;
}

const ORDERS = ['a < b', 'a > b', 'a % 10 < b % 10', 'a <= b', '(a * 7) % 11 < (b * 5) % 13', 'true', 'false', 'nil'];

export function libraryProgram(r: Random, { compat52 }: Dialect): string {
  const wrong = (arg: string): string =>
    r.once(12) ? r.pick(['nil', 'true', '{}', '"x"', 'print', '0/0', '"10"', 'coroutine.create(print)']) : arg;
  const small = (): string => wrong(String(r.below(14) - 5));
  const text = (): string => wrong(r.once(6) ? number(r) : quoted(subject(r)));
  const num = (): string => wrong(r.once(10) ? quoted(numeral(r)) : number(r));
  const items = (): string =>
    `{ ${Array.from({ length: r.below(r.once(10) ? 120 : 10) }, () => (r.once(30) ? '"s"' : String(r.below(1000)))).join(', ')} }`;
  const some = (...args: string[]): string[] => args.slice(0, r.once(3) ? r.below(args.length + 1) : args.length);
  const one = (): string => {
    switch (r.below(16)) {
      case 0:
        return shown(r, 'string.sub', some(text(), small(), small()));
      case 1:
        return shown(
          r,
          `string.${r.pick(['byte', 'len', 'lower', 'upper', 'reverse'])}`,
          some(text(), small(), small()),
        );
      case 2:
        return shown(r, 'string.rep', some(text(), small(), ...(compat52 ? [text()] : [])));
      case 3:
        return shown(r, 'string.char', some(small(), String(r.below(300)), small()));
      case 4:
        return shown(r, 'tonumber', some(quoted(numeral(r))));
      case 5:
        return shown(
          r,
          'tonumber',
          some(quoted(numeral(r)), r.once(10) ? small() : r.pick(['2', '8', '16', '36', '11'])),
        );
      case 6:
        return shown(r, 'tostring', some(r.pick([number(r), quoted(subject(r)), 'nil', 'true', `-(${number(r)})`])));
      case 7:
        return `P(pcall(function() return ${number(r)} ${r.pick(['+', '-', '*', '/', '%', '..', '<', '<=', '=='])} ${number(r)} end))`;
      case 8: {
        const f = r.pick('tobit bnot band bor bxor lshift rshift arshift rol ror bswap tohex'.split(' '));
        return shown(r, `bit.${f}`, some(num(), f === 'tohex' ? small() : num(), num()));
      }
      case 9: {
        const f = r.pick('abs sqrt fmod modf frexp max min floor ceil ldexp'.split(' '));
        const args = some(num(), num(), num());
        // Called by pcall without an argument, some read what is left on LuaJIT's stack.
        if (args.length === 0) args.push('{}');
        // The exponent NaN means nothing.
        if (f === 'ldexp' && args[1] === '0/0') args[1] = '1';
        // LuaJIT 2.1.0-beta3 has 0 for what is between -1 and -0.5, later ones -0.
        return shown(r, `math.${f === 'ceil' && !compat52 ? 'floor' : f}`, args);
      }
      case 10: {
        const name = r.pick(['insert', 'remove', 'concat', 'maxn', 'getn']);
        const first = name === 'concat' ? r.pick(['","', '""', 'nil', '3', '{}']) : small();
        const args =
          name === 'insert'
            ? r.pick([['7'], ['1', '8'], [small(), '9'], [], ['1', '2', '3']])
            : name === 'remove'
              ? r.pick([[], ['1'], [small()]])
              : some(first, small(), small());
        if (name === 'insert' && args.length === 2 && !/^[01]$/.test(args[0]!)) args[0] = '#t + 1';
        return `P(pcall(function() local t = ${wrong(items())} return t, table.${name}(${['t', ...args].join(', ')}) end))`;
      }
      case 11:
        return `P(pcall(function() local t, n = ${items()}, 0 ${r.once(3) ? 'table.sort(t)' : `table.sort(t, function(a, b) n = n + 1 return a ~= nil and b ~= nil and (${r.pick(ORDERS)}) end)`} return t, n end))`;
      case 12:
        return shown(r, 'unpack', some(wrong('{ 1, 2, nil, 4 }'), small(), small()));
      case 13:
        return shown(r, 'select', some(r.once(4) ? num() : small(), '1', 'nil', '"z"'));
      case 14: {
        const f = r.pick([
          'rawget',
          'rawset',
          'rawequal',
          'next',
          'type',
          'setmetatable',
          'getmetatable',
          'ipairs',
          'pairs',
          'assert',
          'error',
          'loadstring',
          'setfenv',
          'coroutine.status',
          'coroutine.resume',
          'coroutine.create',
          'coroutine.wrap',
          'pcall',
          'xpcall',
          'tostring',
          'load',
        ]);
        const args = some(
          r.pick(['{ 5 }', '{}', small(), text(), 'nil']),
          r.pick(['{}', small(), 'nil', text(), 'print']),
          r.pick(['1', 'nil']),
        );
        // Integers behind the items may have been items, so ours ends the traversal; LuaJIT knows the array's size.
        if (f === 'next' && /^[1-9]/.test(args[1] ?? '')) args[1] = 'nil';
        // A level's new environment is used from the next statement on.
        if (f === 'setfenv' && /^-?[\d"]/.test(args[0] ?? '')) args[0] = 'print';
        return shown(r, f, args).replace(
          /^P\((.*)\)$/s,
          'P(tostring(select("#", $1)), type((select(2, $1))) == "string" and not select(2, $1):find("0x") and select(2, $1))',
        );
      }
      default:
        return `P(pcall(function() local a, b = ${num()}, ${num()} return a ${r.pick(['+', '-', '*', '/', '%', '..', '<', '>=', '~='])} b end))`;
    }
  };
  return `${one()}\n${one()}\n${one()}`;
}

// Calls that need more than random arguments

/** Lists of any length, changed at places they have; numbers from a seed; numerals with the suffixes of cdata. */
export function listProgram(r: Random): string {
  const one = (): string => {
    const n = r.below(r.once(10) ? 300 : 12);
    const list = `{ ${Array.from({ length: n }, () => String(r.below(1000))).join(', ')} }`;
    const changed = (call: string): string =>
      `P(pcall(function() local t, n = ${list}, 0 return ${call.includes('return') ? `(function() ${call} end)(), t` : `${call}, t`} end))`;
    switch (r.below(8)) {
      case 0:
        return changed(`table.insert(t, ${1 + r.below(n + 1)}, 77)`);
      case 1:
        return changed(`table.remove(t, ${r.below(n + 3)})`);
      case 2: {
        const place = (): string => r.pick(['nil', '1', '2', '0', String(n), String(n - 1), String(n + 1)]);
        return changed(`table.concat(t, ${r.pick(['","', '""', '"--"', 'nil', '3'])}, ${place()}, ${place()})`);
      }
      case 3: {
        const to = r.once(3) ? ', { 5, 6, 7 }' : '';
        return changed(`table.move(t, ${1 + r.below(5)}, ${r.below(n + 1)}, ${1 + r.below(n + 1)}${to})`);
      }
      case 4: {
        const order = r.pick(ORDERS);
        return changed(
          `table.sort(t, function(a, b) n = n + 1 return a ~= nil and b ~= nil and (${order}) end) return n`,
        );
      }
      case 5: {
        const seed = number(r);
        // NaN has no value of its own.
        if (seed === '0/0') return 'P()';
        const a = r.below(20) - 10;
        return `P(pcall(function() math.randomseed(${seed}) return math.random(), math.random(${1 + r.below(100)}), math.random(${a}, ${a + r.below(1000)}), math.random(0) end))`;
      }
      default:
        return shown(r, 'tonumber', [quoted(numeral(r) + r.pick(['L', 'LL', 'i', 'u', 'ULL', 'll']))]);
    }
  };
  return `${one()}\n${one()}\n${one()}`;
}
