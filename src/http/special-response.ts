/**
 * Responses that the server makes itself: error pages, redirects, and what `error_page` puts in their place.
 * The pages are nginx's own byte for byte, since people's tests compare them.
 * nginx: src/http/ngx_http_special_response.c.
 */
import { identity } from '../conf/identity.ts';
import { type Chain, memoryBuf } from './buf.ts';
import {
  DONE,
  ERROR,
  HTTP_BAD_REQUEST,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_MOVED_PERMANENTLY,
  HTTP_MOVED_TEMPORARILY,
  HTTP_NOT_IMPLEMENTED,
  HTTP_OK,
  HTTP_PERMANENT_REDIRECT,
  HTTP_REQUEST_ENTITY_TOO_LARGE,
  HTTP_REQUEST_HEADER_TOO_LARGE,
  HTTP_REQUEST_URI_TOO_LARGE,
  HTTP_SEE_OTHER,
  HTTP_TEMPORARY_REDIRECT,
  HTTP_TO_HTTPS,
  HTTPS_CERT_ERROR,
  HTTPS_NO_CERT,
  OK,
} from './codes.ts';
import { type CoreLocation, type ErrorPage, SERVER_TOKENS_OFF } from './core/conf.ts';
import { coreModule } from './core/module.ts';
import {
  cleanHeader,
  clearAcceptRanges,
  clearContentLength,
  clearEtag,
  clearLastModified,
  outputFilter,
  sendHeader,
  sendLast,
} from './output.ts';
import { internalRedirect, namedLocation, splitArgs } from './redirect.ts';
import { HTTP_VERSION_10, type HttpRequest, METHOD_GET, METHOD_HEAD } from './request.ts';
import { statusText } from './status.ts';

/** Pages whose title is not the status line's phrase. */
const TITLES: Readonly<Record<number, string>> = {
  302: '302 Found',
  401: '401 Authorization Required',
  494: '400 Request Header Or Cookie Too Large',
  495: '400 The SSL certificate error',
  496: '400 No required SSL certificate was sent',
  497: '400 The plain HTTP request was sent to HTTPS port',
};

/** The explanation under the heading, where there is one; the heading is then that of status 400. */
const EXPLANATIONS: Readonly<Record<number, string>> = {
  494: 'Request Header Or Cookie Too Large',
  495: 'The SSL certificate error',
  496: 'No required SSL certificate was sent',
  497: 'The plain HTTP request was sent to HTTPS port',
};

const PADDING = '<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n'.repeat(6);

const pages = new Map<number, string>();

/** The page of a status without its tail; '' for a status that has none. */
function page(status: number): string {
  let text = pages.get(status);
  if (text === undefined) {
    const title = TITLES[status] ?? statusText(status);
    const explanation = EXPLANATIONS[status];
    if (status < 301 || status === 304 || !title.includes(' ')) text = '';
    else {
      const heading = explanation === undefined ? title : '400 Bad Request';
      text = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${heading}</h1></center>\r\n`;
      if (explanation !== undefined) text += `<center>${explanation}</center>\r\n`;
    }
    pages.set(status, text);
  }
  return text;
}

function tail(location: CoreLocation): string {
  const name = location.serverTokens === SERVER_TOKENS_OFF ? identity.name : identity.full;
  return `<hr><center>${name}</center>\r\n</body>\r\n</html>\r\n`;
}

function closesConnection(status: number): boolean {
  switch (status) {
    case HTTP_BAD_REQUEST:
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
    case HTTP_REQUEST_URI_TOO_LARGE:
    case HTTP_TO_HTTPS:
    case HTTPS_CERT_ERROR:
    case HTTPS_NO_CERT:
    case HTTP_INTERNAL_SERVER_ERROR:
    case HTTP_NOT_IMPLEMENTED:
      return true;
    default:
      return false;
  }
}

/**
 * Answers with a status: by the location's error_page, or by the built-in page.
 * @returns a result for finalizeRequest. nginx: ngx_http_special_response_handler().
 */
export function specialResponse(r: HttpRequest, status: number): number {
  r.errStatus = status;
  if (closesConnection(status)) r.keepalive = false;
  if (status === HTTP_BAD_REQUEST || (status >= HTTPS_CERT_ERROR && status <= HTTP_TO_HTTPS)) r.lingeringClose = false;
  r.headersOut.contentType = '';
  const location = coreModule.location(r);
  if (!r.errorPage && location.errorPages !== undefined && r.uriChanges !== 0) {
    if (!location.recursiveErrorPages) r.errorPage = true;
    for (const candidate of location.errorPages) {
      if (candidate.status === status) return sendErrorPage(r, candidate);
    }
  }
  discardRequestBody(r);
  if (
    location.msieRefresh &&
    r.headersIn.msie &&
    (status === HTTP_MOVED_PERMANENTLY || status === HTTP_MOVED_TEMPORARILY)
  ) {
    return sendRefresh(r);
  }
  if (status >= HTTP_REQUEST_HEADER_TOO_LARGE && status <= HTTP_TO_HTTPS) r.errStatus = HTTP_BAD_REQUEST;
  return sendPage(r, location, status);
}

function discardRequestBody(r: HttpRequest): void {
  r.expectTested = true;
  if (r.connection.discardBody(r) !== OK) r.keepalive = false;
}

function sendErrorPage(r: HttpRequest, errorPage: ErrorPage): number {
  const overwrite = errorPage.overwrite;
  if (overwrite !== 0 && overwrite !== HTTP_OK) r.expectTested = true;
  if (overwrite >= 0) r.errStatus = overwrite;
  const uri = errorPage.value.evaluate(r);
  if (uri.startsWith('/')) {
    const target = errorPage.value.literal === undefined ? splitArgs(uri) : { uri, args: errorPage.args };
    if (r.method !== METHOD_HEAD) {
      r.method = METHOD_GET;
      r.methodName = 'GET';
    }
    return internalRedirect(r, target.uri, target.args);
  }
  if (uri.startsWith('@')) return namedLocation(r, uri);
  discardRequestBody(r);
  switch (overwrite) {
    case HTTP_MOVED_PERMANENTLY:
    case HTTP_MOVED_TEMPORARILY:
    case HTTP_SEE_OTHER:
    case HTTP_TEMPORARY_REDIRECT:
    case HTTP_PERMANENT_REDIRECT:
      break;
    default:
      r.errStatus = HTTP_MOVED_TEMPORARILY;
  }
  r.headersOut.list.remove('location');
  r.headersOut.list.add('Location', uri, 'location');
  const location = coreModule.location(r);
  if (location.msieRefresh && r.headersIn.msie) return sendRefresh(r);
  return sendPage(r, location, r.errStatus);
}

function sendPage(r: HttpRequest, location: CoreLocation, status: number): number {
  const text = page(status);
  let end = '';
  if (text !== '') {
    end = tail(location);
    const client = r.headersIn;
    if (location.msiePadding && (client.msie || client.chrome) && r.httpVersion >= HTTP_VERSION_10 && status >= 400) {
      end += PADDING;
    }
    r.headersOut.contentType = 'text/html';
    r.headersOut.contentTypeKey = 'text/html';
  }
  return sendBody(r, text + end);
}

/** A page that sends old Internet Explorers on by a Refresh, for they lose POST redirects. */
function sendRefresh(r: HttpRequest): number {
  const url = (r.headersOut.list.get('location') ?? '').replace(/[^\x21\x23-\x26\x28-\x3b\x3d\x3f-\x7e]/g, (ch) => {
    return `%${ch.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  r.errStatus = HTTP_OK;
  r.headersOut.list.remove('location');
  r.headersOut.contentType = 'text/html';
  r.headersOut.contentTypeKey = 'text/html';
  return sendBody(r, `<html><head><meta http-equiv="Refresh" content="0; URL=${url}"></head><body></body></html>\r\n`);
}

function sendBody(r: HttpRequest, text: string): number {
  clearContentLength(r);
  r.headersOut.contentLength = text.length;
  clearAcceptRanges(r);
  clearLastModified(r);
  clearEtag(r);
  const rc = sendHeader(r);
  if (rc === ERROR || r.headerOnly) return rc;
  if (text === '') return sendLast(r);
  const b = memoryBuf(text);
  b.lastBuf = r === r.main;
  b.lastInChain = true;
  const chain: Chain = [b];
  return outputFilter(r, chain);
}

/**
 * A filter ends the response with another status: what was prepared is dropped. Keeps only the context of the
 * module at `keepIndex`. nginx: ngx_http_filter_finalize_request().
 */
export function filterFinalize(r: HttpRequest, keepIndex: number, status: number): number {
  cleanHeader(r);
  const kept = keepIndex >= 0 ? r.ctx[keepIndex] : undefined;
  r.ctx = new Array(r.http.modules.length);
  if (keepIndex >= 0) r.ctx[keepIndex] = kept;
  r.filterFinalize = true;
  const rc = specialResponse(r, status);
  return rc === OK || rc === DONE ? ERROR : rc;
}
