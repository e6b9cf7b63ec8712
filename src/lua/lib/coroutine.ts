// The coroutine library.

import { R, ret2, retN, S, toArray } from '../call.ts';
import { Coroutine, dynamic, type ResumeEnds, resumeCoroutine, yieldValues } from '../coroutine.ts';
import { argError, LuaError, throwError, throwValue } from '../error.ts';
import { position } from '../position.ts';
import { errorValue } from '../runtime.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
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
    if (e instanceof LuaError && (e.handled || e.traceback !== undefined)) throw e;
    const value = errorValue(e);
    throwValue(typeof value === 'string' ? position(1) + value : value);
  },
};

/** Why a coroutine cannot be resumed, if so. */
function refusal(co: Coroutine): string | undefined {
  if (co.status === 'suspended') return undefined;
  return co.status === 'dead' ? 'cannot resume dead coroutine' : 'cannot resume running coroutine';
}

function argCoroutine(co: LuaValue): Coroutine {
  if (co instanceof Coroutine) return co;
  argError(1, '?', 'coroutine expected');
}

export const COROUTINE = natives({
  create(f: LuaValue): LuaResult {
    return make(f, arguments.length, 'create');
  },
  resume(co: LuaValue, ...args: LuaValue[]): LuaResult {
    const c = argCoroutine(co);
    const why = refusal(c);
    if (why !== undefined) return ret2(false, why);
    return resumeCoroutine(c, args, resumeEnds);
  },
  yield(...args: LuaValue[]): LuaResult {
    return yieldValues(args);
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
    const run: LuaFunction = (...args) => {
      const why = refusal(co);
      if (why !== undefined) throwError(why);
      return resumeCoroutine(co, args, wrapEnds);
    };
    return markNative(run, 'wrap');
  },
});
