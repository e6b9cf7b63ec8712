/**
 * Resolves the name of a `server ... resolve` when its addresses expire, and puts those that it finds into the shared
 * memory of the upstream. One process does it for all. nginx: ngx_http_upstream_zone_resolve_handler().
 */
import { LOG_ERR } from '../../log/log.ts';
import { currentSecond } from '../../log/time.ts';
import type { ResolveFailure, Resolver } from '../../net/resolver/resolver.ts';
import { resolverOf } from '../../net/resolver/resolver.ts';
import type { ServiceTarget } from '../../net/resolver/service.ts';
import { ServiceLookup } from '../../net/resolver/service.ts';
import type { ResolverConf } from '../../net/resolver-conf.ts';
import { Timer } from '../../net/timer.ts';
import { inetAddress } from '../../net/url.ts';
import type { UpstreamServer } from '../../upstream/group.ts';
import type { ResolvedPeer, SharedUpstream } from '../../upstream/shared-peers.ts';
import type { HttpCycle } from '../cycle.ts';
import type { Upstream } from './conf.ts';

/** Code of the answer that there is no such name: then there are no addresses, which is no failure. */
const NO_SUCH_NAME = 3;

export class NameWatch {
  readonly #http: HttpCycle;
  readonly #upstream: Upstream;
  readonly #index: number;
  readonly #server: UpstreamServer;
  readonly #resolver: Resolver;
  readonly #timer: Timer = new Timer(this);
  #cancel: (() => void) | undefined = undefined;

  /** @param index of the server in the upstream's */
  constructor(http: HttpCycle, upstream: Upstream, index: number) {
    this.#http = http;
    this.#upstream = upstream;
    this.#index = index;
    this.#server = upstream.servers?.[index] as UpstreamServer;
    this.#resolver = resolverOf(upstream.resolver as ResolverConf, http.cycle.log);
  }

  /** Begins: at once, or when addresses that the configuration before has left expire. */
  start(): void {
    const left = this.#shared.validUntil(this.#index) - currentSecond();
    if (left > 0) this.#timer.set(left * 1000);
    else this.onTimer();
  }

  stop(): void {
    this.#timer.release();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  get #shared(): SharedUpstream {
    return this.#upstream.shared as SharedUpstream;
  }

  get #timeout(): number {
    return this.#upstream.resolverTimeout as number;
  }

  onTimer(): void {
    const { host, service } = this.#server as { host: string; service: string };
    if (service !== '') {
      const lookup = new ServiceLookup(this.#resolver, host, service, this.#timeout, (failed, targets, ms) => {
        this.#onService(failed, targets, ms);
      });
      this.#cancel = () => lookup.cancel();
    } else {
      this.#cancel = this.#resolver.resolve(host, this.#timeout, (failed, addresses, ms) => {
        this.#onAddresses(failed, addresses, ms);
      });
    }
  }

  #onAddresses(failed: ResolveFailure | undefined, addresses: readonly string[], ms: number): void {
    const { host, name, port, weight, backup } = this.#server;
    this.#cancel = undefined;
    if (failed !== undefined) {
      this.#log(`${host} could not be resolved (${failed.text})`);
      if (failed.code !== NO_SUCH_NAME) {
        this.#retry();
        return;
      }
    }
    this.#apply(
      addresses.map((address) => ({ name: inetAddress(address, port).text, server: name, weight, backup })),
      ms,
    );
  }

  #onService(failed: ResolveFailure | undefined, targets: readonly ServiceTarget[], ms: number): void {
    const { host, service, weight, backup } = this.#server;
    this.#cancel = undefined;
    for (const { name, failure } of targets) {
      if (failure === undefined) continue;
      this.#log(`${name} could not be resolved (${failure.text}) while resolving service ${service} of ${host}`);
    }
    if (failed !== undefined) {
      this.#log(`service ${service} of ${host} could not be resolved (${failed.text})`);
      if (failed.code !== NO_SUCH_NAME) {
        this.#retry();
        return;
      }
    }
    const found = targets.filter((target) => target.addresses.length > 0);
    const first = Math.min(...found.map((target) => target.priority));
    const peers: ResolvedPeer[] = [];
    for (const target of found) {
      // Those of lesser priority stand in; behind a stand-in there is nothing.
      const standsIn = target.priority !== first;
      if (standsIn && backup) continue;
      for (const address of target.addresses) {
        peers.push({
          name: inetAddress(address, target.port).text,
          server: target.name,
          weight: weight !== 1 ? weight : target.weight,
          backup: backup || standsIn,
        });
      }
    }
    this.#apply(peers, ms);
  }

  #apply(peers: readonly ResolvedPeer[], ms: number): void {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    if (!this.#shared.update(this.#index, peers, currentSecond() + seconds)) {
      this.#log(`cannot add new server to upstream "${this.#upstream.host}", memory exhausted`);
    }
    this.#timer.set(seconds > 0 ? (seconds + 1) * 1000 : 1000);
  }

  #retry(): void {
    this.#timer.set(Math.max(this.#timeout, 1000));
  }

  #log(message: string): void {
    this.#http.cycle.log.write(LOG_ERR, message);
  }
}
