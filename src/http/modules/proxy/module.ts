/** ngx_http_proxy_module: requests are passed on to HTTP servers. nginx: src/http/modules/ngx_http_proxy_module.c. */
import type { ContextName, Directive } from '../../../conf/directive.ts';
import { pathSlot } from '../../../conf/resources.ts';
import {
  accessSlot,
  bitmaskSlot,
  bufsSlot,
  flagSlot,
  keyvalSlot,
  numSlot,
  refuse,
  sizeSlot,
  slot,
  strArraySlot,
} from '../../../conf/slots.ts';
import type { HttpModuleSpec } from '../../module.ts';
import { HTTP_VERSION_10, HTTP_VERSION_11 } from '../../request.ts';
import { type ComplexValue, compileComplexValue, complexSizeSlot, complexValueSlot } from '../../script.ts';
import {
  FT_ERROR,
  FT_HTTP_403,
  FT_HTTP_404,
  FT_HTTP_429,
  FT_HTTP_500,
  FT_HTTP_502,
  FT_HTTP_503,
  FT_HTTP_504,
  FT_INVALID_HEADER,
  FT_NON_IDEMPOTENT,
  FT_OFF,
  FT_TIMEOUT,
  FT_UPDATING,
  IGNORE_CACHE_CONTROL,
  IGNORE_EXPIRES,
  IGNORE_SET_COOKIE,
  IGNORE_VARY,
  IGNORE_XA_BUFFERING,
  IGNORE_XA_CHARSET,
  IGNORE_XA_EXPIRES,
  IGNORE_XA_LIMIT_RATE,
  IGNORE_XA_REDIRECT,
} from '../../upstream/conf.ts';
import { backendDirectives } from '../../upstream/directives.ts';
import { backendSslDirectives, unsetSslFields } from '../../upstream/ssl-directives.ts';
import { type ProxyLocation, proxyModule } from './conf.ts';
import { mergeProxyLocation } from './merge.ts';
import { setCookieFlags, setCookieRewrite, setPass, setRedirect } from './pass.ts';
import { proxyVariables } from './variables.ts';

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];
const PAGE = 4096;

const NEXT_UPSTREAM: Readonly<Record<string, number>> = {
  error: FT_ERROR,
  timeout: FT_TIMEOUT,
  invalid_header: FT_INVALID_HEADER,
  non_idempotent: FT_NON_IDEMPOTENT,
  http_500: FT_HTTP_500,
  http_502: FT_HTTP_502,
  http_503: FT_HTTP_503,
  http_504: FT_HTTP_504,
  http_403: FT_HTTP_403,
  http_404: FT_HTTP_404,
  http_429: FT_HTTP_429,
  updating: FT_UPDATING,
  off: FT_OFF,
};

const IGNORE_HEADERS: Readonly<Record<string, number>> = {
  'x-accel-redirect': IGNORE_XA_REDIRECT,
  'x-accel-expires': IGNORE_XA_EXPIRES,
  'x-accel-limit-rate': IGNORE_XA_LIMIT_RATE,
  'x-accel-buffering': IGNORE_XA_BUFFERING,
  'x-accel-charset': IGNORE_XA_CHARSET,
  expires: IGNORE_EXPIRES,
  'cache-control': IGNORE_CACHE_CONTROL,
  'set-cookie': IGNORE_SET_COOKIE,
  vary: IGNORE_VARY,
};

function flag(name: string, field: FlagField, fallback: boolean, doc: string): Directive<ProxyLocation> {
  return flagSlot<ProxyLocation>(name, CONTEXTS, 'location', field, fallback, doc);
}

type FlagField =
  | 'buffering'
  | 'requestBuffering'
  | 'ignoreClientAbort'
  | 'interceptErrors'
  | 'passRequestHeaders'
  | 'passRequestBody'
  | 'passTrailers'
  | 'forceRanges';

const directives: readonly Directive<ProxyLocation>[] = [
  ...backendDirectives<ProxyLocation>('proxy', NEXT_UPSTREAM),
  ...backendSslDirectives<ProxyLocation>('proxy'),
  {
    name: 'proxy_pass',
    contexts: ['location', 'if in location', 'limit_except'],
    args: 1,
    level: 'location',
    doc: 'Where requests are passed on to: a URL, or the name of an upstream block in its place.',
    set: setPass,
  },
  {
    name: 'proxy_redirect',
    contexts: CONTEXTS,
    args: [1, 2],
    level: 'location',
    doc: 'Replaces the beginning of Location and Refresh of a response.',
    defaultText: 'default',
    set: setRedirect,
  },
  {
    name: 'proxy_cookie_domain',
    contexts: CONTEXTS,
    args: [1, 2],
    level: 'location',
    slot: { field: 'cookieDomains', default: null },
    doc: 'Replaces the domain of cookies.',
    defaultText: 'off',
    set: setCookieRewrite('domain', 'cookieDomains'),
  },
  {
    name: 'proxy_cookie_path',
    contexts: CONTEXTS,
    args: [1, 2],
    level: 'location',
    slot: { field: 'cookiePaths', default: null },
    doc: 'Replaces the path of cookies.',
    defaultText: 'off',
    set: setCookieRewrite('prefix', 'cookiePaths'),
  },
  {
    name: 'proxy_cookie_flags',
    contexts: CONTEXTS,
    args: [1, 2, 3, 4],
    level: 'location',
    slot: { field: 'cookieFlags', default: null },
    doc: 'Sets or removes the flags of cookies.',
    defaultText: 'off',
    set: setCookieFlags,
  },
  flag(
    'proxy_buffering',
    'buffering',
    true,
    'Whether responses are read as fast as they come, or as the client takes them.',
  ),
  flag('proxy_request_buffering', 'requestBuffering', true, 'Whether a request body is read before it is passed on.'),
  flag(
    'proxy_ignore_client_abort',
    'ignoreClientAbort',
    false,
    'Whether a backend goes on working when the client leaves.',
  ),
  flag('proxy_intercept_errors', 'interceptErrors', false, 'Whether error_page holds for responses of backends, too.'),
  keyvalSlot<ProxyLocation>(
    'proxy_set_header',
    CONTEXTS,
    'location',
    'headersSource',
    undefined,
    'A field of the request to the backend; with an empty value it is left out.',
  ),
  numSlot<ProxyLocation>(
    'proxy_headers_hash_max_size',
    CONTEXTS,
    'location',
    'headersHashMaxSize',
    512,
    'Accepted; not needed.',
  ),
  numSlot<ProxyLocation>(
    'proxy_headers_hash_bucket_size',
    CONTEXTS,
    'location',
    'headersHashBucketSize',
    64,
    'Accepted; not needed.',
  ),
  complexValueSlot<ProxyLocation>(
    'proxy_set_body',
    CONTEXTS,
    'location',
    'body',
    undefined,
    "A body in place of the client's.",
  ),
  complexValueSlot<ProxyLocation>(
    'proxy_method',
    CONTEXTS,
    'location',
    'method',
    undefined,
    "A method in place of the client's.",
  ),
  flag('proxy_pass_request_headers', 'passRequestHeaders', true, "Whether the client's header fields are passed on."),
  flag('proxy_pass_request_body', 'passRequestBody', true, "Whether the client's body is passed on."),
  flag('proxy_pass_trailers', 'passTrailers', false, 'Whether fields behind the body are passed on.'),
  bufsSlot<ProxyLocation>(
    'proxy_buffers',
    CONTEXTS,
    'location',
    'buffers',
    { num: 8, size: PAGE },
    'How much of a response is kept in memory when the client is slow.',
  ),
  sizeSlot<ProxyLocation>(
    'proxy_busy_buffers_size',
    CONTEXTS,
    'location',
    'busyBuffersSize',
    undefined,
    'Checked; not needed.',
  ),
  flag('proxy_force_ranges', 'forceRanges', false, 'Whether byte ranges are served of what backends send whole.'),
  complexSizeSlot<ProxyLocation>(
    'proxy_limit_rate',
    CONTEXTS,
    'location',
    'limitRate',
    undefined,
    'Bytes a second that are read of a response, with proxy_buffering.',
  ),
  sizeSlot<ProxyLocation>('proxy_send_lowat', CONTEXTS, 'location', 'sendLowat', 0, {
    doc: 'Ignored, as by nginx on Linux.',
    post: (cf) => {
      cf.warn('"proxy_send_lowat" is not supported, ignored');
      return undefined;
    },
  }),
  pathSlot<ProxyLocation>('proxy_temp_path', CONTEXTS, 'location', 'tempPath', {
    doc: 'Folder for responses that the client does not take in time.',
    defaultText: 'proxy_temp 1 2',
  }),
  sizeSlot<ProxyLocation>(
    'proxy_max_temp_file_size',
    CONTEXTS,
    'location',
    'maxTempFileSize',
    undefined,
    'Most bytes of a response in a file; 0 for none.',
  ),
  sizeSlot<ProxyLocation>(
    'proxy_temp_file_write_size',
    CONTEXTS,
    'location',
    'tempFileWriteSize',
    undefined,
    'Checked; not needed.',
  ),
  slot<ProxyLocation, ComplexValue | 'on' | null>({
    name: 'proxy_store',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    field: 'store',
    parse(cf, args) {
      const path = args[0] as string;
      if (path === 'off') return null;
      if (path === 'on') return 'on';
      return path === '' ? refuse('empty path') : compileComplexValue(cf, path);
    },
    default: null,
    extra: { doc: 'Where whole responses are kept as files; on: where the URI leads.', defaultText: 'off' },
  }),
  accessSlot<ProxyLocation>('proxy_store_access', CONTEXTS, 'location', 'storeAccess', 0o600, {
    doc: 'Permissions of files that proxy_store makes, and of their folders.',
    defaultText: 'user:rw',
  }),
  sizeSlot<ProxyLocation>(
    'proxy_socket_rcvbuf',
    CONTEXTS,
    'location',
    'socketRcvbuf',
    0,
    'The receive buffer of connections to backends (SO_RCVBUF).',
  ),
  sizeSlot<ProxyLocation>(
    'proxy_socket_sndbuf',
    CONTEXTS,
    'location',
    'socketSndbuf',
    0,
    'The send buffer of connections to backends (SO_SNDBUF).',
  ),
  strArraySlot<ProxyLocation>(
    'proxy_pass_header',
    CONTEXTS,
    'location',
    'passHeaders',
    undefined,
    'A field that clients get although it is hidden by default.',
  ),
  strArraySlot<ProxyLocation>(
    'proxy_hide_header',
    CONTEXTS,
    'location',
    'hideHeaders',
    undefined,
    'A field that clients do not get.',
  ),
  bitmaskSlot<ProxyLocation>(
    'proxy_ignore_headers',
    CONTEXTS,
    'location',
    'ignoreHeaders',
    IGNORE_HEADERS,
    0,
    { min: 1 },
    'Fields of a response that are not obeyed.',
  ),
  slot<ProxyLocation, number>({
    name: 'proxy_http_version',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    field: 'httpVersion',
    parse(_cf, args) {
      if (args[0] === '1.1') return HTTP_VERSION_11;
      if (args[0] === '1.0') return HTTP_VERSION_10;
      return refuse(args[0] === '2' ? 'HTTP/2 to backends is not supported' : `invalid value "${args[0]}"`);
    },
    default: HTTP_VERSION_11,
    extra: 'The version of HTTP that backends are spoken to in.',
  }),
];

Object.assign(proxyModule, {
  directives,
  variables: proxyVariables,
  createLocation(): ProxyLocation {
    const conf: { [K in keyof ProxyLocation]: ProxyLocation[K] | undefined } = {
      upstream: undefined,
      connectTimeout: undefined,
      sendTimeout: undefined,
      readTimeout: undefined,
      nextUpstreamTimeout: undefined,
      nextUpstreamTries: undefined,
      nextUpstream: undefined,
      bufferSize: undefined,
      buffers: undefined,
      buffering: undefined,
      maxTempFileSize: undefined,
      tempPath: undefined,
      store: undefined,
      storeAccess: undefined,
      limitRate: undefined,
      sendLowat: undefined,
      requestBuffering: undefined,
      ignoreClientAbort: undefined,
      interceptErrors: undefined,
      intercept404: false,
      passRequestHeaders: undefined,
      passRequestBody: undefined,
      passTrailers: undefined,
      forceRanges: undefined,
      ignoreHeaders: undefined,
      hidden: undefined,
      fieldKinds: undefined,
      local: undefined,
      socketKeepalive: undefined,
      socketRcvbuf: undefined,
      socketSndbuf: undefined,
      tls: undefined,
      ...unsetSslFields(),
      target: undefined,
      url: undefined,
      urlText: '',
      location: '',
      method: undefined,
      httpVersion: undefined,
      headersSource: undefined,
      fields: undefined,
      body: undefined,
      redirect: undefined,
      redirects: undefined,
      cookieDomains: undefined,
      cookiePaths: undefined,
      cookieFlags: undefined,
      hideHeaders: undefined,
      passHeaders: undefined,
      headersHashMaxSize: undefined,
      headersHashBucketSize: undefined,
      busyBuffersSize: undefined,
      tempFileWriteSize: undefined,
    };
    return conf as ProxyLocation;
  },
  mergeLocation: mergeProxyLocation,
} satisfies Partial<HttpModuleSpec<object, object, ProxyLocation>>);

export { proxyModule };
