/**
 * srcache: responses are kept in a cache that locations of the server speak to (memc, redis2, Lua).
 * srcache-nginx-module: ngx_http_srcache_filter_module.c, ngx_http_srcache_var.c.
 */
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { bitmaskSlot, flagSlot, type NumberSlot, secSlot, sizeSlot, strArraySlot } from '../../../conf/slots.ts';
import { parseNumber } from '../../../conf/units.ts';
import { currentSecond } from '../../../log/time.ts';
import { httpOf, insertFilters } from '../../cycle.ts';
import { httpModule } from '../../module.ts';
import { METHOD_DELETE, METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHODS } from '../../request.ts';
import { compileComplexValue, complexValueSlot } from '../../script.ts';
import type { VariableSpec } from '../../variables.ts';
import type { CacheRequest, SrcacheContext, SrcacheLocation, SrcacheMain } from './context.ts';
import { accessHandler } from './fetch.ts';
import { bodyFilter, headerFilter } from './store.ts';

const PAGE = 4096;

/** Fields that are not stored: they belong to a connection or to one client. */
const HIDDEN = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
  'set-cookie',
];

/** What a subrequest's method may be. */
const SUBREQUEST_METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'PUT', 'POST', 'HEAD', 'COPY', 'MOVE', 'LOCK', 'MKCOL', 'TRACE'],
  ...['DELETE', 'UNLOCK', 'OPTIONS', 'PROPFIND', 'PROPPATCH'],
]);

const BLOCKS: readonly ContextName[] = ['http', 'server', 'location'];
const EVERYWHERE: readonly ContextName[] = [...BLOCKS, 'if in location'];

function requestDirective(name: string, field: 'fetch' | 'store', doc: string): Directive<SrcacheLocation> {
  return {
    name,
    contexts: EVERYWHERE,
    args: [2, 3],
    level: 'location',
    slot: { field, default: null },
    doc,
    set(cf: ConfContext, conf, args) {
      if ((conf[field] as CacheRequest | null | undefined) !== undefined) return 'is duplicate';
      srcacheModule.mainOf(httpOf(cf).confs).used = true;
      const [methodName, location, query] = args as [string, string, string | undefined];
      if (!SUBREQUEST_METHODS.has(methodName)) throw cf.error(`${name} specifies bad HTTP method ${methodName}`);
      conf[field] = {
        method: METHODS.get(methodName) as number,
        methodName,
        location: compileComplexValue(cf, location),
        args: query === undefined || query === '' ? undefined : compileComplexValue(cf, query),
      };
      return undefined;
    },
  };
}

function statuses(cf: ConfContext, conf: SrcacheLocation, args: readonly string[]): string | undefined {
  if (conf.storeStatuses !== undefined) return 'is duplicate';
  conf.storeStatuses = new Set(
    args.map((word) => {
      const status = parseNumber(word);
      if (status === undefined) throw cf.error(`status code "${word}" is an invalid number`);
      return status;
    }),
  );
  return undefined;
}

type Flag = { [K in keyof SrcacheLocation]: SrcacheLocation[K] extends boolean ? K : never }[keyof SrcacheLocation];
type Quantity = 'bufferSize' | 'storeMaxSize' | 'headerBufferSize' | 'maxExpire' | 'defaultExpire';

const flag = (name: string, field: Flag, fallback: boolean, doc: string): Directive<SrcacheLocation> =>
  flagSlot<SrcacheLocation>(name, BLOCKS, 'location', field, fallback, doc);
const quantity = (
  slot: NumberSlot,
  name: string,
  field: Quantity,
  fallback: number,
  doc: string,
): Directive<SrcacheLocation> => slot<SrcacheLocation>(name, EVERYWHERE, 'location', field, fallback, doc);

const directives: readonly Directive<SrcacheLocation>[] = [
  quantity(sizeSlot, 'srcache_buffer', 'bufferSize', PAGE, 'Of no effect.'),
  requestDirective('srcache_fetch', 'fetch', 'The subrequest that asks the cache.'),
  requestDirective('srcache_store', 'store', 'The subrequest that stores a response.'),
  quantity(sizeSlot, 'srcache_store_max_size', 'storeMaxSize', 0, 'Larger responses are not stored; 0: no limit.'),
  complexValueSlot<SrcacheLocation>(
    'srcache_fetch_skip',
    EVERYWHERE,
    'location',
    'fetchSkip' as never,
    undefined,
    'The cache is not asked when this is neither empty nor 0.',
  ),
  complexValueSlot<SrcacheLocation>(
    'srcache_store_skip',
    EVERYWHERE,
    'location',
    'storeSkip' as never,
    undefined,
    'The response is not stored when this is neither empty nor 0.',
  ),
  {
    name: 'srcache_store_statuses',
    contexts: EVERYWHERE,
    args: { min: 1 },
    level: 'location',
    slot: { field: 'storeStatuses', default: undefined },
    doc: 'Statuses of responses that are stored.',
    defaultText: '200 301 302 307 308',
    set: statuses,
  },
  bitmaskSlot<SrcacheLocation>(
    'srcache_methods',
    BLOCKS,
    'location',
    'methods',
    { get: METHOD_GET, head: METHOD_HEAD, post: METHOD_POST, put: METHOD_PUT, delete: METHOD_DELETE },
    METHOD_GET | METHOD_HEAD,
    { min: 1 },
    'Methods of requests that the cache is used for, besides GET and HEAD.',
  ),
  flag('srcache_request_cache_control', 'requestCacheControl', false, "Obeys the client's Cache-Control and Pragma."),
  flag('srcache_store_private', 'storePrivate', false, 'Stores private responses.'),
  flag('srcache_store_no_store', 'storeNoStore', false, 'Stores responses with Cache-Control: no-store.'),
  flag('srcache_store_no_cache', 'storeNoCache', false, 'Stores responses with Cache-Control: no-cache.'),
  flag('srcache_response_cache_control', 'responseCacheControl', true, "Obeys a response's Cache-Control and Expires."),
  strArraySlot<SrcacheLocation>(
    'srcache_store_hide_header',
    BLOCKS,
    'location',
    'hideHeaders' as never,
    undefined,
    'A field that is not stored.',
  ),
  strArraySlot<SrcacheLocation>(
    'srcache_store_pass_header',
    BLOCKS,
    'location',
    'passHeaders' as never,
    undefined,
    'A field that is stored, which otherwise would not be.',
  ),
  flag('srcache_store_ranges', 'storeRanges', false, 'Stores answers to requests of a range.'),
  flag('srcache_ignore_content_encoding', 'ignoreContentEncoding', false, 'Stores responses that are compressed.'),
  quantity(
    sizeSlot,
    'srcache_header_buffer_size',
    'headerBufferSize',
    PAGE,
    'Most bytes of a line of a header from the cache.',
  ),
  quantity(secSlot, 'srcache_max_expire', 'maxExpire', 0, 'Most seconds of $srcache_expire; 0: no limit.'),
  quantity(secSlot, 'srcache_default_expire', 'defaultExpire', 60, '$srcache_expire of responses that do not say.'),
];

const variables: readonly VariableSpec[] = [
  {
    name: 'srcache_expire',
    noCacheable: true,
    get(r) {
      const ctx = srcacheModule.context(r);
      if (ctx?.storing !== true) return null;
      const { defaultExpire, maxExpire } = srcacheModule.location(r);
      const seconds = ctx.validUntil === 0 ? defaultExpire : ctx.validUntil - currentSecond();
      return String(maxExpire > 0 ? Math.min(seconds, maxExpire) : seconds);
    },
  },
  {
    name: 'srcache_fetch_status',
    noCacheable: true,
    get(r) {
      const ctx = srcacheModule.context(r);
      return ctx?.fromCache === true ? 'HIT' : ctx?.fetchIssued === true ? 'MISS' : 'BYPASS';
    },
  },
  {
    name: 'srcache_store_status',
    noCacheable: true,
    get: (r) => (srcacheModule.context(r)?.storing === true ? 'STORE' : 'BYPASS'),
  },
];

export const srcacheModule = httpModule<SrcacheMain, object, SrcacheLocation, SrcacheContext>({
  name: 'ngx_http_srcache_filter_module',
  directives,
  variables,
  createMain: () => ({ used: false }),
  createLocation: () => ({}) as unknown as SrcacheLocation,
  mergeLocation(_parent, conf) {
    conf.methods |= METHOD_GET | METHOD_HEAD;
    const hidden = new Set(HIDDEN);
    for (const name of conf.hideHeaders ?? []) hidden.add(name.toLowerCase());
    for (const name of conf.passHeaders ?? []) hidden.delete(name.toLowerCase());
    conf.hidden = hidden;
  },
  postconfiguration(http) {
    if (srcacheModule.mainOf(http.confs).used) insertFilters(http, headerFilter, bodyFilter);
  },
});

/** Behind the hosts, so that the cache is asked when user code of the access phase has let the request in. */
export const srcacheAccessModule = httpModule({
  name: 'ngx_http_srcache_filter_module (access)',
  postconfiguration(http) {
    if (!srcacheModule.mainOf(http.confs).used) return;
    http.postponed.push({ phase: 'access', handler: accessHandler });
  },
});
