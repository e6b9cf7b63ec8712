/**
 * The `ngx` object of TypeScript handlers: src/api with types and promises. One object per request; each call runs on
 * behalf of its request, so handlers may interleave at every `await`.
 */

import { watchClient } from '../../api/abort.ts';
import { type ApiContext, enter } from '../../api/context.ts';
import { exec, exit, redirect } from '../../api/control.ts';
import { digest, encodeBase64, escapeUri, unescapeUri } from '../../api/encoding.ts';
import { apiError, setRaise } from '../../api/error.ts';
import { logLevel, writeLog } from '../../api/log.ts';
import { eof, flush, type OutputResult, print, sendHeaders } from '../../api/output.ts';
import { phaseName, YIELDABLE } from '../../api/phase.ts';
import { getResponseHeader, setResponseHeader } from '../../api/response-header.ts';
import { getStatus, setStatus } from '../../api/status.ts';
import { capture } from '../../api/subrequest.ts';
import type { Suspension } from '../../api/suspension.ts';
import { now, sleep, time, updateTime } from '../../api/time.ts';
import { getVariable, setVariable } from '../../api/variable.ts';
import { finalizeRequest, runPostedRequests } from '../../http/finalize.ts';
import type { HttpRequest } from '../../http/request.ts';
import { LOG_ERR, LOG_LEVEL_NAMES } from '../../log/log.ts';
import { NgxBalancer } from './balancer.ts';
import { HandlerExit } from './exit.ts';
import { NgxRequest } from './request.ts';
import { type NgxSharedDict, sharedDicts } from './shared.ts';
import { NgxSockets } from './socket.ts';
import { captureRequest, type SubrequestOptions, SubrequestResponse } from './subrequest.ts';
import { bytes, type Data, utf8 } from './text.ts';
import { NgxTimer } from './timer.ts';
import { settled } from './wait.ts';
import { NgxWorker } from './worker.ts';

/** Log levels by name. */
export type LogLevelName = 'stderr' | 'emerg' | 'alert' | 'crit' | 'error' | 'warn' | 'notice' | 'info' | 'debug';

/** Values of a header field: several give several lines, undefined removes it. */
export type HeaderValue = string | number | readonly string[] | undefined;

/** What can be sent. */
export type Output = Data | number | boolean;

/** What a TypeScript handler gets. Text is UTF-8 on the wire and in variables, header fields and shared dicts. */
export class Ngx {
  readonly #ctx: ApiContext;
  /** Values of your own that live as long as the request; subrequests have their own. Manual: ngx.ctx. */
  readonly ctx: Record<string, unknown>;
  /** The request. Manual: ngx.req.*. */
  readonly req: NgxRequest;
  /** The response's header: `ngx.header['X-Powered-By'] = 'tsresty'`. Manual: ngx.header.HEADER. */
  readonly header: Record<string, HeaderValue>;
  /** nginx's variables: `ngx.var.remote_addr`. Manual: ngx.var.VARIABLE. */
  readonly var: Record<string, string | undefined>;
  /** Connections to other servers, with nginx's pools. Manual: ngx.socket. */
  readonly socket: NgxSockets;
  /** The choice of a server, in balancer_by_ts_file. Manual: ngx.balancer. */
  readonly balancer: NgxBalancer;
  /** This worker. Manual: ngx.worker. */
  readonly worker: NgxWorker;
  /** Work for later, without a request. Manual: ngx.timer. */
  readonly timer: NgxTimer;

  /** @param values another's `ctx`, to be shared */
  constructor(ctx: ApiContext, values: Record<string, unknown> = {}) {
    this.#ctx = ctx;
    this.ctx = values;
    const run = <T>(fn: () => T): T => this.#run(fn);
    const wait = <T>(operation: () => undefined | Suspension<T>): Promise<T | undefined> => this.#wait(operation);
    this.req = new NgxRequest(run, wait);
    this.socket = new NgxSockets(run);
    this.balancer = new NgxBalancer(run);
    this.worker = new NgxWorker(ctx.block);
    this.header = new Proxy({}, headerHandler(run));
    this.var = new Proxy({}, variableHandler(run));
    this.timer = new NgxTimer(run, (timerContext) => new Ngx(timerContext));
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
  #wait<T>(operation: () => undefined | Suspension<T>): Promise<T | undefined> {
    return settled<T | undefined>((fn) => this.#run(fn), operation);
  }

  /** Output that a HEAD request does not get is no error of the handler. */
  #check(failure: OutputResult): void {
    if (failure !== undefined && failure !== 'header only') apiError(failure);
  }

  /** The zones of lua_shared_dict by name: `ngx.shared.hits`. Manual: ngx.shared.DICT. */
  get shared(): Readonly<Record<string, NgxSharedDict>> {
    return sharedDicts(this.#ctx.block);
  }

  /** Sends text or bytes. Throws when the response has ended or the client is gone. Manual: ngx.print. */
  print(...values: readonly Output[]): void {
    this.#check(this.#run(() => print(join(values))));
  }

  /** Sends text and a line end. Manual: ngx.say. */
  say(...values: readonly Output[]): void {
    this.#check(this.#run(() => print(`${join(values)}\n`)));
  }

  /** Sends a value as JSON, with its Content-Type. */
  json(value: unknown): void {
    if (!this.headersSent) this.header['Content-Type'] = 'application/json';
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
    return this.#ctx.headGone;
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

  /**
   * Calls the function when the client closes its connection before the response is complete. The handler goes on;
   * ngx.exit(499) within the function ends the request. Manual: ngx.on_abort.
   */
  onAbort(fn: () => void): void {
    const { r } = this.#ctx;
    if (r === undefined) apiError('no request found');
    this.#run(() => {
      this.#ctx.check(YIELDABLE);
      this.#ctx.onAbort = () => this.#aborted(r, fn);
      this.#ctx.watchesClient = true;
      watchClient(r, this.#ctx);
    });
  }

  #aborted(r: HttpRequest, fn: () => void): void {
    try {
      fn();
    } catch (error) {
      if (!(error instanceof HandlerExit)) {
        r.log(LOG_ERR, `onAbort function failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
      } else if (this.#ctx.exited) finalizeRequest(r, this.#ctx.exitCode);
    }
  }

  /** Goes on in another location of this server. Manual: ngx.exec. */
  exec(uri: string, args: string | URLSearchParams = ''): never {
    this.#run(() => exec(bytes(uri), bytes(String(args))));
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

  /** A subrequest to this server, without a connection. Manual: ngx.location.capture. */
  async capture(uri: string, options: SubrequestOptions = {}): Promise<SubrequestResponse> {
    const [response] = await this.captureMulti([[uri, options]]);
    return response as SubrequestResponse;
  }

  /** Several at once; the responses in the order of the requests. Manual: ngx.location.capture_multi. */
  async captureMulti(
    requests: readonly (readonly [uri: string, options?: SubrequestOptions])[],
  ): Promise<SubrequestResponse[]> {
    const all = requests.map(([uri, options]) => captureRequest(uri, options ?? {}));
    const waits = this.#wait(() => capture(all));
    // Subrequests start when the engine's turn ends; after an await the handler is in no turn of the engine.
    const connection = this.#ctx.r?.connection;
    if (connection !== undefined) queueMicrotask(() => runPostedRequests(connection));
    const responses = await waits;
    return (responses ?? []).map((response) => new SubrequestResponse(response));
  }

  /** Writes a line to error_log, with this request described. Manual: ngx.log. */
  log(level: LogLevelName, ...values: readonly unknown[]): void {
    const { block } = this.#ctx;
    if (block === undefined) return;
    const number = LOG_LEVEL_NAMES.indexOf(level);
    this.#run(() => {
      if (number <= logLevel(block)) writeLog(block, number, `[ts] ${bytes(values.map(String).join(''))}`);
    });
  }

  /** Seconds since 1970, with milliseconds. Manual: ngx.now. */
  now(): number {
    updateTime();
    return now();
  }

  /** Whole seconds since 1970. Manual: ngx.time. */
  time(): number {
    updateTime();
    return time();
  }

  /** Manual: ngx.escape_uri. */
  escapeUri(text: string): string {
    return escapeUri(bytes(text));
  }

  /** Manual: ngx.unescape_uri. */
  unescapeUri(text: string): string {
    return utf8(unescapeUri(bytes(text)));
  }

  /** Manual: ngx.encode_base64. */
  encodeBase64(data: Data): string {
    return encodeBase64(bytes(data), true);
  }

  /** Hexadecimal. Manual: ngx.md5. */
  md5(data: Data): string {
    return digest('md5', bytes(data), 'hex');
  }
}

function join(values: readonly Output[]): string {
  let text = '';
  for (const value of values) {
    text += bytes(value instanceof Uint8Array ? value : String(value));
  }
  return text;
}

type Run = <T>(fn: () => T) => T;

function headerHandler(run: Run): ProxyHandler<Record<string, HeaderValue>> {
  return {
    get(_target, name) {
      if (typeof name !== 'string') return undefined;
      const values = run(() => getResponseHeader(name, false)).map(utf8);
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
    get(_target, name) {
      if (typeof name !== 'string') return undefined;
      const value = run(() => getVariable(name));
      return value === undefined ? undefined : utf8(value);
    },
    set(_target, name, value: string | undefined) {
      if (typeof name !== 'string') return false;
      run(() => setVariable(name, value === undefined ? undefined : bytes(String(value))));
      return true;
    },
  };
}
