/** User name and password of `Authorization: Basic` (RFC 7617). nginx: ngx_http_auth_basic_user(). */
import type { HttpRequest } from '../request.ts';

/**
 * The user name that the client gave, null when it gave none or nothing that can be read; also sets `headersIn.user`
 * and `headersIn.password`, the name to '' when there is none.
 */
export function remoteUser(r: HttpRequest): string | null {
  const client = r.headersIn;
  if (client.user === undefined) decode(r);
  return client.user === '' ? null : (client.user as string);
}

function decode(r: HttpRequest): void {
  const client = r.headersIn;
  client.user = '';
  const match = /^basic +([A-Za-z0-9+/]*)(=|$)/i.exec(client.list.get('authorization') ?? '');
  const encoded = match?.[1];
  if (encoded === undefined || encoded === '' || encoded.length % 4 === 1) return;
  const text = Buffer.from(encoded, 'base64').toString('latin1');
  const colon = text.indexOf(':');
  if (colon <= 0) return;
  client.user = text.slice(0, colon);
  client.password = text.slice(colon + 1);
}
