/** ngx.config. lua-resty-core: resty.core.misc; ngx_lua: ngx_http_lua_config.c. */
import { NGINX_VERSION } from '../../../conf/identity.ts';
import { LuaTable } from '../../../lua/index.ts';

/** 1.31.3 as 1031003. */
function versionNumber(text: string): number {
  const [major, minor, patch] = text.split('.').map(Number) as [number, number, number];
  return major * 1000000 + minor * 1000 + patch;
}

/** The version of lua-nginx-module whose behaviour is the reference: 0.10.32. */
const NGX_LUA_VERSION = 10032;
/** Of stream-lua-nginx-module: 0.0.19. */
const STREAM_LUA_VERSION = 19;

/** What ngx.config tells of the server. */
export interface ConfigFacts {
  readonly subsystem: 'http' | 'stream';
  /**
   * nginx: built with debug lines. Here they are always built in, so this asks whether anybody reads them: libraries
   * that do more work for their own debug lines should not when nobody does.
   */
  readonly debug: boolean;
  prefix(): string;
  configure(): string;
}

export function installConfig(ngx: LuaTable, facts: ConfigFacts): void {
  const { subsystem } = facts;
  ngx.setStr(
    'config',
    LuaTable.fromObject({
      subsystem,
      debug: facts.debug,
      nginx_version: versionNumber(NGINX_VERSION),
      ngx_lua_version: subsystem === 'stream' ? STREAM_LUA_VERSION : NGX_LUA_VERSION,
      prefix: () => facts.prefix(),
      nginx_configure: () => facts.configure(),
    }),
  );
}
