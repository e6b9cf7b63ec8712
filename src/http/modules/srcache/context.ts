/** What srcache knows about a request, and its configuration. srcache-nginx-module: ngx_http_srcache_filter_module.h. */
import type { Chain } from '../../buf.ts';
import type { HttpRequest } from '../../request.ts';
import type { ComplexValue } from '../../script.ts';
import { srcacheModule } from './module.ts';

/** A subrequest to the cache. */
export interface CacheRequest {
  readonly method: number;
  readonly methodName: string;
  readonly location: ComplexValue;
  readonly args: ComplexValue | undefined;
}

export interface SrcacheMain {
  used: boolean;
}

export interface SrcacheLocation {
  fetch: CacheRequest | null;
  store: CacheRequest | null;
  bufferSize: number;
  /** Bytes, with the header; 0: no limit. */
  storeMaxSize: number;
  /** Most bytes of a line of a header that the cache gives. */
  headerBufferSize: number;
  fetchSkip: ComplexValue | undefined;
  storeSkip: ComplexValue | undefined;
  storeStatuses: ReadonlySet<number> | undefined;
  methods: number;
  requestCacheControl: boolean;
  responseCacheControl: boolean;
  storePrivate: boolean;
  storeNoStore: boolean;
  storeNoCache: boolean;
  storeRanges: boolean;
  ignoreContentEncoding: boolean;
  hideHeaders: readonly string[] | undefined;
  passHeaders: readonly string[] | undefined;
  /** Of both: lower-case names of fields that are not stored. */
  hidden: ReadonlySet<string>;
  /** Seconds; 0: no limit. */
  maxExpire: number;
  defaultExpire: number;
}

/** Which subrequest of srcache's a request is. */
export type Role = 'main' | 'fetch' | 'store';

export class SrcacheContext {
  readonly role: Role;

  // Of the request whose response is cached.
  waitingBody = false;
  waitingFetch = false;
  fetchDone = false;
  fetchIssued = false;
  fromCache = false;
  bodyFromCache: Chain = [];
  storing = false;
  storeSkipped = false;
  /** What goes to the cache: header and body. */
  stored: (string | Uint8Array)[] = [];
  storedSize = 0;
  storedBodySize = 0;
  /** As it was when the header was stored. */
  status = 0;
  /** Seconds since 1970 until when the response may be kept; 0: nothing was said. */
  validUntil = 0;

  // Of a fetch subrequest.
  parsing = false;
  ended = false;
  ignoring = false;
  /** Of the header that the cache gives: a line that is not complete. */
  line = '';
  statusSeen = false;

  constructor(role: Role) {
    this.role = role;
  }
}

/** Contexts of subrequests, which keep them through internal redirects. */
const ofSubrequests = new WeakMap<HttpRequest, SrcacheContext>();

/** Makes a subrequest one of srcache's. */
export function adopt(sr: HttpRequest, ctx: SrcacheContext): void {
  ofSubrequests.set(sr, ctx);
  srcacheModule.setContext(sr, ctx);
}

export function contextOf(r: HttpRequest): SrcacheContext | undefined {
  const ctx = srcacheModule.context(r);
  if (ctx !== undefined || r === r.main) return ctx;
  return ofSubrequests.get(r);
}

/** `value` asks for something to be left out. */
export function isSet(r: HttpRequest, value: ComplexValue | undefined): boolean {
  if (value === undefined) return false;
  const text = value.evaluate(r);
  return text !== '' && text !== '0';
}
