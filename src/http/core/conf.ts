/**
 * Configuration objects of ngx_http_core_module, shared by the request engine, the transport and the modules.
 * Every field is final once the http block has been read: `undefined` means that nginx, too, knows "not set".
 */

import type { Port } from '../../conf/block.ts';
import type { PathRequest } from '../../conf/cycle.ts';
import type { ConfStack } from '../../conf/directive.ts';
import type { Log } from '../../log/log.ts';
import type { ListenAddress } from '../../net/listening.ts';
import type { ResolverConf } from '../../net/resolver-conf.ts';
import type { PhaseHandler } from '../cycle.ts';
import type { OpenFileCache } from '../open-file-cache.ts';
import type { HttpRegex } from '../regex.ts';
import type { HttpRequest } from '../request.ts';
import type { ComplexValue } from '../script.ts';
import type { LocationTree } from './location-tree.ts';
import type { ServerName } from './server-name.ts';

/** Of the http block. nginx: ngx_http_core_main_conf_t. */
export interface CoreMain {
  readonly servers: CoreServer[];
  /** Addresses to listen on, each with its servers. Filled when the block closes. */
  readonly addresses: ListenGroup[];
  /** Sockets to listen on, each with the addresses that arrive there. Filled when the block closes. */
  readonly ports: Port<ListenGroup>[];
  /** Accepted, since people's configurations have them; maps need no sizes. */
  variablesHashMaxSize: number;
  variablesHashBucketSize: number;
  serverNamesHashMaxSize: number;
  serverNamesHashBucketSize: number;
}

/** One listening address with the servers behind it. nginx: ngx_http_conf_addr_t. */
export interface ListenGroup {
  readonly where: ListenAddress;
  readonly ssl: boolean;
  readonly http2: boolean;
  readonly proxyProtocol: boolean;
  readonly defaultServer: CoreServer;
  readonly servers: readonly CoreServer[];
  /** Chooses by Host (lower case, without port and final dot); undefined: the default server. */
  findServer(host: string, r: HttpRequest | undefined): CoreServer;
  /** The server that has a name, for a TLS handshake; undefined when none does, or there is only one. */
  matchServer(host: string): CoreServer | undefined;
}

/** nginx: ngx_http_core_srv_conf_t. */
export interface CoreServer {
  /** First server_name as written, for $server_name; '' when none. */
  serverName: string;
  /** This server's configuration objects. */
  confs: ConfStack;
  /** Where the block stands. */
  file: string;
  line: number;
  connectionPoolSize: number;
  requestPoolSize: number;
  clientHeaderTimeout: number;
  clientHeaderBufferSize: number;
  largeClientHeaderBuffers: { readonly num: number; readonly size: number };
  ignoreInvalidHeaders: boolean;
  mergeSlashes: boolean;
  underscoresInHeaders: boolean;
  /** Most fields that a request's header may have. */
  maxHeaders: number;
  /** Where one holds, the body is read before the phases begin. */
  clientBodyEarlyRead: readonly ComplexValue[] | undefined;
  /** A `listen` directive was seen. */
  listen: boolean;
  readonly serverNames: ServerName[];
  /** The last regular expression among the names has groups. */
  captures: boolean;
  /** Named locations (`@name`). */
  readonly named: Map<string, CoreLocation>;
}

export const SATISFY_ALL = 0;
export const SATISFY_ANY = 1;
export const LINGERING_OFF = 0;
export const LINGERING_ON = 1;
export const LINGERING_ALWAYS = 2;
export const IF_MODIFIED_SINCE_OFF = 0;
export const IF_MODIFIED_SINCE_EXACT = 1;
export const IF_MODIFIED_SINCE_BEFORE = 2;
export const KEEPALIVE_DISABLE_NONE = 0x0002;
export const KEEPALIVE_DISABLE_MSIE6 = 0x0004;
export const KEEPALIVE_DISABLE_SAFARI = 0x0008;
export const SERVER_TOKENS_OFF = 0;
export const SERVER_TOKENS_ON = 1;
export const SERVER_TOKENS_BUILD = 2;

export const GZIP_PROXIED_OFF = 0x0002;
export const GZIP_PROXIED_EXPIRED = 0x0004;
export const GZIP_PROXIED_NO_CACHE = 0x0008;
export const GZIP_PROXIED_NO_STORE = 0x0010;
export const GZIP_PROXIED_PRIVATE = 0x0020;
export const GZIP_PROXIED_NO_LM = 0x0040;
export const GZIP_PROXIED_NO_ETAG = 0x0080;
export const GZIP_PROXIED_AUTH = 0x0100;
export const GZIP_PROXIED_ANY = 0x0200;

/** `alias` in a regex location: the value is the whole path. */
export const ALIAS_WHOLE = -1;

/** One code of an `error_page` directive. */
export interface ErrorPage {
  readonly status: number;
  /** `=CODE`: replaces the status; 0 for `=` (what the page's own processing gives); -1 when not given. */
  readonly overwrite: number;
  readonly value: ComplexValue;
  readonly args: string;
}

/** nginx: ngx_http_core_loc_conf_t. Times in milliseconds, sizes in bytes. */
export interface CoreLocation {
  /** The location's name: prefix, `@name` or regex as written; '' for a server's own. */
  name: string;
  /** The name with the bytes escaped that may not stand in a URI. */
  escapedName: string;
  regex: HttpRegex | undefined;
  exactMatch: boolean;
  noRegex: boolean;
  named: boolean;
  /** Made by an `if` or `limit_except` block: no name of its own. */
  noname: boolean;
  /** Made by a `limit_except` block. */
  limitExceptBlock: boolean;
  /** Where the block stands. */
  file: string;
  line: number;
  /** The blocks inside, as they were read: locations, `if`, `limit_except`. */
  readonly children: CoreLocation[];
  /** For choosing among the locations inside; undefined when there are none. */
  tree: LocationTree | undefined;
  /** Regex locations inside, in their order. */
  regexLocations: readonly CoreLocation[] | undefined;
  /** Ends in a slash and has a content handler of a proxying module: requests without the slash are redirected. */
  autoRedirect: boolean;
  /** This location's configuration objects, by module index. */
  confs: unknown[];
  /** Bit mask of methods that `limit_except` limits, with the configuration used for them. */
  limitExcept: number;
  limitExceptConfs: unknown[] | undefined;
  /** Content handler of the location (proxy_pass, echo, content_by_lua...). nginx: clcf->handler. */
  handler: PhaseHandler | undefined;

  /** As given, made absolute against the prefix; with variables, a complex value. */
  root: ComplexValue;
  /** How much of the URI `alias` replaces: 0 for `root`, the length of the location's name, or ALIAS_WHOLE. */
  alias: number;
  types: ReadonlyMap<string, string>;
  defaultType: string;

  clientMaxBodySize: number;
  clientBodyBufferSize: number;
  clientBodyTimeout: number;
  clientBodyTempPath: PathRequest;
  clientBodyInFileOnly: 'off' | 'on' | 'clean';
  clientBodyInSingleBuffer: boolean;
  satisfy: number;
  ifModifiedSince: number;
  maxRanges: number;
  internal: boolean;
  sendfile: boolean;
  sendfileMaxChunk: number;
  /** Most bytes that a subrequest's response kept in memory may have. */
  subrequestOutputBufferSize: number;
  readAhead: number;
  directio: number;
  directioAlignment: number;
  aio: 'off' | 'on' | 'threads';
  aioWrite: boolean;
  tcpNopush: boolean;
  tcpNodelay: boolean;
  sendTimeout: number;
  sendLowat: number;
  postponeOutput: number;
  limitRate: ComplexValue | undefined;
  limitRateAfter: ComplexValue | undefined;
  keepaliveTime: number;
  keepaliveTimeout: number;
  keepaliveMinTimeout: number;
  /** Seconds for the `Keep-Alive: timeout=` header; 0 for none. */
  keepaliveHeader: number;
  keepaliveRequests: number;
  /** Or-ed KEEPALIVE_DISABLE_* bits. */
  keepaliveDisable: number;
  lingeringClose: number;
  lingeringTime: number;
  lingeringTimeout: number;
  /** Undefined when none is configured. The same object in all blocks that inherit it. */
  resolver: ResolverConf | undefined;
  resolverTimeout: number;
  resetTimedoutConnection: boolean;
  absoluteRedirect: boolean;
  serverNameInRedirect: boolean;
  portInRedirect: boolean;
  msiePadding: boolean;
  msieRefresh: boolean;
  logNotFound: boolean;
  logSubrequest: boolean;
  recursiveErrorPages: boolean;
  chunkedTransferEncoding: boolean;
  etag: boolean;
  serverTokens: number;
  authDelay: number;
  errorPages: readonly ErrorPage[] | undefined;
  errorLog: Log;
  postAction: string;
  earlyHints: readonly ComplexValue[] | undefined;
  gzipVary: boolean;
  /** Lowest HTTP version that gets compressed answers. */
  gzipHttpVersion: number;
  /** Or-ed GZIP_PROXIED_* bits. */
  gzipProxied: number;
  /** User agents that get none. */
  gzipDisable: readonly HttpRegex[];
  gzipDisableMsie6: boolean;
  /** Undefined for `off`. */
  openFileCache: OpenFileCache | undefined;
  openFileCacheValid: number;
  openFileCacheMinUses: number;
  openFileCacheErrors: boolean;
  openFileCacheEvents: boolean;
  disableSymlinks: 'off' | 'on' | 'if_not_owner';
  /** The part of a path that is not checked. */
  disableSymlinksFrom: ComplexValue | undefined;
}
