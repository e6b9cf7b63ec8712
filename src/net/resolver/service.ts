/**
 * The servers of a service: SRV records and the addresses of their targets. nginx: ngx_resolver_srv_names_handler(),
 * RFC 2782.
 */
import type { SrvRecord } from './message.ts';
import type { ResolveFailure, Resolver } from './resolver.ts';

/** One SRV record with its target's addresses. */
export interface ServiceTarget extends SrvRecord {
  /** Empty when they could not be found; `failure` says why. */
  addresses: readonly string[];
  failure: ResolveFailure | undefined;
}

/** What is told when all is known: `ms` milliseconds the answer holds. Of a failure, the targets say more. */
export type ServiceCallback = (
  failure: ResolveFailure | undefined,
  targets: readonly ServiceTarget[],
  ms: number,
) => void;

/** Seconds after which a failure is looked at again. */
const FAILURE_VALID = 10;

/** Looks for a service, once. */
export class ServiceLookup {
  readonly #resolver: Resolver;
  readonly #timeout: number;
  readonly #done: ServiceCallback;
  #cancels: (() => void)[] = [];
  #left = 0;
  #ms = 0;

  /**
   * @param service `http`, which stands for `_http._tcp`, or a name with dots that is taken as it is
   * @param timeout milliseconds, for each question
   * @param done called once, later
   */
  constructor(resolver: Resolver, name: string, service: string, timeout: number, done: ServiceCallback) {
    this.#resolver = resolver;
    this.#timeout = timeout;
    this.#done = done;
    const full = service.includes('.') ? `${service}.${name}` : `_${service}._tcp.${name}`;
    this.#cancels.push(
      resolver.resolveService(full, timeout, (failure, records, ms) => {
        if (failure === undefined) this.#resolveTargets(records, ms);
        else done(failure, [], (resolver.validSeconds ?? FAILURE_VALID) * 1000);
      }),
    );
  }

  /** `done` is not called any more. */
  cancel(): void {
    for (const cancel of this.#cancels) cancel();
  }

  #resolveTargets(records: readonly SrvRecord[], ms: number): void {
    const targets = records.map((record): ServiceTarget => ({ ...record, addresses: [], failure: undefined }));
    this.#ms = ms;
    this.#left = targets.length;
    this.#cancels = targets.map((target) =>
      this.#resolver.resolve(target.name, this.#timeout, (failure, addresses, validMs) => {
        target.failure = failure;
        target.addresses = addresses;
        if (failure === undefined) this.#ms = Math.min(this.#ms, validMs);
        if (--this.#left === 0) this.#finish(targets);
      }),
    );
  }

  #finish(targets: readonly ServiceTarget[]): void {
    if (targets.some((target) => target.addresses.length > 0)) {
      this.#done(undefined, targets, this.#ms);
      return;
    }
    const missing = targets.find((target) => target.failure?.code === 3) ?? targets[0];
    this.#done(missing?.failure, targets, (this.#resolver.validSeconds ?? FAILURE_VALID) * 1000);
  }
}
