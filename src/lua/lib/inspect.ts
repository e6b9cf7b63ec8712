// The variables of compiled functions, for the debug library.
//
// They live in JavaScript's variables, which only V8's debugger can reach: it is asked through an inspector session
// on this thread. Nothing is prepared for that in compiled code, so nothing costs anything until it is used.

import type { Debugger, Runtime, Session } from 'node:inspector';
import { type Frame, S } from '../call.ts';
import type { Local } from '../compiler/ast.ts';
import { type Proto, protoOf } from '../compiler/compile.ts';
import { closureName, isBoxed } from '../compiler/emit-base.ts';
import { GLOBAL_PREFIX, globals } from '../compiler/globals.ts';
import { throwError } from '../error.ts';
import { ENTER, type Level } from '../position.ts';
import type { FunctionWithEnv } from '../runtime.ts';
import type { LuaTable } from '../table.ts';
import type { LuaFunction, LuaValue } from '../value.ts';

type Box = { v: LuaValue };

/** What scripts run by the inspector exchange with this module. */
const desk: { target: unknown; value: unknown } = { target: undefined, value: undefined };
const DESK = `${GLOBAL_PREFIX}DESK`;

let session: Session | undefined;
/** What is done when the debugger pauses. */
let whenPaused: ((frames: Debugger.CallFrame[]) => void) | undefined;
let failure: unknown;

function open(): Session {
  if (session !== undefined) return session;
  const inspector = process.getBuiltinModule('node:inspector') as typeof import('node:inspector') | undefined;
  if (inspector === undefined) throwError('the debug library needs a Node.js with the inspector');
  globals.define('DESK', desk);
  const s = new inspector.Session();
  s.connect();
  s.on('Debugger.paused', ({ params }) => {
    // A breakpoint of another debugger is none of our business.
    const act = whenPaused;
    if (act === undefined) return;
    whenPaused = undefined;
    try {
      act(params.callFrames);
    } catch (e) {
      failure = e;
    }
    post('Debugger.resume');
  });
  session = s;
  return s;
}

/** Sends a request; a session on the own thread answers at once. */
function post<T>(method: string, params: object = {}): T {
  let answer: T | undefined;
  open().post(method, params, (error, result) => {
    if (error !== null) throw new Error(`${method}: ${error.message}`);
    answer = result as T;
  });
  return answer as T;
}

let enabled = false;

/** Pauses in the debugger, with the frames of the stack, innermost first. */
function paused(act: (frames: Debugger.CallFrame[]) => void): void {
  open();
  if (!enabled) {
    // Enabling takes milliseconds: it is left so for a while.
    enabled = true;
    post('Debugger.enable');
    setImmediate(() => {
      enabled = false;
      post('Debugger.disable');
    }).unref();
  }
  failure = undefined;
  whenPaused = act;
  // biome-ignore lint/suspicious/noDebugger: stopping here is the purpose
  debugger;
  whenPaused = undefined;
  if (failure !== undefined) throw failure;
}

function evaluate(frame: Debugger.CallFrame, expression: string): void {
  const { exceptionDetails: details } = post<{ exceptionDetails?: Runtime.ExceptionDetails }>(
    'Debugger.evaluateOnCallFrame',
    { callFrameId: frame.callFrameId, expression, silent: true },
  );
  if (details !== undefined) throw new Error(details.exception?.description ?? details.text);
}

// Upvalues

/** The compiled function that really runs, if setfenv or upvaluejoin made another one. */
function instanceOf(f: FunctionWithEnv): LuaFunction {
  return f.$E?.instance ?? f;
}

/** The values of the variables that a function sees from outside of it, by their JavaScript names. */
function closureVariables(f: LuaFunction): Map<string, unknown> {
  desk.target = instanceOf(f);
  const { result } = post<{ result: Runtime.RemoteObject }>('Runtime.evaluate', { expression: `${DESK}.target` });
  const { internalProperties } = post<Runtime.GetPropertiesReturnType>('Runtime.getProperties', {
    objectId: result.objectId,
    ownProperties: true,
  });
  const scopes = internalProperties?.find((p) => p.name === '[[Scopes]]')?.value?.objectId;
  post('Runtime.callFunctionOn', {
    objectId: scopes,
    functionDeclaration: `function(){${DESK}.value=Array.from(this)}`,
  });
  post('Runtime.releaseObject', { objectId: result.objectId });
  const variables = new Map<string, unknown>();
  for (const { description, object } of desk.value as { description: string; object: Record<string, unknown> }[]) {
    if (description === 'Global') continue;
    for (const name of Object.keys(object)) if (!variables.has(name)) variables.set(name, object[name]);
  }
  desk.target = desk.value = undefined;
  return variables;
}

/** The n-th upvalue of a Lua function: its local variable. */
function upvalue(f: LuaFunction, n: number): { proto: Proto; local: Local } | undefined {
  const proto = protoOf(f);
  const local = proto?.fn.upvalues[n - 1];
  return proto === undefined || local === undefined ? undefined : { proto, local };
}

/** Name and value of the n-th upvalue; undefined if there is none. */
export function getUpvalue(f: LuaFunction, n: number): [string, LuaValue] | undefined {
  const found = upvalue(f, n);
  if (found === undefined) return undefined;
  const v = closureVariables(f).get(closureName(found.local));
  return [found.local.name, isBoxed(found.local) ? (v as Box).v : (v as LuaValue)];
}

/** Assigns to an upvalue; its name, or undefined if there is none. */
export function setUpvalue(f: LuaFunction, n: number, value: LuaValue): string | undefined {
  const found = upvalue(f, n);
  if (found === undefined) return undefined;
  const { local, proto } = found;
  const name = closureName(local);
  if (isBoxed(local)) (closureVariables(f).get(name) as Box).v = value;
  else if (proto.fn.usesEnv && !proto.fn.changesEnv) assignInside(instanceOf(f), name, value);
  else throwError(`debug.setupvalue cannot change '${local.name}': the program never assigns it`);
  return local.name;
}

/**
 * Assigns to a variable that compiled code takes for constant. A function that uses globals tells its environment
 * when it is asked (see lib/environment.ts): it is stopped there, and the assignment is made in its scope.
 */
function assignInside(f: FunctionWithEnv, name: string, value: LuaValue): void {
  const own = f.$E;
  const query = { query: true, instance: undefined };
  desk.value = value;
  let isDone = false;
  Object.defineProperty(query, 'env', {
    set() {
      paused((frames) => {
        const frame = frames.find((at) => at.functionName === f.name);
        if (frame === undefined) return;
        evaluate(frame, `${name}=${DESK}.value`);
        isDone = true;
      });
    },
  });
  f.$E = query as unknown as NonNullable<FunctionWithEnv['$E']>;
  try {
    f();
  } finally {
    if (own === undefined) delete f.$E;
    else f.$E = own;
    desk.value = undefined;
  }
  if (!isDone) throwError('debug.setupvalue found no way into the function');
}

const idOfBox = new WeakMap<object, LuaFunction | object>();
const idsOfFunction = new WeakMap<LuaFunction, object[]>();

/**
 * An object that stands for an upvalue, the same for all functions that share it; for a variable that is never
 * assigned, which functions have copies of, the same for this function only. Undefined if there is no such upvalue.
 */
export function upvalueIdentity(f: LuaFunction, n: number, make: () => object): object | undefined {
  const found = upvalue(f, n);
  if (found === undefined) return undefined;
  if (isBoxed(found.local)) {
    const box = closureVariables(f).get(closureName(found.local)) as Box;
    const id = idOfBox.get(box) ?? make();
    idOfBox.set(box, id);
    return id;
  }
  const ids = idsOfFunction.get(f) ?? [];
  idsOfFunction.set(f, ids);
  ids[n] ??= make();
  return ids[n];
}

/** Makes an upvalue of `f` the same variable as one of `g`. Both exist. */
export function joinUpvalues(f: FunctionWithEnv, n: number, g: LuaFunction, m: number): void {
  const to = upvalue(f, n)!;
  const from = upvalue(g, m)!;
  const { fn } = to.proto;
  if (!isBoxed(to.local) || !isBoxed(from.local)) {
    const constant = isBoxed(to.local) ? from : to;
    throwError(`debug.upvaluejoin cannot join '${constant.local.name}': the program never assigns it`);
  }
  if (!fn.usesEnv || fn.changesEnv) throwError('debug.upvaluejoin cannot change a function that uses no globals');
  const variables = closureVariables(f);
  variables.set(closureName(to.local), closureVariables(g).get(closureName(from.local)));
  const names = fn.upvalues.map(closureName);
  let env = f.$E?.env;
  if (env === undefined) {
    const query = { env: undefined as never, instance: undefined, query: true };
    f.$E = query;
    f();
    env = query.env;
  }
  f.$E = {
    env: env!,
    query: false,
    instance: to.proto.instantiate(
      env,
      names.map((name) => variables.get(name)),
    ),
  };
}

// Local variables

/** The locals in scope at a level, in order of declaration. */
function localsOf(level: Level): Local[] {
  const result: Local[] = [];
  if (level.isGone) return result;
  for (let s = level.scope?.(); s !== undefined; s = s.outer) result.push(s.local);
  return result.reverse();
}

/** A place that holds a value. */
interface Variable {
  readonly name: string;
  get(): LuaValue;
  set(v: LuaValue): void;
}

/** Which local of a level: its name, as stack variables have it. `level` counts from the running native (0). */
function variableOf(stack: readonly Level[], level: number, n: number): Variable | undefined {
  const at = stack[level]!;
  if (at.script === undefined || at.isGone) return undefined;
  const proto = functionAtLevel(at);
  const { frame } = at;
  if (n < 0) {
    if (proto === undefined || !proto.fn.isVararg) return undefined;
    if (frame !== undefined) {
      const values = frame.get(proto.facts!.layout.indexOf('va')) as LuaValue[];
      return item('(*vararg)', values, -n - 1);
    }
    const values = readLive(stack, level, 'va') as LuaValue[];
    return item('(*vararg)', values, -n - 1);
  }
  const local = localsOf(at)[n - 1];
  if (local === undefined) return undefined;
  const boxed = isBoxed(local);
  if (frame !== undefined) return parked(frame, proto!, local, boxed);
  const text = boxed ? `${local.js}.v` : local.js;
  return {
    name: local.name,
    get: () => readLive(stack, level, text) as LuaValue,
    set(v) {
      desk.value = v;
      onFrame(stack, level, `${text}=${DESK}.value`);
      if (readLive(stack, level, text) !== v) throwError(`debug.setlocal cannot change '${local.name}'`);
    },
  };
}

function functionAtLevel(level: Level): Proto | undefined {
  return level.frame === undefined ? protoOf({ name: level.name } as Function) : (level.frame.proto as Proto);
}

function item(name: string, values: LuaValue[], i: number): Variable | undefined {
  if (i >= values.length) return undefined;
  return {
    name,
    get: () => values[i],
    set: (v) => {
      values[i] = v;
    },
  };
}

function parked(frame: Frame, proto: Proto, local: Local, boxed: boolean): Variable | undefined {
  const i = proto.facts!.layout.indexOf(local.js);
  if (i < 0) return undefined;
  return {
    name: local.name,
    get() {
      const v = frame.get(i);
      // A variable that the suspended call is about to assign has lost its old value.
      return boxed ? (v as Box).v : v === S ? undefined : (v as LuaValue);
    },
    set(v) {
      if (boxed) (frame.get(i) as Box).v = v;
      else frame.set(i, v);
    },
  };
}

/** Evaluates in the frame of a level that is on the native stack. */
function onFrame(stack: readonly Level[], level: number, expression: string): void {
  let isDone = false;
  const above = stack.slice(0, level).filter((l) => l.script !== undefined && l.frame === undefined).length;
  paused((frames) => {
    let isEntered = false;
    const frame = frames.filter(({ functionName: name }) => {
      if (name === ENTER) isEntered = true;
      if (!/^\$\d+_/.test(name)) return false;
      const isLevel = !isEntered;
      isEntered = false;
      return isLevel;
    })[above];
    if (frame === undefined) return;
    evaluate(frame, expression);
    isDone = true;
  });
  if (!isDone) throwError('the variables of this function cannot be reached: another debugger is in control');
}

function readLive(stack: readonly Level[], level: number, text: string): unknown {
  onFrame(stack, level, `${DESK}.value=${text}`);
  const { value } = desk;
  desk.value = undefined;
  return value;
}

/**
 * The function at a level that is on the native stack, where V8's stack does not tell it: behind a helper of the
 * runtime, which calls metamethods. Undefined for functions with `...` that use no globals.
 */
export function functionOf(stack: readonly Level[], level: number): LuaFunction | undefined {
  const at = stack[level];
  if (at?.script === undefined || at.frame !== undefined || at.isGone) return undefined;
  onFrame(stack, level, `try{${DESK}.value=typeof ${at.name}==='function'?${at.name}:arguments.callee}catch{}`);
  const { value } = desk;
  desk.value = undefined;
  return value as LuaFunction | undefined;
}

/** Gives the chunk that runs at a level another environment, for the rest of it and the functions it makes. */
export function setChunkEnvironment(stack: readonly Level[], level: number, env: LuaTable): void {
  const at = stack[level]!;
  const { fn, facts } = functionAtLevel(at)!;
  if (fn.index !== 0 || !fn.usesEnv || fn.changesEnv) return;
  if (at.frame !== undefined) at.frame.set(facts!.layout.indexOf('$E'), env);
  else {
    desk.value = env;
    onFrame(stack, level, `$E=${DESK}.value`);
    desk.value = undefined;
  }
}

/** Name and value of the n-th local (a vararg, if negative) at a level. */
export function getLocal(stack: readonly Level[], level: number, n: number): [string, LuaValue] | undefined {
  const v = variableOf(stack, level, n);
  return v === undefined ? undefined : [v.name, v.get()];
}

/** Assigns to a local; its name, or undefined if there is none. */
export function setLocal(stack: readonly Level[], level: number, n: number, value: LuaValue): string | undefined {
  const v = variableOf(stack, level, n);
  v?.set(value);
  return v?.name;
}
