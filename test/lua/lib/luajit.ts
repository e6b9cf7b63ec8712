// Runs calls of library functions in a real LuaJIT, so that ours can be compared with it.

import { execFileSync } from 'node:child_process';
import { toArray } from '../../../src/lua/call.ts';
import { LuaError } from '../../../src/lua/error.ts';
import { LuaTable } from '../../../src/lua/table.ts';
import type { LuaFunction, LuaValue } from '../../../src/lua/value.ts';

/** One call: a Lua expression of the function ("string.find") and its arguments. */
export interface Call {
  readonly fn: string;
  readonly args: readonly LuaValue[];
}

/** Whether luajit is installed. */
export const hasLuaJit = ((): boolean => {
  try {
    execFileSync('luajit', ['-v'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
})();

const PRELUDE = `
local function show(v)
  local t = type(v)
  if t == 'string' then
    return '"' .. v:gsub('[^%w%p ]', function(c) return ('\\\\%03d'):format(c:byte()) end) .. '"'
  elseif t == 'number' then
    if v ~= v then return 'nan' end
    return ('%.17g'):format(v)
  elseif t == 'table' then
    local o = {}
    for i = 1, #v do o[i] = show(v[i]) end
    return '{' .. table.concat(o, ',') .. '}'
  end
  return t == 'function' and t or tostring(v)
end
local function report(...)
  local o = {}
  for i = 1, select('#', ...) do o[i] = show((select(i, ...))) end
  io.write(table.concat(o, ' '), '\\n')
end
local function gmatch(s, p)
  local o = {}
  for a, b in string.gmatch(s, p) do o[#o + 1] = a; o[#o + 1] = b or '-'; if #o > 40 then break end end
  return o
end
local upper = function(a, b) if a == 'b' then return nil elseif a == 'c' then return false end return '<' .. a .. (b or '') .. '>' end
local abc = { a = 'A', b = 1, c = false, d = {} }
`;

/** A Lua value as Lua source. */
export function literal(v: LuaValue): string {
  switch (typeof v) {
    case 'string':
      return `"${v.replace(/[^ !#-[\]-~]/g, (c) => '\\' + String(c.charCodeAt(0)).padStart(3, '0'))}"`;
    case 'number':
      return Number.isNaN(v)
        ? '(0/0)'
        : v === Infinity
          ? '(1/0)'
          : v === -Infinity
            ? '(-1/0)'
            : Object.is(v, -0)
              ? '(-0)'
              : `(${v})`;
    case 'undefined':
      return 'nil';
    case 'boolean':
      return String(v);
    default:
      if (v instanceof LuaTable) return `{${v.items().map(literal).join(', ')}}`;
      throw new Error('no literal for this value');
  }
}

/** Runs all calls in one LuaJIT process: a line of shown results or "error: message" for each. */
export function runInLuaJit(calls: readonly Call[]): string[] {
  const lines = calls.map(
    ({ fn, args }) =>
      `report(pcall(${[fn, ...args.map((v) => (typeof v === 'function' ? 'upper' : literal(v)))].join(', ')}))`,
  );
  const chunks = [];
  for (let i = 0; i < lines.length; i += 100) chunks.push(`do ${lines.slice(i, i + 100).join('\n')}\nend`);
  const script = PRELUDE + chunks.map((c) => `(function() ${c} end)()`).join(';\n');
  const out = execFileSync('luajit', ['-'], {
    input: Buffer.from(script, 'latin1'),
    maxBuffer: 1 << 28,
    timeout: 60_000,
  });
  return out.toString('latin1').split('\n').slice(0, -1).map(normalise);
}

/** Runs one call of ours and shows its results the same way. */
export function runOurs(fn: LuaFunction, args: readonly LuaValue[]): string {
  try {
    return normalise(['true', ...toArray(fn(...args)).map(show)].join(' '));
  } catch (error) {
    if (error instanceof LuaError) return normalise('false ' + show(error.value));
    throw error;
  }
}

/** Shows a value as the prelude's `show` does. */
export function show(v: LuaValue): string {
  switch (typeof v) {
    case 'string':
      return `"${v.replace(/[^ -~]/g, (c) => '\\' + String(c.charCodeAt(0)).padStart(3, '0'))}"`;
    case 'number':
      return Number.isNaN(v) ? 'nan' : seventeen(v);
    case 'undefined':
      return 'nil';
    case 'object':
      return v instanceof LuaTable ? `{${v.items().map(show).join(',')}}` : 'object';
    default:
      return typeof v === 'function' ? 'function' : String(v);
  }
}

function seventeen(v: number): string {
  if (v === Infinity) return 'inf';
  if (v === -Infinity) return '-inf';
  if (Object.is(v, -0)) return '-0';
  const text = v.toPrecision(17);
  const exponential = v.toExponential(16);
  const e = Number(exponential.slice(exponential.indexOf('e') + 1));
  if (e < -4 || e >= 17) {
    const [m, x] = exponential.split('e') as [string, string];
    const digits = m.includes('.') ? m.replace(/\.?0+$/, '') : m;
    return digits + 'e' + x[0] + x.slice(1).padStart(2, '0');
  }
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Function names in messages depend on how a function is called; pcall hides them in LuaJIT. */
function normalise(line: string): string {
  return line
    .replace(/ to '[^']*' \(/, " to '?' (")
    .replace(/"stdin:\d+: /, '"')
    .replace(/0x[0-9a-f]{6,}/g, '0x');
}
