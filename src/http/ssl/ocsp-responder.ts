/**
 * Asks an OCSP responder, by HTTP/1.0 with GET (RFC 6960, appendix A.1). nginx: ngx_ssl_ocsp_request() and what follows
 * it in src/event/ngx_event_openssl_stapling.c.
 */
import { connectionErrorLevel } from '../../log/connection-error.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_ERR, LOG_WARN, type Log, type LogScope } from '../../log/log.ts';
import { type ConnectOwner, connectTcp } from '../../net/connect.ts';
import type { ListenAddress } from '../../net/listening.ts';
import { resolverOf } from '../../net/resolver/resolver.ts';
import type { ResolverConf } from '../../net/resolver-conf.ts';
import type { Socket } from '../../net/socket.ts';
import { Timer, type TimerOwner } from '../../net/timer.ts';
import { canonicalInet, inetAddress, parseUrl, UrlError } from '../../net/url.ts';

/** Where a responder is. */
export interface Responder {
  readonly host: string;
  readonly port: number;
  /** Begins with a slash. */
  readonly uri: string;
  /** As they were when the configuration was read. */
  readonly addresses: readonly ListenAddress[];
}

/** A responder's URL that cannot be used; `message` is the beginning of nginx's, up to the URL. */
export class ResponderError extends Error {
  /** The URL without its scheme. */
  readonly rest: string;

  constructor(message: string, rest: string) {
    super(message);
    this.rest = rest;
  }
}

/** @param resolve look the host up now  @throws ResponderError */
export function parseResponder(url: string, resolve: boolean): Responder {
  if (!/^http:\/\/./i.test(url)) throw new ResponderError('invalid URL prefix', url);
  const rest = url.slice(7);
  // It is for the line of a request, and certificates come from others.
  if (UNPRINTABLE.test(rest)) throw new ResponderError('invalid character', rest.replace(ALL_UNPRINTABLE, '?'));
  try {
    const { host, port, uri, addresses } = parseUrl(rest, { defaultPort: 80, uriPart: true, noResolve: !resolve });
    return { host, port, uri: uri === '' ? '/' : uri, addresses };
  } catch (e) {
    if (e instanceof UrlError) throw new ResponderError(e.message, rest);
    throw e;
  }
}

const UNPRINTABLE = /[^\x21-\x7e]/;
const ALL_UNPRINTABLE = /[^\x21-\x7e]/g;

/** How names are looked up. */
export interface Resolving {
  readonly resolver: ResolverConf | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

/** What a responder may answer, its header included. */
const MOST_BYTES = 16384;

/** One question. */
export class OcspQuery implements ConnectOwner, TimerOwner, LogScope {
  readonly connectionNumber: number;
  private readonly responder: Responder;
  private readonly request: string;
  private readonly timeout: number;
  private readonly log: Log;
  private readonly certificate: string;
  private done: ((response: Buffer | undefined) => void) | undefined;
  private addresses: readonly ListenAddress[];
  private index = 0;
  private socket: Socket | undefined = undefined;
  private received: Buffer[] = [];
  private size = 0;
  private sent = false;
  /** Somebody was connected to. */
  private tried = false;
  private cancelResolving: (() => void) | undefined = undefined;
  private readonly timer: Timer = new Timer(this);

  /**
   * @param request in DER
   * @param timeout milliseconds; 0: none
   * @param certificate its file, for the log; '' for none
   * @param done gets the body of the response; undefined when there is none, which was logged. Never from within this.
   */
  constructor(
    responder: Responder,
    request: Buffer,
    timeout: number,
    log: Log,
    connectionNumber: number,
    certificate: string,
    done: (response: Buffer | undefined) => void,
  ) {
    const { host, uri } = responder;
    const encoded = encodeURIComponent(request.toString('base64'));
    this.request = `GET ${uri}${uri.endsWith('/') ? '' : '/'}${encoded} HTTP/1.0\r\nHost: ${host}\r\n\r\n`;
    this.responder = responder;
    this.timeout = timeout;
    this.log = log;
    this.connectionNumber = connectionNumber;
    this.certificate = certificate;
    this.done = done;
    this.addresses = responder.addresses;
  }

  start({ resolver, timeout }: Resolving): void {
    const { host, port } = this.responder;
    if (canonicalInet(host) !== undefined || host.startsWith('[') || resolver === undefined) {
      if (this.addresses.length === 0) {
        const numeric = canonicalInet(host);
        if (numeric === undefined) {
          this.complain(`no resolver defined to resolve ${host}`);
          this.finishSoon();
          return;
        }
        this.addresses = [inetAddress(numeric, port)];
      } else if (canonicalInet(host) === undefined && !host.startsWith('[')) {
        this.complain(`no resolver defined to resolve ${host}`, LOG_WARN);
      }
      this.connect();
      return;
    }
    const all = resolverOf(resolver, this.log);
    const known = all.lookup(host);
    if (known !== undefined) {
      this.addresses = known.map((address) => inetAddress(address, port));
      this.connect();
      return;
    }
    this.cancelResolving = all.resolve(host, timeout, (failed, addresses) => {
      this.cancelResolving = undefined;
      if (failed !== undefined) {
        this.complain(`${host} could not be resolved (${failed.text})`);
        this.finish(undefined);
        return;
      }
      this.addresses = addresses.map((address) => inetAddress(address, port));
      this.connect();
    });
  }

  /** Gives up. `done` is not called. */
  cancel(): void {
    this.done = undefined;
    this.cancelResolving?.();
    this.cancelResolving = undefined;
    this.close();
  }

  private close(): void {
    this.timer.release();
    const { socket } = this;
    this.socket = undefined;
    if (socket === undefined) return;
    socket.owner = undefined;
    socket.destroy();
  }

  private finish(response: Buffer | undefined): void {
    this.close();
    const { done } = this;
    this.done = undefined;
    done?.(response);
  }

  private finishSoon(): void {
    setImmediate(() => this.finish(undefined));
  }

  private connect(): void {
    const where = this.addresses[this.index];
    if (where === undefined) {
      this.finishSoon();
      return;
    }
    this.received = [];
    this.size = 0;
    this.sent = false;
    this.tried = true;
    if (this.timeout > 0) this.timer.set(this.timeout);
    const target = where.family === 'unix' ? { path: where.address } : { address: where.address, port: where.port };
    this.socket = connectTcp(target, this);
  }

  private next(): void {
    this.close();
    this.index++;
    if (this.index < this.addresses.length) this.connect();
    else this.finish(undefined);
  }

  onConnect(): void {
    const socket = this.socket as Socket;
    this.sent = true;
    socket.write(this.request);
    socket.resume();
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.timeout > 0) this.timer.set(this.timeout);
    const room = MOST_BYTES - this.size;
    const piece = Buffer.from(buffer.subarray(start, Math.min(end, start + room)));
    this.received.push(piece);
    this.size += piece.length;
    if (this.size >= MOST_BYTES) this.complete();
  }

  onEnd(): void {
    this.complete();
  }

  onError(code: string): void {
    const call = this.sent ? 'recv' : 'send';
    this.complain(`${call}() failed${errnoSuffix(code)}`, connectionErrorLevel(code));
    if (this.sent) this.complain(CLOSED);
    this.next();
  }

  onDrain(): void {}

  onClose(): void {}

  onTimer(): void {
    this.complain('OCSP responder timed out (110: Connection timed out)');
    this.next();
  }

  /** No more will come. */
  private complete(): void {
    const found = this.parse(Buffer.concat(this.received));
    if (typeof found === 'string') {
      this.complain(found);
      this.next();
    } else this.finish(found.status === 200 ? found.body : undefined);
  }

  private parse(bytes: Buffer): { readonly status: number; readonly body: Buffer } | string {
    const text = bytes.toString('latin1');
    const [line, code] = /^HTTP\/[1-9]\d*\.\d+ +([1-9]\d\d)(?: [^\r\n]*)?\r?\n/.exec(text) ?? [];
    if (line === undefined) return CUT_STATUS.test(text) ? CLOSED : INVALID;
    for (let pos = line.length; ; ) {
      const eol = text.indexOf('\n', pos);
      if (eol < 0) return CLOSED;
      const header = text.slice(pos, text[eol - 1] === '\r' && eol > pos ? eol - 1 : eol);
      pos = eol + 1;
      if (header === '') return { status: Number(code), body: bytes.subarray(pos) };
      const [, name, value] = /^([A-Za-z0-9-]+)(?:: *(.*?) *)?$/.exec(header) ?? [];
      if (name === undefined) return INVALID;
      if (name.toLowerCase() === 'content-type' && value?.toLowerCase() !== 'application/ocsp-response') {
        return `OCSP responder sent invalid "Content-Type" header: "${value ?? ''}"`;
      }
    }
  }

  private complain(message: string, level: number = LOG_ERR): void {
    if (level <= this.log.level) this.log.write(level, message, this);
  }

  describe(): string {
    const where = this.addresses[this.index];
    const peer = where === undefined || !this.tried ? '' : `, peer: ${where.text}`;
    const certificate = this.certificate === '' ? '' : `, certificate: "${this.certificate}"`;
    return ` while requesting certificate status, responder: ${this.responder.host}${peer}${certificate}`;
  }
}

const INVALID = 'OCSP responder sent invalid response';
const CLOSED = 'OCSP responder prematurely closed connection';
/** The beginning of a status line, or nothing at all. */
const CUT_STATUS =
  /^(?:H(?:T(?:T(?:P(?:\/(?:[1-9]\d*(?:\.(?:\d+(?: +(?:[1-9]\d{0,2}(?: [^\r\n]*\r?)?)?)?)?)?)?)?)?)?)?)?$/;
