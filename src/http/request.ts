/**
 * One request, main or sub: the object that walks the phases. nginx: ngx_http_request_t (src/http/ngx_http_request.h).
 *
 * Modules reach everything from here: the connection, the configuration that applies now, the request and response
 * headers, variables and their own context. Fields hold what nginx's hold, under the same names in camel case.
 */

import type { ClientConnection } from './connection.ts';
import type { HttpCycle, PhaseHandler } from './cycle.ts';
import { HeadersIn, HeadersOut } from './headers.ts';
import type { TempFile } from './temp-file.ts';
import type { VariableValue } from './variables.ts';

/** Methods by bit, as nginx numbers them. */
export const METHOD_UNKNOWN = 0x0001;
export const METHOD_GET = 0x0002;
export const METHOD_HEAD = 0x0004;
export const METHOD_POST = 0x0008;
export const METHOD_PUT = 0x0010;
export const METHOD_DELETE = 0x0020;
export const METHOD_MKCOL = 0x0040;
export const METHOD_COPY = 0x0080;
export const METHOD_MOVE = 0x0100;
export const METHOD_OPTIONS = 0x0200;
export const METHOD_PROPFIND = 0x0400;
export const METHOD_PROPPATCH = 0x0800;
export const METHOD_LOCK = 0x1000;
export const METHOD_UNLOCK = 0x2000;
export const METHOD_PATCH = 0x4000;
export const METHOD_TRACE = 0x8000;
export const METHOD_CONNECT = 0x10000;

/** Bit of a method name; METHOD_UNKNOWN for others. */
export const METHODS: ReadonlyMap<string, number> = new Map([
  ['GET', METHOD_GET],
  ['HEAD', METHOD_HEAD],
  ['POST', METHOD_POST],
  ['PUT', METHOD_PUT],
  ['DELETE', METHOD_DELETE],
  ['MKCOL', METHOD_MKCOL],
  ['COPY', METHOD_COPY],
  ['MOVE', METHOD_MOVE],
  ['OPTIONS', METHOD_OPTIONS],
  ['PROPFIND', METHOD_PROPFIND],
  ['PROPPATCH', METHOD_PROPPATCH],
  ['LOCK', METHOD_LOCK],
  ['UNLOCK', METHOD_UNLOCK],
  ['PATCH', METHOD_PATCH],
  ['TRACE', METHOD_TRACE],
  ['CONNECT', METHOD_CONNECT],
]);

export const HTTP_VERSION_9 = 9;
export const HTTP_VERSION_10 = 1000;
export const HTTP_VERSION_11 = 1001;
export const HTTP_VERSION_20 = 2000;

/** nginx: NGX_HTTP_MAX_URI_CHANGES, NGX_HTTP_MAX_SUBREQUESTS. */
export const MAX_URI_CHANGES = 10;
export const MAX_SUBREQUESTS = 50;

/** The request body as read. nginx: ngx_http_request_body_t. */
export interface RequestBody {
  /** In memory, in order; empty when it went to a file or there is none. */
  chunks: (string | Buffer)[];
  /** Bytes received so far, in memory or file. */
  received: number;
  /** The temporary file when it was spilled. */
  file: TempFile | undefined;
}

/** What a subrequest's creator wants to know when it ends; may change what finalize does with `rc`. */
export type PostSubrequest = (r: HttpRequest, rc: number) => number;

/** A part of the response that waits for its turn: a subrequest, or data of the parent between subrequests. */
export interface Postponed {
  request: HttpRequest | undefined;
  out: import('./buf.ts').Chain | undefined;
  /** How many pieces are to come to this place yet: code in a filter has them. */
  awaited?: number;
}

/** In `HttpRequest.buffered`: user code in a filter waits, and output behind it. */
export const BUFFERED_BY_CODE = 0x100;

export type EventHandler = (r: HttpRequest) => void;

/** Does nothing: what a request's event handlers are while nothing is expected. nginx: ngx_http_request_empty_handler. */
export const noEvent: EventHandler = () => {};

export class HttpRequest {
  readonly connection: ClientConnection;
  readonly http: HttpCycle;
  /** Itself for the main request. */
  main: HttpRequest;
  parent: HttpRequest | undefined = undefined;

  // Configuration that applies now, and module contexts, by module index.
  mainConf: unknown[];
  srvConf: unknown[];
  locConf: unknown[];
  ctx: unknown[];

  /** Evaluated variables by index: undefined not evaluated yet, null not found. */
  variables: (VariableValue | undefined)[] = [];

  // The request line.
  method = METHOD_GET;
  methodName = 'GET';
  httpVersion: number = HTTP_VERSION_11;
  /** `GET /x HTTP/1.1` as received, without line end; '' until parsed. */
  requestLine = '';
  /** Request line and header as received, with the line ends. For ngx.req.raw_header. */
  rawHeader = '';
  /** $server_protocol, as received. */
  httpProtocol = '';
  /** The request target as received. $request_uri. */
  unparsedUri = '';
  /** Decoded and normalised path. */
  uri = '';
  args = '';
  /** After the last dot of the last segment, lower case; for content types. */
  exten = '';
  /** Scheme and host of an absolute request target. */
  schema = '';
  /** The URI is byte for byte as received, so that it may be passed on as is. nginx: !quoted_uri etc. */
  complexUri = false;
  quotedUri = false;
  plusInUri = false;
  emptyPathInUri = false;
  /** Set while the URI is still the one of the client's request line. nginx: valid_unparsed_uri. */
  validUnparsedUri = true;
  /** The URI is still the one that the location was chosen by: `alias` may be applied. */
  validLocation = true;

  headersIn: HeadersIn;
  headersOut: HeadersOut = new HeadersOut();
  /** Bytes of the request line and header. */
  headerSize = 0;
  /** $request_length. */
  requestLength = 0;
  requestBody: RequestBody | undefined = undefined;

  /** Milliseconds since 1970. */
  startTime = 0;

  // The phase engine.
  phaseHandler = 0;
  contentHandler: PhaseHandler | undefined = undefined;
  accessCode = 0;
  readEventHandler: EventHandler = noEvent;
  writeEventHandler: EventHandler = noEvent;

  // Life. nginx: r->count and friends, see src/http/finalize.ts.
  count = 1;
  uriChanges: number = MAX_URI_CHANGES + 1;
  subrequests: number = MAX_SUBREQUESTS + 1;
  postSubrequest: PostSubrequest | undefined = undefined;
  postponed: Postponed[] = [];
  /** Where in `postponed` output goes now, rather than to its end. */
  postponeTo: Postponed | undefined = undefined;
  blocked = 0;
  /** Which of the numbers of stats.ts the request is counted in; 0: in none. */
  stat = 0;
  /** What limit_req and limit_conn made of a main request; 0: they were not asked. */
  limitReqStatus = 0;
  limitConnStatus = 0;
  cleanups: (() => void)[] | undefined = undefined;
  freed = false;
  /** Of a main request: its subrequests, and theirs, that have not ended. */
  children: HttpRequest[] | undefined = undefined;

  // Regex captures of the last match, as strings of the last subject: [whole, $1, $2, ...].
  captures: readonly (string | undefined)[] | undefined = undefined;
  /** limit_rate in bytes a second; undefined until evaluated. */
  limitRate: number | undefined = undefined;
  limitRateAfter: number | undefined = undefined;

  /** `error_page`'s own status while its page is produced; 0: none. nginx: r->err_status. */
  errStatus = 0;
  /** The exchange with a backend, the last one after redirects. nginx: r->upstream. */
  upstream: import('./upstream/exchange.ts').Exchange | undefined = undefined;
  /** All attempts to reach backends, for $upstream_addr and others. */
  upstreamStates: import('./upstream/state.ts').UpstreamState[] | undefined = undefined;
  /** Where the response goes instead of to the client: a subrequest of location.capture. Survives redirects. */
  capture: unknown = undefined;

  // Flags.
  uriChanged = false;
  internal = false;
  /** May this connection be kept alive after the request? */
  keepalive = false;
  lingeringClose = false;
  headerOnly = false;
  headerSent = false;
  expectTrailers = false;
  chunked = false;
  discardBody = false;
  readingBody = false;
  /** The whole request body was read or discarded. */
  bodyDone = false;
  requestBodyInFileOnly = false;
  requestBodyInPersistentFile = false;
  requestBodyInCleanFile = false;
  requestBodyInSingleBuf = false;
  requestBodyNoBuffering = false;
  /** The consumer of an unbuffered body has a timeout of its own in place of client_body_timeout. */
  requestBodyUntimed = false;
  /** Level of the line about a body that goes to a file, 0 for none; undefined: as the configuration says. */
  requestBodyFileLogLevel: number | undefined = undefined;
  subrequestInMemory = false;
  waited = false;
  /** A subrequest is done, or the main request's output is complete. */
  done = false;
  logged = false;
  buffered = 0;
  /** A subrequest that runs in the background: its output is not sent. */
  background = false;
  mainFilterNeedInMemory = false;
  filterNeedInMemory = false;
  filterNeedTemporary = false;
  /** A filter of user code looks at the body: its end comes behind all pieces, as nginx's upstreams send it. */
  endApart = false;
  preserveBody = false;
  allowRanges = false;
  singleRange = false;
  /** Ranges hold for this subrequest, too: it is a part of the main request's content. */
  subrequestRanges = false;
  disableNotModified = false;
  expectTested = false;
  rootTested = false;
  errorPage = false;
  filterFinalize = false;
  requestComplete = false;
  responseSent = false;
  postAction = false;
  addUriToAlias = false;
  realloccaptures = false;
  limitRateSet = false;
  limitRateAfterSet = false;
  upgraded = false;
  /** It was read together with the end of the one before. */
  pipeline = false;
  gzipTested = false;
  gzipOk = false;
  gzipVary = false;

  constructor(
    connection: ClientConnection,
    http: HttpCycle,
    mainConf: unknown[],
    srvConf: unknown[],
    locConf: unknown[],
    headersIn: HeadersIn = new HeadersIn(),
  ) {
    this.connection = connection;
    this.headersIn = headersIn;
    this.http = http;
    this.main = this;
    this.mainConf = mainConf;
    this.srvConf = srvConf;
    this.locConf = locConf;
    this.ctx = new Array(http.modules.length);
  }

  /** True for a subrequest. */
  get isSubrequest(): boolean {
    return this.main !== this;
  }

  /** Runs `fn` once when the request is freed, newest first. nginx: ngx_http_cleanup_add(). */
  addCleanup(fn: () => void): void {
    (this.cleanups ??= []).push(fn);
  }

  /** Writes to the location's error_log with the request described. */
  log(level: number, message: string): void {
    this.connection.log(level, message, this);
  }
}
