/** `ip_hash`: a client's requests go to the same server. nginx: src/http/modules/ngx_http_upstream_ip_hash_module.c. */
import { parseAddress } from '../../conf/modules/cidr.ts';
import { SUPPORTS_ALL_BUT_BACKUP } from '../../upstream/group.ts';
import type { RoundRobinPeers } from '../../upstream/peers.ts';
import { httpModule } from '../module.ts';
import { DrawSelection, indexByWeight, useMethod } from '../upstream/method.ts';

/** Stands for clients without an address: unix sockets. */
const NO_ADDRESS: readonly number[] = [0, 0, 0];

class IpHashSelection extends DrawSelection {
  /** Three bytes of an IPv4 address, all of an IPv6 address. */
  readonly #address: readonly number[];
  #hash = 89;

  constructor(peers: RoundRobinPeers, address: readonly number[]) {
    super(peers);
    this.#address = address;
  }

  protected override draw(peers: RoundRobinPeers): number {
    for (const byte of this.#address) this.#hash = (this.#hash * 113 + byte) % 6271;
    return indexByWeight(peers, this.#hash % peers.totalWeight);
  }
}

export const upstreamIpHashModule = httpModule({
  name: 'ngx_http_upstream_ip_hash_module',
  directives: [
    {
      name: 'ip_hash',
      contexts: ['upstream'],
      args: 0,
      level: 'server',
      doc: "Chooses the server by the client's address, for IPv4 by its first three bytes.",
      set(cf) {
        useMethod(cf, SUPPORTS_ALL_BUT_BACKUP, (r, peers) => {
          const bytes = parseAddress(r.connection.remoteAddress);
          const address = bytes === undefined ? NO_ADDRESS : bytes.length === 4 ? bytes.slice(0, 3) : bytes;
          return new IpHashSelection(peers, address);
        });
        return undefined;
      },
    },
  ],
  createServer: () => ({}),
});
