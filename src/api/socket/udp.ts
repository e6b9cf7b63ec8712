/**
 * UDP cosockets: ngx.socket.udp(). One peer, one datagram a receive. ngx_lua: ngx_http_lua_socket_udp.c.
 */
import { connectionErrorLevel } from '../../log/connection-error.ts';
import { errnoSuffix, strerror } from '../../log/errno.ts';
import { LOG_CRIT, LOG_DEBUG, LOG_ERR } from '../../log/log.ts';
import { resolverOf } from '../../net/resolver/resolver.ts';
import { Timer, type TimerOwner } from '../../net/timer.ts';
import { canonicalInet, canonicalInet6 } from '../../net/url.ts';
import { type ApiContext, type Resource, requireContext } from '../context.ts';
import { apiError } from '../error.ts';
import type { Suspension } from '../suspension.ts';
import { type DatagramOwner, type Datagrams, openDatagrams } from './datagrams.ts';
import { parseHost } from './host.ts';
import { coreSettings, socketOptions } from './options.ts';
import type { Connected } from './tcp.ts';

/** Largest datagram. ngx_lua: UDP_MAX_DATAGRAM_SIZE. */
const LARGEST = 65536;
/** Bytes of datagrams kept for later receives; more are dropped, as the kernel does. */
const MOST_WAITING = 212_992;

/** A receive that gave nothing. */
export class DatagramFailure {
  readonly error: string;

  constructor(error: string) {
    this.error = error;
  }
}

export type Datagram = string | DatagramFailure;

export class UdpCosocket implements Resource, TimerOwner, DatagramOwner {
  private ctx: ApiContext;
  private used = false;
  private transport: Datagrams | undefined = undefined;
  private host = '';
  private port = 0;
  private address = '';
  private local: { address: string; text: string } | undefined = undefined;
  private ownTimeout = 0;
  private readTimeout = 0;
  /** Datagrams that came while nobody was waiting. */
  private queue: string[] = [];
  private queued = 0;
  private failure = '';
  private waiting = false;
  private size = LARGEST;
  private receiveDone: ((result: Datagram) => void) | undefined = undefined;
  private connectDone: ((result: Connected) => void) | undefined = undefined;
  private cancelResolving: (() => void) | undefined = undefined;
  private timer: Timer | undefined = undefined;

  constructor() {
    const ctx = requireContext();
    ctx.checkWait();
    this.ctx = ctx;
  }

  /** udpsock:settimeout, in milliseconds; 0 or less goes back to the directive. */
  setTimeout(ms: number): void {
    this.ownTimeout = ms;
    if (this.used) this.readTimeout = ms > 0 ? ms : socketOptions(this.ctx).socketReadTimeout;
  }

  /** udpsock:bind: the local address. Returns an error text, or undefined. */
  bind(address: string): string | undefined {
    requireContext().checkWait();
    const numeric = canonicalInet(address) ?? canonicalInet6(address);
    if (numeric === undefined) return 'bad address';
    this.local = { address: numeric, text: address };
    return undefined;
  }

  /** udpsock:setpeername. */
  setPeerName(host: string, port: number): Connected | Suspension<Connected> {
    const ctx = requireContext();
    ctx.checkWait();
    if (port < 0 || port > 65535) return `bad port number: ${port}`;
    if (this.used) {
      this.checkOwner();
      if (this.waiting) return 'socket busy';
      if (this.transport !== undefined) {
        this.debug('reconnect without shutting down');
        this.finalize();
      }
      if (ctx.debugging) ctx.log(LOG_DEBUG, 'lua reuse socket upstream ctx');
    }
    this.used = true;
    this.ctx = ctx;
    this.failure = '';
    this.queue = [];
    this.queued = 0;
    this.host = host;
    this.port = port;
    this.address = '';
    this.setTimeout(this.ownTimeout);
    const parsed = parseHost(host, port);
    if (typeof parsed === 'string') return parsed;
    const { where, name } = parsed;
    this.host = name;
    if (where !== undefined) {
      return where.family === 'unix' ? this.open(where.address, undefined) : this.open(where.address, where.port);
    }
    const { resolver, resolverTimeout } = coreSettings(ctx);
    if (resolver === undefined || ctx.block === undefined) return `no resolver defined to resolve "${host}"`;
    const all = resolverOf(resolver, ctx.block.cycle.log);
    const known = all.lookup(name);
    if (known !== undefined) return this.open(known[0] as string, port);
    this.waiting = true;
    ctx.own(this);
    this.cancelResolving = all.resolve(name, resolverTimeout, (failed, addresses) => {
      this.cancelResolving = undefined;
      this.waiting = false;
      const done = this.connectDone;
      this.connectDone = undefined;
      done?.(
        failed === undefined
          ? this.open(addresses[0] as string, port)
          : `${host} could not be resolved (${failed.text})`,
      );
    });
    return {
      start: (done) => {
        this.connectDone = done;
        return () => this.finalize();
      },
    };
  }

  private open(address: string, port: number | undefined): string | undefined {
    this.address = port === undefined ? `unix:${address}` : address.includes(':') ? `[${address}]` : address;
    const opened = openDatagrams(address, port, this.local?.address, this);
    if (typeof opened === 'string') {
      const code = opened;
      const bound = this.local !== undefined && code === 'EADDRNOTAVAIL';
      const what = bound ? `bind(${this.local?.text})` : 'connect()';
      this.logPeer(LOG_CRIT, `${what} failed${errnoSuffix(code)}`);
      return strerror(code).toLowerCase();
    }
    this.transport = opened;
    this.ctx.own(this);
    return undefined;
  }

  /** udpsock:send. Returns an error text, or undefined. */
  send(data: string): string | undefined {
    if (this.failure !== '') return this.takeFailure('send');
    const code = (this.transport as Datagrams).send(data);
    if (code === '') return undefined;
    this.logPeer(connectionErrorLevel(code), `send() failed${errnoSuffix(code)}`);
    return strerror(code).toLowerCase();
  }

  /** Why nothing can be sent now. */
  refuseSend(): string | undefined {
    return this.refuse('send data on');
  }

  private refuse(what: string): string | undefined {
    if (this.transport === undefined) {
      const ctx = requireContext();
      if (socketOptions(ctx).socketLogErrors) {
        const none = '0'.repeat(16);
        const u = this.used ? '00007F0000000000' : none;
        ctx.log(LOG_ERR, `attempt to ${what} a closed socket: u:${u}, c:${none}`);
      }
      return 'closed';
    }
    this.checkOwner();
    return this.waiting ? 'socket busy' : undefined;
  }

  /** udpsock:receive: the next datagram, cut to `size` bytes. */
  receive(size: number): Datagram | Suspension<Datagram> {
    const refused = this.refuse('receive data on');
    if (refused !== undefined) return new DatagramFailure(refused);
    const most = Math.min(size, LARGEST);
    if (this.ctx.debugging) {
      this.debug(`read timeout: ${this.readTimeout}`);
      this.debug(`receive buffer size: ${most}`);
    }
    const next = this.queue.shift();
    if (next !== undefined) {
      this.queued -= next.length;
      return next.length > most ? next.slice(0, most) : next;
    }
    if (this.failure !== '') return new DatagramFailure(this.takeFailure('recv'));
    this.size = most;
    this.waiting = true;
    this.timer ??= new Timer(this);
    this.timer.set(this.readTimeout);
    return {
      start: (done) => {
        this.receiveDone = done;
        return () => this.finalize();
      },
    };
  }

  private takeFailure(call: string): string {
    const code = this.failure;
    this.failure = '';
    this.logPeer(connectionErrorLevel(code), `${call}() failed${errnoSuffix(code)}`);
    return strerror(code).toLowerCase();
  }

  onDatagram(data: string): void {
    if (this.receiveDone !== undefined) {
      this.finish(data.length > this.size ? data.slice(0, this.size) : data);
    } else if (this.queued + data.length <= MOST_WAITING) {
      this.queue.push(data);
      this.queued += data.length;
    }
  }

  onFailure(code: string): void {
    this.failure = code;
    if (this.receiveDone !== undefined) this.finish(new DatagramFailure(this.takeFailure('recv')));
  }

  onTimer(): void {
    if (!this.waiting) return;
    if (socketOptions(this.ctx).socketLogErrors) this.logPeer(LOG_ERR, 'lua udp socket read timed out');
    this.finish(new DatagramFailure('timeout'));
  }

  private finish(result: Datagram): void {
    this.waiting = false;
    this.timer?.clear();
    const done = this.receiveDone;
    this.receiveDone = undefined;
    done?.(result);
  }

  /** udpsock:close. Returns an error text, or undefined. */
  close(): string | undefined {
    if (this.transport === undefined) return 'closed';
    this.checkOwner();
    if (this.waiting) return 'socket busy';
    this.finalize();
    return undefined;
  }

  finalize(): void {
    this.ctx.disown(this);
    this.cancelResolving?.();
    this.cancelResolving = undefined;
    this.connectDone = undefined;
    this.receiveDone = undefined;
    this.waiting = false;
    this.timer?.release();
    const { transport } = this;
    this.transport = undefined;
    transport?.close();
  }

  private checkOwner(): void {
    const now = requireContext();
    if (now !== this.ctx && (now.r === undefined || now.r !== this.ctx.r)) apiError('bad request');
  }

  private logPeer(level: number, message: string): void {
    const port = this.port === 0 ? '' : `:${this.port}`;
    const address = this.address === '' ? '' : `(${this.address})`;
    this.ctx.log(level, `${message}, upstream: ${this.host}${port}${address}`);
  }

  private debug(message: string): void {
    if (this.ctx.debugging) this.ctx.log(LOG_DEBUG, `lua udp socket ${message}`);
  }
}
