/** `memcached_pass`: answers that lie in memcached. nginx: src/http/modules/ngx_http_memcached_module.c. */
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import { numSlot } from '../../conf/slots.ts';
import { LOG_ERR, LOG_INFO } from '../../log/log.ts';
import { latin1Slice } from '../../net/latin1.ts';
import { parseUrl, UrlError } from '../../net/url.ts';
import { AGAIN, DONE, ERROR, HTTP_NOT_ALLOWED, HTTP_NOT_FOUND, HTTP_OK, OK } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { setContentType } from '../core/types.ts';
import { httpOf } from '../cycle.ts';
import { escapeUri } from '../escape.ts';
import { httpModule } from '../module.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD } from '../request.ts';
import {
  FT_ERROR,
  FT_HTTP_404,
  FT_INVALID_HEADER,
  FT_OFF,
  FT_TIMEOUT,
  type UpstreamSettings,
} from '../upstream/conf.ts';
import { backendDirectives, completeBackend, plainBackend } from '../upstream/directives.ts';
import { Exchange } from '../upstream/exchange.ts';
import { referToUpstream } from '../upstream/module.ts';
import { INVALID_HEADER } from '../upstream/results.ts';
import type { UpstreamState } from '../upstream/state.ts';
import { getIndexed, getVariableIndex } from '../variables.ts';

interface MemcachedLocation extends UpstreamSettings {
  /** Slot of $memcached_key; -1 without memcached_pass. */
  keyIndex: number;
  /** Bits of a value's flags that say that it is in gzip. */
  gzipFlag: number;
}

/** What stands behind a value. */
const TRAILER = '\r\nEND\r\n';

class MemcachedExchange extends Exchange {
  override readonly conf: MemcachedLocation;
  readonly schema = 'memcached://';
  #key = '';
  /** Of the trailer, what has not come. */
  #trailer = TRAILER;

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
    this.#key = escapeUri(key, 'memcached');
    this.requestText = `get ${this.#key}\r\n`;
    return OK;
  }

  protected reinit(): void {
    this.#trailer = TRAILER;
  }

  protected readHeader(): number {
    const { text, r, headers } = this;
    const end = text.indexOf('\n', this.pos);
    if (end < 0) return AGAIN;
    const state = this.state as UpstreamState;
    const line = text.slice(this.pos, end > this.pos && text[end - 1] === '\r' ? end - 1 : end);
    if (text[end - 1] !== '\r') return this.#invalid('response', line, false);
    if (line === 'END') {
      r.log(LOG_INFO, `key: "${this.#key}" was not found by memcached`);
      headers.contentLength = 0;
      headers.status = HTTP_NOT_FOUND;
      this.keepalive = true;
    } else {
      const rc = this.#readValue(line);
      if (rc !== OK) return rc;
    }
    state.status = headers.status;
    this.pos = end + 1;
    return OK;
  }

  /** `VALUE KEY FLAGS LENGTH` */
  #readValue(line: string): number {
    if (!line.startsWith('VALUE ')) return this.#invalid('response', line, false);
    if (!line.startsWith(this.#key, 6)) return this.#invalid('key in response', line);
    const parts = /^ ([^ ]*) (.*)$/s.exec(line.slice(6 + this.#key.length));
    if (parts === null) return this.#invalid('response', line, false);
    const [, flags, length] = parts as unknown as [string, string, string];
    if (this.conf.gzipFlag !== 0) {
      if (!/^\d{1,18}$/.test(flags)) return this.#invalid('flags in response', line);
      if ((Number(flags) & this.conf.gzipFlag) !== 0) {
        this.r.headersOut.list.set('Content-Encoding', 'gzip', 'content-encoding');
      }
    }
    if (!/^\d{1,15}$/.test(length)) return this.#invalid('length in response', line);
    this.headers.contentLength = Number(length);
    this.headers.status = HTTP_OK;
    return OK;
  }

  #invalid(what: string, line: string, withKey = true): number {
    const quoted = withKey ? `"${line}" for key "${this.#key}"` : `"${line}"`;
    this.r.log(LOG_ERR, `memcached sent invalid ${what}${withKey ? '' : ':'} ${quoted}`);
    return INVALID_HEADER;
  }

  initBody(): void {
    this.length = this.headers.status === HTTP_NOT_FOUND ? 0 : this.headers.contentLength + TRAILER.length;
  }

  readBody(data: string | Buffer): number {
    const value = this.length - this.#trailer.length;
    const cut = Math.min(value, data.length);
    if (cut > 0) this.addPending(typeof data === 'string' ? data.slice(0, cut) : data.subarray(0, cut));
    this.length -= cut;
    if (cut === data.length) return OK;
    const rest = typeof data === 'string' ? data.slice(cut) : latin1Slice(data, cut, data.length);
    if (!this.#trailer.startsWith(rest)) {
      this.r.log(LOG_ERR, 'memcached sent invalid trailer');
      this.length = 0;
      return OK;
    }
    this.#trailer = this.#trailer.slice(rest.length);
    this.length -= rest.length;
    if (this.length === 0) this.keepalive = true;
    return OK;
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
  if (conf.upstream !== undefined) return 'is duplicate';
  const text = args[0] as string;
  try {
    conf.upstream = referToUpstream(cf, parseUrl(text, { defaultPort: 0, noResolve: true }));
  } catch (e) {
    if (e instanceof UrlError) return `${e.message} in upstream "${text}"`;
    throw e;
  }
  const location = coreModule.locationOf(cf.confs as ConfStack);
  location.handler = memcachedHandler;
  if (location.name.endsWith('/')) location.autoRedirect = true;
  conf.keyIndex = getVariableIndex(httpOf(cf), 'memcached_key');
  return undefined;
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
  ...backendDirectives<MemcachedLocation>('memcached', {
    error: FT_ERROR,
    timeout: FT_TIMEOUT,
    invalid_response: FT_INVALID_HEADER,
    not_found: FT_HTTP_404,
    off: FT_OFF,
  }),
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
