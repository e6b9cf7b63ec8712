/**
 * URIs that a configuration or user code gives for subrequests and internal redirects: split from their arguments,
 * decoded, and refused when they could lead out of the document root. nginx: ngx_http_parse_unsafe_uri().
 */
import { unescapeUri } from './escape.ts';

/** True for paths with a `..` segment or a zero byte. */
function leadsOut(path: string): boolean {
  return (
    path.includes('\0') || path === '..' || path.startsWith('../') || path.includes('/../') || path.endsWith('/..')
  );
}

/** The decoded path and the arguments as they are (undefined without a `?`); undefined for a URI that is not safe. */
export function parseUnsafeUri(text: string): { uri: string; args: string | undefined } | undefined {
  if (text === '' || text.startsWith('?')) return undefined;
  const q = text.indexOf('?');
  let uri = q < 0 ? text : text.slice(0, q);
  if (leadsOut(uri)) return undefined;
  if (uri.includes('%')) {
    uri = unescapeUri(uri);
    if (leadsOut(uri)) return undefined;
  }
  return { uri, args: q < 0 ? undefined : text.slice(q + 1) };
}

/** What an unsafe URI is called in the log: decoded when only that shows what is wrong, as nginx does. */
export function unsafeUriText(text: string): string {
  const q = text.indexOf('?');
  const path = q < 0 ? text : text.slice(0, q);
  return path === '' || leadsOut(path) ? text : unescapeUri(path);
}
