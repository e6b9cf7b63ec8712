// The math library: https://www.lua.org/manual/5.1/manual.html#5.6, as LuaJIT has it (no math.mod, log with a base).

import { ret0, ret2 } from '../call.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { argNumber } from './args.ts';
import { Random } from './random.ts';

function abs(x: LuaValue): LuaResult {
  return Math.abs(typeof x === 'number' ? x : argNumber(x, 1, 'abs', arguments.length));
}

function ceil(x: LuaValue): LuaResult {
  return Math.ceil(typeof x === 'number' ? x : argNumber(x, 1, 'ceil', arguments.length));
}

function floor(x: LuaValue): LuaResult {
  return Math.floor(typeof x === 'number' ? x : argNumber(x, 1, 'floor', arguments.length));
}

function sqrt(x: LuaValue): LuaResult {
  return Math.sqrt(typeof x === 'number' ? x : argNumber(x, 1, 'sqrt', arguments.length));
}

function exp(x: LuaValue): LuaResult {
  return Math.exp(typeof x === 'number' ? x : argNumber(x, 1, 'exp', arguments.length));
}

function log10(x: LuaValue): LuaResult {
  return Math.log10(typeof x === 'number' ? x : argNumber(x, 1, 'log10', arguments.length));
}

function sin(x: LuaValue): LuaResult {
  return Math.sin(typeof x === 'number' ? x : argNumber(x, 1, 'sin', arguments.length));
}

function cos(x: LuaValue): LuaResult {
  return Math.cos(typeof x === 'number' ? x : argNumber(x, 1, 'cos', arguments.length));
}

function tan(x: LuaValue): LuaResult {
  return Math.tan(typeof x === 'number' ? x : argNumber(x, 1, 'tan', arguments.length));
}

function asin(x: LuaValue): LuaResult {
  return Math.asin(typeof x === 'number' ? x : argNumber(x, 1, 'asin', arguments.length));
}

function acos(x: LuaValue): LuaResult {
  return Math.acos(typeof x === 'number' ? x : argNumber(x, 1, 'acos', arguments.length));
}

function atan(x: LuaValue): LuaResult {
  return Math.atan(typeof x === 'number' ? x : argNumber(x, 1, 'atan', arguments.length));
}

function sinh(x: LuaValue): LuaResult {
  return Math.sinh(typeof x === 'number' ? x : argNumber(x, 1, 'sinh', arguments.length));
}

function cosh(x: LuaValue): LuaResult {
  return Math.cosh(typeof x === 'number' ? x : argNumber(x, 1, 'cosh', arguments.length));
}

function tanh(x: LuaValue): LuaResult {
  return Math.tanh(typeof x === 'number' ? x : argNumber(x, 1, 'tanh', arguments.length));
}

function deg(x: LuaValue): LuaResult {
  return (typeof x === 'number' ? x : argNumber(x, 1, 'deg', 1)) * 57.29577951308232;
}

function rad(x: LuaValue): LuaResult {
  return (typeof x === 'number' ? x : argNumber(x, 1, 'rad', 1)) * 0.017453292519943295;
}

function log(x: LuaValue, base: LuaValue): LuaResult {
  const n = typeof x === 'number' ? x : argNumber(x, 1, 'log', arguments.length);
  if (arguments.length < 2) return Math.log(n);
  // Two roundings, as in LuaJIT.
  return Math.log2(n) * (1 / Math.log2(argNumber(base, 2, 'log', arguments.length)));
}

function atan2(y: LuaValue, x: LuaValue): LuaResult {
  return Math.atan2(argNumber(y, 1, 'atan2', arguments.length), argNumber(x, 2, 'atan2', arguments.length));
}

function pow(x: LuaValue, y: LuaValue): LuaResult {
  return argNumber(x, 1, 'pow', arguments.length) ** argNumber(y, 2, 'pow', arguments.length);
}

function fmod(x: LuaValue, y: LuaValue): LuaResult {
  return argNumber(x, 1, 'fmod', arguments.length) % argNumber(y, 2, 'fmod', arguments.length);
}

function modf(x: LuaValue): LuaResult {
  const n = argNumber(x, 1, 'modf', arguments.length);
  const whole = Math.trunc(n);
  if (n - n !== 0) return ret2(n, Number.isNaN(n) ? n : n > 0 ? 0 : -0);
  const fraction = n - whole;
  return ret2(whole, fraction === 0 && (n < 0 || Object.is(n, -0)) ? -0 : fraction);
}

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer); // little-endian, as all machines are on which Node runs

/** The exponent e of a finite n = m * 2^e with 0.5 <= |m| < 1; m is left in `double`. */
function split(n: number): number {
  double[0] = n;
  if (n === 0) return 0;
  let bias = 1022;
  if (Math.abs(n) < 2.2250738585072014e-308) {
    double[0] *= 2 ** 54; // makes a subnormal number normal
    bias += 54;
  }
  const exponent = ((halves[1]! >>> 20) & 0x7ff) - bias;
  halves[1] = (halves[1]! & 0x800fffff) | (1022 << 20);
  return exponent;
}

function frexp(x: LuaValue): LuaResult {
  const n = argNumber(x, 1, 'frexp', arguments.length);
  if (n - n !== 0) return ret2(n, 0);
  const exponent = split(n);
  return ret2(double[0], exponent);
}

function ldexp(x: LuaValue, e: LuaValue): LuaResult {
  const n = argNumber(x, 1, 'ldexp', arguments.length);
  const by = Math.trunc(argNumber(e, 2, 'ldexp', arguments.length));
  if (n === 0 || n - n !== 0) return n;
  const exponent = split(n) + by;
  const mantissa = double[0]!;
  if (exponent > 1024) return mantissa * Number.POSITIVE_INFINITY;
  if (exponent >= -1021) return mantissa * 2 * 2 ** (exponent - 1);
  // A subnormal result: the first product is exact, the second rounds.
  return mantissa * 2 ** -1021 * 2 ** Math.max(exponent + 1021, -1000);
}

function max(x: LuaValue, ...others: LuaValue[]): LuaResult {
  let most = typeof x === 'number' ? x : argNumber(x, 1, 'max', arguments.length);
  for (let i = 0; i < others.length; i++) {
    const v = others[i];
    const n = typeof v === 'number' ? v : argNumber(v, i + 2, 'max', arguments.length);
    // As the processor's instruction: the later one unless the former is more, so NaN does not stick.
    if (!(most > n)) most = n;
  }
  return most;
}

function min(x: LuaValue, ...others: LuaValue[]): LuaResult {
  let least = typeof x === 'number' ? x : argNumber(x, 1, 'min', arguments.length);
  for (let i = 0; i < others.length; i++) {
    const v = others[i];
    const n = typeof v === 'number' ? v : argNumber(v, i + 2, 'min', arguments.length);
    if (!(least < n)) least = n;
  }
  return least;
}

const FUNCTIONS: Readonly<Record<string, LuaFunction>> = {
  abs,
  acos,
  asin,
  atan,
  atan2,
  ceil,
  cos,
  cosh,
  deg,
  exp,
  floor,
  fmod,
  frexp,
  ldexp,
  log,
  log10,
  max,
  min,
  modf,
  pow,
  rad,
  sin,
  sinh,
  sqrt,
  tan,
  tanh,
};

/** Makes the `math` table of a new state, with a random generator of its own. */
export function openMath(): LuaTable {
  const t = LuaTable.fromObject(FUNCTIONS);
  t.setStr('pi', Math.PI);
  t.setStr('huge', Number.POSITIVE_INFINITY);
  renewRandom(t);
  return t;
}

/** Gives a `math` table a generator of random numbers. */
export function renewRandom(t: LuaTable): void {
  let generator: Random | undefined;
  const functions = {
    'C:random'(m: LuaValue, n: LuaValue): LuaResult {
      const x = (generator ??= new Random()).next();
      if (arguments.length === 0) return x;
      const low = typeof m === 'number' ? m : argNumber(m, 1, 'random', arguments.length);
      if (arguments.length === 1) return Math.floor(x * low) + 1;
      const high = typeof n === 'number' ? n : argNumber(n, 2, 'random', arguments.length);
      return Math.floor(x * (high - low + 1)) + low;
    },
    'C:randomseed'(seed: LuaValue): LuaResult {
      (generator ??= new Random()).seed(argNumber(seed, 1, 'randomseed', arguments.length));
      return ret0();
    },
  };
  t.setStr('random', functions['C:random']);
  t.setStr('randomseed', functions['C:randomseed']);
}
