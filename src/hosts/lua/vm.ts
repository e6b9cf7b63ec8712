/**
 * Lua states: one per worker that all requests share, or, with lua_code_cache off, one per request, so that changed
 * files and init_by_lua take effect at once. ngx_lua: ngx_http_lua_init_vm(), ngx_http_lua_get_lua_vm().
 */
import { ApiContext, contextOf, sessionContextOf } from '../../api/context.ts';
import { IN_INIT } from '../../api/phase.ts';
import type { Block } from '../../conf/block.ts';
import { ConfError } from '../../conf/error.ts';
import type { HttpRequest } from '../../http/request.ts';
import { LOG_ERR } from '../../log/log.ts';
import { LuaState, limitCollections, StateImage, useSystemPipes } from '../../lua/index.ts';
import type { StreamSession } from '../../stream/session.ts';
import { luaMainOf } from './block.ts';
import { LoadFailure } from './code.ts';
import type { LuaMain } from './conf.ts';
import { installLibrary } from './library/index.ts';
import { luaModule } from './module.ts';
import { installNgx } from './ngx/index.ts';
import { setReplaying } from './replay.ts';
import { callProtected, LuaRun } from './run.ts';
import { streamLuaModule } from './stream/module.ts';

/** LuaJIT's own path as OpenResty builds it, which `;;` stands for. */
const DEFAULT_PATH =
  './?.lua;/usr/local/openresty/luajit/share/luajit-2.1/?.lua;/usr/local/share/lua/5.1/?.lua;' +
  '/usr/local/share/lua/5.1/?/init.lua;/usr/local/openresty/lualib/?.lua;/usr/local/openresty/lualib/?/init.lua';
const DEFAULT_CPATH = './?.so;/usr/local/lib/lua/5.1/?.so;/usr/local/openresty/lualib/?.so';

/** Per http block: the shared state and what makes further ones. */
interface Vm {
  readonly block: Block;
  readonly main: LuaMain;
  shared: LuaState | undefined;
  /** Of a state that has run nothing yet, for lua_code_cache off. */
  image: StateImage | undefined;
  /** init_by_lua runs again to build this worker's state: what it does to the outside has been done by the master. */
  replay: boolean;
}

const vms = new WeakMap<Block, Vm>();

/** Part of a worker's time that collectgarbage() may take; beyond that V8 collects when it wants to. */
const COLLECTION_SHARE = 0.05;

function environment(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined ? undefined : Buffer.from(value).toString('latin1');
}

/** As they were at the start: workers do not keep them. */
const luaPath = environment('LUA_PATH');
const luaCpath = environment('LUA_CPATH');

/**
 * A search path: the directive's, where `;;` stands for the path without it and `$prefix` for the server's; else the
 * variable's, as LuaJIT has it. ngx_lua: ngx_http_lua_set_path().
 */
function searchPath(
  directive: string | undefined,
  variable: string | undefined,
  standard: string,
  prefix: string,
): string {
  const base = expand(variable, standard);
  return expand(directive?.replace(/\$\{?prefix\}?/g, prefix), base);
}

function expand(path: string | undefined, standard: string): string {
  return path === undefined ? standard : path.replace(/;;/g, () => `;${standard};`).replace(/^;|;$/g, '');
}

function newState(vm: Vm): LuaState {
  const { main, block } = vm;
  const { image } = vm;
  if (image !== undefined) return new LuaState({ image });
  const { prefix } = block.cycle;
  const state = new LuaState({
    packagePath: searchPath(main.packagePath, luaPath, DEFAULT_PATH, prefix),
    packageCpath: searchPath(main.packageCpath, luaCpath, DEFAULT_CPATH, prefix),
  });
  installNgx(state, block);
  installLibrary(state, block);
  // lua-resty-core is loaded in every state of OpenResty, and has loaded the others, which makes them fields of
  // `table` and a global.
  state
    .newThread(
      state.load("require 'table.new' require 'table.clear' require 'thread.exdata' require 'resty.core'", '=core'),
    )
    .resume();
  // A second one will not be the last.
  if (vm.shared !== undefined) vm.image = new StateImage(state);
  return state;
}

/** Runs init_by_lua in a fresh state. @throws Error with the message that stops the start */
function runInit(vm: Vm, state: LuaState): void {
  const code = vm.main.initCode;
  if (code === undefined) return;
  const ctx = new ApiContext(undefined, vm.block, vm.block.cycle.log);
  ctx.phase = IN_INIT;
  const before = setReplaying(vm.replay);
  try {
    const result = callProtected(new LuaRun(ctx, state), code.load(state, undefined, true), []);
    if (!result.ok) throw new ConfError(`init_by_lua${code.suffix} error: ${result.message}`, undefined, 'error');
  } catch (error) {
    if (!(error instanceof LoadFailure)) throw error;
    throw new ConfError(`init_by_lua${code.suffix} error: ${error.reason}`, undefined, 'error');
  } finally {
    setReplaying(before);
  }
}

/** Creates the worker's state and runs init_by_lua. Called at the start in the master and in each worker. */
export function initVm(block: Block, stage: 'master' | 'worker' | 'single'): void {
  const vm: Vm = {
    block,
    main: luaMainOf(block),
    shared: undefined,
    image: undefined,
    replay: stage === 'worker',
  };
  vms.set(block, vm);
  limitCollections(COLLECTION_SHARE);
  useSystemPipes();
  vm.shared = newState(vm);
  runInit(vm, vm.shared);
  vm.replay = true;
}

/** The worker's shared state. */
export function sharedState(block: Block): LuaState {
  const vm = vms.get(block);
  if (vm?.shared === undefined) throw new Error('the Lua VM has not been initialised');
  return vm.shared;
}

/** The request's run, made on first use in the state that its location's lua_code_cache asks for. */
export function runOf(r: HttpRequest): LuaRun {
  const ctx = contextOf(r);
  let run = ctx.lua as LuaRun | undefined;
  if (run === undefined) {
    run = new LuaRun(ctx, stateFor(r));
    ctx.lua = run;
  }
  return run;
}

function stateFor(r: HttpRequest): LuaState {
  return luaModule.location(r).codeCache ? sharedState(r.http) : freshState(r.http, r);
}

/** The run of a stream session, as runOf. */
export function sessionRunOf(s: StreamSession): LuaRun {
  const ctx = sessionContextOf(s);
  let run = ctx.lua as LuaRun | undefined;
  if (run === undefined) {
    const shared = streamLuaModule.server(s).codeCache;
    run = new LuaRun(ctx, shared ? sharedState(s.stream) : freshState(s.stream, s));
    ctx.lua = run;
  }
  return run;
}

/** A state of its own: lua_code_cache is off. */
function freshState(block: Block, scope: { log(level: number, message: string): void }): LuaState {
  const vm = vms.get(block) as Vm;
  const state = newState(vm);
  try {
    runInit(vm, state);
  } catch (error) {
    scope.log(LOG_ERR, (error as Error).message);
  }
  return state;
}
