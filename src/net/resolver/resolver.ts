/**
 * Addresses of names while the server runs: asks the name servers of the `resolver` directive over UDP, keeps
 * answers as long as they hold, and has everybody who asks for the same name wait for the same answer.
 * nginx: src/core/ngx_resolver.c. (Names in the configuration itself are the system's business: src/net/url.ts.)
 */
import { LOG_ERR, type Log } from '../../log/log.ts';
import { monotonicMsec } from '../../log/time.ts';
import type { ResolverConf } from '../resolver-conf.ts';
import { Timer } from '../timer.ts';
import { canonicalInet } from '../url.ts';
import {
  type DnsAnswer,
  DnsMessageError,
  decodeAnswer,
  encodeQuery,
  type SrvRecord,
  TYPE_A,
  TYPE_AAAA,
  TYPE_SRV,
} from './message.ts';
import { NameServer } from './server.ts';

/** Why a name has no address. */
export interface ResolveFailure {
  /** nginx's code: a DNS response code, or 110 for a timeout. */
  readonly code: number;
  /** `3: Host not found`, as it stands between the brackets of messages. */
  readonly text: string;
}

const TIMED_OUT = 110;

const TEXTS: Readonly<Record<number, string>> = {
  1: 'Format error',
  2: 'Server failure',
  3: 'Host not found',
  4: 'Unimplemented',
  5: 'Operation refused',
  [TIMED_OUT]: 'Operation timed out',
};

function failure(code: number): ResolveFailure {
  return { code, text: `${code}: ${TEXTS[code] ?? 'Unknown error'}` };
}

/** Milliseconds after which an unanswered question goes to the next server. */
const RESEND = 5000;
/** How many CNAMEs are followed. */
const MAX_CNAMES = 50;
/** Answers kept at most; the oldest go first. */
const MAX_CACHED = 10_000;

/** `ms`: how many milliseconds the answer holds. */
type Callback = (failure: ResolveFailure | undefined, addresses: readonly string[], ms: number) => void;
type ServiceCallback = (failure: ResolveFailure | undefined, services: readonly SrvRecord[], ms: number) => void;
type AnyCallback = (failure: ResolveFailure | undefined, found: readonly never[], ms: number) => void;

interface Cached {
  readonly found: Found;
  /** Monotonic milliseconds. */
  readonly until: number;
}

/** Addresses, or records of a service. */
type Found = readonly (string | SrvRecord)[];

/** Milliseconds that an address holds which is not from a name server. */
const FOREVER = 24 * 60 * 60 * 1000;

/** A failure is remembered by whoever asked, for so many milliseconds. */
const FAILURE_VALID = 10_000;

/** One of a name's questions. */
interface Question {
  readonly type: number;
  readonly id: number;
  readonly query: Buffer;
  answered: boolean;
  found: Found;
}

/** A name being asked for. */
class Lookup {
  readonly resolver: Resolver;
  /** As the user gave it, in lower case. */
  readonly name: string;
  /** Its SRV records are asked for. */
  readonly service: boolean;
  /** What is asked for now: the name, or what it is an alias of. */
  asked: string;
  questions: Question[] = [];
  waiters: Waiter[] = [];
  code = 0;
  ttl = 0xffffffff;
  cnames = 0;
  /** Index of the server asked last. */
  server: number;
  readonly timer: Timer = new Timer(this);

  constructor(resolver: Resolver, name: string, service: boolean, server: number) {
    this.resolver = resolver;
    this.name = name;
    this.service = service;
    this.asked = name;
    this.server = server;
  }

  /** Where it is found again. */
  get key(): string {
    return cacheKey(this.name, this.service);
  }

  /** No answer yet: asks the next server. */
  onTimer(): void {
    this.resolver.resend(this);
  }
}

class Waiter {
  readonly lookup: Lookup;
  readonly done: AnyCallback;
  readonly timer: Timer = new Timer(this);

  constructor(lookup: Lookup, done: AnyCallback) {
    this.lookup = lookup;
    this.done = done;
  }

  onTimer(): void {
    this.leave();
    this.done(failure(TIMED_OUT), [], FAILURE_VALID);
  }

  /** Does not wait any more. */
  leave(): void {
    this.timer.release();
    const { waiters } = this.lookup;
    const i = waiters.indexOf(this);
    // The answer is still welcome: it will be kept for others.
    if (i >= 0) waiters.splice(i, 1);
  }
}

/** The resolver of one `resolver` directive. */
export class Resolver {
  private readonly conf: ResolverConf;
  private readonly log: Log;
  private readonly servers: NameServer[];
  private readonly cache = new Map<string, Cached>();
  private readonly lookups = new Map<string, Lookup>();
  /** Questions that wait for an answer, by `id/type`. */
  private readonly open = new Map<number, Lookup>();
  private nextServer = 0;

  constructor(conf: ResolverConf, log: Log) {
    this.conf = conf;
    this.log = log;
    this.servers = conf.servers.map(
      (where) => new NameServer(where, log, (message, tcp) => this.onMessage(message, tcp)),
    );
  }

  /**
   * The addresses when they are known already: of a numeric name, or of a fresh answer. Starts at another one each
   * time.
   */
  lookup(name: string): readonly string[] | undefined {
    const numeric = canonicalInet(name);
    if (numeric !== undefined) return [numeric];
    const cached = this.fresh(cacheKey(canonical(name), false));
    return cached === undefined ? undefined : rotate(cached.found as readonly string[]);
  }

  private fresh(key: string): Cached | undefined {
    const cached = this.cache.get(key);
    return cached === undefined || cached.until <= monotonicMsec() ? undefined : cached;
  }

  /** Seconds that answers hold by the configuration; undefined: as long as they say themselves. */
  get validSeconds(): number | undefined {
    return this.conf.valid;
  }

  /**
   * Asks for the addresses. `done` is called once, later, with a failure or with at least one address.
   * @param timeout milliseconds, of `resolver_timeout`
   * @returns a function that makes it not be called any more
   */
  resolve(name: string, timeout: number, done: Callback): () => void {
    const numeric = canonicalInet(name);
    if (numeric !== undefined) return later(done as AnyCallback, undefined, [numeric], FOREVER);
    return this.ask(canonical(name), false, timeout, done as AnyCallback);
  }

  /**
   * Asks for SRV records, as `resolve` does for addresses; they come by priority.
   * @param name with the service: `_http._tcp.example.com`
   */
  resolveService(name: string, timeout: number, done: ServiceCallback): () => void {
    return this.ask(canonical(name), true, timeout, done as AnyCallback);
  }

  private ask(name: string, service: boolean, timeout: number, done: AnyCallback): () => void {
    const key = cacheKey(name, service);
    const cached = this.fresh(key);
    if (cached !== undefined) return later(done, undefined, ordered(cached.found), cached.until - monotonicMsec());
    let lookup = this.lookups.get(key);
    if (lookup === undefined) {
      lookup = new Lookup(this, name, service, this.nextServer++ % this.servers.length);
      if (!this.prepare(lookup)) return later(done, failure(3), [], FAILURE_VALID);
      this.lookups.set(key, lookup);
      this.send(lookup);
    } else if (lookup.waiters.length === 0) {
      // Everybody gave up; perhaps the question was lost.
      this.send(lookup);
    }
    const waiter = new Waiter(lookup, done);
    lookup.waiters.push(waiter);
    waiter.timer.set(timeout);
    return () => waiter.leave();
  }

  /** Makes the questions for `lookup.asked`; false when it cannot be a name. */
  private prepare(lookup: Lookup): boolean {
    const types = lookup.service
      ? [TYPE_SRV]
      : [...(this.conf.ipv4 ? [TYPE_A] : []), ...(this.conf.ipv6 ? [TYPE_AAAA] : [])];
    lookup.questions = [];
    lookup.code = 0;
    for (const type of types) {
      const id = this.freeId(type);
      const query = encodeQuery(id, lookup.asked, type);
      if (query === undefined) return false;
      lookup.questions.push({ type, id, query, answered: false, found: [] });
    }
    for (const { id, type } of lookup.questions) this.open.set(questionKey(id, type), lookup);
    return true;
  }

  private freeId(type: number): number {
    for (;;) {
      const id = Math.floor(Math.random() * 65536);
      if (!this.open.has(questionKey(id, type))) return id;
    }
  }

  /** Sends what is not answered yet. */
  private send(lookup: Lookup): void {
    const server = this.servers[lookup.server] as NameServer;
    for (const question of lookup.questions) if (!question.answered) server.send(question.query);
    lookup.timer.set(RESEND);
  }

  /** For Lookup. */
  resend(lookup: Lookup): void {
    if (lookup.waiters.length === 0) {
      this.forget(lookup);
      return;
    }
    lookup.server = (lookup.server + 1) % this.servers.length;
    this.send(lookup);
  }

  private forget(lookup: Lookup): void {
    lookup.timer.release();
    this.close(lookup);
    this.lookups.delete(lookup.key);
  }

  private close(lookup: Lookup): void {
    for (const { id, type } of lookup.questions) this.open.delete(questionKey(id, type));
  }

  private onMessage(message: Buffer, tcp: boolean): void {
    let answer: DnsAnswer;
    try {
      answer = decodeAnswer(message);
    } catch (error) {
      if (!(error instanceof DnsMessageError)) throw error;
      this.log.write(LOG_ERR, error.message);
      return;
    }
    if (answer.type === 0) {
      const { code, id } = answer;
      this.log.write(LOG_ERR, `DNS error (${failure(code).text}), query id:${id}`);
      return;
    }
    const lookup = this.open.get(questionKey(answer.id, answer.type));
    const question = lookup?.questions.find((q) => q.type === answer.type);
    if (lookup === undefined || question === undefined || question.answered || lookup.asked !== answer.name) {
      this.log.write(LOG_ERR, `unexpected DNS response for ${answer.name}`);
      return;
    }
    if (answer.truncated) {
      if (tcp) {
        this.log.write(LOG_ERR, `invalid TCP DNS response ${answer.id}`);
        return;
      }
      (this.servers[lookup.server] as NameServer).sendTcp(question.query);
      return;
    }
    this.onAnswer(lookup, question, answer);
  }

  private onAnswer(lookup: Lookup, question: Question, answer: DnsAnswer): void {
    const found: Found = lookup.service ? answer.services : answer.addresses;
    if (answer.code === 0 && found.length === 0 && answer.cname !== undefined) {
      this.follow(lookup, answer.cname, answer.ttl);
      return;
    }
    question.answered = true;
    question.found = found;
    if (answer.code !== 0) lookup.code = answer.code;
    if (found.length > 0) lookup.ttl = Math.min(lookup.ttl, answer.ttl);
    if (!lookup.questions.every((q) => q.answered)) return;
    const all = lookup.questions.flatMap((q) => q.found);
    if (lookup.code === 0 && all.length === 0) lookup.code = 3;
    if (lookup.code === 0) this.keep(lookup, all);
    this.finish(lookup, lookup.code === 0 ? undefined : failure(lookup.code), all);
  }

  /** The name is an alias whose addresses did not come along: asks for those. */
  private follow(lookup: Lookup, cname: string, ttl: number): void {
    this.close(lookup);
    lookup.ttl = Math.min(lookup.ttl, ttl);
    lookup.asked = cname;
    if (++lookup.cnames > MAX_CNAMES) this.finish(lookup, failure(3), []);
    else if (this.prepare(lookup)) this.send(lookup);
    else this.finish(lookup, failure(3), []);
  }

  private keep(lookup: Lookup, found: Found): void {
    const seconds = this.conf.valid ?? lookup.ttl;
    if (seconds <= 0) return;
    if (this.cache.size >= MAX_CACHED) {
      for (const oldest of this.cache.keys()) {
        this.cache.delete(oldest);
        break;
      }
    }
    const { key } = lookup;
    this.cache.delete(key);
    this.cache.set(key, { found, until: monotonicMsec() + seconds * 1000 });
  }

  private finish(lookup: Lookup, failed: ResolveFailure | undefined, found: Found): void {
    const { waiters } = lookup;
    lookup.waiters = [];
    this.forget(lookup);
    for (const waiter of waiters) waiter.timer.release();
    const ms = failed === undefined ? (this.conf.valid ?? lookup.ttl) * 1000 : (this.conf.valid ?? 10) * 1000;
    for (const waiter of waiters) waiter.done(failed, failed === undefined ? ordered(found) : [], ms);
  }

  /** Closes its sockets; whoever waits still is told nothing. */
  shutdown(): void {
    for (const lookup of [...this.lookups.values()]) this.forget(lookup);
    for (const server of this.servers) server.close();
  }
}

function questionKey(id: number, type: number): number {
  return id * 65536 + type;
}

/** Lower case, without the dot at the end. */
function canonical(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}

function cacheKey(name: string, service: boolean): string {
  return service ? `${name}/srv` : name;
}

function later(done: AnyCallback, failed: ResolveFailure | undefined, found: Found, ms: number): () => void {
  const immediate = setImmediate(done, failed, found as readonly never[], ms);
  return () => clearImmediate(immediate);
}

/** What was found, addresses from a random one on. */
function ordered(found: Found): readonly never[] {
  return (typeof found[0] === 'string' ? rotate(found as readonly string[]) : found) as readonly never[];
}

/** The addresses from a random one on, so that load spreads. nginx: ngx_resolver_export(). */
function rotate(addresses: readonly string[]): readonly string[] {
  if (addresses.length < 2) return addresses;
  const start = Math.floor(Math.random() * addresses.length);
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}

const resolvers = new WeakMap<ResolverConf, Resolver>();

/** The resolver of a `resolver` directive in this process, made on first use. `log`: of the cycle. */
export function resolverOf(conf: ResolverConf, log: Log): Resolver {
  let resolver = resolvers.get(conf);
  if (resolver === undefined) {
    resolver = new Resolver(conf, log);
    resolvers.set(conf, resolver);
  }
  return resolver;
}
