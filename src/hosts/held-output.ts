/**
 * Output of a request that waits because user code in a filter does (`lua_strict_phases off`): the response's head, or
 * a piece of its body, with everything behind it in order. A module that has such filters keeps one of these per
 * request and asks it first in its body filter.
 *
 * Whoever makes the response sees that its output is buffered (`BUFFERED_BY_CODE`), as with a slow client: backends are
 * read no further than their buffers, ngx.flush(true) waits, and the request does not end. A failure is told to it by the
 * next piece or the write event, so that a request is ended by its content handler alone.
 */
import { type ApiContext, apiModule } from '../api/context.ts';
import type { Chain } from '../http/buf.ts';
import { AGAIN, ERROR, OK } from '../http/codes.ts';
import type { BodyFilter, HeaderFilter } from '../http/cycle.ts';
import { runPostedRequests } from '../http/finalize.ts';
import type { HttpModule } from '../http/module.ts';
import { BUFFERED_BY_CODE, type HttpRequest, type Postponed } from '../http/request.ts';
import { filterFinalize } from '../http/special-response.ts';

/** A piece of the body and its place among the output of subrequests. */
interface Piece {
  readonly chain: Chain;
  readonly place: Postponed;
}

/** Where a module has bodies go that waited. */
export interface BodyFilters {
  /** The module's own filter, as it runs when nothing waits, with those behind it. */
  readonly filter: BodyFilter;
  /** Those behind it. */
  readonly next: BodyFilter;
}

export class HeldOutput {
  private readonly r: HttpRequest;
  /** The module's body filter as it runs when nothing waits. */
  private readonly filter: BodyFilter;
  /** The filters behind it. */
  private readonly next: BodyFilter;
  private queue: Piece[] = [];
  /** Of the piece that waits. */
  private place: Postponed | undefined = undefined;
  /** The response's head waits. Others must not send one: they are told that it was. */
  private head = false;
  private waiting = false;
  private failed = false;
  private cancel: (() => void) | undefined = undefined;

  constructor(r: HttpRequest, filter: BodyFilter, next: BodyFilter) {
    this.r = r;
    this.filter = filter;
    this.next = next;
    // The main request's: only that is cleaned up when the client goes.
    r.main.addCleanup(() => {
      this.failed = true;
      this.queue = [];
      this.waiting = false;
      this.cancel?.();
    });
  }

  /** The head waits for code. @param cancel ends the code */
  holdHead(cancel: () => void): void {
    this.head = true;
    this.r.headerSent = true;
    // Filters that will see the head later may want pieces of files in memory.
    this.r.filterNeedInMemory = true;
    this.hold(cancel);
  }

  /** A piece of the body waits for code. */
  hold(cancel: () => void): void {
    this.waiting = true;
    this.cancel = cancel;
    this.place ??= this.takePlace();
    this.r.buffered |= BUFFERED_BY_CODE;
  }

  /** Subrequests that are started from now on are to come behind the piece at hand. */
  private takePlace(): Postponed {
    const { postponed } = this.r;
    const last = postponed[postponed.length - 1];
    const place = last?.awaited !== undefined && last.awaited > 0 ? last : { request: undefined, out: [], awaited: 0 };
    if (place !== last) postponed.push(place);
    place.awaited = (place.awaited ?? 0) + 1;
    return place;
  }

  /** Passes a piece on in its place; it may wait there again. */
  private pass(place: Postponed, send: () => number): number {
    const { r } = this;
    const before = r.postponeTo;
    r.postponeTo = place;
    this.place = place;
    const rc = send();
    r.postponeTo = before;
    if (this.waiting || this.place === undefined) return rc;
    this.place = undefined;
    place.awaited = (place.awaited as number) - 1;
    if (place.awaited > 0) return rc;
    const at = place.out?.length === 0 ? r.postponed.indexOf(place) : -1;
    if (at >= 0) r.postponed.splice(at, 1);
    return rc === ERROR || rc > OK ? rc : this.next(r, null);
  }

  /** Forgets what waits: another response takes its place. */
  drop(): void {
    const { r } = this;
    this.queue = [];
    this.place = undefined;
    r.postponeTo = undefined;
    r.postponed = r.postponed.filter(({ awaited }) => awaited === undefined);
  }

  /** A piece of the body, before the filter sees it: undefined when that may have it now. */
  take(chain: Chain | null): number | undefined {
    if (this.failed) return ERROR;
    if (!this.waiting) return undefined;
    if (chain !== null) this.queue.push({ chain: [...chain], place: this.takePlace() });
    else if (!this.head && this.next(this.r, null) === ERROR) return ERROR;
    return AGAIN;
  }

  /**
   * The code has ended: goes on with what waited.
   * @param proceed sends the head or the piece, which may hold again; returns the filters' result
   */
  release(proceed: () => number): void {
    const { r } = this;
    if (this.failed) return;
    this.waiting = false;
    this.cancel = undefined;
    if (this.head) {
      this.head = false;
      r.headerSent = false;
    }
    let rc = this.pass(this.place as Postponed, proceed);
    while (rc !== ERROR && rc <= OK && !this.waiting) {
      const piece = this.queue.shift();
      if (piece === undefined) break;
      // Those who made the response could not know yet that it has a head alone.
      rc = this.pass(piece.place, () => (r.headerOnly ? OK : this.filter(r, piece.chain)));
    }
    if (rc === ERROR || rc > OK) {
      this.failed = true;
      this.queue = [];
    }
    if (!this.waiting) r.buffered &= ~BUFFERED_BY_CODE;
    const c = r.connection;
    if (r.freed || r.main.freed) return;
    c.posted.push(r);
    runPostedRequests(c);
  }
}

/** The module of a host, whose context is the request's output that waits. */
type HostModule = Pick<HttpModule<object, object, object, HeldOutput>, 'context' | 'setContext'>;

/** The request's output that waits, made on first use. */
export function heldOutputOf(module: HostModule, r: HttpRequest, { filter, next }: BodyFilters): HeldOutput {
  let held = module.context(r);
  if (held === undefined) {
    held = new HeldOutput(r, filter, next);
    module.setContext(r, held);
  }
  return held;
}

/** How code has ended that ran beside its request. */
export interface EndedCode {
  readonly ctx: ApiContext;
  /** By an error, which has been logged. */
  readonly failed: boolean;
}

/** A header filter's code has ended: passes the head on, or what the code asked for in its place. */
export function headerEnded(module: HostModule, r: HttpRequest, code: EndedCode, next: HeaderFilter): number {
  if (code.failed) return ERROR;
  const { exited, exitCode } = code.ctx;
  if (!exited || exitCode === OK) return next(r);
  if (exitCode === ERROR) return ERROR;
  const held = module.context(r);
  held?.drop();
  const rc = filterFinalize(r, apiModule.index, exitCode);
  if (held !== undefined) module.setContext(r, held);
  return rc === AGAIN ? OK : rc;
}
