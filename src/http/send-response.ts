/** A whole response from a status and a text: `return`, and modules that answer by themselves. nginx: ngx_http_send_response(). */
import { memoryBuf } from './buf.ts';
import {
  ERROR,
  HTTP_MOVED_PERMANENTLY,
  HTTP_MOVED_TEMPORARILY,
  HTTP_PERMANENT_REDIRECT,
  HTTP_SEE_OTHER,
  HTTP_TEMPORARY_REDIRECT,
  OK,
} from './codes.ts';
import { setContentType } from './core/types.ts';
import { outputFilter, sendHeader } from './output.ts';
import type { HttpRequest } from './request.ts';
import type { ComplexValue } from './script.ts';

/** Whether `value` of the response is where to go instead. */
function isRedirect(status: number): boolean {
  return (
    status === HTTP_MOVED_PERMANENTLY ||
    status === HTTP_MOVED_TEMPORARILY ||
    status === HTTP_SEE_OTHER ||
    status === HTTP_TEMPORARY_REDIRECT ||
    status === HTTP_PERMANENT_REDIRECT
  );
}

/**
 * Answers with a text, or for redirects with a Location.
 *
 * @param contentType undefined: by the URI's extension
 * @returns a result for finalizeRequest
 */
export function sendResponse(
  r: HttpRequest,
  status: number,
  contentType: string | undefined,
  value: ComplexValue,
): number {
  let rc = r.connection.discardBody(r);
  if (rc !== OK) return rc;
  const out = r.headersOut;
  out.status = status;
  const text = value.evaluate(r);
  if (isRedirect(status)) {
    out.list.remove('location');
    out.list.add('Location', text, 'location');
    return status;
  }
  out.contentLength = text.length;
  if (contentType === undefined) setContentType(r);
  else {
    out.contentType = contentType;
    out.contentTypeKey = '';
  }
  const b = memoryBuf(text);
  b.lastBuf = r === r.main;
  b.lastInChain = true;
  b.sync = !b.lastBuf && text === '';
  rc = sendHeader(r);
  if (rc === ERROR || rc > OK || r.headerOnly) return rc;
  return outputFilter(r, [b]);
}
