/** `Expect: 100-continue` (RFC 9110 section 10.1.1). nginx: ngx_http_test_expect(). */
import { HTTP_VERSION_11, type HttpRequest } from '../request.ts';
import type { Http1Connection } from './http1.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/**
 * Tells a client that waits for it to send its body. Called when the body begins to be read or thrown away.
 * @returns false when it could not be sent
 */
export function sendContinue(c: Http1Connection, r: HttpRequest): boolean {
  if (r.expectTested || r.httpVersion < HTTP_VERSION_11) return true;
  const expect = r.headersIn.list.get('expect');
  if (expect === undefined) return true;
  r.expectTested = true;
  if (expect.length !== 12 || expect.toLowerCase() !== '100-continue') return true;
  c.handed += CONTINUE.length;
  if (c.socket.write(CONTINUE)) return true;
  // So small a packet is taken at once, unless the client has gone.
  c.error = true;
  return false;
}
