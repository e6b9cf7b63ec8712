// The basic library: what is in _G itself.

import { getHeapStatistics } from 'node:v8';
import { first, type NativeFrame, pushFrame, R, ret0, ret2, ret3, retN, S } from '../call.ts';
import { callNow, dynamic } from '../coroutine.ts';
import { isBinary } from '../dump.ts';
import { argError, LuaError, throwError, throwValue } from '../error.ts';
import { CData, cdataOperations } from '../ffi/cdata.ts';
import { addFinalizer, callFinalizer, collectGarbage, type Finalize } from '../gc/finalizer.ts';
import { formatNumber, parseInteger, parseNumber } from '../number.ts';
import { position, seesFunctions } from '../position.ts';
import { callable, errorValue, index, ipairsNext, metamethod, metatableOf, next, select } from '../runtime.ts';
import { currentGlobals, currentState, type LuaState } from '../state.ts';
import { LuaTable } from '../table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, Userdata } from '../value.ts';
import { argAny, argInteger, argString, argTable, optInteger, typeError, typeName } from './args.ts';
import { environmentOf, functionAt, resumedEnvironment, setEnvironment, setEnvironmentAt } from './environment.ts';
import { standardStreams } from './io.ts';
import { markNative, natives } from './native.ts';
import { PROTECTED } from './protected.ts';
import { unpack } from './table.ts';
import { rawText } from './text.ts';

/** `tostring`: through __tostring, which may suspend. */
function tostring(v: LuaValue): LuaResult {
  switch (typeof v) {
    case 'string':
      return v;
    case 'number':
      return formatNumber(v);
    case 'undefined':
      argAny(arguments.length, 1, 'tostring');
      return 'nil';
    case 'boolean':
      return v ? 'true' : 'false';
  }
  const h = metamethod(v, '__tostring');
  if (h === undefined) return rawText(v);
  return (typeof h === 'function' ? h : callable(h))(v);
}

function tonumber(v: LuaValue, base: LuaValue): LuaResult {
  if (base === undefined || base === 10 || (typeof base === 'string' && parseNumber(base) === 10)) {
    if (typeof v === 'number') return v;
    if (typeof v === 'string') return parseNumber(v);
    if (v instanceof CData) return cdataOperations.toNumber(v);
    argAny(arguments.length, 1, 'tonumber');
    return undefined;
  }
  const b = argInteger(base, 2, 'tonumber', arguments.length);
  if (typeof v !== 'string' && typeof v !== 'number') typeError(v, 1, 'tonumber', 'string', arguments.length);
  if (b < 2 || b > 36) argError(2, 'tonumber', 'base out of range');
  return parseInteger(typeof v === 'string' ? v : formatNumber(v), b);
}

/** pairs and ipairs: the metamethod's three values, or the built-in iteration. */
function iterate(t: LuaValue, event: string, given: number, iterator: LuaFunction, start: LuaValue): LuaResult {
  if (typeof t === 'object') {
    const h = metamethod(t, event);
    if (h !== undefined) {
      const r = (typeof h === 'function' ? h : callable(h))(t);
      return r === S && R.n < 0 ? pushFrame(threeFrame) : three(r);
    }
  }
  argAny(given, 1, event.slice(2));
  if (!(t instanceof LuaTable)) argTable(t, 1, event.slice(2), given);
  return ret3(iterator, t, start);
}

function three(r: LuaResult): LuaResult {
  if (r !== S) return ret3(r as LuaValue, undefined, undefined);
  return ret3(R.n > 0 ? R.a : undefined, R.n > 1 ? R.b : undefined, R.n > 2 ? R.c : undefined);
}

const threeFrame: NativeFrame = { name: 'pairs', resume: three };

/** Loads text for load, loadstring and loadfile: the function, or nil and the message. */
function loadText(state: LuaState, text: string, name: string, mode: LuaValue, env: LuaValue): LuaResult {
  try {
    if ((typeof mode === 'string' || typeof mode === 'number') && !String(mode).includes(isBinary(text) ? 'b' : 't')) {
      throw new LuaError('attempt to load chunk with wrong mode');
    }
    return state.load(text, name, env instanceof LuaTable ? env : currentGlobals());
  } catch (e) {
    if (!(e instanceof LuaError)) throw e;
    return ret2(undefined, e.value);
  }
}

/** Bytes a reader function may deliver in all. */
const MAX_SOURCE = 1 << 28;

function load(chunk: LuaValue, name: LuaValue, mode: LuaValue, env: LuaValue): LuaResult {
  const state = currentState();
  const title = name === undefined ? undefined : argString(name, 2, 'load', arguments.length);
  if (typeof chunk !== 'string' && typeof chunk !== 'number' && typeof chunk !== 'function') {
    typeError(chunk, 1, 'load', 'function', arguments.length);
  }
  if (typeof chunk !== 'function') {
    const text = argString(chunk, 1, 'load', 1);
    return loadText(state, text, title ?? text, mode, env);
  }
  let text = '';
  try {
    for (;;) {
      const piece = first(callNow(chunk, []));
      if (piece === undefined || piece === '') break;
      if (typeof piece !== 'string' && typeof piece !== 'number') {
        throw new LuaError(`${position(1)}reader function must return a string`);
      }
      text += typeof piece === 'number' ? formatNumber(piece) : piece;
      if (text.length > MAX_SOURCE) throw new LuaError('not enough memory');
    }
  } catch (e) {
    return ret2(undefined, errorValue(e));
  }
  return loadText(state, text, title ?? '=(load)', mode, env);
}

function loadFile(state: LuaState, path: LuaValue, mode: LuaValue, env: LuaValue): LuaResult {
  if (path === undefined) return loadText(state, standardStreams().stdin.readAll(), '=stdin', mode, env);
  if (typeof path !== 'string') typeError(path, 1, 'loadfile', 'string', 1);
  const source = state.readFile(path);
  if (typeof source !== 'string') return ret2(undefined, `cannot open ${path}: ${source.reason}`);
  return loadText(state, source, '@' + path, mode, env);
}

function levelOrFunction(f: LuaValue, fname: string, given: number): LuaFunction | number | undefined {
  if (typeof f === 'function') return f;
  const level = f === undefined && fname === 'getfenv' ? 1 : argInteger(f, 1, fname, given);
  if (level === 0) return 0;
  const fn = level < 0 ? undefined : functionAt(level);
  if (fn === undefined) argError(1, fname, 'invalid level');
  if (fn === 'unknown')
    return fname === 'getfenv' ? 0 : throwError(`'${fname}' cannot reach the function at level ${level}`);
  return fn as LuaFunction;
}

const COLLECT_OPTIONS = new Set('collect stop restart count step setpause setstepmul isrunning'.split(' '));

/** What collectgarbage sets of a state's collector. V8 decides for itself: programs only read back what they set. */
interface CollectorSettings {
  running: boolean;
  pause: number;
  stepmul: number;
  /** Bytes that calls of "step" have stood for since the last collection. */
  stepped: number;
}

/** Bytes that a step without an argument stands for. */
const STEP = 1 << 14;

const collectorSettings = new WeakMap<LuaState, CollectorSettings>();

/** Bytes that are in use, those of objects that nothing reaches any more included. */
function heapSize(): number {
  return getHeapStatistics().used_heap_size;
}

function settingsOf(state: LuaState): CollectorSettings {
  let settings = collectorSettings.get(state);
  if (settings === undefined)
    collectorSettings.set(state, (settings = { running: true, pause: 200, stepmul: 200, stepped: 0 }));
  return settings;
}

/** Metatables made by newproxy. */
const proxies = new WeakSet<LuaTable>();

/** A proxy: when it is collected, its metatable's __gc is called with another one like it. */
function newProxy(metatable: LuaTable): Userdata {
  const proxy = new Userdata(metatable);
  const state = currentState();
  const finalize: Finalize = (own) => {
    const h = metatable.getStr('__gc');
    if (h !== undefined) callFinalizer(h, (own as Userdata | undefined) ?? new Userdata(metatable), state);
  };
  addFinalizer(proxy, finalize, state);
  return proxy;
}

markNative(ipairsNext as LuaFunction, 'ipairs_aux');

export const BASE = natives({
  ...PROTECTED,
  assert(v: LuaValue, message: LuaValue, ...rest: LuaValue[]): LuaResult {
    if (v !== undefined && v !== false) {
      const given = arguments.length;
      return given === 1 ? v : given === 2 ? ret2(v, message) : retN([v, message, ...rest]);
    }
    argAny(arguments.length, 1, 'assert');
    if (arguments.length === 1) throwError('assertion failed!');
    if (typeof message === 'string' || typeof message === 'number') {
      // LuaJIT takes it as a C string here.
      throwValue(position(1) + (typeof message === 'number' ? formatNumber(message) : message).split('\0', 1)[0]);
    }
    throwValue(message);
  },
  collectgarbage(option: LuaValue, arg: LuaValue): LuaResult {
    const o = option ?? 'collect';
    if (typeof o !== 'string') typeError(o, 1, 'collectgarbage', 'string', arguments.length);
    if (!COLLECT_OPTIONS.has(o)) argError(1, 'collectgarbage', `invalid option '${o}'`);
    const value = optInteger(arg, 2, 'collectgarbage', arguments.length, 0);
    if (o === 'count') return heapSize() / 1024;
    const state = currentState();
    const settings = settingsOf(state);
    switch (o) {
      case 'isrunning':
        return settings.running;
      case 'step':
        // V8 collects in steps of its own. When ours have come to the size of the heap, all of it is collected at once.
        settings.running = true;
        settings.stepped += Math.max(value * 1024 * 2, STEP);
        if (settings.stepped < heapSize()) return false;
        settings.stepped = 0;
        collectGarbage(state);
        return true;
      case 'stop':
      case 'restart':
        settings.running = o === 'restart';
        return 0;
      case 'setpause': {
        const old = settings.pause;
        settings.pause = value;
        return old;
      }
      case 'setstepmul': {
        const old = settings.stepmul;
        settings.stepmul = value;
        return old;
      }
      default:
        settings.running = true;
        collectGarbage(state);
        return 0;
    }
  },
  dofile(path: LuaValue): LuaResult {
    const r = loadFile(currentState(), path, undefined, undefined);
    if (typeof r !== 'function') throwValue(R.b);
    return r();
  },
  gcinfo(): LuaResult {
    return Math.floor(heapSize() / 1024);
  },
  getfenv: seesFunctions(function getfenv(f: LuaValue): LuaResult {
    if (typeof f !== 'function') {
      const env = resumedEnvironment(f === undefined ? 1 : argInteger(f, 1, 'getfenv', 1));
      if (env !== undefined) return env;
    }
    const fn = levelOrFunction(f, 'getfenv', arguments.length);
    if (typeof fn !== 'function') return currentGlobals();
    return environmentOf(fn) ?? currentGlobals();
  }),
  getmetatable(v: LuaValue): LuaResult {
    argAny(arguments.length, 1, 'getmetatable');
    const m = metatableOf(v);
    if (m === undefined) return undefined;
    return m.getStr('__metatable') ?? m;
  },
  ipairs(t: LuaValue): LuaResult {
    return iterate(t, '__ipairs', arguments.length, ipairsNext as LuaFunction, 0);
  },
  load,
  loadfile(path: LuaValue, mode: LuaValue, env: LuaValue): LuaResult {
    return loadFile(currentState(), path, mode, env);
  },
  // The same in LuaJIT.
  loadstring: load,
  newproxy(v: LuaValue): LuaResult {
    if (v === undefined || v === false) return new Userdata();
    if (v === true) {
      const m = new LuaTable();
      proxies.add(m);
      return newProxy(m);
    }
    if (!(v instanceof Userdata) || v.metatable === undefined || !proxies.has(v.metatable)) {
      argError(1, 'newproxy', 'boolean or proxy expected');
    }
    return newProxy((v as Userdata).metatable!);
  },
  next: next as LuaFunction,
  pairs(t: LuaValue): LuaResult {
    return iterate(t, '__pairs', arguments.length, next as LuaFunction, undefined);
  },
  print(...values: LuaValue[]): LuaResult {
    const state = currentState();
    const own = currentGlobals();
    const convert = own.getStr('tostring') ?? (first(index(own, 'tostring')) as LuaValue);
    const texts = values.map((v) => {
      if (typeof v === 'string' && convert === tostring) return v;
      const s = first(callNow(convert, [v]));
      if (typeof s === 'number') return formatNumber(s);
      if (typeof s !== 'string') throwError("'tostring' must return a string to 'print'");
      return s;
    });
    state.print(texts.join('\t') + '\n');
    return ret0();
  },
  rawequal(a: LuaValue, b: LuaValue): LuaResult {
    argAny(arguments.length, 1, 'rawequal');
    argAny(arguments.length, 2, 'rawequal');
    return a === b;
  },
  rawget(t: LuaValue, k: LuaValue): LuaResult {
    const table = argTable(t, 1, 'rawget', arguments.length);
    argAny(arguments.length, 2, 'rawget');
    return table.get(k);
  },
  rawlen(v: LuaValue): LuaResult {
    if (v instanceof LuaTable) return v.length();
    if (typeof v === 'string') return v.length;
    typeError(v, 1, 'rawlen', 'table', arguments.length);
  },
  rawset(t: LuaValue, k: LuaValue, v: LuaValue): LuaResult {
    const table = argTable(t, 1, 'rawset', arguments.length);
    argAny(arguments.length, 2, 'rawset');
    argAny(arguments.length, 3, 'rawset');
    if (k === undefined) throwValue('table index is nil');
    table.set(k, v);
    return table;
  },
  select: select as LuaFunction,
  setfenv: seesFunctions(function setfenv(f: LuaValue, env: LuaValue): LuaResult {
    const table = argTable(env, 2, 'setfenv', arguments.length);
    const fn = levelOrFunction(f, 'setfenv', arguments.length);
    if (typeof fn !== 'function') {
      dynamic.current!.globals = table;
      return ret0();
    }
    if (!setEnvironment(fn, table)) throwError("'setfenv' cannot change environment of given object");
    if (typeof f === 'number') setEnvironmentAt(f, table);
    return fn;
  }),
  setmetatable(t: LuaValue, m: LuaValue): LuaResult {
    const table = t instanceof LuaTable ? t : argTable(t, 1, 'setmetatable', arguments.length);
    if (!(m instanceof LuaTable) && (m !== undefined || arguments.length < 2)) {
      argError(2, 'setmetatable', 'nil or table expected');
    }
    if (table.$m !== undefined && table.$m.getStr('__metatable') !== undefined) {
      throwError('cannot change a protected metatable');
    }
    table.metatable = m as LuaTable | undefined;
    return table;
  },
  tonumber,
  tostring,
  type(v: LuaValue): LuaResult {
    if (v === undefined) argAny(arguments.length, 1, 'type');
    return typeName(v);
  },
  unpack: unpack as LuaFunction,
});
