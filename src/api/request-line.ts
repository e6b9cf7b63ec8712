/** ngx.req.get_method, set_uri, set_uri_args, raw_header, ...: the request line. ngx_lua: ngx_http_lua_uri.c, _args.c. */

import { setExtension } from '../http/redirect.ts';
import { type HttpRequest, METHOD_HEAD, METHODS } from '../http/request.ts';
import { LOG_WARN } from '../log/log.ts';
import { requireContext, requireRequest } from './context.ts';
import { apiError } from './error.ts';
import { IN_REWRITE, IN_SERVER_REWRITE } from './phase.ts';
import { unsafeByte } from './uri.ts';

function request(): HttpRequest {
  return requireContext().r ?? apiError('API disabled in the current context');
}

export function getMethod(): string {
  return request().methodName;
}

const NAMES: ReadonlyMap<number, string> = new Map([...METHODS].map(([name, bit]) => [bit, name]));

/** ngx.req.set_method(ngx.HTTP_...). */
export function setMethod(method: number): void {
  const r = request();
  const name = NAMES.get(method);
  if (name === undefined || name === 'CONNECT') apiError(`unsupported HTTP method: ${method}`);
  r.method = method;
  r.methodName = name;
  r.headerOnly = method === METHOD_HEAD;
}

/** 0.9, 1.0, 1.1, 2.0, or undefined. */
export function httpVersion(): number | undefined {
  switch (request().httpVersion) {
    case 9:
      return 0.9;
    case 1000:
      return 1;
    case 1001:
      return 1.1;
    case 2000:
      return 2;
    default:
      return undefined;
  }
}

/** ngx.req.set_uri(uri, jump, binary). Returns true when the handler must stop (jump). */
export function setUri(uri: string, jump: boolean, binary: boolean): boolean {
  const r = request();
  if (uri === '') apiError('attempt to use zero-length uri');
  if (!binary) {
    const bad = unsafeByte(uri);
    if (bad !== undefined) {
      const byte = bad.byte.toString(16).padStart(2, '0');
      apiError(`unsafe byte "0x${byte}" in uri "${bad.escaped}" (maybe you want to set the 'binary' argument?)`);
    }
  }
  if (jump) {
    const ctx = requireRequest(IN_REWRITE | IN_SERVER_REWRITE);
    if (ctx.noAbort > 0) apiError('attempt to abort with pending subrequests');
  }
  r.uri = uri;
  r.internal = true;
  r.validUnparsedUri = false;
  setExtension(r);
  r.uriChanged = jump;
  return jump;
}

/** ngx.req.set_uri_args(text). */
export function setUriArgs(args: string): void {
  const r = request();
  // Passed on to a backend, these would end the request line.
  r.args = args.replace(/[\x00-\x20\x7f]/g, (ch) => {
    return `%${ch.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  r.validUnparsedUri = false;
}

export function uriArgs(): string {
  return request().args;
}

/** Seconds since 1970 with milliseconds when the request was created. */
export function startTime(): number {
  return request().startTime / 1000;
}

export function isInternal(): boolean {
  return request().internal;
}

/** The header as received, with or without the request line. */
export function rawHeader(withoutRequestLine: boolean): string {
  const r = request();
  const raw = r.main.rawHeader;
  if (raw === '') {
    r.log(LOG_WARN, 'raw request header is not available on this connection');
    return '';
  }
  if (!withoutRequestLine) return raw;
  const end = raw.indexOf('\n');
  return end < 0 ? '' : raw.slice(end + 1);
}
