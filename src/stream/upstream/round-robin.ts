/** Round robin (src/upstream/round-robin.ts) as the balancing method of stream's upstreams. */
import type { ConfContext } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { triesOf } from '../../upstream/peers.ts';
import { groupPeers, peersNow, RoundRobinSelection } from '../../upstream/round-robin.ts';
import type { InitPeer, Upstream } from './conf.ts';

/** Makes the peers of an upstream from its servers, or from the addresses of its host. Throws ConfError. */
export function initRoundRobin(_cf: ConfContext, upstream: Upstream): void {
  const { host, servers, file, line } = upstream;
  if (servers?.some((server) => server.host !== undefined) === true) {
    const place = `upstream "${host}" in ${file}:${line}`;
    throw new ConfError(`resolving names at run time requires ${place} to be in shared memory`);
  }
  upstream.initPeer = initRoundRobinPeer;
  upstream.peers = groupPeers(upstream);
}

/** A selection among the peers that `initRoundRobin` made. */
export const initRoundRobinPeer: InitPeer = (_s, pc, upstream) => {
  const peers = peersNow(upstream);
  pc.tries = triesOf(peers);
  return new RoundRobinSelection(peers);
};
