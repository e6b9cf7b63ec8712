/**
 * `stream` without servers, as OpenResty's resty writes it into the configuration that it generates: a block of
 * settings for servers that there are none of. Servers and upstreams in it are refused as what is not supported.
 */
import type { Directive } from '../directive.ts';
import type { CoreModule } from '../registry.ts';

/** Settings that resty writes, and how many arguments they take. They would concern servers only. */
const SETTINGS: Readonly<Record<string, Directive['args']>> = {
  access_log: { min: 1 },
  lua_package_cpath: 1,
  lua_package_path: 1,
  lua_regex_cache_max_entries: 1,
  lua_socket_log_errors: 'flag',
  resolver: { min: 1 },
  resolver_timeout: 1,
};

function setting(name: string): Directive {
  return {
    name,
    contexts: ['stream'],
    args: SETTINGS[name] as Directive['args'],
    doc: 'Of stream servers, which are not supported: without effect.',
    set: () => undefined,
  };
}

const stream: Directive = {
  name: 'stream',
  contexts: ['main'],
  args: 0,
  block: 'conf',
  doc: 'Servers of plain TCP and UDP, which are not supported: the block may hold settings only.',
  set(cf) {
    cf.parseBlock('stream');
    return undefined;
  },
};

/** The block and its settings. */
export const streamBlockModule: CoreModule = {
  name: 'stream_block',
  directives: [stream, ...Object.keys(SETTINGS).map(setting)],
};
