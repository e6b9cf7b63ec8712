/** ngx_stream_proxy_module: passes sessions on to other servers. */
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { hasVariables } from '../../../conf/script.ts';
import { flagSlot, msecSlot, numSlot, refuse, sizeSlot, slot } from '../../../conf/slots.ts';
import { parseLocal } from '../../../net/local-address.ts';
import { parseUrl, UrlError } from '../../../net/url.ts';
import { coreModule } from '../../core/module.ts';
import { streamModule } from '../../module.ts';
import { compileStreamValue } from '../../script.ts';
import { referToUpstream } from '../../upstream/module.ts';
import type { LocalAddress, ProxyServer } from './conf.ts';
import { passSession } from './pass.ts';

const BOTH: readonly ContextName[] = ['stream', 'stream server'];

function setPass(cf: ConfContext, conf: ProxyServer, args: readonly string[]): string | undefined {
  if (conf.upstream !== undefined || conf.target !== undefined) return 'is duplicate';
  const text = args[0] as string;
  if (cf.confs !== undefined) coreModule.serverOf(cf.confs).handler = passSession;
  if (hasVariables(text)) {
    conf.target = compileStreamValue(cf, text);
    return undefined;
  }
  try {
    conf.upstream = referToUpstream(cf, parseUrl(text, { defaultPort: 0, noResolve: true }));
    return undefined;
  } catch (e) {
    if (e instanceof UrlError) return `${e.message} in upstream "${text}"`;
    throw e;
  }
}

export const proxyModule = streamModule<object, ProxyServer>({
  name: 'ngx_stream_proxy_module',
  directives: [
    {
      name: 'proxy_pass',
      contexts: ['stream server'],
      args: 1,
      level: 'server',
      doc: 'The server or the group of servers that sessions are passed on to; may have variables.',
      set: setPass,
    } satisfies Directive<ProxyServer>,
    slot<ProxyServer, LocalAddress | null>({
      name: 'proxy_bind',
      contexts: BOTH,
      args: [1, 2],
      level: 'server',
      field: 'local',
      default: null,
      parse(cf, args) {
        const text = args[0] as string;
        if (args.length === 2) return refuse(`parameter "${args[1]}" is not supported by tsresty`);
        if (text === 'off') return null;
        const value = compileStreamValue(cf, text);
        const address = value.literal === undefined ? undefined : parseLocal(text);
        if (value.literal !== undefined && address === undefined) return refuse(`invalid address "${text}"`);
        return { value, address };
      },
      extra: 'The local address of connections to servers; `off` for none.',
    }),
    flagSlot<ProxyServer>('proxy_socket_keepalive', BOTH, 'server', 'socketKeepalive', false, 'SO_KEEPALIVE.'),
    msecSlot<ProxyServer>(
      'proxy_connect_timeout',
      BOTH,
      'server',
      'connectTimeout',
      60000,
      'How long connecting to a server may take.',
    ),
    msecSlot<ProxyServer>(
      'proxy_timeout',
      BOTH,
      'server',
      'timeout',
      600000,
      'How long may pass without a byte in either direction.',
    ),
    sizeSlot<ProxyServer>(
      'proxy_buffer_size',
      BOTH,
      'server',
      'bufferSize',
      16384,
      'Most bytes that wait in either direction before reading stops.',
    ),
    flagSlot<ProxyServer>(
      'proxy_next_upstream',
      BOTH,
      'server',
      'nextUpstream',
      true,
      'Whether another server is tried when connecting fails.',
    ),
    numSlot<ProxyServer>(
      'proxy_next_upstream_tries',
      BOTH,
      'server',
      'nextUpstreamTries',
      0,
      'Most servers that are tried; 0: no limit.',
    ),
    msecSlot<ProxyServer>(
      'proxy_next_upstream_timeout',
      BOTH,
      'server',
      'nextUpstreamTimeout',
      0,
      'How long other servers are tried; 0: no limit.',
    ),
    flagSlot<ProxyServer>(
      'proxy_half_close',
      BOTH,
      'server',
      'halfClose',
      false,
      'Whether each direction is closed by itself.',
    ),
  ],
  createServer: () => ({ upstream: undefined, target: undefined }) as ProxyServer,
});
