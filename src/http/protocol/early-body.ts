/** client_body_early_read: the phases begin when the body is here. nginx: ngx_http_read_early_body(). */
import { LOG_ERR } from '../../log/log.ts';
import { DONE, HTTP_REQUEST_ENTITY_TOO_LARGE, HTTP_SPECIAL_RESPONSE } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { handleRequest } from '../engine.ts';
import { finalizeRequest } from '../finalize.ts';
import type { HttpRequest } from '../request.ts';
import type { ComplexValue } from '../script.ts';
import { readBody } from './body.ts';
import { discardBody } from './discard.ts';
import type { Http1Connection } from './http1.ts';

/** Is any of the values neither empty nor `0`? nginx: ngx_http_test_predicates(). */
export function readsEarly(r: HttpRequest, predicates: readonly ComplexValue[]): boolean {
  for (const predicate of predicates) {
    const value = predicate.evaluate(r);
    if (value !== '' && value !== '0') return true;
  }
  return false;
}

/** Reads the body, then starts the phases. */
export function readEarly(c: Http1Connection, r: HttpRequest): void {
  const { clientMaxBodySize } = coreModule.location(r);
  const length = r.headersIn.contentLength;
  if (length !== -1 && !r.discardBody && clientMaxBodySize !== 0 && clientMaxBodySize < length) {
    r.log(LOG_ERR, `client intended to send too large body: ${length} bytes`);
    r.expectTested = true;
    discardBody(c, r);
    finalizeRequest(r, HTTP_REQUEST_ENTITY_TOO_LARGE);
    return;
  }
  const rc = readBody(c, r, handleRequest);
  finalizeRequest(r, rc >= HTTP_SPECIAL_RESPONSE ? rc : DONE);
}
