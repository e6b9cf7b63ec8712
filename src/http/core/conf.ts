/**
 * Configuration objects of ngx_http_core_module, shared by the request engine, the transport and the modules.
 * Every field is final once the http block has been read: `undefined` means that nginx, too, knows "not set".
 */

import type { ConfStack } from '../../conf/directive.ts';
import type { Log } from '../../log/log.ts';
import type { ListenAddress } from '../../net/listening.ts';
import type { PhaseHandler } from '../cycle.ts';
import type { HttpRequest } from '../request.ts';
import type { ComplexValue } from '../script.ts';

/** Of the http block. nginx: ngx_http_core_main_conf_t. */
export interface CoreMain {
  readonly servers: CoreServer[];
  /** Addresses to listen on, each with its servers. Filled when the block closes. */
  readonly addresses: ListenGroup[];
  variablesHashMaxSize: number;
  serverNamesHashMaxSize: number;
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
}

/** nginx: ngx_http_core_srv_conf_t. */
export interface CoreServer {
  /** First server_name as written, for $server_name; '' when none. */
  serverName: string;
  /** This server's configuration objects. */
  confs: ConfStack;
  readonly file: string;
  readonly line: number;
  connectionPoolSize: number;
  requestPoolSize: number;
  clientHeaderTimeout: number;
  clientHeaderBufferSize: number;
  largeClientHeaderBuffers: { readonly num: number; readonly size: number };
  ignoreInvalidHeaders: boolean;
  mergeSlashes: boolean;
  underscoresInHeaders: boolean;
  /** Since nginx 1.27.2. */
  maxHeaders: number;
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
export const SERVER_TOKENS_OFF = 0;
export const SERVER_TOKENS_ON = 1;
export const SERVER_TOKENS_BUILD = 2;

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
  readonly regex: object | undefined;
  readonly exactMatch: boolean;
  readonly noRegex: boolean;
  readonly named: boolean;
  /** Made by an `if` or `limit_except` block: no name of its own. */
  readonly noname: boolean;
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
  /** True when `root` came from `alias`. */
  alias: boolean;
  /** The directive as printed by $document_root when it has no variables. */
  rootText: string;
  types: ReadonlyMap<string, string>;
  defaultType: string;

  clientMaxBodySize: number;
  clientBodyBufferSize: number;
  clientBodyTimeout: number;
  clientBodyTempPath: { readonly path: string; readonly levels: readonly number[] };
  clientBodyInFileOnly: 'off' | 'on' | 'clean';
  clientBodyInSingleBuffer: boolean;
  satisfy: number;
  ifModifiedSince: number;
  maxRanges: number;
  internal: boolean;
  sendfile: boolean;
  sendfileMaxChunk: number;
  readAhead: number;
  directio: number;
  directioAlignment: number;
  aio: boolean;
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
  keepaliveDisable: { readonly msie6: boolean; readonly safari: boolean };
  lingeringClose: number;
  lingeringTime: number;
  lingeringTimeout: number;
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
  tryFiles: unknown;
  openFileCache: { readonly max: number; readonly inactive: number } | undefined;
  openFileCacheValid: number;
  openFileCacheMinUses: number;
  openFileCacheErrors: boolean;
  openFileCacheEvents: boolean;
  disableSymlinks: 'off' | 'on' | 'if_not_owner';
}
