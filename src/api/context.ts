/**
 * What user code has done to its request so far: one object per request (or stream session, timer, worker start),
 * shared by all its handlers in either language. nginx: ngx_http_lua_ctx_t.
 */

import type { Block } from '../conf/block.ts';
import type { Chain } from '../http/buf.ts';
import type { TlsConnection } from '../http/modules/ssl/handshake.ts';
import { type EventHandler, type HttpRequest, noEvent } from '../http/request.ts';
import { LOG_DEBUG, type Log, type LogScope } from '../log/log.ts';
import { streamModule } from '../stream/module.ts';
import type { StreamSession } from '../stream/session.ts';
import { apiError } from './error.ts';
import { apiModule } from './module.ts';
import { IN_CONTENT, IN_EXIT_WORKER, IN_HEADER_FILTER, IN_INIT, phaseDirective, YIELDABLE } from './phase.ts';

export { apiModule };

/** What resumes a parked handler when its phase is entered again; returns a code of src/http/codes.ts. */
export type ResumeHandler = (r: HttpRequest) => number;

/** What lives no longer than the context that made it: a cosocket, a process. */
export interface Resource {
  finalize(): void;
}

/** Shared by all contexts: most requests wait for nothing. */
const NOTHING: readonly (() => void)[] = [];

export class ApiContext implements LogScope {
  /** undefined in timers, worker hooks, handshakes and stream sessions. */
  readonly r: HttpRequest | undefined;
  /** The connection whose handshake waits for the code; undefined elsewhere. */
  tls: TlsConnection | undefined = undefined;
  /** undefined everywhere but in stream sessions. */
  readonly session: StreamSession | undefined;
  /** The http or stream block that the code belongs to. */
  readonly block: Block | undefined;
  /** One of the IN_ bits of phase.ts. */
  phase = IN_CONTENT;
  /** Code that waits is let, whatever the phase: see `lua_strict_phases`. */
  mayWait = false;
  /** Its code may go on when the request has been freed (log phase): `end` is called by whoever runs it. */
  outlives = false;

  /** The phase (an IN_ bit) whose handler was entered and not left yet; 0 for none. */
  entered = 0;
  resumeHandler: ResumeHandler | undefined = undefined;

  // How user code wants to leave.
  exited = false;
  exitCode = 0;
  execUri = '';
  execArgs = '';

  // The response as far as user code is concerned.
  headerSent = false;
  mimeSet = false;
  headersSet = false;
  eof = false;
  /** Output is held back for an HTTP/1.0 client until its length is known. */
  buffering = false;
  out: Chain = [];
  /** A raw request socket was taken: the response is no longer ours. */
  acquiredRawSocket = false;
  /** body_filter_by_lua has seen the last piece. */
  seenLastInFilter = false;

  // The request body.
  readBodyDone = false;
  waitingMoreBody = false;

  /** Subrequests under way, during which the request must not be aborted. */
  noAbort = 0;
  /** What waits for subrequests that have ended meanwhile. */
  finished: readonly (() => void)[] = NOTHING;
  /** The code goes on from an event of the connection that runs what is posted afterwards: nobody else needs to. */
  inEvent = false;
  /** The write event handler of a handler in the content phase. */
  writable: EventHandler = noEvent;
  /** Light threads that wait for output to be flushed. */
  flushWaiters: readonly (() => void)[] = NOTHING;
  /** lua_check_client_abort: the request ends when the client goes. */
  watchesClient = false;
  /** What to do instead then. */
  onAbort: (() => void) | undefined = undefined;
  /** Ends all user code of the request; set by the host. */
  stop: (() => void) | undefined = undefined;

  /** State of the hosts. */
  lua: unknown = undefined;
  typescript: unknown = undefined;
  cleanupAdded = false;

  private readonly fallbackLog: Log | undefined;
  private resources: Set<Resource> | undefined = undefined;
  private ownLocConf: unknown[] | undefined;
  /** Whose request made the timer, or whose handshake it is. */
  private origin: string;

  /** @param creator of a timer: whose location's configuration applies */
  constructor(
    r: HttpRequest | undefined,
    block: Block | undefined,
    log?: Log,
    creator?: ApiContext,
    session?: StreamSession,
  ) {
    this.r = r;
    this.session = session;
    this.block = block;
    this.fallbackLog = log;
    this.ownLocConf = creator?.locConf;
    this.connectionNumber =
      r?.connection.connectionNumber ?? session?.connectionNumber ?? creator?.connectionNumber ?? 0;
    const c = creator?.r?.connection;
    this.origin =
      c === undefined
        ? (creator?.session?.origin ?? creator?.origin ?? '')
        : `, client: ${c.remoteAddress}, server: ${c.listeningText ?? ''}`;
  }

  /** For code that runs in a handshake, with the settings of its server. */
  static ofHandshake(tls: TlsConnection, phase: number): ApiContext {
    const ctx = new ApiContext(undefined, tls.http, tls.errorLog);
    ctx.tls = tls;
    ctx.phase = phase;
    ctx.connectionNumber = tls.connectionNumber;
    ctx.ownLocConf = tls.server.confs.location;
    ctx.origin = `, client: ${tls.remoteAddress}, server: ${tls.group.where.text}`;
    return ctx;
  }

  /**
   * Location configurations by module index (in stream, which has no locations, the server's): of the request or
   * session, of a timer's creator, or what the block gives.
   */
  get locConf(): unknown[] {
    return this.r?.locConf ?? this.session?.srvConf ?? this.ownLocConf ?? this.block?.outside ?? [];
  }

  /** The response's head is out of this code's reach. A filter of the head that waits holds it back. */
  get headGone(): boolean {
    if (this.headerSent) return true;
    return this.r?.headerSent === true && !(this.mayWait && this.phase === IN_HEADER_FILTER);
  }

  /** error.log takes debug lines. */
  get debugging(): boolean {
    const log = this.r?.connection.errorLog ?? this.session?.errorLog ?? this.fallbackLog ?? this.block?.cycle.log;
    return log !== undefined && log.level >= LOG_DEBUG;
  }

  /** What debug lines name the request by: `/uri?args`. */
  get target(): string {
    return this.r === undefined ? '?' : `${this.r.uri}?${this.r.args}`;
  }

  /** A line at debug level, as ngx_lua writes it; where `debugging` says that somebody reads it. */
  debug(message: string): void {
    this.log(LOG_DEBUG, message);
  }

  /** The resource is to be finalized when the request is freed, or the timer's run has ended. */
  own(resource: Resource): void {
    if (this.resources === undefined) {
      this.resources = new Set();
      // As nginx: what a subrequest leaves lives as long as the main request.
      if (!this.outlives) this.r?.main.addCleanup(() => this.end());
      this.session?.addCleanup(() => this.end());
    }
    this.resources.add(resource);
  }

  /** It has ended by itself. */
  disown(resource: Resource): void {
    this.resources?.delete(resource);
  }

  /** Finalizes what is left. For requests it is called by their cleanup. */
  end(): void {
    const { resources } = this;
    if (resources === undefined) return;
    this.resources = undefined;
    for (const resource of resources) resource.finalize();
  }

  /** error_log of the request, or of the server where there is no request. */
  log(level: number, message: string): void {
    if (this.r !== undefined) this.r.log(level, message);
    else if (this.session !== undefined) this.session.log(level, message);
    else (this.fallbackLog ?? this.block?.cycle.log)?.write(level, message, this);
  }

  // As the scope of log lines without a request. ngx_lua: ngx_http_lua_log_timer_error() and others.

  connectionNumber: number;

  describe(): string {
    if (this.phase === IN_INIT || this.phase === IN_EXIT_WORKER) return '';
    return `, context: ${phaseDirective(this.phase)}${this.origin}`;
  }

  /** Ensures that the function may be called in this phase. ngx_lua: ngx_http_lua_check_context(). */
  check(phases: number): void {
    if ((this.phase & phases) === 0) apiError(`API disabled in the context of ${phaseDirective(this.phase)}`);
  }

  /** The same for functions that wait. */
  checkWait(): void {
    if (!this.mayWait) this.check(YIELDABLE);
  }
}

/** The request's context, made on first use. */
export function contextOf(r: HttpRequest): ApiContext {
  let ctx = apiModule.context(r);
  if (ctx === undefined) {
    ctx = new ApiContext(r, r.http);
    // The head of a subrequest whose response is gathered is gone, and whoever gathers it made no context for that.
    ctx.headerSent = r.capture !== undefined && r.headerSent;
    apiModule.setContext(r, ctx);
  }
  return ctx;
}

/** Keeps an ApiContext per stream session. */
export const streamApiModule = streamModule<object, object, ApiContext>({ name: 'tsresty_stream_api_module' });

/** The session's context, made on first use. */
export function sessionContextOf(s: StreamSession): ApiContext {
  let ctx = streamApiModule.context(s);
  if (ctx === undefined) {
    ctx = new ApiContext(undefined, s.stream, undefined, undefined, s);
    streamApiModule.setContext(s, ctx);
  }
  return ctx;
}

/** The context on whose behalf user code runs now. Set by the hosts around each stretch of user code. */
export let current: ApiContext | undefined;

/** Makes `ctx` current; returns the one before, to be put back. */
export function enter(ctx: ApiContext | undefined): ApiContext | undefined {
  const before = current;
  current = ctx;
  return before;
}

/** The current context; an error outside of requests (init_by_lua). */
export function requireContext(): ApiContext {
  return current ?? apiError('no request found');
}

/** The current context with a request in it, in one of `phases`. */
export function requireRequest(phases: number): ApiContext & { readonly r: HttpRequest } {
  const ctx = current ?? apiError('no request found');
  ctx.check(phases);
  if (ctx.r === undefined) apiError('no request found');
  return ctx as ApiContext & { readonly r: HttpRequest };
}
