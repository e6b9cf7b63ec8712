/** ngx.thread.spawn, wait, kill. ngx_lua: ngx_http_lua_uthread.c. */
import { current, requireContext } from '../../../api/context.ts';
import { IN_BALANCER, IN_EXIT_WORKER, IN_INIT_WORKER, IN_LOG, IN_SET } from '../../../api/phase.ts';
import {
  argError,
  Coroutine,
  currentThread,
  type LuaFunction,
  type LuaResult,
  type LuaState,
  LuaTable,
  type LuaValue,
  ret2,
  retN,
  suspend,
  throwError,
} from '../../../lua/index.ts';
import { LightThread } from '../light-thread.ts';
import { dropUserThread, type LuaRun, requireRun, spawnThread } from '../run.ts';
import { typeError } from './args.ts';

/** The light thread behind a Lua thread object. */
const threads = new WeakMap<Coroutine, LightThread>();

function running(): { run: LuaRun; thread: LightThread } {
  requireContext().checkWait();
  const run = requireRun();
  const thread = run?.currentThread;
  if (run === undefined || thread === undefined) return throwError('no request found');
  return { run, thread };
}

/** Runs the function up to its first wait, then goes on with the caller. */
function spawn(fn: LuaValue, ...args: LuaValue[]): LuaResult {
  if (typeof fn !== 'function') typeError(1, 'spawn', 'function', fn);
  const { run, thread: parent } = running();
  const child = new LightThread(run.state.newThread(fn as LuaFunction), parent);
  child.thread.pointers = run;
  threads.set(child.thread, child);
  run.userThreads.push(child);
  return spawnThread(child, args);
}

function threadOf(v: LuaValue, n: number, name: string): LightThread {
  if (!(v instanceof Coroutine)) argError(n, name, 'lua thread expected');
  const thread = threads.get(v);
  return thread ?? throwError('attempt to wait on a coroutine that is not a user thread');
}

/** Waits for the first of several children to end; gives true and its results, or false and its error. */
function wait(...list: LuaValue[]): LuaResult {
  const { run, thread: parent } = running();
  if (list.length === 0) throwError('at least one coroutine should be specified');
  for (let i = 0; i < list.length; i++) {
    const child = threadOf(list[i], i + 1, 'wait');
    if (child.parent !== parent || child.spawner !== currentThread()) {
      throwError('only the parent coroutine can wait on the thread');
    }
    if (child.status === 'zombie') {
      collect(run, parent, child);
      return retN([...child.results]);
    }
    if (child.status === 'dead') {
      if (i < list.length - 1) continue;
      return ret2(undefined, 'already waited or killed');
    }
    child.waitedByParent = true;
  }
  return suspend(undefined);
}

function collect(run: LuaRun, parent: LightThread, child: LightThread): void {
  child.status = 'dead';
  parent.zombies = parent.zombies.filter((zombie) => zombie !== child);
  dropUserThread(run, child);
}

function kill(v: LuaValue): LuaResult {
  const { run, thread: parent } = running();
  if (!(v instanceof Coroutine)) argError(1, 'kill', 'lua thread expected');
  const child = threads.get(v);
  if (child === undefined) return ret2(undefined, 'not user thread');
  if (child.parent !== parent || child.spawner !== currentThread()) return ret2(undefined, 'killer not parent');
  if (child.pendingSubrequests > 0) return ret2(undefined, 'pending subrequests');
  if (child.status === 'zombie') {
    collect(run, parent, child);
    return ret2(undefined, 'already terminated');
  }
  if (child.status === 'dead') return ret2(undefined, 'already waited or killed');
  child.status = 'dead';
  child.cancelPending();
  child.thread.kill();
  dropUserThread(run, child);
  return 1;
}

/**
 * coroutine.status of light threads: what waits for the server is running all the same, and what has ended without
 * anybody having asked for its results is a zombie.
 */
function statusOf(co: Coroutine): string | undefined {
  const thread = threads.get(co);
  if (thread === undefined) return undefined;
  if (thread.status !== 'running') return thread.status;
  return co.frames.top?.native?.name === 'resume' ? 'normal' : 'running';
}

/** Where code runs on the C stack of nginx: it can neither wait nor make what could. */
const WITHOUT_COROUTINES = IN_SET | IN_LOG | IN_BALANCER | IN_INIT_WORKER | IN_EXIT_WORKER;

const OPERATIONS = ['create', 'resume', 'status', 'wrap', 'yield'];

/** ngx_lua has each function twice more: Lua's own behind one underscore, that of requests behind two. */
function extendLibrary(state: LuaState): void {
  const library = state.globals.getStr('coroutine');
  if (!(library instanceof LuaTable)) return;
  // It has no isyieldable.
  library.setStr('isyieldable', undefined);
  for (const name of OPERATIONS) library.setStr(`_${name}`, library.getStr(name));
  const original = library.getStr('status');
  if (typeof original === 'function') {
    library.setStr('status', (co: LuaValue) => (co instanceof Coroutine ? statusOf(co) : undefined) ?? original(co));
  }
  for (const name of ['create', 'wrap']) {
    const make = library.getStr(name);
    if (typeof make !== 'function') continue;
    library.setStr(name, (fn: LuaValue) => {
      if (current !== undefined && !current.mayWait && (current.phase & WITHOUT_COROUTINES) !== 0) {
        current.check(~WITHOUT_COROUTINES);
      }
      return make(fn);
    });
  }
  // It has no isyieldable.
  library.setStr('isyieldable', undefined);
  for (const name of OPERATIONS) library.setStr(`__${name}`, library.getStr(name));
}

export function installThread(ngx: LuaTable, state: LuaState): void {
  extendLibrary(state);
  ngx.setStr('thread', LuaTable.fromObject({ spawn, wait, kill }));
}
