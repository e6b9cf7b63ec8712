/** `memcached_pass`: answers that lie in memcached. nginx: src/http/modules/ngx_http_memcached_module.c. */
import type { ConfContext, Directive } from '../../../conf/directive.ts';
import { numSlot } from '../../../conf/slots.ts';
import { LOG_ERR } from '../../../log/log.ts';
import { DONE, ERROR, HTTP_NOT_ALLOWED, OK } from '../../codes.ts';
import { setContentType } from '../../core/types.ts';
import { httpOf } from '../../cycle.ts';
import { escapeUri } from '../../escape.ts';
import { httpModule } from '../../module.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD } from '../../request.ts';
import type { UpstreamSettings } from '../../upstream/conf.ts';
import { ANSWER_REASONS, backendDirectives, completeBackend, plainBackend } from '../../upstream/directives.ts';
import { setAddress } from '../../upstream/named-target.ts';
import { getIndexed, getVariableIndex } from '../../variables.ts';
import { ValueExchange } from './value-exchange.ts';

interface MemcachedLocation extends UpstreamSettings {
  /** Slot of $memcached_key; -1 without memcached_pass. */
  keyIndex: number;
  /** Bits of a value's flags that say that it is in gzip. */
  gzipFlag: number;
}

class MemcachedExchange extends ValueExchange {
  override readonly conf: MemcachedLocation;

  constructor(r: HttpRequest, conf: MemcachedLocation) {
    super(r, conf);
    this.conf = conf;
  }

  protected createRequest(): number {
    const key = getIndexed(this.r, this.conf.keyIndex) ?? '';
    if (key === '') {
      this.r.log(LOG_ERR, 'the "$memcached_key" variable is not set');
      return ERROR;
    }
    this.key = escapeUri(key, 'memcached');
    this.requestText = `get ${this.key}\r\n`;
    return OK;
  }

  protected override readFlags(flags: string): boolean {
    const { gzipFlag } = this.conf;
    if (gzipFlag === 0) return true;
    if (!/^\d{1,18}$/.test(flags)) return false;
    if ((Number(flags) & gzipFlag) !== 0) this.r.headersOut.list.set('Content-Encoding', 'gzip', 'content-encoding');
    return true;
  }
}

function memcachedHandler(r: HttpRequest): number {
  if ((r.method & (METHOD_GET | METHOD_HEAD)) === 0) return HTTP_NOT_ALLOWED;
  const rc = r.connection.discardBody(r);
  if (rc !== OK) return rc;
  setContentType(r);
  r.main.count++;
  new MemcachedExchange(r, memcachedModule.location(r)).start();
  return DONE;
}

function setPass(cf: ConfContext, conf: MemcachedLocation, args: readonly string[]): string | undefined {
  const message = setAddress(cf, conf, args[0] as string, memcachedHandler);
  if (message === undefined) conf.keyIndex = getVariableIndex(httpOf(cf), 'memcached_key');
  return message;
}

const directives: readonly Directive<MemcachedLocation>[] = [
  {
    name: 'memcached_pass',
    contexts: ['location', 'if in location'],
    args: 1,
    level: 'location',
    doc: 'The server, or the upstream of servers, that $memcached_key is looked up in.',
    set: setPass,
  },
  ...backendDirectives<MemcachedLocation>('memcached', ANSWER_REASONS),
  numSlot<MemcachedLocation>(
    'memcached_gzip_flag',
    ['http', 'server', 'location'],
    'location',
    'gzipFlag',
    0,
    "Values with one of these bits in their flags get 'Content-Encoding: gzip'.",
  ),
];

export const memcachedModule = httpModule<object, object, MemcachedLocation>({
  name: 'ngx_http_memcached_module',
  directives,
  createLocation: () => {
    const conf: Partial<MemcachedLocation> = { upstream: undefined, keyIndex: -1, ...plainBackend() };
    return conf as MemcachedLocation;
  },
  mergeLocation(parent, conf) {
    completeBackend(conf);
    conf.upstream ??= parent.upstream;
    if (conf.keyIndex < 0) conf.keyIndex = parent.keyIndex;
  },
});
