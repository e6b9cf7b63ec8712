/** ngx.balancer for TypeScript: what balancer_by_ts_file does. Where Lua's functions return nil and an error, these throw. */
import { BalancerFailure, type BalancerSelection, currentBalancer } from '../../api/balancer.ts';
import { PEER_FAILED } from '../../http/upstream/peer.ts';
import { bytes } from './text.ts';
import type { Run } from './wait.ts';

// Defaults of enable_keepalive.
const IDLE_SECONDS = 60;
const MAX_REQUESTS = 100;

/** The choice of a server for one attempt. Manual: ngx.balancer. */
export class NgxBalancer {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  /**
   * The server of this attempt. Manual: set_current_peer.
   * @param address numeric, or `unix:PATH`
   * @param host for SNI, and for telling apart kept connections
   */
  setCurrentPeer(address: string, port = 0, host = ''): void {
    this.#attempt((balancer) => balancer.setPeer(bytes(address), Math.trunc(port), bytes(host)));
  }

  /** How often it may be tried again. Returns a warning when proxy_next_upstream_tries allows fewer. */
  setMoreTries(count: number): string | undefined {
    return this.#use((balancer) => balancer.setMoreTries(Math.trunc(count)));
  }

  /** Seconds; undefined leaves a timeout as it is. */
  setTimeouts(connect?: number, send?: number, read?: number): void {
    const milliseconds = (seconds: number | undefined): number => Math.trunc((seconds ?? 0) * 1000);
    this.#use((balancer) => balancer.setTimeouts(milliseconds(connect), milliseconds(send), milliseconds(read)));
  }

  /** How the attempt before failed: undefined for the first one. Manual: get_last_failure. */
  getLastFailure(): { readonly state: 'next' | 'failed'; readonly status: number } | undefined {
    const last = this.#use((balancer) => balancer.lastFailure);
    if (last === undefined) return undefined;
    return { state: last.state === PEER_FAILED ? 'failed' : 'next', status: last.status };
  }

  /** Keeps the connection for requests to come. Seconds. Manual: enable_keepalive. */
  enableKeepalive(idle: number = IDLE_SECONDS, requests: number = MAX_REQUESTS): void {
    this.#attempt((balancer) => balancer.keepAlive(Math.trunc(idle * 1000), Math.trunc(requests)));
  }

  /** Makes the request anew, after header fields or the like were changed. Manual: recreate_request. */
  recreateRequest(): void {
    this.#attempt((balancer) =>
      balancer.recreateRequest() ? undefined : new BalancerFailure('failed to recreate the upstream request'),
    );
  }

  /** Speaks to the server by TLS, or not. Manual: set_upstream_tls. */
  setUpstreamTls(on: boolean): void {
    this.#attempt((balancer) => balancer.setTls(on));
  }

  /** The local address of the connection. Manual: bind_to_local_addr. */
  bindToLocalAddr(address: string): void {
    this.#attempt((balancer) => balancer.bindTo(address));
  }

  #use<T>(act: (balancer: BalancerSelection) => T): T {
    return this.#run(() => {
      const balancer = currentBalancer();
      if (balancer instanceof BalancerFailure) throw new Error(balancer.message);
      return act(balancer);
    });
  }

  #attempt(act: (balancer: BalancerSelection) => BalancerFailure | undefined): void {
    const failure = this.#use(act);
    if (failure !== undefined) throw new Error(failure.message);
  }
}
