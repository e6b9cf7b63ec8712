/** The HTTP/1 side of an exchange with a backend. nginx: the handlers of ngx_http_proxy_module.c. */
import { LOG_ERR, LOG_WARN } from '../../../log/log.ts';
import { latin1Slice } from '../../../net/latin1.ts';
import {
  AGAIN,
  ERROR,
  HTTP_EARLY_HINTS,
  HTTP_NO_CONTENT,
  HTTP_NOT_MODIFIED,
  HTTP_OK,
  HTTP_SWITCHING_PROTOCOLS,
  OK,
} from '../../codes.ts';
import { HeaderList } from '../../headers.ts';
import { CHUNK_AGAIN, CHUNK_DATA, CHUNK_INVALID, ChunkedDecoder } from '../../protocol/chunked.ts';
import { HTTP_VERSION_9, type HttpRequest } from '../../request.ts';
import { Exchange } from '../../upstream/exchange.ts';
import { receiveField } from '../../upstream/headers.ts';
import { EARLY_HINTS, INVALID_HEADER } from '../../upstream/results.ts';
import type { UpstreamState } from '../../upstream/state.ts';
import type { ProxyLocation, ProxyTarget, RequestFields } from './conf.ts';
import { rewriteCookie } from './cookie.ts';
import { type BodyLength, backendUri, requestText } from './request.ts';
import {
  type FieldLine,
  LINE_AGAIN,
  LINE_INVALID,
  readFieldLine,
  readStatusLine,
  type StatusLine,
} from './response.ts';
import { rewritePrefix } from './rewrite.ts';

// Lines are read to their end at once, so that one of each serves all exchanges.
const statusLine: StatusLine = { status: 0, text: '', old: false };
const fieldLine: FieldLine = { name: '', known: undefined, value: '', line: '', done: false, ignored: false, badAt: 0 };

const MORE_THAN_LENGTH = 'upstream sent more data than specified in "Content-Length" header';
const MORE_THAN_CHUNKS = 'upstream sent data after final chunk';

export class ProxyExchange extends Exchange {
  override readonly conf: ProxyLocation;
  readonly target: ProxyTarget;
  /** The request is a HEAD, so that the response has no body. */
  private head = false;
  private statusRead = false;
  private decoder: ChunkedDecoder | undefined = undefined;
  /** Trailer fields that have come in part. */
  private trailerText: string | undefined = undefined;
  /** $proxy_internal_body_length, $proxy_internal_chunked. */
  bodyLength: BodyLength = NO_BODY;

  constructor(r: HttpRequest, conf: ProxyLocation, target: ProxyTarget) {
    super(r, conf);
    this.conf = conf;
    this.target = target;
    this.secure = target.secure;
  }

  get schema(): string {
    return this.secure ? 'https://' : 'http://';
  }

  protected createRequest(): number {
    const { r, conf, target } = this;
    const method = conf.method === undefined ? r.methodName : conf.method.evaluate(r);
    if (method.length === 4 && method.toUpperCase() === 'HEAD') this.head = true;
    const uri = backendUri(r, conf, target);
    if (uri === undefined) return ERROR;
    const body = conf.body?.evaluate(r);
    this.uri = uri;
    this.sendBody = body === undefined && conf.passRequestBody;
    if (body !== undefined) this.bodyLength = { length: body.length, chunked: false };
    else if (r.headersIn.chunked && r.readingBody) this.bodyLength = { length: -1, chunked: true };
    else this.bodyLength = { length: r.headersIn.contentLength, chunked: false };
    this.requestText = requestText(r, conf, conf.fields as RequestFields, target, method, uri, body, this.bodyLength);
    return OK;
  }

  override frameBody(chunks: readonly (string | Buffer)[], last: boolean): (string | Uint8Array)[] {
    if (!this.bodyLength.chunked) return [...chunks];
    let size = 0;
    for (const chunk of chunks) size += chunk.length;
    const end = last ? '0\r\n\r\n' : '';
    if (size === 0) return last ? [end] : [];
    return [`${size.toString(16)}\r\n`, ...chunks, `\r\n${end}`];
  }

  protected reinit(): void {
    this.statusRead = false;
    this.decoder = undefined;
    this.trailerText = undefined;
  }

  // The header.

  protected readHeader(): number {
    if (!this.statusRead) {
      const rc = this.readStatus();
      if (rc !== OK || !this.statusRead) return rc;
    }
    const { r, headers } = this;
    const { text } = this;
    for (;;) {
      const next = readFieldLine(text, this.pos, fieldLine);
      if (next === LINE_AGAIN) return AGAIN;
      if (next === LINE_INVALID) {
        const { badAt } = fieldLine;
        const byte = text.charCodeAt(badAt).toString(16).padStart(2, '0');
        r.log(LOG_ERR, `upstream sent invalid header: "${text.slice(this.pos, badAt)}\\x${byte}..."`);
        return INVALID_HEADER;
      }
      this.pos = next;
      if (fieldLine.done) break;
      if (fieldLine.ignored) continue;
      const { name, known, value, line } = fieldLine;
      const key = known === undefined ? name.toLowerCase() : known.key;
      if (headers.status === HTTP_EARLY_HINTS) headers.list.add(name, value, key, line);
      else if (receiveField(this, name, key, value, line) !== OK) return INVALID_HEADER;
    }
    if (headers.status === HTTP_EARLY_HINTS) {
      this.statusRead = false;
      return EARLY_HINTS;
    }
    this.headerDone();
    return OK;
  }

  /** Reads the status line, or finds that there is none. */
  private readStatus(): number {
    const { r, headers } = this;
    const state = this.state as UpstreamState;
    const next = readStatusLine(this.text, this.pos, statusLine);
    if (next === LINE_AGAIN) return AGAIN;
    if (next === LINE_INVALID) {
      // All of it is the body, as in HTTP/0.9.
      r.log(LOG_ERR, 'upstream sent no valid HTTP/1.0 header');
      r.httpVersion = HTTP_VERSION_9;
      state.status = HTTP_OK;
      headers.connectionClose = true;
      return OK;
    }
    this.pos = next;
    this.statusRead = true;
    const { status, text, old } = statusLine;
    if (state.status === 0) state.status = status;
    headers.status = status;
    headers.statusLine = text;
    if (old) {
      if (status === HTTP_EARLY_HINTS) {
        r.log(LOG_ERR, 'upstream sent HTTP/1.0 response with early hints');
        return INVALID_HEADER;
      }
      headers.connectionClose = true;
    }
    return OK;
  }

  private headerDone(): void {
    const { headers } = this;
    const { status } = headers;
    if (headers.chunked) headers.contentLength = -1;
    if (this.hasNoBody() || (!headers.chunked && headers.contentLength === 0)) {
      this.keepalive = !headers.connectionClose;
    }
    if (status === HTTP_SWITCHING_PROTOCOLS) {
      this.keepalive = false;
      if (this.r.headersIn.list.has('upgrade')) this.upgrade = true;
    }
    // Whatever follows an interim response that is passed on as it is: the client shall not take it for an answer to
    // the request after this one.
    if (status >= 100 && status < HTTP_OK && !this.upgrade) this.r.keepalive = false;
  }

  private hasNoBody(): boolean {
    const { status } = this.headers;
    return status === HTTP_NO_CONTENT || status === HTTP_NOT_MODIFIED || this.head;
  }

  // The body. RFC 9112 section 6.3: how long it is.

  initBody(): void {
    const { headers } = this;
    if (this.hasNoBody()) {
      this.length = 0;
      this.keepalive = !headers.connectionClose;
    } else if (headers.chunked) {
      this.decoder = new ChunkedDecoder(this.conf.passTrailers);
      this.length = 5;
      this.passAtOnce = true;
    } else {
      this.length = headers.contentLength;
      if (this.length === 0) this.keepalive = !headers.connectionClose;
    }
  }

  readBody(data: string | Buffer): number {
    if (this.decoder !== undefined) {
      return this.readChunks(this.decoder, typeof data === 'string' ? data : latin1Slice(data, 0, data.length));
    }
    const { length } = this;
    if (length === -1) {
      this.addPending(data);
      return OK;
    }
    if (data.length > length) {
      this.r.log(LOG_WARN, MORE_THAN_LENGTH);
      this.keepalive = false;
      this.length = 0;
      if (length > 0) this.addPending(typeof data === 'string' ? data.slice(0, length) : data.subarray(0, length));
      return OK;
    }
    this.addPending(data);
    this.length = length - data.length;
    if (this.length === 0) this.keepalive = !this.headers.connectionClose;
    return OK;
  }

  private readChunks(decoder: ChunkedDecoder, text: string): number {
    if (this.trailerText !== undefined) return this.readTrailers(text, 0);
    let pos = 0;
    for (;;) {
      const rc = decoder.decode(text, pos, text.length);
      if (rc === CHUNK_INVALID) {
        this.r.log(LOG_ERR, 'upstream sent invalid chunked response');
        return ERROR;
      }
      pos = decoder.pos;
      if (rc === CHUNK_DATA) {
        const size = Math.min(decoder.size, text.length - pos);
        this.addPending(pos === 0 && size === text.length ? text : text.slice(pos, pos + size));
        decoder.size -= size;
        pos += size;
        continue;
      }
      if (rc === CHUNK_AGAIN) {
        this.length = decoder.atLeast;
        return OK;
      }
      if (this.conf.passTrailers) return this.readTrailers(text, pos);
      return this.endChunks(pos < text.length ? MORE_THAN_CHUNKS : '');
    }
  }

  /** The response is complete; `excess` says what is wrong with what came behind it. */
  private endChunks(excess: string): number {
    this.length = 0;
    this.keepalive = !this.headers.connectionClose;
    if (excess !== '') {
      this.r.log(LOG_WARN, excess);
      this.keepalive = false;
    }
    return OK;
  }

  private readTrailers(text: string, from: number): number {
    const whole = (this.trailerText ?? '') + text.slice(from);
    const trailers = new HeaderList();
    let pos = 0;
    for (;;) {
      const next = readFieldLine(whole, pos, fieldLine);
      if (next === LINE_AGAIN) {
        if (whole.length >= this.conf.bufferSize) {
          this.r.log(LOG_ERR, 'upstream sent too big trailers');
          return ERROR;
        }
        this.trailerText = whole;
        this.length = 1;
        return OK;
      }
      if (next === LINE_INVALID) {
        const { badAt } = fieldLine;
        const byte = whole.charCodeAt(badAt).toString(16).padStart(2, '0');
        this.r.log(LOG_ERR, `upstream sent invalid trailer: "${whole.slice(pos, badAt)}\\x${byte}..."`);
        return ERROR;
      }
      pos = next;
      if (fieldLine.done) break;
      if (!fieldLine.ignored) trailers.add(fieldLine.name, fieldLine.value, undefined, fieldLine.line);
    }
    this.headers.trailers = trailers;
    return this.endChunks(pos < whole.length ? 'upstream sent data after trailers' : '');
  }

  // What the client sees of it.

  override rewriteRedirect(value: string, from: number): string | undefined {
    const { redirects } = this.conf;
    if (redirects === undefined) return undefined;
    for (const rewrite of redirects) {
      const rewritten = rewritePrefix(this.r, rewrite, value, from);
      if (rewritten !== undefined) return rewritten;
    }
    return undefined;
  }

  override rewriteCookie(value: string): string | undefined {
    return rewriteCookie(this.r, this.conf, value);
  }
}

const NO_BODY: BodyLength = { length: -1, chunked: false };
