/**
 * The request body: read into memory, and into a file when it is larger than client_body_buffer_size.
 * nginx: ngx_http_read_client_request_body() (src/http/ngx_http_request_body.c).
 *
 * Whether a body ends up in memory or in a file is visible to Lua ($request_body, ngx.req.get_body_file), so the
 * rules are nginx's own: what came with the header stands in the header's buffer; the rest goes into a buffer of its
 * own, which holds the whole rest when that is at most a quarter larger than client_body_buffer_size; each time the
 * buffer is full while more is to come, what was gathered goes to the file.
 */
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT, LOG_ERR, LOG_INFO, LOG_NOTICE, LOG_WARN } from '../../log/log.ts';
import {
  AGAIN,
  HTTP_BAD_REQUEST,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_REQUEST_ENTITY_TOO_LARGE,
  HTTP_REQUEST_TIME_OUT,
  HTTP_SPECIAL_RESPONSE,
  OK,
} from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { finalizeRequest } from '../finalize.ts';
import { type HttpRequest, noEvent, type RequestBody } from '../request.ts';
import { appendToFile, createTempFile } from '../temp-file.ts';
import { CHUNK_AGAIN, CHUNK_DATA, CHUNK_INVALID, ChunkedDecoder } from './chunked.ts';
import { sendContinue } from './expect.ts';
import type { Http1Connection } from './http1.ts';

/** Reads one body. */
export class BodyReader {
  readonly c: Http1Connection;
  readonly r: HttpRequest;
  readonly body: RequestBody;
  readonly postHandler: (r: HttpRequest) => void;
  /** Undefined for a body of known length. */
  readonly chunked: ChunkedDecoder | undefined;
  /** Bytes still to come, of a body of known length. */
  rest: number;
  /** Bytes that the header's buffer still takes: nginx's "preread" part, which fills no other buffer. */
  preread = 0;
  /** Size of the body's own buffer, and how full it is. */
  bufferSize = 0;
  inBuffer = 0;
  done = false;

  constructor(c: Http1Connection, r: HttpRequest, body: RequestBody, then: (r: HttpRequest) => void) {
    this.c = c;
    this.r = r;
    this.body = body;
    this.postHandler = then;
    this.chunked = r.headersIn.chunked ? new ChunkedDecoder() : undefined;
    this.rest = r.headersIn.contentLength;
    if (this.chunked !== undefined) r.headersIn.contentLength = 0;
  }

  /** Bytes have arrived in `c.text`. nginx: ngx_http_read_client_request_body_handler(). */
  onInput(): void {
    const { r } = this;
    if (r.requestBodyNoBuffering) {
      // Its consumer asks for it, by readUnbuffered.
      r.readEventHandler(r);
      return;
    }
    const rc = this.read();
    if (rc >= HTTP_SPECIAL_RESPONSE) finalizeRequest(r, rc);
  }

  onTimeout(): void {
    this.c.timedOut = true;
    if (this.r.requestBodyNoBuffering) this.r.readEventHandler(this.r);
    else finalizeRequest(this.r, HTTP_REQUEST_TIME_OUT);
  }

  /** The client closed its side before the end. */
  onEnd(): void {
    this.c.log(LOG_INFO, 'client prematurely closed connection', this.r);
    this.fail();
  }

  onError(code: string): void {
    this.c.log(LOG_INFO, `recv() failed${errnoSuffix(code)}`, this.r);
    this.fail();
  }

  private fail(): void {
    this.c.error = true;
    if (this.r.requestBodyNoBuffering) this.r.readEventHandler(this.r);
    else finalizeRequest(this.r, HTTP_BAD_REQUEST);
  }

  /** Takes what is there. Returns OK when the body is complete (and `then` was called), AGAIN, or a status. */
  read(): number {
    const { c, r } = this;
    while (!this.done && c.pos < c.text.length) {
      const rc = this.take();
      if (rc !== OK) return rc;
    }
    if (!this.done) {
      c.releaseText();
      if (!r.requestBodyUntimed) c.readTimer.set(coreModule.location(r).clientBodyTimeout);
      c.wantInput();
      return AGAIN;
    }
    const rc = this.complete();
    if (rc !== OK) return rc;
    c.body = undefined;
    c.readTimer.clear();
    c.releaseText();
    r.bodyDone = true;
    if (!r.requestBodyNoBuffering) {
      r.readEventHandler = noEvent;
      this.postHandler(r);
    }
    return OK;
  }

  /** Takes one bufferful from the input. */
  private take(): number {
    const { c, r } = this;
    let room = c.text.length - c.pos;
    if (this.preread > 0) room = Math.min(room, this.preread);
    else if (this.bufferSize > 0) room = Math.min(room, this.bufferSize - this.inBuffer);
    const before = c.pos;
    const rc = this.chunked === undefined ? this.takeLength(room) : this.takeChunks(this.chunked, before + room);
    if (rc !== OK) return rc;
    const taken = c.pos - before;
    r.requestLength += taken;
    if (this.preread > 0) {
      this.preread -= taken;
    } else {
      this.inBuffer += taken;
      if (this.bufferSize > 0 && this.inBuffer === this.bufferSize && !this.done) {
        if (!r.requestBodyNoBuffering && !this.spill()) return HTTP_INTERNAL_SERVER_ERROR;
        this.inBuffer = 0;
      }
    }
    return OK;
  }

  private takeLength(room: number): number {
    const size = Math.min(room, this.rest);
    this.keep(size);
    this.rest -= size;
    if (this.rest === 0) this.done = true;
    return OK;
  }

  private takeChunks(decoder: ChunkedDecoder, end: number): number {
    const { c, r } = this;
    for (;;) {
      const rc = decoder.decode(c.text, c.pos, end);
      if (rc === CHUNK_INVALID) {
        r.log(LOG_ERR, 'client sent invalid chunked body');
        return HTTP_BAD_REQUEST;
      }
      c.pos = decoder.pos;
      if (rc === CHUNK_AGAIN) return OK;
      if (rc !== CHUNK_DATA) {
        this.done = true;
        return OK;
      }
      const received = r.headersIn.contentLength;
      const limit = coreModule.location(r).clientMaxBodySize;
      if (limit !== 0 && limit - received < decoder.size) {
        r.log(LOG_ERR, `client intended to send too large chunked body: ${received}+${decoder.size} bytes`);
        r.lingeringClose = true;
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
      }
      const size = Math.min(decoder.size, end - c.pos);
      this.keep(size);
      decoder.size -= size;
      r.headersIn.contentLength += size;
    }
  }

  private keep(size: number): void {
    const { c, body } = this;
    body.chunks.push(c.pos === 0 && size === c.text.length ? c.text : c.text.slice(c.pos, c.pos + size));
    body.received += size;
    c.pos += size;
  }

  /** The body is complete: to the file with its rest, if it has one or must have one. */
  private complete(): number {
    const { r, body } = this;
    if (r.requestBodyNoBuffering) return OK;
    if (body.file !== undefined || r.requestBodyInFileOnly) {
      return this.spill() ? OK : HTTP_INTERNAL_SERVER_ERROR;
    }
    if (r.requestBodyInSingleBuf && body.chunks.length > 1) body.chunks = [joinChunks(body.chunks)];
    return OK;
  }

  /** Appends what is in memory to the temporary file. */
  private spill(): boolean {
    const { r, body } = this;
    if (body.file === undefined) {
      body.file = createTempFile(r, coreModule.location(r).clientBodyTempPath, {
        persistent: r.requestBodyInPersistentFile,
        clean: r.requestBodyInCleanFile,
      });
      if (body.file === undefined) return false;
      if (body.chunks.length > 0) {
        const level = r.requestBodyFileLogLevel ?? (r.requestBodyInFileOnly ? LOG_NOTICE : LOG_WARN);
        if (level > 0) r.log(level, `a client request body is buffered to a temporary file ${body.file.path}`);
      }
    }
    const { file } = body;
    for (const chunk of body.chunks) {
      try {
        appendToFile(file, chunk);
      } catch (error) {
        r.log(LOG_CRIT, `pwrite() "${file.path}" failed${errnoSuffix(error)}`);
        return false;
      }
    }
    body.chunks = [];
    return true;
  }
}

function joinChunks(chunks: readonly (string | Buffer)[]): string {
  let text = '';
  for (const chunk of chunks) text += typeof chunk === 'string' ? chunk : chunk.toString('latin1');
  return text;
}

/** See ClientConnection.readBody. */
export function readBody(c: Http1Connection, r: HttpRequest, then: (r: HttpRequest) => void): number {
  r.main.count++;
  if (r !== r.main || r.requestBody !== undefined || r.discardBody) {
    r.requestBodyNoBuffering = false;
    then(r);
    return OK;
  }
  if (!sendContinue(c, r)) {
    r.main.count--;
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  const body: RequestBody = { chunks: [], received: 0, file: undefined };
  r.requestBody = body;
  const { contentLength, chunked } = r.headersIn;
  if (contentLength < 0 && !chunked) {
    r.requestBodyNoBuffering = false;
    r.bodyDone = true;
    then(r);
    return OK;
  }
  const reader = new BodyReader(c, r, body, then);
  const rc = startReading(c, r, reader);
  if (r.requestBodyNoBuffering && (rc === OK || rc === AGAIN)) {
    if (rc === OK) r.requestBodyNoBuffering = false;
    else r.readingBody = true;
    r.readEventHandler = noEvent;
    then(r);
  }
  if (rc >= HTTP_SPECIAL_RESPONSE) {
    c.body = undefined;
    r.main.count--;
  }
  return rc;
}

function startReading(c: Http1Connection, r: HttpRequest, reader: BodyReader): number {
  const location = coreModule.location(r);
  const available = c.text.length - c.pos;
  const inHeaderBuffer = Math.max(c.bufferEnd - c.pos, 0);
  reader.preread = Math.min(available, inHeaderBuffer);
  const bufferSize = location.clientBodyBufferSize;
  if (reader.chunked === undefined) {
    if (reader.rest === 0) {
      reader.done = true;
    } else {
      const rest = reader.rest - reader.preread;
      // The header's buffer may have room for all of it, or one buffer made to measure.
      if (rest <= inHeaderBuffer - reader.preread || rest < bufferSize + (bufferSize >> 2)) reader.bufferSize = 0;
      else reader.bufferSize = bufferSize;
    }
  } else {
    reader.bufferSize = bufferSize;
  }
  c.body = reader;
  r.writeEventHandler = noEvent;
  return reader.read();
}

/**
 * Goes on with a body that is passed on while it arrives (`requestBodyNoBuffering`): called by its consumer from
 * `r.readEventHandler`. The pieces are put into `r.requestBody.chunks`, from where the consumer takes them away.
 * nginx: ngx_http_read_unbuffered_request_body().
 * @returns OK when it is complete, AGAIN, or a status
 */
export function readUnbufferedBody(c: Http1Connection, r: HttpRequest): number {
  if (c.body === undefined) {
    r.readingBody = false;
    return OK;
  }
  if (c.timedOut) return HTTP_REQUEST_TIME_OUT;
  if (c.error || c.eof) return HTTP_BAD_REQUEST;
  const rc = c.body.read();
  if (rc === OK) {
    r.readingBody = false;
  }
  return rc;
}

/**
 * The body as one byte string: read from its file when it went there; undefined when none was read.
 * $request_body has only what is in memory.
 */
export function bodyString(r: HttpRequest): string | undefined {
  const body = r.requestBody;
  if (body === undefined || body.file !== undefined) return undefined;
  if (body.chunks.length > 1) body.chunks = [joinChunks(body.chunks)];
  const chunk = body.chunks[0];
  if (chunk === undefined) return '';
  if (typeof chunk === 'string') return chunk;
  const text = chunk.toString('latin1');
  body.chunks = [text];
  return text;
}

/** Path of the file that the body is in, or undefined. */
export function bodyFile(r: HttpRequest): string | undefined {
  return r.requestBody?.file?.path;
}
