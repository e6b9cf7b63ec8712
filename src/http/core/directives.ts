/**
 * The directives of ngx_http_core_module, in nginx's order, with what stands when they are not given. Those that need
 * more than a slot have a file of their own beside this one. nginx: ngx_http_core_commands.
 */

import { addErrorLogTarget } from '../../conf/block-log.ts';
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { parseErrorLog } from '../../conf/modules/errlog.ts';
import { referToThreadPool } from '../../conf/modules/thread-pool.ts';
import { resolverDirectives } from '../../conf/resolver-directives.ts';
import { pathSlot, requestPath } from '../../conf/resources.ts';
import {
  bitmaskSlot,
  bufsSlot,
  enumSlot,
  flagSlot,
  msecSlot,
  numSlot,
  offSlot,
  sizeSlot,
  strSlot,
} from '../../conf/slots.ts';
import { parseNumber, parseOffset, parseTime } from '../../conf/units.ts';
import { compileHttpRegex } from '../regex.ts';
import { HTTP_VERSION_10, HTTP_VERSION_11 } from '../request.ts';
import { compileComplexValue, complexSizeSlot, hasVariables, predicatesSlot } from '../script.ts';
import { limitExceptDirective, locationDirective, serverDirective } from './blocks.ts';
import type { CoreLocation, CoreMain, CoreServer } from './conf.ts';
import * as conf from './conf.ts';
import { errorPageDirective } from './error-page.ts';
import { listenDirective } from './listen.ts';
import { openFileCacheDirectives } from './open-file-directives.ts';
import { aliasDirective, rootDirective } from './path.ts';
import { serverNameDirective } from './server-name.ts';
import { typesDirective } from './types.ts';

const HTTP: readonly ContextName[] = ['http'];
const SERVER: readonly ContextName[] = ['http', 'server'];
const LOCATION: readonly ContextName[] = ['http', 'server', 'location'];
const IF: readonly ContextName[] = ['http', 'server', 'location', 'if in location'];

/** A page of memory, by which nginx sizes some buffers. */
export const PAGE_SIZE = 4096;
/** For directio: larger than any file. */
export const DIRECTIO_OFF = Number.MAX_SAFE_INTEGER;

const mainDirectives: readonly Directive<CoreMain>[] = [
  numSlot<CoreMain>('variables_hash_max_size', HTTP, 'main', 'variablesHashMaxSize', 1024, 'Accepted; not needed.'),
  numSlot<CoreMain>('variables_hash_bucket_size', HTTP, 'main', 'variablesHashBucketSize', 64, 'Accepted; not needed.'),
  numSlot<CoreMain>('server_names_hash_max_size', HTTP, 'main', 'serverNamesHashMaxSize', 512, 'Accepted; not needed.'),
  numSlot<CoreMain>(
    'server_names_hash_bucket_size',
    HTTP,
    'main',
    'serverNamesHashBucketSize',
    64,
    'Accepted; not needed.',
  ),
];

/** A pool's size is only checked: memory is Node's. nginx: ngx_http_core_pool_size(). */
function checkPoolSize(_cf: ConfContext, size: number): string | undefined {
  if (size < 112) return 'the pool size must be no less than 112';
  return size % 16 !== 0 ? 'the pool size must be a multiple of 16' : undefined;
}

const serverDirectives: readonly Directive<CoreServer>[] = [
  serverDirective,
  sizeSlot<CoreServer>('connection_pool_size', SERVER, 'server', 'connectionPoolSize', 512, {
    doc: 'Accepted and checked; memory is managed by the JavaScript engine.',
    post: checkPoolSize,
  }),
  sizeSlot<CoreServer>('request_pool_size', SERVER, 'server', 'requestPoolSize', 4096, {
    doc: 'Accepted and checked; memory is managed by the JavaScript engine.',
    post: checkPoolSize,
  }),
  msecSlot<CoreServer>(
    'client_header_timeout',
    SERVER,
    'server',
    'clientHeaderTimeout',
    60000,
    'How long the whole header of a request may take to arrive.',
  ),
  sizeSlot<CoreServer>(
    'client_header_buffer_size',
    SERVER,
    'server',
    'clientHeaderBufferSize',
    1024,
    'Size of the first buffer for a request header.',
  ),
  bufsSlot<CoreServer>(
    'large_client_header_buffers',
    SERVER,
    'server',
    'largeClientHeaderBuffers',
    { num: 4, size: 8192 },
    'Number and size of further buffers for large request headers: a line must fit into one of them.',
  ),
  numSlot<CoreServer>('max_headers', SERVER, 'server', 'maxHeaders', 1000, 'Most fields in a request header.'),
  flagSlot<CoreServer>(
    'ignore_invalid_headers',
    SERVER,
    'server',
    'ignoreInvalidHeaders',
    true,
    'Whether fields with invalid names are left out.',
  ),
  flagSlot<CoreServer>(
    'merge_slashes',
    SERVER,
    'server',
    'mergeSlashes',
    true,
    'Whether adjacent slashes in a URI are made one.',
  ),
  flagSlot<CoreServer>(
    'underscores_in_headers',
    SERVER,
    'server',
    'underscoresInHeaders',
    false,
    'Whether names of fields may have underscores.',
  ),
  listenDirective,
  serverNameDirective,
  predicatesSlot<CoreServer>(
    'client_body_early_read',
    SERVER,
    'server',
    'clientBodyEarlyRead',
    'Conditions for reading the request body before the first phase.',
  ),
];

function setKeepaliveTimeout(_cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  if (location.keepaliveTimeout !== undefined) return 'is duplicate';
  const timeout = parseTime(args[0] as string, 'ms');
  if (timeout === undefined) return 'invalid value';
  location.keepaliveTimeout = timeout;
  if (args.length === 1) return undefined;
  const header = parseTime(args[1] as string, 's');
  if (header === undefined) return 'invalid value';
  location.keepaliveHeader = header;
  return undefined;
}

function setAio(cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  if (location.aio !== undefined) return 'is duplicate';
  const value = args[0] as string;
  if (value === 'off') location.aio = 'off';
  else if (value === 'on') return '"aio on" is unsupported on this platform';
  else if (value === 'threads') {
    location.aio = 'threads';
    referToThreadPool(cf);
  } else if (value.startsWith('threads=')) {
    location.aio = 'threads';
    const name = value.slice(8);
    // Files are read by Node's own threads whatever the pool's name; the name is checked all the same.
    if (hasVariables(name)) compileComplexValue(cf, name);
    else referToThreadPool(cf, name);
  } else return 'invalid value';
  return undefined;
}

function setDirectio(_cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  if (location.directio !== undefined) return 'is duplicate';
  const value = args[0] as string;
  const size = value === 'off' ? DIRECTIO_OFF : parseOffset(value);
  if (size === undefined) return 'invalid value';
  location.directio = size;
  return undefined;
}

function setErrorLog(cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  location.errorLog = addErrorLogTarget(cf, location.errorLog, parseErrorLog(cf, args));
  return undefined;
}

function setGzipDisable(cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  const regexes = [...(location.gzipDisable ?? [])];
  for (const arg of args) {
    if (arg === 'msie6') location.gzipDisableMsie6 = true;
    else regexes.push(compileHttpRegex(cf, arg, true));
  }
  location.gzipDisable = regexes;
  return undefined;
}

const locationDirectives: readonly Directive<CoreLocation>[] = [
  locationDirective,
  typesDirective,
  numSlotIgnored('types_hash_max_size'),
  numSlotIgnored('types_hash_bucket_size'),
  strSlot<CoreLocation>(
    'default_type',
    LOCATION,
    'location',
    'defaultType',
    'text/plain',
    'Content type of a response whose URI has no known extension.',
  ),
  rootDirective,
  aliasDirective,
  limitExceptDirective,
  offSlot<CoreLocation>(
    'client_max_body_size',
    LOCATION,
    'location',
    'clientMaxBodySize',
    1024 * 1024,
    'Largest request body; 0 lifts the limit.',
  ),
  sizeSlot<CoreLocation>(
    'client_body_buffer_size',
    LOCATION,
    'location',
    'clientBodyBufferSize',
    2 * PAGE_SIZE,
    'Largest request body that is kept in memory.',
  ),
  msecSlot<CoreLocation>(
    'client_body_timeout',
    LOCATION,
    'location',
    'clientBodyTimeout',
    60000,
    'How long may pass between two reads of a request body.',
  ),
  pathSlot<CoreLocation>('client_body_temp_path', LOCATION, 'location', 'clientBodyTempPath', {
    doc: 'Folder for request bodies that do not stay in memory.',
    defaultText: 'client_body_temp',
  }),
  enumSlot<CoreLocation, CoreLocation['clientBodyInFileOnly']>(
    'client_body_in_file_only',
    LOCATION,
    'location',
    'clientBodyInFileOnly',
    { off: 'off', on: 'on', clean: 'clean' },
    'off',
    'Whether every request body goes to a file, and whether that is removed afterwards.',
  ),
  flagSlot<CoreLocation>(
    'client_body_in_single_buffer',
    LOCATION,
    'location',
    'clientBodyInSingleBuffer',
    false,
    'Whether a request body in memory is kept in one piece.',
  ),
  flagSlot<CoreLocation>('sendfile', IF, 'location', 'sendfile', false, 'Whether files are sent by sendfile(2).'),
  sizeSlot<CoreLocation>(
    'sendfile_max_chunk',
    LOCATION,
    'location',
    'sendfileMaxChunk',
    2 * 1024 * 1024,
    'Most bytes of a file that are sent at a time.',
  ),
  sizeSlot<CoreLocation>(
    'subrequest_output_buffer_size',
    LOCATION,
    'location',
    'subrequestOutputBufferSize',
    PAGE_SIZE,
    "Most bytes of a subrequest's response that are kept in memory.",
  ),
  {
    name: 'aio',
    contexts: LOCATION,
    args: 1,
    level: 'location',
    slot: { field: 'aio', default: 'off' },
    doc: 'Accepted; files are read in the event loop, or sent by the kernel.',
    defaultText: 'off',
    set: setAio,
  },
  flagSlot<CoreLocation>('aio_write', LOCATION, 'location', 'aioWrite', false, 'Accepted; see aio.'),
  sizeSlot<CoreLocation>('read_ahead', LOCATION, 'location', 'readAhead', 0, 'Accepted; left to the kernel.'),
  {
    name: 'directio',
    contexts: LOCATION,
    args: 1,
    level: 'location',
    slot: { field: 'directio', default: DIRECTIO_OFF },
    doc: 'Accepted; files are read through the page cache.',
    defaultText: 'off',
    set: setDirectio,
  },
  offSlot<CoreLocation>(
    'directio_alignment',
    LOCATION,
    'location',
    'directioAlignment',
    512,
    'Accepted; see directio.',
  ),
  flagSlot<CoreLocation>(
    'tcp_nopush',
    LOCATION,
    'location',
    'tcpNopush',
    false,
    'Accepted; a header and the beginning of its body are written together anyway.',
  ),
  flagSlot<CoreLocation>('tcp_nodelay', LOCATION, 'location', 'tcpNodelay', true, 'TCP_NODELAY on kept connections.'),
  msecSlot<CoreLocation>(
    'send_timeout',
    LOCATION,
    'location',
    'sendTimeout',
    60000,
    'How long may pass between two writes of a response.',
  ),
  sizeSlot<CoreLocation>('send_lowat', LOCATION, 'location', 'sendLowat', 0, {
    doc: 'Ignored, as by nginx on Linux.',
    post: (cf) => {
      cf.warn('"send_lowat" is not supported, ignored');
      return undefined;
    },
  }),
  sizeSlot<CoreLocation>(
    'postpone_output',
    LOCATION,
    'location',
    'postponeOutput',
    1460,
    'Output is held back until there is so much of it.',
  ),
  complexSizeSlot<CoreLocation>('limit_rate', IF, 'location', 'limitRate', undefined, 'Bytes a second for a response.'),
  complexSizeSlot<CoreLocation>(
    'limit_rate_after',
    IF,
    'location',
    'limitRateAfter',
    undefined,
    'Bytes that are sent before limit_rate begins.',
  ),
  msecSlot<CoreLocation>(
    'keepalive_time',
    LOCATION,
    'location',
    'keepaliveTime',
    3600000,
    'How long requests are taken on one connection.',
  ),
  {
    name: 'keepalive_timeout',
    contexts: LOCATION,
    args: [1, 2],
    level: 'location',
    slot: { field: 'keepaliveTimeout', default: 75000 },
    doc: 'How long a connection is kept for a next request, and what Keep-Alive says about it.',
    defaultText: '75s',
    set: setKeepaliveTimeout,
  },
  msecSlot<CoreLocation>(
    'keepalive_min_timeout',
    LOCATION,
    'location',
    'keepaliveMinTimeout',
    0,
    'How long a connection is kept at least when the worker is leaving.',
  ),
  numSlot<CoreLocation>(
    'keepalive_requests',
    LOCATION,
    'location',
    'keepaliveRequests',
    1000,
    'Most requests on one connection.',
  ),
  bitmaskSlot<CoreLocation>(
    'keepalive_disable',
    LOCATION,
    'location',
    'keepaliveDisable',
    {
      none: conf.KEEPALIVE_DISABLE_NONE,
      msie6: conf.KEEPALIVE_DISABLE_MSIE6,
      safari: conf.KEEPALIVE_DISABLE_SAFARI,
    },
    conf.KEEPALIVE_DISABLE_MSIE6,
    [1, 2],
    'Browsers whose connections are not kept.',
  ),
  enumSlot<CoreLocation, number>(
    'satisfy',
    LOCATION,
    'location',
    'satisfy',
    { all: conf.SATISFY_ALL, any: conf.SATISFY_ANY },
    conf.SATISFY_ALL,
    'Whether all access modules must allow a request, or any.',
  ),
  msecSlot<CoreLocation>(
    'auth_delay',
    LOCATION,
    'location',
    'authDelay',
    0,
    'How long an answer of 401 is held back, against guessing.',
  ),
  {
    name: 'internal',
    contexts: ['location'],
    args: 0,
    level: 'location',
    slot: { field: 'internal', default: false },
    doc: 'The location is for internal redirects and subrequests only.',
    set: (_cf, location) => {
      if (location.internal !== undefined) return 'is duplicate';
      location.internal = true;
      return undefined;
    },
  },
  enumSlot<CoreLocation, number>(
    'lingering_close',
    LOCATION,
    'location',
    'lingeringClose',
    { off: conf.LINGERING_OFF, on: conf.LINGERING_ON, always: conf.LINGERING_ALWAYS },
    conf.LINGERING_ON,
    'Whether what a client still sends is read before its connection is closed.',
  ),
  msecSlot<CoreLocation>(
    'lingering_time',
    LOCATION,
    'location',
    'lingeringTime',
    30000,
    'How long that may go on altogether.',
  ),
  msecSlot<CoreLocation>(
    'lingering_timeout',
    LOCATION,
    'location',
    'lingeringTimeout',
    5000,
    'How long more data is waited for then.',
  ),
  flagSlot<CoreLocation>(
    'reset_timedout_connection',
    LOCATION,
    'location',
    'resetTimedoutConnection',
    false,
    'Whether connections that timed out are reset.',
  ),
  flagSlot<CoreLocation>(
    'absolute_redirect',
    LOCATION,
    'location',
    'absoluteRedirect',
    true,
    'Whether redirects carry scheme and host.',
  ),
  flagSlot<CoreLocation>(
    'server_name_in_redirect',
    LOCATION,
    'location',
    'serverNameInRedirect',
    false,
    "Whether the host of redirects is the server's first name.",
  ),
  flagSlot<CoreLocation>(
    'port_in_redirect',
    LOCATION,
    'location',
    'portInRedirect',
    true,
    'Whether redirects carry the port.',
  ),
  flagSlot<CoreLocation>(
    'msie_padding',
    LOCATION,
    'location',
    'msiePadding',
    true,
    'Whether error pages are made long enough for old browsers to show them.',
  ),
  flagSlot<CoreLocation>(
    'msie_refresh',
    LOCATION,
    'location',
    'msieRefresh',
    false,
    'Whether old browsers are redirected by a page that refreshes.',
  ),
  flagSlot<CoreLocation>(
    'log_not_found',
    LOCATION,
    'location',
    'logNotFound',
    true,
    'Whether files that do not exist are logged as errors.',
  ),
  flagSlot<CoreLocation>(
    'log_subrequest',
    LOCATION,
    'location',
    'logSubrequest',
    false,
    'Whether subrequests go to the access log.',
  ),
  flagSlot<CoreLocation>(
    'recursive_error_pages',
    LOCATION,
    'location',
    'recursiveErrorPages',
    false,
    'Whether error_page holds for what an error page itself answers.',
  ),
  enumSlot<CoreLocation, number>(
    'server_tokens',
    LOCATION,
    'location',
    'serverTokens',
    { off: conf.SERVER_TOKENS_OFF, on: conf.SERVER_TOKENS_ON, build: conf.SERVER_TOKENS_BUILD },
    conf.SERVER_TOKENS_ON,
    'Whether the version stands in Server and on error pages.',
  ),
  enumSlot<CoreLocation, number>(
    'if_modified_since',
    LOCATION,
    'location',
    'ifModifiedSince',
    {
      off: conf.IF_MODIFIED_SINCE_OFF,
      exact: conf.IF_MODIFIED_SINCE_EXACT,
      before: conf.IF_MODIFIED_SINCE_BEFORE,
    },
    conf.IF_MODIFIED_SINCE_EXACT,
    'How If-Modified-Since is compared with the time of the response.',
  ),
  numSlot<CoreLocation>('max_ranges', LOCATION, 'location', 'maxRanges', 0x7fffffff, 'Most ranges in one request.'),
  flagSlot<CoreLocation>(
    'chunked_transfer_encoding',
    LOCATION,
    'location',
    'chunkedTransferEncoding',
    true,
    'Whether responses of unknown length are sent in chunks.',
  ),
  flagSlot<CoreLocation>('etag', LOCATION, 'location', 'etag', true, 'Whether files get an ETag.'),
  predicatesSlot<CoreLocation>(
    'early_hints',
    LOCATION,
    'location',
    'earlyHints',
    'Conditions for passing on an interim response 103.',
  ),
  errorPageDirective,
  strSlot<CoreLocation>('post_action', IF, 'location', 'postAction', '', 'A URI to run when the request is done.'),
  {
    name: 'error_log',
    contexts: LOCATION,
    args: { min: 1 },
    level: 'location',
    doc: 'Where errors are logged, and from which level up.',
    defaultText: 'logs/error.log error',
    set: setErrorLog,
  },
  ...openFileCacheDirectives,
  ...resolverDirectives(LOCATION, 'location'),
  flagSlot<CoreLocation>(
    'gzip_vary',
    LOCATION,
    'location',
    'gzipVary',
    false,
    'Whether Vary: Accept-Encoding is sent where compression may be.',
  ),
  enumSlot<CoreLocation, number>(
    'gzip_http_version',
    LOCATION,
    'location',
    'gzipHttpVersion',
    { '1.0': HTTP_VERSION_10, '1.1': HTTP_VERSION_11 },
    HTTP_VERSION_11,
    'Lowest HTTP version that gets compressed answers.',
  ),
  bitmaskSlot<CoreLocation>(
    'gzip_proxied',
    LOCATION,
    'location',
    'gzipProxied',
    {
      off: conf.GZIP_PROXIED_OFF,
      expired: conf.GZIP_PROXIED_EXPIRED,
      'no-cache': conf.GZIP_PROXIED_NO_CACHE,
      'no-store': conf.GZIP_PROXIED_NO_STORE,
      private: conf.GZIP_PROXIED_PRIVATE,
      no_last_modified: conf.GZIP_PROXIED_NO_LM,
      no_etag: conf.GZIP_PROXIED_NO_ETAG,
      auth: conf.GZIP_PROXIED_AUTH,
      any: conf.GZIP_PROXIED_ANY,
    },
    conf.GZIP_PROXIED_OFF,
    { min: 1 },
    'Which answers to proxied requests are compressed.',
  ),
  {
    name: 'gzip_disable',
    contexts: LOCATION,
    args: { min: 1 },
    level: 'location',
    slot: { field: 'gzipDisable', default: [] },
    doc: 'User agents that get no compressed answers.',
    set: setGzipDisable,
  },
];

/** A number that nginx's hash tables need and maps do not. */
function numSlotIgnored(name: string): Directive<CoreLocation> {
  return {
    name,
    contexts: LOCATION,
    args: 1,
    level: 'location',
    doc: 'Accepted; not needed.',
    set: (_cf, _location, args) => (parseNumber(args[0] as string) === undefined ? 'invalid number' : undefined),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: they write to objects of three levels
export const coreDirectives: readonly Directive<any>[] = [
  ...mainDirectives,
  ...serverDirectives,
  ...locationDirectives,
];

/** The folder for request bodies when none is named. */
export function defaultBodyPath(cf: ConfContext): CoreLocation['clientBodyTempPath'] {
  return requestPath(cf, { path: cf.fullName('client_body_temp'), levels: [] });
}
