/** The URL of a proxy_pass: its parts, with variables when it has some. nginx: ngx_http_proxy_set_vars(), ngx_http_proxy_eval(). */
import { LOG_ERR } from '../../../log/log.ts';
import { type ParsedUrl, parseUrl, UrlError } from '../../../net/url.ts';
import type { HttpRequest } from '../../request.ts';
import type { ComplexValue } from '../../script.ts';
import type { ResolvedTarget } from '../../upstream/exchange.ts';
import { peerAddress } from '../../upstream/peer.ts';
import type { ProxyTarget } from './conf.ts';

/** `http` or `https` of a URL; undefined for any other. */
export function schemeOf(url: string): 'http' | 'https' | undefined {
  if (/^http:\/\//i.test(url)) return 'http';
  return /^https:\/\//i.test(url) ? 'https' : undefined;
}

/** The parts of a URL behind its scheme, which was `schema` (`http://` or `https://`). */
export function targetOf(schema: string, url: ParsedUrl, defaultPort: number): ProxyTarget {
  const { uri } = url;
  const secure = schema.length === 8;
  if (url.family === 'unix') return { schema, secure, hostHeader: 'localhost', port: '', uri };
  if (url.noPort || url.port === defaultPort) {
    return { schema, secure, hostHeader: url.host, port: String(defaultPort), uri };
  }
  return { schema, secure, hostHeader: `${url.host}:${url.portText}`, port: url.portText, uri };
}

// Configurations have few targets: the last ones are not parsed again for each request.
const parsed = new Map<string, { target: ProxyTarget; resolved: ResolvedTarget }>();
const MOST_PARSED = 512;

/** The target of a URL with variables; undefined (logged) when it is not a URL. */
export function evaluateTarget(
  r: HttpRequest,
  value: ComplexValue,
): { readonly target: ProxyTarget; readonly resolved: ResolvedTarget } | undefined {
  const text = value.evaluate(r);
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const scheme = schemeOf(text);
  if (scheme === undefined) {
    r.log(LOG_ERR, `invalid URL prefix in "${text}"`);
    return undefined;
  }
  const schema = text.slice(0, scheme.length + 3);
  const rest = text.slice(schema.length);
  const defaultPort = scheme === 'https' ? 443 : 80;
  let url: ParsedUrl;
  try {
    url = parseUrl(rest, { defaultPort, uriPart: true, noResolve: true });
  } catch (e) {
    if (!(e instanceof UrlError)) throw e;
    r.log(LOG_ERR, `${e.message} in upstream "${rest}"`);
    return undefined;
  }
  if (url.uri.startsWith('?')) url = { ...url, uri: `/${url.uri}` };
  const address = url.addresses[0];
  const result = {
    target: targetOf(schema, url, defaultPort),
    resolved: {
      host: url.host,
      port: url.noPort && url.family !== 'unix' ? defaultPort : url.port,
      noPort: url.noPort,
      address: address === undefined ? undefined : peerAddress(address),
    },
  };
  if (text.length <= 256) {
    if (parsed.size >= MOST_PARSED) parsed.clear();
    parsed.set(text, result);
  }
  return result;
}
