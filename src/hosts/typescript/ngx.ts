/**
 * The `ngx` object of TypeScript handlers: src/api with types and promises. One object per request; each call runs on
 * behalf of its request, so handlers may interleave at every `await`.
 */
import { type ApiContext, enter } from '../../api/context.ts';
import { exec, exit, redirect } from '../../api/control.ts';
import { decodeArgs, digest, encodeBase64, escapeUri, unescapeUri } from '../../api/encoding.ts';
import { apiError, setRaise } from '../../api/error.ts';
import { logLevel, writeLog } from '../../api/log.ts';
import { eof, flush, print, sendHeaders } from '../../api/output.ts';
import { phaseName } from '../../api/phase.ts';
import { bodyData, bodyFile, discardBody, readBody, setBodyData } from '../../api/request-body.ts';
import { requestHeaders, setRequestHeader } from '../../api/request-header.ts';
import {
  getMethod,
  httpVersion,
  isInternal,
  setMethod,
  setUri,
  setUriArgs,
  startTime,
  uriArgs,
} from '../../api/request-line.ts';
import { getResponseHeader, setResponseHeader } from '../../api/response-header.ts';
import { getStatus, setStatus } from '../../api/status.ts';
import { type CaptureRequest, type CaptureResponse, capture } from '../../api/subrequest.ts';
import type { Suspension } from '../../api/suspension.ts';
import { now, sleep, time } from '../../api/time.ts';
import { getVariable, setVariable } from '../../api/variable.ts';

/** Thrown by exit, exec and redirect to leave the handler: let it pass. */
export class HandlerExit extends Error {
  override name = 'HandlerExit';
}

/** Log levels by name. */
export type LogLevelName = 'stderr' | 'emerg' | 'alert' | 'crit' | 'error' | 'warn' | 'notice' | 'info' | 'debug';

const LEVELS: readonly LogLevelName[] = [
  'stderr',
  'emerg',
  'alert',
  'crit',
  'error',
  'warn',
  'notice',
  'info',
  'debug',
];

/** Values of a header field: several give several lines, undefined removes it. */
export type HeaderValue = string | number | readonly string[] | undefined;

/** JavaScript text as bytes: characters above 255 become UTF-8. */
function bytes(text: string): string {
  return /^[\x00-\xff]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** What a TypeScript handler gets. */
export class Ngx {
  readonly #ctx: ApiContext;
  /** Values of your own that live as long as the request; subrequests have their own. Manual: ngx.ctx. */
  readonly ctx: Record<string, unknown> = {};
  /** The request. Manual: ngx.req.*. */
  readonly req: NgxRequest;
  /** The response's header: `ngx.header['X-Powered-By'] = 'tsresty'`. Manual: ngx.header.HEADER. */
  readonly header: Record<string, HeaderValue>;
  /** nginx's variables: `ngx.var.remote_addr`. Manual: ngx.var.VARIABLE. */
  readonly var: Record<string, string | undefined>;

  constructor(ctx: ApiContext) {
    this.#ctx = ctx;
    const run = <T>(fn: () => T): T => this.#run(fn);
    const wait = <T>(operation: () => undefined | Suspension<T>): Promise<T | undefined> => this.#wait(operation);
    this.req = new NgxRequest(run, wait);
    this.header = new Proxy({}, headerHandler(run));
    this.var = new Proxy({}, variableHandler(run));
  }

  /** Runs API code as this request. */
  #run<T>(fn: () => T): T {
    const before = enter(this.#ctx);
    const beforeRaise = setRaise(undefined);
    try {
      return fn();
    } finally {
      setRaise(beforeRaise);
      enter(before);
    }
  }

  /** Starts an operation; the promise ends when it does, and never after the request has ended. */
  async #wait<T>(operation: () => undefined | Suspension<T>): Promise<T | undefined> {
    const waits = this.#run(operation);
    return waits === undefined ? undefined : new Promise((resolve) => waits.start(resolve));
  }

  #check(failure: string | undefined): void {
    if (failure !== undefined) apiError(failure);
  }

  /** Sends text. Throws when the response has ended or the client is gone. Manual: ngx.print. */
  print(...values: readonly (string | number | boolean)[]): void {
    this.#check(this.#run(() => print(bytes(values.join('')))));
  }

  /** Sends text and a line end. Manual: ngx.say. */
  say(...values: readonly (string | number | boolean)[]): void {
    this.#check(this.#run(() => print(bytes(`${values.join('')}\n`))));
  }

  /** Sends a value as JSON, with its Content-Type unless you have set one. */
  json(value: unknown): void {
    if (getFirst(this.#run(() => getResponseHeader('Content-Type', false))) !== 'application/json') {
      this.header['Content-Type'] = 'application/json';
    }
    this.say(JSON.stringify(value));
  }

  /** Sends the header now. Manual: ngx.send_headers. */
  sendHeaders(): void {
    this.#check(this.#run(sendHeaders));
  }

  /** Ends the response. Manual: ngx.eof. */
  eof(): void {
    this.#check(this.#run(eof));
  }

  /** Sends what is buffered, and waits until the client's socket has taken it. Manual: ngx.flush(true). */
  async flush(): Promise<void> {
    const result = this.#run(() => flush(true));
    if (typeof result === 'object') this.#check(await new Promise((resolve) => result.start(resolve)));
    else this.#check(result);
  }

  /** The response's status. Manual: ngx.status. */
  get status(): number {
    return this.#run(getStatus);
  }

  set status(status: number) {
    this.#run(() => setStatus(status));
  }

  /** Whether the header has been sent. */
  get headersSent(): boolean {
    return this.#ctx.r?.headerSent === true;
  }

  get isSubrequest(): boolean {
    return this.#ctx.r?.isSubrequest === true;
  }

  /** The phase that runs: 'content', 'access', ... Manual: ngx.get_phase. */
  get phase(): string {
    return phaseName(this.#ctx.phase);
  }

  /** Leaves the handler: with a status the response, with 0 (OK) the phase. Manual: ngx.exit. */
  exit(status: number): never {
    this.#run(() => exit(status));
    throw new HandlerExit(`exit ${status}`);
  }

  /** Goes on in another location of this server. Manual: ngx.exec. */
  exec(uri: string, args = ''): never {
    this.#run(() => exec(bytes(uri), bytes(args)));
    throw new HandlerExit(`exec ${uri}`);
  }

  /** Sends the client elsewhere. Manual: ngx.redirect. */
  redirect(uri: string, status = 302): never {
    this.#run(() => redirect(bytes(uri), status));
    throw new HandlerExit(`redirect ${uri}`);
  }

  /** Waits without keeping the worker from other requests. Seconds. Manual: ngx.sleep. */
  async sleep(seconds: number): Promise<void> {
    await this.#wait(() => sleep(seconds));
  }

  /** Subrequests to this server. Manual: ngx.location.capture. */
  async capture(uri: string, options: Omit<CaptureRequest, 'uri'> = {}): Promise<CaptureResponse> {
    const [response] = await this.captureMulti([{ ...options, uri }]);
    return response as CaptureResponse;
  }

  /** Several at once; the responses in the order of the requests. Manual: ngx.location.capture_multi. */
  async captureMulti(requests: readonly CaptureRequest[]): Promise<CaptureResponse[]> {
    return (await this.#wait(() => capture(requests))) ?? [];
  }

  /** Writes a line to error_log, with this request described. Manual: ngx.log. */
  log(level: LogLevelName, ...values: readonly unknown[]): void {
    const http = this.#ctx.http;
    const number = LEVELS.indexOf(level);
    if (http === undefined) return;
    this.#run(() => {
      if (number <= logLevel(http)) writeLog(http, number, `[ts] ${bytes(values.map(String).join(''))}`);
    });
  }

  /** Seconds since 1970, with milliseconds. Manual: ngx.now. */
  now(): number {
    return now();
  }

  /** Whole seconds since 1970. Manual: ngx.time. */
  time(): number {
    return time();
  }

  escapeUri(text: string): string {
    return escapeUri(bytes(text));
  }

  unescapeUri(text: string): string {
    return unescapeUri(text);
  }

  encodeBase64(text: string): string {
    return encodeBase64(bytes(text), true);
  }

  md5(text: string): string {
    return digest('md5', bytes(text), 'hex');
  }
}

function getFirst(values: readonly string[]): string | undefined {
  return values[0];
}

type Run = <T>(fn: () => T) => T;
type Wait = <T>(operation: () => undefined | Suspension<T>) => Promise<T | undefined>;

/** The request as a TypeScript handler sees it. Manual: ngx.req.*. */
export class NgxRequest {
  readonly #run: Run;
  readonly #wait: Wait;

  constructor(run: Run, wait: Wait) {
    this.#run = run;
    this.#wait = wait;
  }

  get method(): string {
    return this.#run(getMethod);
  }

  setMethod(method: number): void {
    this.#run(() => setMethod(method));
  }

  /** 1.1, 2, ...; undefined for HTTP/0.9's predecessors. */
  get httpVersion(): number | undefined {
    return this.#run(httpVersion);
  }

  get startTime(): number {
    return this.#run(startTime);
  }

  get internal(): boolean {
    return this.#run(isInternal);
  }

  /** First value of a request header field. */
  getHeader(name: string): string | undefined {
    return this.#run(() => requestHeaders(0).list.get(name.toLowerCase()));
  }

  /** All fields, names in lower case; repeated ones are joined by a comma. */
  getHeaders(): Record<string, string> {
    const { list } = this.#run(() => requestHeaders(0));
    const headers: Record<string, string> = {};
    for (let i = 0; i < list.length; i++) {
      const key = list.keys[i] as string;
      const before = headers[key];
      headers[key] = before === undefined ? (list.values[i] as string) : `${before}, ${list.values[i]}`;
    }
    return headers;
  }

  setHeader(name: string, value: string | readonly string[]): void {
    this.#run(() => setRequestHeader(name, typeof value === 'string' ? [bytes(value)] : value.map(bytes), false));
  }

  clearHeader(name: string): void {
    this.#run(() => setRequestHeader(name, undefined, false));
  }

  /** The query string as parameters. */
  getUriArgs(): URLSearchParams {
    const params = new URLSearchParams();
    for (const { name, value } of decodeArgs(this.#run(uriArgs), 0).args) {
      params.append(utf8(name), value === true ? '' : utf8(value));
    }
    return params;
  }

  setUri(uri: string): void {
    this.#run(() => setUri(bytes(uri), false, false));
  }

  setUriArgs(args: string | URLSearchParams): void {
    this.#run(() => setUriArgs(bytes(String(args))));
  }

  /** Reads the body into memory, or into a temporary file when it is large. */
  async readBody(): Promise<void> {
    await this.#wait(() => {
      const waits = readBody();
      if (typeof waits === 'number') throw new HandlerExit(`status ${waits}`);
      return waits;
    });
  }

  discardBody(): void {
    this.#run(discardBody);
  }

  /** The body as text (UTF-8); undefined when there is none in memory. Call readBody() before. */
  getBodyText(): string | undefined {
    const data = this.#run(() => bodyData());
    return data === undefined ? undefined : utf8(data);
  }

  /** The body as bytes; undefined when there is none in memory. */
  getBodyData(): Buffer | undefined {
    const data = this.#run(() => bodyData());
    return data === undefined ? undefined : Buffer.from(data, 'latin1');
  }

  /** Path of the temporary file that holds a large body. */
  getBodyFile(): string | undefined {
    return this.#run(bodyFile);
  }

  setBodyData(text: string): void {
    this.#run(() => setBodyData(bytes(text)));
  }
}

function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

function headerHandler(run: Run): ProxyHandler<Record<string, HeaderValue>> {
  return {
    get(_target, name) {
      if (typeof name !== 'string') return undefined;
      const values = run(() => getResponseHeader(name, false));
      return values.length > 1 ? values : values[0];
    },
    set(_target, name, value: HeaderValue) {
      if (typeof name !== 'string') return false;
      const values =
        value === undefined ? undefined : typeof value === 'object' ? value.map(bytes) : [bytes(String(value))];
      run(() => setResponseHeader(name, values, false));
      return true;
    },
    deleteProperty(_target, name) {
      if (typeof name !== 'string') return false;
      run(() => setResponseHeader(name, undefined, false));
      return true;
    },
  };
}

function variableHandler(run: Run): ProxyHandler<Record<string, string | undefined>> {
  return {
    get: (_target, name) => (typeof name === 'string' ? run(() => getVariable(name)) : undefined),
    set(_target, name, value: string | undefined) {
      if (typeof name !== 'string') return false;
      run(() => setVariable(name, value === undefined ? undefined : bytes(String(value))));
      return true;
    },
  };
}
