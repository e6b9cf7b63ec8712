/**
 * What `http {}` and `stream {}` have in common: what code that serves both (src/api, src/hosts) knows of the block that
 * it runs in, and what both do when they have been read.
 */
import type { Listening } from '../net/listening.ts';
import type { AcceptedSocket } from '../net/socket.ts';
import type { Cycle } from './cycle.ts';
import type { ConfContext, ConfStack } from './directive.ts';
import type { SubModule } from './registry.ts';

/** A block at run time. */
export interface Block {
  readonly subsystem: 'http' | 'stream';
  readonly cycle: Cycle;
  /** Configuration objects of the block itself. stream has no locations: there `location` is `server`. */
  readonly confs: ConfStack;
  readonly modules: readonly SubModule[];
  /** What locations (in stream: servers) of the block inherit, complete: for work that belongs to no request. */
  readonly outside: unknown[];
}

/** One listening socket, with the servers of the addresses that arrive there: G. nginx: ngx_http_port_t, ngx_stream_port_t. */
export interface Port<G> {
  readonly listening: Listening;
  /** For the address that the client connected to, when the socket is bound to a wildcard. */
  readonly byAddress: ReadonlyMap<string, G>;
  /** For all other addresses. */
  readonly group: G;
}

type Accept = (socket: AcceptedSocket) => void;

/** What takes the connections of a socket, made of what takes those of one group of servers: most have one behind them. */
export function accepter<G>({ group, byAddress }: Port<G>, acceptFor: (group: G) => Accept): Accept {
  const accept = acceptFor(group);
  if (byAddress.size === 0) return accept;
  const accepts = new Map([...byAddress].map(([address, one]) => [address, acceptFor(one)]));
  return (socket) => (accepts.get(socket.localAddress) ?? accept)(socket);
}

/** The same place in the configuration with other objects: for merging, where `cf.confs` is the block at hand. */
export function within(cf: ConfContext, confs: ConfStack): ConfContext {
  return Object.create(cf, { confs: { value: confs } }) as ConfContext;
}
