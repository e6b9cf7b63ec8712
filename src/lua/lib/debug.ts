// The debug library. Where things are and what calls what comes from stacks and the compiler's facts (position.ts),
// variables from V8's debugger (inspect.ts). Hooks: ../hook.ts.

import { ret0, ret2, ret3 } from '../call.ts';
import type { Block, Expr, FunctionNode, Stat } from '../compiler/ast.ts';
import { protoByName, protoOf } from '../compiler/compile.ts';
import { Coroutine, callNow } from '../coroutine.ts';
import { argError, throwError } from '../error.ts';
import { setHook } from '../hook.ts';
import { framesFor, type Level, NATIVE, seesFunctions } from '../position.ts';
import { errorValue, metatableOf, toNumber } from '../runtime.ts';
import { currentState } from '../state.ts';
import { LuaTable } from '../table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, Userdata } from '../value.ts';
import { argAny, argInteger, typeError } from './args.ts';
import { environmentOf, setEnvironment } from './environment.ts';
import { functionOf, getLocal, getUpvalue, joinUpvalues, setLocal, setUpvalue, upvalueIdentity } from './inspect.ts';
import { standardStreams } from './io.ts';
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

/** Adds the lines on which a part of a function's tree has code, without those of functions in it. */
function addLines(node: Block | Stat | Expr | object, lines: LuaTable): void {
  // An assignment is where its values are.
  if ('line' in node && !('targets' in node)) {
    const isDefinition = 'type' in node && (node.type === 'function' || node.type === 'localfunction');
    lines.set(isDefinition ? (node as { fn: FunctionNode }).fn.lastLine : (node.line as number), true);
  }
  for (const [name, part] of Object.entries(node)) {
    // Not the functions and variables that nodes refer to.
    if (
      typeof part !== 'object' ||
      part === null ||
      ['fn', 'local', 'locals', 'variable', 'target', 'targets'].includes(name)
    )
      continue;
    for (const item of Array.isArray(part) ? part : [part]) if (typeof item === 'object') addLines(item, lines);
  }
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
    const stack = levelsOf(co, framesFor(what));
    level = stack[n];
    if (n < 0 || level === undefined) return undefined;
    fn = level.fn;
    if (fn === undefined && options.includes('f')) {
      if (co === undefined) fn = functionOf(stack, n);
      // Parked frames do not tell their function; that of the outermost one is known.
      else if (n === stack.length - 1 && protoByName(level.name) === protoOf(co.origin)) fn = co.origin;
    }
    called = callName(stack, n);
  }
  const t = new LuaTable();
  const proto = fn === undefined ? protoByName(level?.name ?? '') : protoOf(fn);
  if (options.includes('S')) describeFunction(t, fn, level?.name);
  if (options.includes('l')) t.setStr('currentline', level === undefined ? -1 : level.line);
  if (options.includes('n')) {
    const m = called === undefined ? null : /^(\w+) '(.*)'$/s.exec(called);
    const native =
      level !== undefined && level.script === undefined ? level.name.slice(NATIVE.length) || undefined : undefined;
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
    const { body } = proto.fn.body;
    if (body[body.length - 1]?.type !== 'return') lines.set(proto.fn.lastLine, true);
    addLines(proto.fn.body, lines);
    t.setStr('activelines', lines);
  }
  return t;
}

function argFunction(f: LuaValue, n: number, fname: string, given: number): LuaFunction {
  if (typeof f !== 'function') typeError(f, n, fname, 'function', given);
  return f;
}

/** The light userdata that stands for an upvalue. */
function argUpvalue(f: LuaFunction, i: LuaValue, n: number, fname: string, given: number): Userdata {
  const id = upvalueIdentity(f, argInteger(i, n, fname, given), () => new Userdata());
  if (id === undefined) argError(n, fname, 'index out of range');
  return id as Userdata;
}

/** debug.debug: runs lines of standard input until one is `cont`. */
function prompt(): LuaResult {
  const { stdin, stdout, stderr } = standardStreams();
  for (;;) {
    stdout.flush();
    stderr.write('lua_debug> ');
    const line = stdin.readLine(false);
    if (line === undefined || line === 'cont') return ret0();
    try {
      callNow(currentState().load(line, '=(debug command)'), []);
    } catch (e) {
      const value = errorValue(e);
      stderr.write(`${typeof value === 'string' || typeof value === 'number' ? value : '(error object)'}\n`);
    }
  }
}

/** Tables given to natives and userdata, which have no use for them themselves. */
const ownEnvironments = new WeakMap<LuaFunction | Userdata, LuaTable>();

export const DEBUG = natives({
  gethook(): LuaResult {
    const { hook } = currentState().hookSlot;
    if (hook === undefined) return ret3(undefined, '', 0);
    return ret3(hook.fn, (hook.calls ? 'c' : '') + (hook.returns ? 'r' : '') + (hook.lines ? 'l' : ''), hook.count);
  },
  getinfo: seesFunctions(getinfo),
  getfenv(f: LuaValue): LuaResult {
    argAny(arguments.length, 1, 'getfenv');
    if (f instanceof Coroutine) return f.globals;
    if (typeof f !== 'function')
      return f instanceof Userdata ? (ownEnvironments.get(f) ?? currentState().globals) : undefined;
    return ownEnvironments.get(f) ?? environmentOf(f) ?? currentState().globals;
  },
  debug(): LuaResult {
    return prompt();
  },
  getlocal(...given: LuaValue[]): LuaResult {
    const [co, args] = splitThread(given);
    const shift = co === undefined ? 0 : 1;
    const [f] = args;
    const n = argInteger(args[1], 2 + shift, 'getlocal', given.length);
    if (typeof f === 'function') return protoOf(f)?.fn.params[n - 1]?.name;
    const level = argInteger(f, 1 + shift, 'getlocal', given.length);
    const stack = levelsOf(co, framesFor(level));
    if (level < 0 || level >= stack.length) argError(1 + shift, 'getlocal', 'level out of range');
    const found = getLocal(stack, level, n);
    return found === undefined ? undefined : ret2(found[0], found[1]);
  },
  getmetatable(v: LuaValue): LuaResult {
    return metatableOf(v);
  },
  getregistry(): LuaResult {
    return currentState().registry;
  },
  getupvalue(f: LuaValue, i: LuaValue): LuaResult {
    const n = argInteger(i, 2, 'getupvalue', arguments.length);
    const found = getUpvalue(argFunction(f, 1, 'getupvalue', arguments.length), n);
    return found === undefined ? ret0() : ret2(found[0], found[1]);
  },
  setfenv(f: LuaValue, env: LuaValue): LuaResult {
    if (!(env instanceof LuaTable)) argError(2, 'setfenv', 'table expected');
    if (f instanceof Coroutine) f.globals = env;
    else if (f instanceof Userdata || (typeof f === 'function' && isNative(f))) ownEnvironments.set(f, env);
    else if (typeof f !== 'function' || !setEnvironment(f, env)) {
      throwError("'setfenv' cannot change environment of given object");
    }
    return f;
  },
  getuservalue(): LuaResult {
    return undefined;
  },
  sethook(...given: LuaValue[]): LuaResult {
    // A thread may be given; hooks concern all of them.
    const [co, [f, maskArg, countArg]] = splitThread(given);
    if (f === undefined) return setHook(undefined);
    const shift = co === undefined ? 0 : 1;
    if (typeof maskArg !== 'string' && typeof maskArg !== 'number') {
      typeError(maskArg, 2 + shift, 'sethook', 'string', given.length);
    }
    const fn = argFunction(f, 1 + shift, 'sethook', given.length);
    const mask = String(maskArg);
    const count = countArg === undefined ? 0 : argInteger(countArg, 3 + shift, 'sethook', given.length);
    const hook = {
      fn,
      calls: mask.includes('c'),
      returns: mask.includes('r'),
      lines: mask.includes('l'),
      count: Math.max(count, 0),
    };
    return setHook(hook.calls || hook.returns || hook.lines || hook.count > 0 ? hook : undefined);
  },
  setlocal(...given: LuaValue[]): LuaResult {
    const [co, args] = splitThread(given);
    const shift = co === undefined ? 0 : 1;
    const level = argInteger(args[0], 1 + shift, 'setlocal', given.length);
    const stack = levelsOf(co, framesFor(level));
    const n = argInteger(args[1], 2 + shift, 'setlocal', given.length);
    if (args.length < 3) argError(3 + shift, 'setlocal', 'value expected');
    if (level < 0 || level >= stack.length) argError(1 + shift, 'setlocal', 'level out of range');
    return setLocal(stack, level, n, args[2]);
  },
  setmetatable(v: LuaValue, m: LuaValue): LuaResult {
    if (m !== undefined && !(m instanceof LuaTable)) argError(2, 'setmetatable', 'nil or table expected');
    if (v instanceof LuaTable || v instanceof Userdata) v.metatable = m;
    else currentState().setTypeMetatable(v, m);
    return v;
  },
  setupvalue(f: LuaValue, i: LuaValue, v: LuaValue): LuaResult {
    if (arguments.length < 3) argError(3, 'setupvalue', 'value expected');
    const n = argInteger(i, 2, 'setupvalue', arguments.length);
    const name = setUpvalue(argFunction(f, 1, 'setupvalue', arguments.length), n, v);
    return name === undefined ? ret0() : name;
  },
  setuservalue(v: LuaValue): LuaResult {
    if (!(v instanceof Userdata)) argError(1, 'setuservalue', 'userdata expected');
    throwError('debug.setuservalue is not supported');
  },
  traceback(...given: LuaValue[]): LuaResult {
    const [co, args] = splitThread(given);
    const [message, level] = args;
    if (args.length > 0 && typeof message !== 'string' && typeof message !== 'number') return message;
    const n = level === undefined ? (co === undefined ? 1 : 0) : argInteger(level, 2, 'traceback', given.length);
    return traceback(message === undefined ? undefined : String(message), n, co);
  },
  upvalueid(f: LuaValue, i: LuaValue): LuaResult {
    const fn = argFunction(f, 1, 'upvalueid', arguments.length);
    return argUpvalue(fn, i, 2, 'upvalueid', arguments.length);
  },
  upvaluejoin(f: LuaValue, i: LuaValue, g: LuaValue, j: LuaValue): LuaResult {
    const given = arguments.length;
    const to = argFunction(f, 1, 'upvaluejoin', given);
    if (isNative(to)) argError(1, 'upvaluejoin', 'Lua function expected');
    const n = argInteger(i, 2, 'upvaluejoin', given);
    argUpvalue(to, n, 2, 'upvaluejoin', given);
    const from = argFunction(g, 3, 'upvaluejoin', given);
    if (isNative(from)) argError(3, 'upvaluejoin', 'Lua function expected');
    const m = argInteger(j, 4, 'upvaluejoin', given);
    argUpvalue(from, m, 4, 'upvaluejoin', given);
    joinUpvalues(to, n, from, m);
    return ret0();
  },
});
