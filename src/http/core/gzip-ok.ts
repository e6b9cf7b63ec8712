/** Whether the client takes a gzipped answer: Accept-Encoding and the gzip_* directives. nginx: ngx_http_gzip_ok(). */
import { currentSecond } from '../../log/time.ts';
import type { HeaderList } from '../headers.ts';
import { parseHttpTime } from '../http-time.ts';
import type { HttpRequest } from '../request.ts';
import {
  type CoreLocation,
  GZIP_PROXIED_ANY,
  GZIP_PROXIED_AUTH,
  GZIP_PROXIED_EXPIRED,
  GZIP_PROXIED_NO_CACHE,
  GZIP_PROXIED_NO_ETAG,
  GZIP_PROXIED_NO_LM,
  GZIP_PROXIED_NO_STORE,
  GZIP_PROXIED_OFF,
  GZIP_PROXIED_PRIVATE,
} from './conf.ts';
import { coreModule } from './module.ts';

/** `gzip` in Accept-Encoding with a quality that is not zero. */
export function acceptsGzip(text: string): boolean {
  if (text.startsWith('gzip,')) return true;
  const match = /(?:^|[, ])gzip([^,]*)/i.exec(text);
  if (match === null) return false;
  const rest = match[1] as string;
  if (/^ *$/.test(rest)) return true;
  const quality = /^ *; *(?:q=([01])(?:\.([0-9]*))?(?: .*)?|q?)$/i.exec(rest);
  if (quality === null) return false;
  if (quality[1] === undefined) return !/q$/i.test(rest);
  let sum = Number(quality[1]) * 100;
  const digits = quality[2] ?? '';
  // Digits are added up as they are: it only matters whether they are all zero, and that 1 has no others.
  for (const digit of digits) sum += Number(digit);
  return sum > 0 && sum <= 100 && digits.length <= 3;
}

/** Whether a directive without a value is in Cache-Control. */
function hasCacheDirective(list: HeaderList, name: string): boolean {
  const pattern = new RegExp(`(?:^|[;,]) *${name} *(?:,|$)`, 'i');
  return list.getAll('cache-control').some((value) => pattern.test(value));
}

/** gzip_proxied: which answers to requests that came through a proxy are compressed. */
function allowedForProxies(r: HttpRequest, proxied: number): boolean {
  if ((proxied & GZIP_PROXIED_OFF) !== 0) return false;
  if ((proxied & GZIP_PROXIED_ANY) !== 0) return true;
  if ((proxied & GZIP_PROXIED_AUTH) !== 0 && r.headersIn.list.has('authorization')) return true;
  const out = r.headersOut;
  const expires = out.list.get('expires');
  if (expires !== undefined) {
    if ((proxied & GZIP_PROXIED_EXPIRED) === 0) return false;
    const end = parseHttpTime(expires);
    const date = out.date === undefined ? currentSecond() : parseHttpTime(out.date);
    return end !== undefined && date !== undefined && end < date;
  }
  if (out.list.has('cache-control')) {
    return (
      ((proxied & GZIP_PROXIED_NO_CACHE) !== 0 && hasCacheDirective(out.list, 'no-cache')) ||
      ((proxied & GZIP_PROXIED_NO_STORE) !== 0 && hasCacheDirective(out.list, 'no-store')) ||
      ((proxied & GZIP_PROXIED_PRIVATE) !== 0 && hasCacheDirective(out.list, 'private'))
    );
  }
  if ((proxied & GZIP_PROXIED_NO_LM) !== 0 && out.list.has('last-modified')) return false;
  return (proxied & GZIP_PROXIED_NO_ETAG) === 0 || !out.list.has('etag');
}

function isDisabledFor(r: HttpRequest, location: CoreLocation): boolean {
  const agent = r.headersIn.list.get('user-agent');
  if (agent === undefined) return false;
  return (location.gzipDisable ?? []).some((regex) => regex.test(agent));
}

/** Asks, and keeps the answer in the request (`gzipTested`, `gzipOk`). */
export function gzipOk(r: HttpRequest): boolean {
  r.gzipTested = true;
  if (r !== r.main) return false;
  const accepted = r.headersIn.list.get('accept-encoding');
  if (accepted === undefined || !acceptsGzip(accepted)) return false;
  const location = coreModule.location(r);
  if (r.headersIn.msie6 && location.gzipDisableMsie6) return false;
  if (r.httpVersion < location.gzipHttpVersion) return false;
  if (r.headersIn.list.has('via') && !allowedForProxies(r, location.gzipProxied)) return false;
  if (isDisabledFor(r, location)) return false;
  r.gzipOk = true;
  return true;
}
