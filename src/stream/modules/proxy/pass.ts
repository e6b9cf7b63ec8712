/** proxy_pass as the content handler: finds the upstream and hands the session over. nginx: ngx_stream_proxy_handler(). */
import { LOG_ERR } from '../../../log/log.ts';
import { resolverOf } from '../../../net/resolver/resolver.ts';
import { inetAddress, type ParsedUrl, parseUrl, UrlError } from '../../../net/url.ts';
import { type PeerAddress, peerAddress } from '../../../upstream/peer.ts';
import { triesOf } from '../../../upstream/peers.ts';
import { makePeers, RoundRobinSelection } from '../../../upstream/round-robin.ts';
import { STREAM_INTERNAL_SERVER_ERROR } from '../../codes.ts';
import { coreModule } from '../../core/module.ts';
import type { StreamSession } from '../../session.ts';
import { findUpstream, upstreamModule } from '../../upstream/module.ts';
import { proxyModule } from './module.ts';
import { Proxying } from './proxying.ts';

/** The content handler of servers with proxy_pass. */
export function passSession(s: StreamSession): void {
  const conf = proxyModule.server(s);
  const proxying = new Proxying(s, conf);
  proxying.bindLocal();
  if (conf.upstream !== undefined) {
    proxying.begin(conf.upstream.initPeer(s, proxying, conf.upstream));
    return;
  }
  const text = conf.target?.evaluate(s) ?? '';
  let url: ParsedUrl;
  try {
    url = parseUrl(text, { defaultPort: 0, noResolve: true });
  } catch (e) {
    if (!(e instanceof UrlError)) throw e;
    fail(s, proxying, `${e.message} in upstream "${text}"`);
    return;
  }
  const known = findUpstream(upstreamModule.main(s), url);
  if (known !== undefined) {
    proxying.begin(known.initPeer(s, proxying, known));
    return;
  }
  if (url.port === 0 && url.family !== 'unix') {
    fail(s, proxying, `no port in upstream "${url.host}"`);
    return;
  }
  if (url.addresses.length > 0) passTo(proxying, url.host, url.addresses.map(peerAddress));
  else resolve(s, proxying, url);
}

function fail(s: StreamSession, proxying: Proxying, message: string): void {
  s.log(LOG_ERR, message);
  proxying.finalize(STREAM_INTERNAL_SERVER_ERROR);
}

/** Passes the session on to one of some addresses. */
function passTo(proxying: Proxying, name: string, addresses: readonly PeerAddress[]): void {
  const peers = makePeers(name, addresses);
  proxying.tries = triesOf(peers);
  proxying.begin(new RoundRobinSelection(peers));
}

/** Looks the host's addresses up first. nginx: ngx_stream_proxy_resolve_handler(). */
function resolve(s: StreamSession, proxying: Proxying, { host, port }: ParsedUrl): void {
  const { resolver, resolverTimeout } = coreModule.server(s);
  if (resolver === undefined) {
    fail(s, proxying, `no resolver defined to resolve ${host}`);
    return;
  }
  const all = resolverOf(resolver, s.stream.cycle.log);
  const known = all.lookup(host);
  const found = (addresses: readonly string[]) => addresses.map((one) => peerAddress(inetAddress(one, port)));
  if (known !== undefined) {
    passTo(proxying, host, found(known));
    return;
  }
  const cancel = all.resolve(host, resolverTimeout, (failure, addresses) => {
    if (s.finalized) return;
    if (failure !== undefined) fail(s, proxying, `${host} could not be resolved (${failure.text})`);
    else passTo(proxying, host, found(addresses));
  });
  s.addCleanup(cancel);
}
