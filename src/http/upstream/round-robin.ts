/** Round robin (src/upstream/round-robin.ts) for http: names resolved at run time, and the way into it. */
import type { ConfContext } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { triesOf } from '../../upstream/peers.ts';
import { groupPeers, peersNow, RoundRobinSelection } from '../../upstream/round-robin.ts';
import { coreModule } from '../core/define.ts';
import { httpOf } from '../cycle.ts';
import type { HttpRequest } from '../request.ts';
import type { InitPeer, Upstream } from './conf.ts';
import type { PeerConnection } from './peer.ts';

export { makePeers, peersNow, RoundRobinSelection } from '../../upstream/round-robin.ts';

/** Refuses names that are to be resolved while the server runs, where that is impossible. */
function checkResolving(cf: ConfContext, upstream: Upstream): void {
  const resolving = upstream.servers?.some((server) => server.host !== undefined) === true;
  const place = `upstream "${upstream.host}" in ${upstream.file}:${upstream.line}`;
  if (upstream.zone === undefined) {
    if (resolving) throw new ConfError(`resolving names at run time requires ${place} to be in shared memory`);
    return;
  }
  if (resolving && !upstream.dynamic) {
    throw new ConfError(`load balancing method does not support resolving names at run time in ${place}`);
  }
  const http = coreModule.locationOf(httpOf(cf).confs);
  upstream.resolver ??= http.resolver;
  upstream.resolverTimeout ??= http.resolverTimeout ?? 30000;
  if (resolving && upstream.resolver === undefined) {
    throw new ConfError(`no resolver defined to resolve names at run time in ${place}`);
  }
}

/** Makes the peers of an upstream from its servers, or from the addresses of its host. Throws ConfError. */
export function initRoundRobin(cf: ConfContext, upstream: Upstream): void {
  upstream.initPeer = initRoundRobinPeer;
  if (upstream.servers !== undefined) checkResolving(cf, upstream);
  upstream.peers = groupPeers(upstream);
}

/** A selection among the peers that `initRoundRobin` made. */
export const initRoundRobinPeer: InitPeer = (_r: HttpRequest, pc: PeerConnection, upstream: Upstream) => {
  const peers = peersNow(upstream);
  pc.tries = triesOf(peers);
  return new RoundRobinSelection(peers);
};
