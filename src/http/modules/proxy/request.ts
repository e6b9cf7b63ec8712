/** The request to the backend: its line, its fields, and a body of its own. nginx: ngx_http_proxy_create_request(). */
import { LOG_ERR } from '../../../log/log.ts';
import { escapeUri } from '../../escape.ts';
import { HTTP_VERSION_11, type HttpRequest } from '../../request.ts';
import type { ProxyLocation, ProxyTarget, RequestFields } from './conf.ts';

/** Lengths as the fields of the request need them. */
export interface BodyLength {
  /** -1: not known, or no body. */
  readonly length: number;
  readonly chunked: boolean;
}

/** The URI for the backend; undefined (logged) when it would be empty. */
export function backendUri(r: HttpRequest, conf: ProxyLocation, target: ProxyTarget): string | undefined {
  let uri: string;
  if (conf.url !== undefined && target.uri !== '') {
    uri = target.uri;
  } else if (target.uri === '' && r.validUnparsedUri) {
    uri = r.unparsedUri;
  } else {
    // The part of the URI that the location's name stands for is replaced by the URL's.
    const replaced = r.validLocation && target.uri !== '' ? Math.min(conf.location.length, r.uri.length) : 0;
    const rest = replaced === 0 ? r.uri : r.uri.slice(replaced);
    uri = r.validLocation ? target.uri : '';
    uri += r.quotedUri || r.internal ? escapeUri(rest, 'uri') : rest;
    if (r.args !== '') uri += `?${r.args}`;
  }
  if (uri !== '') return uri;
  r.log(LOG_ERR, 'zero length URI to proxy');
  return undefined;
}

/** All of the request but the client's body. */
export function requestText(
  r: HttpRequest,
  conf: ProxyLocation,
  fields: RequestFields,
  target: ProxyTarget,
  method: string,
  uri: string,
  body: string | undefined,
  bodyLength: BodyLength,
): string {
  const version11 = conf.httpVersion === HTTP_VERSION_11;
  let host = fields.host === undefined ? target.hostHeader : fields.host.evaluate(r);
  if (host === '' && version11) host = target.hostHeader;
  let text = `${method} ${uri}${version11 ? ' HTTP/1.1\r\n' : ' HTTP/1.0\r\n'}`;
  if (host !== '') text += `Host: ${host}\r\n`;
  for (const { prefix, value } of fields.fields) {
    let field: string;
    if (value === 'length') field = bodyLength.length < 0 ? '' : String(bodyLength.length);
    else if (value === 'chunked') field = bodyLength.chunked ? 'chunked' : '';
    else field = value.evaluate(r);
    if (field !== '') text += `${prefix}${field}\r\n`;
  }
  if (conf.passRequestHeaders) {
    const { list } = r.headersIn;
    const { replaced } = fields;
    for (let i = 0; i < list.length; i++) {
      if (!replaced.has(list.keys[i] as string)) text += list.line(i);
    }
  }
  text += '\r\n';
  return body === undefined ? text : text + body;
}
