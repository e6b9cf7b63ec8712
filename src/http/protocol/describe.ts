/**
 * What error.log says about a connection behind each message. nginx: ngx_http_log_error(),
 * ngx_http_log_error_handler().
 */
import { coreModule } from '../core/module.ts';
import type { HttpRequest } from '../request.ts';
import { type Http1Connection, STATE_REQUEST_LINE } from './http1.ts';

/** @param about the (sub)request that the line is about, when it is known */
export function describeConnection(c: Http1Connection, about: HttpRequest | undefined): string {
  let text = c.action === '' ? '' : ` while ${c.action}`;
  text += `, client: ${c.remoteAddress}`;
  const r = c.request;
  if (r === undefined) return `${text}, server: ${c.group.where.text}`;
  text += `, server: ${coreModule.server(r).serverName}`;
  const line = r.requestLine === '' && c.state === STATE_REQUEST_LINE ? c.firstLine() : r.requestLine;
  if (line !== '') text += `, request: "${line}"`;
  if (about !== undefined && about !== r) text += `, subrequest: "${about.uri}"`;
  text += (about ?? r).upstream?.logText ?? '';
  const host = r.headersIn.list.get('host');
  if (host !== undefined) text += `, host: "${host}"`;
  const referer = r.headersIn.list.get('referer');
  if (referer !== undefined) text += `, referrer: "${referer}"`;
  return text;
}
