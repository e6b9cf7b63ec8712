/**
 * ngx.req.read_body, get_body_data, set_body_data, ... : the request body, in memory or in a temporary file.
 * ngx_lua: ngx_http_lua_req_body.c.
 */
import { closeSync, openSync, statSync, unlinkSync } from 'node:fs';
import { AGAIN, HTTP_SPECIAL_RESPONSE, OK } from '../http/codes.ts';
import { coreModule } from '../http/core/module.ts';
import type { HttpRequest, RequestBody } from '../http/request.ts';
import { appendToFile, createTempFile, type TempFile } from '../http/temp-file.ts';
import { errnoSuffix } from '../log/errno.ts';
import { LOG_WARN } from '../log/log.ts';
import { watchClient } from './abort.ts';
import { requireContext, requireRequest } from './context.ts';
import { apiError } from './error.ts';
import { IN_ACCESS, IN_CONTENT, IN_PRECONTENT, IN_REWRITE, IN_SERVER_REWRITE } from './phase.ts';
import { setRequestHeader } from './request-header.ts';
import type { Suspension } from './suspension.ts';

const READ_PHASES = IN_REWRITE | IN_SERVER_REWRITE | IN_ACCESS | IN_PRECONTENT | IN_CONTENT;

/**
 * ngx.req.read_body(). Returns undefined when the body is there, a suspension that ends when it is, or a status with
 * which the handler has to end (too large, bad framing).
 */
export function readBody(): undefined | number | Suspension<void> {
  const ctx = requireRequest(READ_PHASES);
  const r = ctx.r;
  r.requestBodyInSingleBuf = true;
  r.requestBodyInPersistentFile = true;
  r.requestBodyInCleanFile = true;
  let finished = false;
  let notify: (() => void) | undefined;
  const rc = r.connection.readBody(r, () => {
    finished = true;
    watchClient(r, ctx);
    notify?.();
  });
  if (rc >= HTTP_SPECIAL_RESPONSE) {
    ctx.exitCode = rc;
    ctx.exited = true;
    return rc;
  }
  r.main.count--;
  if (rc !== AGAIN || finished) return undefined;
  return {
    start(done) {
      notify = done;
      return () => {
        notify = undefined;
      };
    },
  };
}

/** ngx.req.discard_body(). */
export function discardBody(): void {
  const r = request();
  if (r.connection.discardBody(r) !== OK) apiError('failed to discard request body');
}

function request(): HttpRequest {
  return requireContext().r ?? apiError('API disabled in the current context');
}

function joined(body: RequestBody): string {
  if (body.chunks.length === 1 && typeof body.chunks[0] === 'string') return body.chunks[0];
  let text = '';
  for (const chunk of body.chunks) text += typeof chunk === 'string' ? chunk : chunk.toString('latin1');
  return text;
}

/** ngx.req.get_body_data(max): undefined when there is none in memory. */
export function bodyData(max = 0): string | undefined {
  const body = request().requestBody;
  if (body === undefined || body.file !== undefined) return undefined;
  const text = joined(body);
  if (text === '') return undefined;
  return max > 0 && text.length > max ? text.slice(0, max) : text;
}

/** ngx.req.get_body_file(): the path, undefined when the body is not in a file. */
export function bodyFile(): string | undefined {
  return request().requestBody?.file?.path;
}

function replaceable(): { r: HttpRequest; body: RequestBody } {
  const r = request();
  if (r.discardBody) apiError('request body already discarded asynchronously');
  if (r.requestBody === undefined) apiError('request body not read yet');
  return { r, body: r.requestBody };
}

/** How files that are done with early are given back. */
const releases = new WeakMap<object, () => void>();

/** Forgets the file of a body. */
function dropFile(body: RequestBody): void {
  const file = body.file;
  if (file === undefined) return;
  body.file = undefined;
  // Files that were not made here go with the request.
  const release = releases.get(file);
  releases.delete(file);
  release?.();
}

function setLength(r: HttpRequest, length: number): void {
  setRequestHeader('Content-Length', [String(length)], false);
  r.headersIn.contentLength = length;
}

/** ngx.req.set_body_data(text). */
export function setBodyData(text: string): void {
  const { r, body } = replaceable();
  dropFile(body);
  body.chunks = text === '' ? [] : [text];
  body.received = text.length;
  setLength(r, text.length);
}

/** ngx.req.set_body_file(path, autoClean). */
export function setBodyFile(path: string, clean: boolean): void {
  const { r, body } = replaceable();
  let fd: number;
  try {
    fd = openSync(Buffer.from(path, 'latin1'), 'r');
  } catch (error) {
    apiError(`open() "${path}" failed${errnoSuffix(error)}`);
  }
  dropFile(body);
  const size = statSync(Buffer.from(path, 'latin1')).size;
  body.chunks = [];
  const file = { path, fd, size, moved: false };
  body.file = file;
  body.received = size;
  const release = (): void => {
    closeSync(fd);
    if (clean) unlinkSync(Buffer.from(path, 'latin1'));
  };
  releases.set(file, release);
  r.addCleanup(() => {
    if (releases.delete(file)) release();
  });
  setLength(r, size);
}

const building = new WeakMap<RequestBody, { limit: number; text: string }>();

/** ngx.req.init_body(size): begins a new body, kept in memory up to `size` bytes (default client_body_buffer_size). */
export function initBody(size?: number): void {
  if (size !== undefined && size < 0) apiError(`bad size argument: ${size}`);
  const { r, body } = replaceable();
  dropFile(body);
  body.chunks = [];
  body.received = 0;
  const limit = size ?? coreModule.location(r).clientBodyBufferSize;
  if (limit === 0) r.requestBodyInFileOnly = true;
  building.set(body, { limit, text: '' });
  r.headersIn.contentLength = 0;
}

function current(): { r: HttpRequest; body: RequestBody; state: { limit: number; text: string } } {
  const r = request();
  const body = r.requestBody;
  const state = body === undefined ? undefined : building.get(body);
  if (body === undefined || state === undefined) apiError('request_body not initialized');
  return { r, body, state };
}

/** ngx.req.append_body(text). */
export function appendBody(text: string): void {
  const { r, body, state } = current();
  state.text += text;
  r.headersIn.contentLength += text.length;
  if (r.requestBodyInFileOnly || state.text.length > state.limit) spill(r, body, state);
}

/** A temporary file that lives as long as the request. */
function newFile(r: HttpRequest): TempFile {
  const path = coreModule.location(r).clientBodyTempPath;
  const file = createTempFile(r, path, { persistent: true, clean: true }) ?? apiError('fail to write file');
  r.log(LOG_WARN, `a client request body is buffered to a temporary file ${file.path}`);
  return file;
}

function spill(r: HttpRequest, body: RequestBody, state: { text: string }): void {
  if (state.text === '') return;
  const file = body.file ?? newFile(r);
  body.file = file;
  appendToFile(file, state.text);
  state.text = '';
}

/** ngx.req.finish_body(). */
export function finishBody(): void {
  const { r, body, state } = current();
  building.delete(body);
  if (body.file !== undefined || r.requestBodyInFileOnly) {
    const file = body.file ?? newFile(r);
    body.file = file;
    spill(r, body, state);
    body.received = file.size;
  } else {
    body.chunks = state.text === '' ? [] : [state.text];
    body.received = state.text.length;
  }
  setLength(r, body.received);
}

/** ngx.req.get_post_args(): the text of a body in memory; an error text when it went to a file. */
export function postArgsText(): { readonly text: string } | { readonly error: string } {
  const r = request();
  if (r.discardBody) return { text: '' };
  const body = r.requestBody;
  if (body === undefined) apiError('no request body found; maybe you should turn on lua_need_request_body?');
  if (body.file !== undefined) return { error: 'request body in temp file not supported' };
  return { text: joined(body) };
}
