// The part of the debug library that makes sense for compiled code: where things are and what calls what. Local
// variables and upvalues live in JavaScript and cannot be reached.

import { ret0, ret3 } from '../call.ts';
import { protoByName, protoOf } from '../compiler/compile.ts';
import { Coroutine } from '../coroutine.ts';
import { argError, throwError } from '../error.ts';
import { type Level, NATIVE, seesFunctions } from '../position.ts';
import { metatableOf, toNumber } from '../runtime.ts';
import { currentState } from '../state.ts';
import { LuaTable } from '../table.ts';
import { addressOf, type LuaFunction, type LuaResult, type LuaValue, Userdata } from '../value.ts';
import { argInteger } from './args.ts';
import { environmentOf, setEnvironment } from './environment.ts';
import { isNative, natives } from './native.ts';
import { callName, levelsOf, traceback } from './traceback.ts';

/** The optional first argument that names another coroutine. */
function splitThread(args: LuaValue[]): [Coroutine | undefined, LuaValue[]] {
  return args[0] instanceof Coroutine ? [args[0], args.slice(1)] : [undefined, args];
}

function describeFunction(t: LuaTable, fn: Function | undefined, name: string | undefined): void {
  const proto = fn === undefined ? protoByName(name ?? '') : protoOf(fn);
  if (proto === undefined) {
    t.setStr('source', '=[C]');
    t.setStr('short_src', '[C]');
    t.setStr('what', 'C');
    t.setStr('linedefined', -1);
    t.setStr('lastlinedefined', -1);
    return;
  }
  t.setStr('source', proto.chunk.name);
  t.setStr('short_src', proto.chunk.shortSource);
  t.setStr('what', proto.fn.index === 0 ? 'main' : 'Lua');
  t.setStr('linedefined', proto.fn.line);
  t.setStr('lastlinedefined', proto.fn.index === 0 ? -1 : proto.fn.lastLine);
}

function getinfo(...given: LuaValue[]): LuaResult {
  const [co, args] = splitThread(given);
  const [what, optionArg] = args;
  const options = typeof optionArg === 'string' ? optionArg : 'flnSu';
  if (/[^SlnufLr]/.test(options)) argError(co === undefined ? 2 : 3, 'getinfo', 'invalid option');
  let level: Level | undefined;
  let fn: Function | undefined;
  let called: string | undefined;
  if (typeof what === 'function') fn = what;
  else {
    if (typeof what !== 'number' && typeof what !== 'string') {
      argError(co === undefined ? 1 : 2, 'getinfo', 'function or level expected');
    }
    const n = toNumber(what);
    if (n === undefined) argError(co === undefined ? 1 : 2, 'getinfo', 'function or level expected');
    const stack = levelsOf(co);
    level = stack[n];
    if (n < 0 || level === undefined) return undefined;
    fn = level.fn;
    called = callName(stack, n);
  }
  const t = new LuaTable();
  const proto = fn === undefined ? protoByName(level?.name ?? '') : protoOf(fn);
  if (options.includes('S')) describeFunction(t, fn, level?.name);
  if (options.includes('l')) t.setStr('currentline', level === undefined ? -1 : level.line);
  if (options.includes('n')) {
    const m = called === undefined ? null : /^(\w+) '(.*)'$/s.exec(called);
    const native = level !== undefined && level.script === undefined ? level.name.slice(NATIVE.length) : undefined;
    t.setStr('name', m?.[2] ?? native);
    t.setStr('namewhat', m?.[1] ?? '');
  }
  if (options.includes('u')) {
    t.setStr('nups', proto === undefined ? 0 : proto.fn.upvalues.length);
    t.setStr('nparams', proto === undefined ? 0 : proto.fn.params.length);
    t.setStr('isvararg', proto === undefined || proto.fn.isVararg);
  }
  if (options.includes('f')) t.setStr('func', fn as LuaFunction | undefined);
  if (options.includes('L') && proto !== undefined) {
    const lines = new LuaTable();
    for (let i = proto.fn.line; i <= proto.fn.lastLine; i++) lines.set(i, true);
    t.setStr('activelines', lines);
  }
  return t;
}

export const DEBUG = natives({
  gethook(): LuaResult {
    return ret3(undefined, '', 0);
  },
  getinfo: seesFunctions(getinfo),
  getfenv(f: LuaValue): LuaResult {
    if (f instanceof Coroutine) return f.globals;
    return typeof f === 'function' ? (environmentOf(f) ?? currentState().globals) : undefined;
  },
  getlocal(...given: LuaValue[]): LuaResult {
    const [, args] = splitThread(given);
    const [f, n] = args;
    // Names of parameters are known; values of locals are not.
    if (typeof f === 'function' && typeof n === 'number') return protoOf(f)?.fn.params[n - 1]?.name;
    return undefined;
  },
  getmetatable(v: LuaValue): LuaResult {
    return metatableOf(v);
  },
  getregistry(): LuaResult {
    return currentState().registry;
  },
  getupvalue(): LuaResult {
    return ret0();
  },
  setfenv(f: LuaValue, env: LuaValue): LuaResult {
    if (!(env instanceof LuaTable)) argError(2, 'setfenv', 'table expected');
    if (f instanceof Coroutine) f.globals = env;
    else if (typeof f !== 'function' || !setEnvironment(f, env)) {
      throwError("'setfenv' cannot change environment of given object");
    }
    return f;
  },
  getuservalue(): LuaResult {
    return undefined;
  },
  sethook(hook: LuaValue): LuaResult {
    if (hook !== undefined) throwError('debug.sethook is not supported: Lua code is compiled');
    return ret0();
  },
  setlocal(): LuaResult {
    throwError('debug.setlocal is not supported: Lua code is compiled');
  },
  setmetatable(v: LuaValue, m: LuaValue): LuaResult {
    if (m !== undefined && !(m instanceof LuaTable)) argError(2, 'setmetatable', 'nil or table expected');
    if (v instanceof LuaTable || v instanceof Userdata) v.metatable = m;
    else currentState().setTypeMetatable(v, m);
    return v;
  },
  setupvalue(): LuaResult {
    throwError('debug.setupvalue is not supported: Lua code is compiled');
  },
  setuservalue(v: LuaValue): LuaResult {
    if (!(v instanceof Userdata)) argError(1, 'setuservalue', 'userdata expected');
    throwError('debug.setuservalue is not supported');
  },
  traceback(...given: LuaValue[]): LuaResult {
    const [co, args] = splitThread(given);
    const [message, level] = args;
    if (message !== undefined && typeof message !== 'string' && typeof message !== 'number') return message;
    const n = level === undefined ? (co === undefined ? 1 : 0) : argInteger(level, 2, 'traceback', given.length);
    return traceback(message === undefined ? undefined : String(message), n, co);
  },
  upvalueid(f: LuaValue): LuaResult {
    return typeof f === 'function' && !isNative(f) ? addressOf(f) : undefined;
  },
  upvaluejoin(): LuaResult {
    throwError('debug.upvaluejoin is not supported: Lua code is compiled');
  },
});
