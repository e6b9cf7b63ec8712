/**
 * Running Lua on behalf of a request: resumes light threads until they wait, end or fail, and turns what the code
 * asked for (exit, exec, an error) into nginx's result codes. ngx_lua: ngx_http_lua_run_thread() and its helpers in
 * ngx_http_lua_util.c, whose rules are followed, since suites observe them in the order of outputs and log lines.
 */
import { type ApiContext, apiModule, enter } from '../../api/context.ts';
import { setRaise } from '../../api/error.ts';
import { exitResult } from '../../api/exit.ts';
import { sendChain } from '../../api/output.ts';
import { IN_CONTENT } from '../../api/phase.ts';
import type { Suspension } from '../../api/suspension.ts';
import { AGAIN, DONE, ERROR, HTTP_INTERNAL_SERVER_ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../../http/codes.ts';
import { runPhases } from '../../http/engine.ts';
import { finalizeRequest, runPostedRequests } from '../../http/finalize.ts';
import { internalRedirect, namedLocation } from '../../http/redirect.ts';
import { type HttpRequest, noEvent } from '../../http/request.ts';
import { LOG_ERR, LOG_WARN } from '../../log/log.ts';
import { updateTime } from '../../log/time.ts';
import {
  LuaError,
  type LuaFunction,
  type LuaResult,
  type LuaState,
  type LuaValue,
  pointerTo,
  suspend,
  type ThreadResult,
  throwError,
  traceback,
} from '../../lua/index.ts';
import { LightThread, NO_THREADS } from './light-thread.ts';

/** What is different about a run that no phase of a request's engine carries. See side-run.ts. */
export interface Side {
  /** How errors in error.log begin: `failed to run log_by_lua*: `. */
  readonly failure: string;
  /** Called around each stretch of its code. */
  readonly enter?: () => void;
  readonly leave?: () => void;
}

/** What a request's Lua handlers share: its state and its light threads. Kept in ApiContext.lua. */
export class LuaRun {
  readonly ctx: ApiContext;
  readonly state: LuaState;
  entry: LightThread | undefined = undefined;
  /** The light thread that runs now, or ran last. */
  currentThread: LightThread | undefined = undefined;
  /** Spawned threads that have not ended, or whose end nobody took notice of. */
  userThreads: LightThread[] = [];
  /** Threads to go on with before control returns to the event loop, in order. */
  posted: { thread: LightThread; args: LuaValue[] }[] = [];
  /** ngx.ctx. */
  userTable: LuaValue = undefined;
  /** The callback of ngx.on_abort, a light thread not started yet. */
  onAbort: LightThread | undefined = undefined;
  /**
   * Called with the result when a run has ended that is no handler of a request's: a timer's, a handshake's, a stream
   * session's, one in side-run.ts.
   */
  onEnd: ((rc: number) => void) | undefined = undefined;
  side: Side | undefined = undefined;
  /** Of a side run: the request's run, which has ngx.ctx. */
  base: LuaRun | undefined = undefined;
  /** What the entry thread of a side run returned. */
  results: readonly LuaValue[] = NO_RESULTS;

  private pointer: LuaValue = undefined;

  constructor(ctx: ApiContext, state: LuaState) {
    this.ctx = ctx;
    this.state = state;
  }

  /** What `require 'thread.exdata'` gives in its threads: the request's address, as Lua code passes it to C functions. */
  get exdata(): LuaValue {
    this.pointer ??= pointerTo(this.ctx.r ?? this.ctx);
    return this.pointer;
  }
}

const NO_RESULTS: readonly LuaValue[] = [];

/** The run whose Lua code executes now. */
let currentRun: LuaRun | undefined;

export function requireRun(): LuaRun | undefined {
  return currentRun;
}

/** Starts a handler's code in a fresh entry thread. Returns AGAIN while it waits, else as runThread. */
export function startEntry(run: LuaRun, code: LuaFunction, args: LuaValue[] = []): number {
  const thread = new LightThread(run.state.newThread(code), undefined);
  thread.thread.pointers = run;
  run.entry = thread;
  return runThread(run, thread, args);
}

/** A payload with which a native parks its light thread; `convert` makes Lua results of the operation's result. */
interface Park {
  readonly suspension: Suspension<unknown>;
  readonly convert: (result: unknown) => LuaValue[];
}

/** Never goes on: the handler ends here (exit, exec, redirect). */
const STOP = Symbol('stop');
/** The payload of ngx.thread.spawn. */
class Spawn {
  readonly child: LightThread;
  readonly args: LuaValue[];
  constructor(child: LightThread, args: LuaValue[]) {
    this.child = child;
    this.args = args;
  }
}

/** To be returned by ngx.thread.spawn: runs the child up to its first wait; the caller then gets its thread. */
export function spawnThread(child: LightThread, args: LuaValue[]): LuaResult {
  return suspend(new Spawn(child, args));
}

/** To be returned by a native that waits: parks the light thread until the operation is done. */
export function park<T>(suspension: Suspension<T>, convert: (result: T) => LuaValue[]): LuaResult {
  return suspend({ suspension, convert } as Park);
}

/** To be returned by a native after which the handler must not go on. */
export function stop(): LuaResult {
  return suspend(STOP);
}

/**
 * Resumes a light thread.
 * @returns AGAIN (something waits), DONE (an internal redirect took over), OK, ERROR, or a status
 */
export function runThread(run: LuaRun, thread: LightThread, args: LuaValue[]): number {
  const ctx = run.ctx;
  const before = currentRun;
  const beforeCtx = enter(ctx);
  const beforeThread = run.currentThread;
  const beforeRaise = setRaise(throwError);
  currentRun = run;
  run.side?.enter?.();
  try {
    for (;;) {
      run.currentThread = thread;
      const r = ctx.r;
      let result: ThreadResult;
      try {
        result = thread.thread.resume(args);
      } catch (error) {
        const next = failed(run, thread, error);
        if (typeof next === 'number') return next;
        thread = next.thread;
        args = next.args;
        continue;
      }
      if (result.status !== 'done') {
        if (run.side === undefined) {
          if (r?.uriChanged) return rewriteJump(run, r);
          if (ctx.exited) return handleExit(run, thread);
          if (ctx.execUri !== '' && r !== undefined) return handleExec(run, r, thread);
        }
        // coroutine.yield in a light thread itself lets the others run.
        if (result.status === 'yielded') {
          if (run.posted.length === 0) {
            args = [];
            continue;
          }
          run.posted.push({ thread, args: [] });
          return AGAIN;
        }
        const { payload } = result;
        if (payload instanceof Spawn) {
          // The child runs first, its parent goes on behind what was posted before.
          run.posted.push({ thread, args: [payload.child.thread] });
          thread = payload.child;
          args = payload.args;
          continue;
        }
        // Threads that wait for other threads are resumed by those; their payload is no operation.
        if (typeof payload === 'object' && payload !== null) start(run, thread, payload as Park);
        return AGAIN;
      }
      const next = ended(run, thread, result.values);
      if (typeof next === 'number') return next;
      thread = next.thread;
      args = next.args;
    }
  } finally {
    run.side?.leave?.();
    currentRun = before;
    run.currentThread = beforeThread;
    setRaise(beforeRaise);
    enter(beforeCtx);
  }
}

/** Starts the operation that a thread waits for. */
function start(run: LuaRun, thread: LightThread, wait: Park): void {
  thread.cancel = wait.suspension.start((result) => {
    thread.cancel = undefined;
    if (thread.status !== 'running') return;
    resumeLater(run, thread, wait.convert(result));
  });
}

/**
 * Goes on with a thread from an event. In the content phase it runs right here; in others the phase engine is entered
 * again and comes back through the phase's handler. ngx_lua: the *_resume handlers.
 */
export function resumeLater(run: LuaRun, thread: LightThread, args: LuaValue[]): void {
  const ctx = run.ctx;
  const r = ctx.r;
  if (r === undefined || run.onEnd !== undefined) {
    if (r?.freed === true && !ctx.outlives) return;
    updateTime();
    const rc = runThread(run, thread, args);
    const end = rc === AGAIN ? runPosted(run) : rc;
    if (end !== AGAIN && end !== DONE) run.onEnd?.(end);
    if (r !== undefined && !r.freed) runPostedRequests(r.connection);
    return;
  }
  if (r.freed) return;
  if (!ctx.inEvent) updateTime();
  const c = r.connection;
  const resume = (): number => {
    const rc = runThread(run, thread, args);
    if (rc === AGAIN) return runPosted(run);
    if (rc === DONE) {
      finalizeRequest(r, DONE);
      return runPosted(run);
    }
    if (ctx.entered === IN_CONTENT) {
      finalizeRequest(r, rc);
      return DONE;
    }
    return rc;
  };
  if (ctx.entered === IN_CONTENT) resume();
  else {
    ctx.resumeHandler = resume;
    runPhases(r);
  }
  if (!ctx.inEvent) runPostedRequests(c);
}

/**
 * Goes on with posted threads. For handlers of phases other than content, and from events.
 * @returns DONE when nothing is left to do now, else the code to leave the phase with
 */
export function runPosted(run: LuaRun): number {
  const ctx = run.ctx;
  for (;;) {
    const r = run.side === undefined ? ctx.r : undefined;
    if (r?.freed) return DONE;
    const next = run.posted.shift();
    if (next === undefined) return DONE;
    if (next.thread.status !== 'running') continue;
    const rc = runThread(run, next.thread, next.args);
    if (rc === AGAIN) continue;
    if (r === undefined) return rc;
    if (rc === DONE) {
      finalizeRequest(r, DONE);
      continue;
    }
    if (ctx.entered === IN_CONTENT) finalizeRequest(r, rc);
    return rc;
  }
}

/** ngx.on_abort: what runs, as a light thread, when the client goes away. */
export function setAbortCallback(run: LuaRun, fn: LuaFunction): void {
  const { ctx } = run;
  const thread = new LightThread(run.state.newThread(fn), run.currentThread);
  thread.thread.pointers = run;
  let started = false;
  run.onAbort = thread;
  ctx.onAbort = () => {
    if (started) return;
    started = true;
    run.userThreads.push(thread);
    resumeLater(run, thread, []);
  };
}

interface Next {
  readonly thread: LightThread;
  readonly args: LuaValue[];
}

/** A light thread returned. */
function ended(run: LuaRun, thread: LightThread, results: LuaValue[]): number | Next {
  thread.cancelPending();
  dropZombies(run, thread);
  if (!thread.user) {
    thread.status = 'dead';
    run.entry = undefined;
    if (run.side !== undefined) run.results = results;
    return run.userThreads.length > 0 ? AGAIN : allEnded(run);
  }
  return userEnded(run, thread, [true, ...results]);
}

/** A spawned thread has ended; `results` is what a wait for it gives. */
function userEnded(run: LuaRun, thread: LightThread, results: LuaValue[]): number | Next {
  const parent = thread.parent as LightThread;
  if (thread.isAwaited) {
    if (thread.waitedByParent) {
      thread.status = 'dead';
      dropUserThread(run, thread);
      for (const sibling of run.userThreads) if (sibling.parent === parent) sibling.waitedByParent = false;
      return { thread: parent, args: results };
    }
    thread.results = results;
    thread.status = 'zombie';
    parent.zombies = [...parent.zombies, thread];
    return AGAIN;
  }
  thread.status = 'dead';
  dropUserThread(run, thread);
  if (run.userThreads.length > 0 || run.entry !== undefined) return AGAIN;
  return allEnded(run);
}

/** A spawned thread is done with: nobody waits for it, nobody can ask for its results. */
export function dropUserThread(run: LuaRun, thread: LightThread): void {
  const i = run.userThreads.indexOf(thread);
  if (i >= 0) run.userThreads.splice(i, 1);
}

/** Nobody can ask for the results of these any more. */
function dropZombies(run: LuaRun, thread: LightThread): void {
  if (thread.zombies.length === 0) return;
  for (const zombie of thread.zombies) {
    zombie.status = 'dead';
    dropUserThread(run, zombie);
  }
  thread.zombies = NO_THREADS;
}

/** The last light thread has ended: in the content phase, so has the response. */
function allEnded(run: LuaRun): number {
  const { ctx } = run;
  if (ctx.entered === IN_CONTENT && ctx.r !== undefined) {
    const rc = sendChain(ctx.r, ctx, null);
    if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
  }
  return OK;
}

/** The text of an error value as ngx_lua logs it. */
export function errorText(error: LuaError): string {
  const value = error.value;
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? error.message : 'unknown reason';
}

/** How many coroutines' stacks the log shows of an error. ngx_lua: NGX_HTTP_LUA_BT_MAX_COROS. */
const MAX_STACKS = 5;

/** "runtime error: TEXT" with the stacks of the coroutine below, of its resumers, and of the threads that spawned it. */
function describe(error: LuaError, thread: LightThread): string {
  const stacks = [error.traceback ?? '', ...(error.outer ?? [])];
  for (let t = thread.parent; t !== undefined && t.status !== 'dead'; t = t.parent) {
    stacks.push(traceback(undefined, 0, t.thread));
  }
  const parts = stacks.slice(0, MAX_STACKS).map((text, i) => `coroutine ${i}:${text.replace(/^stack traceback:/, '')}`);
  return `runtime error: ${errorText(error)}\nstack traceback:\n${parts.join('\n')}`;
}

/** A light thread ended by an error. */
function failed(run: LuaRun, thread: LightThread, thrown: unknown): number | Next {
  const ctx = run.ctx;
  // What is not a Lua error is a fault of ours: it fails this request alone, with its JavaScript stack in the log.
  const error = thrown instanceof LuaError ? thrown : new LuaError(String((thrown as Error)?.stack ?? thrown));
  thread.cancelPending();
  if (thread.user) {
    ctx.log(LOG_ERR, `lua user thread aborted: ${describe(error, thread)}`);
    dropZombies(run, thread);
    // What error() was called with is left in front of the message that it has made of it.
    const { given, value } = error;
    return userEnded(run, thread, given === undefined ? [false, value] : [false, given, value]);
  }
  thread.status = 'dead';
  if (run.side !== undefined) {
    const trace = error.traceback === undefined ? '' : `\n${error.traceback}`;
    ctx.log(LOG_ERR, run.side.failure + errorText(error) + trace);
    finalizeThreads(run);
    return ERROR;
  }
  ctx.log(LOG_ERR, `lua entry thread aborted: ${describe(error, thread)}`);
  const r = ctx.r;
  if (r?.filterFinalize) apiModule.setContext(r, ctx);
  finalizeThreads(run);
  if (ctx.noAbort > 0) {
    ctx.noAbort = 0;
    return ERROR;
  }
  if (r === undefined) return ctx.tls === undefined ? ERROR : HTTP_INTERNAL_SERVER_ERROR;
  return r.headerSent || ctx.headerSent ? ERROR : HTTP_INTERNAL_SERVER_ERROR;
}

/** Ends all light threads: what they wait for is cancelled. ngx_lua: ngx_http_lua_finalize_threads(). */
export function finalizeThreads(run: LuaRun): void {
  if (run.posted.length > 0) run.posted = [];
  run.onAbort = undefined;
  run.ctx.onAbort = undefined;
  for (const thread of run.userThreads) {
    thread.status = 'dead';
    thread.cancelPending();
    thread.zombies = NO_THREADS;
  }
  if (run.userThreads.length > 0) run.userThreads = [];
  if (run.entry !== undefined) {
    run.entry.status = 'dead';
    run.entry.cancelPending();
    run.entry.zombies = NO_THREADS;
    run.entry = undefined;
  }
}

/** Makes the run ready for the next phase's handler. ngx_lua: ngx_http_lua_reset_ctx(). */
export function resetRun(run: LuaRun): void {
  const ctx = run.ctx;
  finalizeThreads(run);
  ctx.entered = 0;
  ctx.exitCode = 0;
  ctx.exited = false;
  ctx.execUri = '';
  ctx.execArgs = '';
  ctx.resumeHandler = undefined;
}

/** ngx.req.set_uri(uri, true). ngx_lua: ngx_http_lua_handle_rewrite_jump(). */
function rewriteJump(run: LuaRun, r: HttpRequest): number {
  finalizeThreads(run);
  // What follows is a handler of another location: nothing is left of this one's context.
  apiModule.setContext(r, undefined);
  return OK;
}

/** ngx.exec: an internal redirect. */
function handleExec(run: LuaRun, r: HttpRequest, thread: LightThread): number {
  const { execUri, execArgs } = run.ctx;
  thread.cancelPending();
  thread.status = 'dead';
  finalizeThreads(run);
  r.writeEventHandler = noEvent;
  r.readEventHandler = noEvent;
  if (execUri.startsWith('@')) {
    if (execArgs !== '') {
      r.log(LOG_WARN, `query strings ${execArgs} ignored when exec'ing named location ${execUri}`);
    }
    r.ctx = new Array(r.http.modules.length);
    const rc = namedLocation(r, execUri);
    return rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE ? rc : DONE;
  }
  const rc = internalRedirect(r, execUri, execArgs);
  return rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE ? rc : DONE;
}

/** ngx.exit and ngx.redirect. ngx_lua: ngx_http_lua_handle_exit(). */
function handleExit(run: LuaRun, thread: LightThread): number {
  const ctx = run.ctx;
  const r = ctx.r;
  thread.cancelPending();
  thread.status = 'dead';
  if (r?.filterFinalize) apiModule.setContext(r, ctx);
  finalizeThreads(run);
  return r === undefined || run.onEnd !== undefined ? ctx.exitCode : exitResult(r, ctx);
}

/** What code that cannot wait gave: its results, or the error's text with the stack below. */
export type Protected =
  | { readonly ok: true; readonly values: LuaValue[] }
  | { readonly ok: false; readonly message: string };

/** Runs code that cannot wait, in a thread of its own. */
export function callProtected(run: LuaRun, fn: LuaFunction, args: LuaValue[]): Protected {
  const before = currentRun;
  const beforeCtx = enter(run.ctx);
  currentRun = run;
  const beforeRaise = setRaise(throwError);
  const thread = run.state.newThread(fn);
  // ngx_http_lua_traceback, and debug.traceback called by it.
  thread.handlers = 2;
  thread.pointers = run;
  try {
    const result = thread.resume(args);
    if (result.status === 'done') return { ok: true, values: result.values };
    return { ok: false, message: 'attempt to yield across C-call boundary' };
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    const trace = error.traceback === undefined ? '' : `\n${error.traceback}`;
    return { ok: false, message: errorText(error) + trace };
  } finally {
    currentRun = before;
    setRaise(beforeRaise);
    enter(beforeCtx);
  }
}
