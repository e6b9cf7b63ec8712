/**
 * ngx.header and ngx.resp: the response header before it is sent. Some fields are not kept as lines but as what they
 * mean to nginx (status of Content-Type, Content-Length, Last-Modified, Server, Date).
 * ngx_lua: ngx_http_lua_headers.c, ngx_http_lua_headers_out.c.
 */

import { parseHttpTime } from '../http/http-time.ts';
import { clearAcceptRanges, clearContentLength, clearLastModified } from '../http/output.ts';
import type { HttpRequest } from '../http/request.ts';
import { LOG_DEBUG, LOG_ERR } from '../log/log.ts';
import { formatHttpTime } from '../log/time.ts';
import { type ApiContext, requireContext } from './context.ts';
import { apiError } from './error.ts';

/** Control characters in names and values are escaped, so that no value can begin a new line. */
function escapeName(name: string): string {
  return name.replace(/[\x00-\x20"(),/:;<=>?@[\\\]{}\x7f-\xff]/g, hex);
}

function escapeValue(value: string): string {
  return value.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, hex);
}

function hex(ch: string): string {
  return `%${ch.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Fields that a response has at most once. */
const SINGLE: ReadonlySet<string> = new Set([
  'server',
  'date',
  'content-encoding',
  'location',
  'refresh',
  'last-modified',
  'content-range',
  'accept-ranges',
  'expires',
  'e-tag',
  'etag',
  'content-length',
  'content-type',
]);

function context(): ApiContext & { readonly r: HttpRequest } {
  const ctx = requireContext();
  if (ctx.r === undefined) apiError('API disabled in the current context');
  return ctx as ApiContext & { readonly r: HttpRequest };
}

/**
 * Sets a field: `values` undefined or empty removes it, several give several lines.
 * @param append adds beside what there is, instead of replacing it
 */
export function setResponseHeader(
  name: string,
  values: readonly string[] | undefined,
  transformUnderscores: boolean,
  append = false,
): void {
  const ctx = context();
  const r = ctx.r;
  if (ctx.headGone) {
    r.log(LOG_ERR, 'attempt to set ngx.header.HEADER after sending out response headers');
    return;
  }
  ctx.headersSet = true;
  const shown = escapeName(transformUnderscores ? name.replaceAll('_', '-') : name);
  const key = shown.toLowerCase();
  if (values === undefined || values.length === 0) {
    setOne(ctx, r, shown, key, '', false);
    return;
  }
  values.forEach((value, i) => {
    setOne(ctx, r, shown, key, escapeValue(value), append || i > 0);
  });
}

/** An empty value removes the field. */
function setOne(ctx: ApiContext, r: HttpRequest, name: string, key: string, value: string, append: boolean): void {
  const out = r.headersOut;
  switch (key) {
    case 'content-type':
      ctx.mimeSet = true;
      setContentType(r, value);
      return;
    case 'content-length':
      clearContentLength(r);
      if (value !== '') {
        const length = /^\d+$/.test(value) ? Number(value) : Number.NaN;
        if (!Number.isSafeInteger(length)) apiError('failed to set header');
        out.contentLength = length;
      }
      return;
    case 'last-modified':
      clearLastModified(r);
      if (value !== '') {
        out.lastModified = parseHttpTime(value);
        out.list.set(name, value, key);
      }
      return;
    case 'server':
      out.server = value === '' ? undefined : value;
      return;
    case 'date':
      out.date = value === '' ? undefined : value;
      return;
    case 'accept-ranges':
      if (value === '') clearAcceptRanges(r);
      break;
    case 'location':
      // A path stays as it is: user code decides, not absolute_redirect.
      out.locationAsIs = true;
      break;
  }
  if (value === '') out.list.remove(key);
  else if (append && !SINGLE.has(key)) out.list.add(name, value, key);
  else out.list.set(name, value, key);
}

function setContentType(r: HttpRequest, value: string): void {
  const out = r.headersOut;
  out.contentType = value;
  const semicolon = value.indexOf(';');
  out.contentTypeKey = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  out.charset = '';
}

/** The response is sent whatever If-Match, If-Modified-Since and the like say. ngx_lua: ngx_http_lua_ffi_bypass_if_checks(). */
export function skipConditions(): void {
  context().r.disableNotModified = true;
}

/** All values of a field; empty when it is not set. */
export function getResponseHeader(name: string, transformUnderscores: boolean): string[] {
  const ctx = context();
  const r = ctx.r;
  const key = (transformUnderscores ? name.replaceAll('_', '-') : name).toLowerCase();
  const out = r.headersOut;
  switch (key) {
    case 'content-type':
      return out.contentType === '' ? [] : [withCharset(r)];
    case 'content-length':
      if (out.contentLength >= 0) return [String(out.contentLength)];
      break;
    case 'last-modified':
      if (out.lastModified >= 0 && !out.list.has(key)) return [formatHttpTime(out.lastModified)];
      break;
    case 'server':
      return out.server === undefined ? [] : [out.server];
    case 'date':
      return out.date === undefined ? [] : [out.date];
  }
  return out.list.getAll(key);
}

function withCharset(r: HttpRequest): string {
  const out = r.headersOut;
  return out.charset !== '' && !out.contentType.includes(';')
    ? `${out.contentType}; charset=${out.charset}`
    : out.contentType;
}

/** All fields in order, with those that nginx adds itself, at most `max` (0 or less: all). */
export function getResponseHeaders(max: number): { readonly fields: [string, string][]; readonly truncated: boolean } {
  const { r } = context();
  const out = r.headersOut;
  const fields: [string, string][] = [];
  if (out.contentType !== '') fields.push(['Content-Type', withCharset(r)]);
  if (out.contentLength >= 0) fields.push(['Content-Length', String(out.contentLength)]);
  if (out.lastModified >= 0 && !out.list.has('last-modified')) {
    fields.push(['Last-Modified', formatHttpTime(out.lastModified)]);
  }
  fields.push(['Connection', r.keepalive ? 'keep-alive' : out.status === 101 ? 'upgrade' : 'close']);
  if (r.chunked) fields.push(['Transfer-Encoding', 'chunked']);
  if (out.server !== undefined) fields.push(['Server', out.server]);
  if (out.date !== undefined) fields.push(['Date', out.date]);
  for (let i = 0; i < out.list.length; i++) fields.push([out.list.names[i] as string, out.list.values[i] as string]);
  const truncated = max > 0 && fields.length > max;
  if (truncated) r.log(LOG_DEBUG, `lua exceeding response header limit ${fields.length} > ${max}`);
  return { fields: truncated ? fields.slice(0, max) : fields, truncated };
}
