/**
 * The environment of workers: nothing but TZ and what `env` directives name. nginx: ngx_set_environment
 * (src/core/nginx.c).
 */

import type { ConfCycle } from '../conf/directive.ts';
import { type CoreConf, coreConf } from '../conf/modules/core.ts';

/**
 * Variables that are Node's own affair or ours, and must reach a worker's Node without being the worker's to see. With
 * nginx, workers get their Lua state from the master, in which LuaJIT saw the whole environment.
 */
const CARRIED = [
  'LUA_CPATH',
  'LUA_PATH',
  'NODE_OPTIONS',
  'NODE_V8_COVERAGE',
  'TSRESTY_IDENTITY',
  'TSRESTY_LUA_CACHE',
  'TSRESTY_TRANSPORT',
];

/** As it was at the start: what a later configuration may let through again. nginx: ngx_os_environ. */
const original: NodeJS.ProcessEnv = { ...process.env };

function listed(conf: CoreConf): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {};
  const entries = conf.env.some(({ name }) => name === 'TZ')
    ? conf.env
    : [...conf.env, { name: 'TZ', value: undefined }];
  for (const { name, value } of entries) {
    const own = value ?? original[name];
    if (own !== undefined) result[name] = own;
  }
  return result;
}

/**
 * glibc's malloc keeps seven freed pieces of each small size at hand for a thread, and Node has hundreds in use at once: with
 * more of them a request over TLS takes 4 % less. mallopt(3) cannot set this, only the environment at the start.
 */
const MALLOC = 'glibc.malloc.tcache_count=200';

/** The environment to start a worker with. */
export function workerEnvironment(cycle: ConfCycle): NodeJS.ProcessEnv {
  const result = listed(coreConf(cycle));
  const tunables = original['GLIBC_TUNABLES'];
  if (process.platform === 'linux')
    result['GLIBC_TUNABLES'] ??= tunables === undefined ? MALLOC : `${MALLOC}:${tunables}`;
  for (const name of CARRIED) if (original[name] !== undefined) result[name] ??= original[name];
  return result;
}

/** Leaves of this process's environment only what the configuration lets through. */
export function restrictEnvironment(cycle: ConfCycle): void {
  const keep = listed(coreConf(cycle));
  for (const name of Object.keys(process.env)) if (!(name in keep)) delete process.env[name];
  Object.assign(process.env, keep);
}

/**
 * Gives this process what `env NAME=VALUE` says while the configuration's modules are initialized; the function that
 * is returned takes it back. lua-resty-core: resty.core.misc, os.getenv() in init_by_lua.
 */
export function lendEnvironment(cycle: ConfCycle): () => void {
  const before = new Map<string, string | undefined>();
  for (const { name, value } of coreConf(cycle).env) {
    if (value === undefined) continue;
    before.set(name, process.env[name]);
    process.env[name] = value;
  }
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
