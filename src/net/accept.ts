/**
 * Accepting: wraps a listening descriptor and hands each connection on as a socket object.
 *
 * Workers share the listening sockets that the master has bound: each has them in its own event loop and whoever
 * comes first accepts. Options that a connection inherits from its listening socket (TCP_NODELAY, SO_KEEPALIVE) are
 * set there once, which saves a system call for each connection.
 *
 * nginx: ngx_event_accept (src/event/ngx_event_accept.c).
 */
import type { Server } from 'node:net';
import { errnoName, errnoSuffix } from '../log/errno.ts';
import { LOG_ALERT, LOG_CRIT, type Log } from '../log/log.ts';
import { currentMsec, updateTime } from '../log/time.ts';
import { beginConnection, connections } from './activity.ts';
import { type HandleAddress, type StreamHandle, streamHandles, type TcpHandle } from './handles.ts';
import type { Listening } from './listening.ts';
import { PortableSocket } from './portable.ts';
import { TcpSocket } from './tcp.ts';

/** A listening socket in use. */
export interface Acceptor {
  /** The descriptor, -1 where the transport hides it. */
  readonly fd: number;
  /** Whose `accept` takes the connections; replaced when a single process has loaded a new configuration. */
  listening: Listening;
  /** Stops accepting and closes the descriptor. Connections that were accepted are not touched. */
  close(): void;
}

/** Accept errors are logged at most once in this many milliseconds: nginx pauses accepting for that long. */
const ERROR_PAUSE = 500;

/**
 * Starts accepting for `listening.accept`.
 *
 * @param source an open descriptor that listens already or is bound, or a handle made by `bindHandle`
 * @param log gives the log of accept errors, asked when one happens
 * @throws Error with nginx's message when the descriptor cannot be listened on
 */
export function startAccepting(listening: Listening, source: number | StreamHandle, log: () => Log): Acceptor {
  const native = streamHandles();
  if (native === undefined) return new PortableAcceptor(listening, source as number, log);
  let handle: StreamHandle;
  if (typeof source === 'number') {
    const tcp = listening.where.family !== 'unix';
    handle = tcp ? new native.TCP(native.tcpKind.SERVER) : new native.Pipe(native.pipeKind.SERVER);
    const status = handle.open(source);
    if (status !== 0) throw new Error(`adopting ${listening.where.text} failed${errnoSuffix(errnoName(status))}`);
  } else {
    handle = source;
  }
  return new HandleAcceptor(listening, handle, log);
}

class HandleAcceptor implements Acceptor {
  listening: Listening;
  readonly fd: number;
  readonly handle: StreamHandle;
  readonly log: () => Log;
  readonly tcp: boolean;
  /** What getsockname would say, when it is the same for all connections. */
  readonly local: HandleAddress | undefined;
  silentUntil = 0;

  constructor(listening: Listening, handle: StreamHandle, log: () => Log) {
    const { where, options } = listening;
    this.listening = listening;
    this.handle = handle;
    this.log = log;
    this.fd = handle.fd;
    this.tcp = where.family !== 'unix';
    if (!this.tcp) this.local = { address: where.text, port: 0 };
    else if (!isWildcard(where.address)) this.local = { address: where.address, port: where.port };
    else this.local = undefined;
    handle.socket = this;
    handle.onconnection = onConnection;
    if (this.tcp) {
      (handle as TcpHandle).setNoDelay(true);
      const { keepalive } = options;
      if (keepalive !== undefined && keepalive !== false) {
        (handle as TcpHandle).setKeepAlive(true, keepalive === true ? 0 : (keepalive.idle ?? 0));
      }
    }
    const status = handle.listen(options.backlog);
    if (status !== 0) {
      throw new Error(`listen() to ${where.text}, backlog ${options.backlog} failed${errnoSuffix(errnoName(status))}`);
    }
  }

  close(): void {
    this.handle.close();
  }
}

function onConnection(this: StreamHandle, status: number, client: StreamHandle | undefined): void {
  const acceptor = this.socket as HandleAcceptor;
  updateTime();
  if (client === undefined || status !== 0) {
    acceptFailed(acceptor, errnoName(status) ?? 'EIO');
    return;
  }
  if (connections.open >= connections.limit && !roomFor(acceptor.log)) {
    client.close();
    return;
  }
  const socket = new TcpSocket(client, acceptor.tcp, acceptor.local);
  socket.readPeer();
  socket.counted = true;
  beginConnection();
  acceptor.listening.accept!(socket);
}

function roomFor(log: () => Log): boolean {
  connections.makeRoom?.();
  if (connections.open < connections.limit) return true;
  log().write(LOG_ALERT, `${connections.limit} worker_connections are not enough`);
  return false;
}

/** One of the kinds of acceptors, as acceptFailed needs it. */
interface Complaining {
  readonly log: () => Log;
  silentUntil: number;
}

function acceptFailed(acceptor: Complaining, code: string): void {
  // The client gave up while it waited in the queue: no fault of ours. nginx logs it at level info.
  if (code === 'ECONNABORTED') return;
  if (currentMsec() < acceptor.silentUntil) return;
  acceptor.silentUntil = currentMsec() + ERROR_PAUSE;
  const level = code === 'EMFILE' || code === 'ENFILE' ? LOG_CRIT : LOG_ALERT;
  acceptor.log().write(level, `accept4() failed${errnoSuffix(code)}`);
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::' || address === '*';
}

class PortableAcceptor implements Acceptor {
  listening: Listening;
  readonly fd: number;
  readonly log: () => Log;
  readonly #server: Server;
  silentUntil = 0;

  constructor(listening: Listening, fd: number, log: () => Log) {
    this.listening = listening;
    this.fd = fd;
    this.log = log;
    const unix = listening.where.family === 'unix';
    const { createServer } = process.getBuiltinModule('node:net');
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: !unix }, (connection) => {
      updateTime();
      if (connections.open >= connections.limit && !roomFor(this.log)) {
        connection.destroy();
        return;
      }
      const socket = new PortableSocket(connection, unix ? listening.where.text : undefined);
      socket.counted = true;
      beginConnection();
      this.listening.accept!(socket);
    });
    this.#server.on('error', (e: NodeJS.ErrnoException) => acceptFailed(this, e.code ?? 'EIO'));
    this.#server.listen({ fd, backlog: listening.options.backlog });
  }

  close(): void {
    this.#server.close();
  }
}
