// The coroutine library.

import { R, ret0, ret2, ret3, retN, S, toArray } from '../call.ts';
import { Coroutine, dynamic, hostThread, type ResumeEnds, resumeCoroutine, yieldRegisters } from '../coroutine.ts';
import { argError, LuaError, throwError, throwValue } from '../error.ts';
import { position } from '../position.ts';
import { errorValue } from '../runtime.ts';
import type { LuaResult, LuaValue } from '../value.ts';
import { typeError } from './args.ts';
import { markNative, natives } from './native.ts';

function make(f: LuaValue, given: number, fname: string): Coroutine {
  if (typeof f !== 'function') typeError(f, 1, fname, 'function', given);
  const { current } = dynamic;
  if (current === undefined) throw new Error('coroutines need a running thread');
  return new Coroutine(current.state, f, false);
}

const resumeEnds: ResumeEnds = {
  finish(r) {
    if (r !== S) return ret2(true, r as LuaValue);
    if (R.n === 0) return true;
    if (R.n === 2) {
      R.c = R.b;
      R.b = R.a;
      R.a = true;
      R.n = 3;
      return S;
    }
    return retN([true, ...toArray(r)]);
  },
  fail(_, e) {
    return ret2(false, errorValue(e));
  },
};

const wrapEnds: ResumeEnds = {
  finish: (r) => r,
  fail(_, e) {
    if (e instanceof LuaError && hostThread(dynamic.current)?.isScheduled) throw e;
    const value = errorValue(e);
    throwValue(typeof value === 'string' ? position(1) + value : value);
  },
};

/** A result of n values. */
function given(n: number, a: LuaValue, b: LuaValue, c: LuaValue, rest: LuaValue[]): LuaResult {
  switch (n) {
    case 0:
      return ret0();
    case 1:
      return a;
    case 2:
      return ret2(a, b);
    case 3:
      return ret3(a, b, c);
    default:
      return retN([a, b, c, ...rest]);
  }
}

/** Why a coroutine cannot be resumed, if so. */
function refusal(co: Coroutine): string | undefined {
  if (co.status === 'suspended') return undefined;
  const isNamed = co.status === 'dead' || hostThread(dynamic.current)?.isScheduled;
  return `cannot resume ${isNamed ? co.status : 'running'} coroutine`;
}

function argCoroutine(co: LuaValue): Coroutine {
  if (co instanceof Coroutine) return co;
  argError(1, '?', 'coroutine expected');
}

export const COROUTINE = natives({
  create(f: LuaValue): LuaResult {
    return make(f, arguments.length, 'create');
  },
  // Up to three values need no array.
  resume(co: LuaValue, a: LuaValue, b: LuaValue, c: LuaValue, ...rest: LuaValue[]): LuaResult {
    const target = argCoroutine(co);
    const why = refusal(target);
    if (why !== undefined) return ret2(false, why);
    const n = arguments.length - 1;
    return resumeCoroutine(target, n === 1 ? a : given(n, a, b, c, rest), resumeEnds);
  },
  yield(a: LuaValue, b: LuaValue, c: LuaValue, ...rest: LuaValue[]): LuaResult {
    const n = arguments.length;
    R.a = a;
    if (n > 1) {
      R.b = b;
      R.c = c;
      if (n > 3) R.v = [a, b, c, ...rest];
    }
    return yieldRegisters(n);
  },
  status(co: LuaValue): LuaResult {
    return argCoroutine(co).status;
  },
  running(): LuaResult {
    return ret2(dynamic.current, false);
  },
  isyieldable(): LuaResult {
    return dynamic.current?.canYield ?? false;
  },
  wrap(f: LuaValue): LuaResult {
    const co = make(f, arguments.length, 'wrap');
    co.wrapped = true;
    // A function with `arguments`.
    const run = {
      wrap(a: LuaValue, b: LuaValue, c: LuaValue, ...rest: LuaValue[]): LuaResult {
        const why = refusal(co);
        if (why !== undefined) throwError(why);
        const n = arguments.length;
        return resumeCoroutine(co, n === 1 ? a : given(n, a, b, c, rest), wrapEnds);
      },
    }.wrap;
    return markNative(run, 'wrap');
  },
});
