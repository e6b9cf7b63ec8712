/**
 * What the configuration says about backends: `upstream` blocks with their servers, and the settings that every module
 * that speaks to backends has for each location. nginx: ngx_http_upstream_srv_conf_t, ngx_http_upstream_conf_t.
 */
import type { PathRequest } from '../../conf/cycle.ts';
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import type { ResolverConf } from '../../net/resolver-conf.ts';
import type { UpstreamGroup } from '../../upstream/group.ts';
import type { HttpRequest } from '../request.ts';
import type { ComplexValue } from '../script.ts';
import type { KeepalivePool } from './keepalive.ts';
import type { PeerConnection, PeerSelection } from './peer.ts';
import type { BackendTlsSettings } from './ssl.ts';

/**
 * Begins the choice of a peer for one request.
 * @returns undefined when that is impossible, which was logged
 */
export type InitPeer = (r: HttpRequest, pc: PeerConnection, upstream: Upstream) => PeerSelection | undefined;

/** An `upstream` block, or the backend that a proxy_pass names by itself. nginx: ngx_http_upstream_srv_conf_t. */
export interface Upstream extends UpstreamGroup {
  /** The block's configuration objects. */
  confs: ConfStack | undefined;
  /** Set by a balancing method's directive: prepares the peers when the http block is complete; throws ConfError. */
  initUpstream: ((cf: ConfContext, upstream: Upstream) => void) | undefined;
  /** Set when the http block is complete. */
  initPeer: InitPeer;
  /** The balancing method can do with peers that come and go. */
  dynamic: boolean;
  resolver: ResolverConf | undefined;
  /** Milliseconds. */
  resolverTimeout: number | undefined;
  /** Connections that wait for their next request; undefined when none are kept. */
  pool: KeepalivePool | undefined;
}

export interface UpstreamMain {
  readonly upstreams: Upstream[];
}

/** `proxy_bind`: a fixed address, or one with variables. Null: none. */
export interface LocalAddress {
  readonly value: ComplexValue;
  readonly address: { readonly address: string; readonly port: number } | undefined;
}

// Reasons to go on with the next peer, for `*_next_upstream`. nginx: NGX_HTTP_UPSTREAM_FT_*.
export const FT_ERROR = 0x0002;
export const FT_TIMEOUT = 0x0004;
export const FT_INVALID_HEADER = 0x0008;
export const FT_HTTP_500 = 0x0010;
export const FT_HTTP_502 = 0x0020;
export const FT_HTTP_503 = 0x0040;
export const FT_HTTP_504 = 0x0080;
export const FT_HTTP_403 = 0x0100;
export const FT_HTTP_404 = 0x0200;
export const FT_HTTP_429 = 0x0400;
export const FT_UPDATING = 0x0800;
export const FT_NON_IDEMPOTENT = 0x4000;
export const FT_NOLIVE = 0x40000000;
export const FT_OFF = 0x20000000;

// Fields of a response that are not obeyed, for `*_ignore_headers`.
export const IGNORE_XA_REDIRECT = 0x0002;
export const IGNORE_XA_EXPIRES = 0x0004;
export const IGNORE_EXPIRES = 0x0008;
export const IGNORE_CACHE_CONTROL = 0x0010;
export const IGNORE_SET_COOKIE = 0x0020;
export const IGNORE_XA_LIMIT_RATE = 0x0040;
export const IGNORE_XA_BUFFERING = 0x0080;
export const IGNORE_XA_CHARSET = 0x0100;
export const IGNORE_VARY = 0x0200;

/** Settings of a location for its backends. Times in milliseconds, sizes in bytes. */
export interface UpstreamSettings {
  /** Undefined when the target has variables. */
  upstream: Upstream | undefined;
  connectTimeout: number;
  sendTimeout: number;
  readTimeout: number;
  /** 0: no limit. */
  nextUpstreamTimeout: number;
  nextUpstreamTries: number;
  /** Or-ed FT_* bits. */
  nextUpstream: number;
  /** Most bytes of a response header. */
  bufferSize: number;
  buffers: { readonly num: number; readonly size: number };
  buffering: boolean;
  /** 0: a response never goes to a file. */
  maxTempFileSize: number;
  /** Undefined where nothing ever goes to a file. */
  tempPath: PathRequest | undefined;
  /** `proxy_store`: where responses are kept, 'on' for where the URI leads; null: nowhere. */
  store: ComplexValue | 'on' | null;
  /** Permissions of the files, and of folders made for them. */
  storeAccess: number;
  limitRate: ComplexValue | undefined;
  requestBuffering: boolean;
  ignoreClientAbort: boolean;
  interceptErrors: boolean;
  /** With it: a 404 becomes the server's own, also without an error_page. */
  intercept404: boolean;
  passRequestHeaders: boolean;
  passRequestBody: boolean;
  passTrailers: boolean;
  forceRanges: boolean;
  /** Or-ed IGNORE_* bits. */
  ignoreHeaders: number;
  /** Lower-case names of fields that do not reach the client. */
  hidden: ReadonlySet<string>;
  /** What a field means, by its lower-case name; undefined until the first response. See headers.ts. */
  fieldKinds: ReadonlyMap<string, number> | undefined;
  local: LocalAddress | null;
  socketKeepalive: boolean;
  /** SO_RCVBUF and SO_SNDBUF of connections in bytes; 0: the system's. */
  socketRcvbuf: number;
  socketSndbuf: number;
  /** Undefined where no backend can be spoken to by TLS. */
  tls: BackendTlsSettings | undefined;
}
