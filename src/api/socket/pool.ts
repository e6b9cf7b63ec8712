/**
 * Pools of idle cosocket connections, one set a worker and http block, by key (`host:port` or a name given by the
 * user). A pool knows how many connections were made for it, so that connecting can be made to queue (`backlog`).
 * ngx_lua: ngx_http_lua_socket_pool_t.
 */
import type { Block } from '../../conf/block.ts';
import { LOG_DEBUG, LOG_ERR } from '../../log/log.ts';
import type { Socket, SocketOwner } from '../../net/socket.ts';
import { Timer, type TimerOwner } from '../../net/timer.ts';

/** A connection attempt that waits until the pool has room for one more connection. */
export interface QueuedConnect {
  /** Goes on; called from the event loop. */
  resumeConnect(): void;
}

/** What is kept of a connection besides its socket. */
export interface KeptConnection {
  readonly socket: Socket;
  /** How often it was taken from the pool so far. */
  readonly reused: number;
  readonly host: string;
  readonly port: number;
  /** Numeric address for log lines. */
  readonly address: string;
  /** TLS was established on it. */
  readonly secure: boolean;
}

/** An idle connection: anything that happens on it ends it. */
class Idle implements SocketOwner, TimerOwner {
  readonly pool: SocketPool;
  readonly kept: KeptConnection;
  private timer: Timer | undefined = undefined;

  constructor(pool: SocketPool, kept: KeptConnection) {
    this.pool = pool;
    this.kept = kept;
  }

  arm(timeout: number): void {
    if (timeout > 0) {
      this.timer = new Timer(this);
      this.timer.set(timeout);
    }
    this.kept.socket.owner = this;
    this.kept.socket.resume();
  }

  /** It is used again or closed. */
  leave(): void {
    this.timer?.release();
    this.kept.socket.owner = undefined;
  }

  onData(): void {
    this.pool.drop(this);
  }
  onEnd(): void {
    this.pool.drop(this);
  }
  onError(): void {
    this.pool.drop(this);
  }
  onClose(): void {
    this.pool.drop(this);
  }
  onTimer(): void {
    this.pool.drop(this);
  }
  onDrain(): void {}
}

export class SocketPool {
  readonly key: string;
  /** Idle connections kept at most; with a backlog also the number of connections. */
  readonly size: number;
  /** How many connects may wait beyond `size`; undefined for no limit on connections. */
  readonly backlog: number | undefined;
  /** Connections counted: in use, idle, and being made. */
  connections = 0;
  private readonly all: Map<string, SocketPool>;
  private readonly block: Block | undefined;
  /** Oldest first. */
  private idle: Idle[] = [];
  private queue: QueuedConnect[] = [];
  private wakeScheduled = false;

  constructor(
    all: Map<string, SocketPool>,
    block: Block | undefined,
    key: string,
    size: number,
    backlog: number | undefined,
  ) {
    this.all = all;
    this.block = block;
    this.key = key;
    this.size = size;
    this.backlog = backlog;
    all.set(key, this);
  }

  /** The connection used last. */
  take(): KeptConnection | undefined {
    const idle = this.idle.pop();
    idle?.leave();
    return idle?.kept;
  }

  /**
   * Keeps a connection; the one idle longest has to make room.
   * @param counted the connection is among `connections` already
   * @param timeout milliseconds; 0 for none
   */
  keep(kept: KeptConnection, counted: boolean, timeout: number): void {
    if (this.idle.length >= this.size) {
      const oldest = this.idle.shift() as Idle;
      oldest.leave();
      oldest.kept.socket.destroy();
      if (counted) this.connections--;
    } else if (!counted) {
      this.connections++;
    }
    const idle = new Idle(this, kept);
    this.idle.push(idle);
    idle.arm(timeout);
  }

  /** For Idle: the connection ended, sent something unasked for, or was idle for too long. */
  drop(idle: Idle): void {
    const i = this.idle.indexOf(idle);
    if (i < 0) return;
    this.idle.splice(i, 1);
    idle.leave();
    this.debug(`keepalive close handler: fd:${idle.kept.socket.fd}`);
    idle.kept.socket.destroy();
    this.closed();
  }

  /** A counted connection was closed. */
  closed(): void {
    this.connections--;
    if (this.connections === 0) this.free();
    else this.wake();
  }

  /** A counted connection was not made after all. */
  notMade(): void {
    this.connections--;
    this.wake();
  }

  enqueue(waiter: QueuedConnect): void {
    this.queue.push(waiter);
  }

  /** The waiter gives up. */
  leaveQueue(waiter: QueuedConnect): void {
    const i = this.queue.indexOf(waiter);
    if (i < 0) return;
    this.queue.splice(i, 1);
    this.connections--;
  }

  /** Lets the next waiter go on, from the event loop. */
  wake(): void {
    if (this.connections < 0) {
      const counts = `connections: ${this.connections}, size: ${this.size}`;
      this.block?.cycle.log.write(
        LOG_ERR,
        `lua tcp socket connections count mismatched for connection pool "${this.key}", ${counts}`,
      );
      this.connections = 0;
    }
    if (this.queue.length === 0 || this.wakeScheduled) return;
    this.wakeScheduled = true;
    process.nextTick(wakeNext, this);
  }

  /** For wake. */
  wakeNext(): void {
    this.wakeScheduled = false;
    this.queue.shift()?.resumeConnect();
  }

  private free(): void {
    this.debug(`keepalive: free connection pool for "${this.key}"`);
    if (this.all.get(this.key) === this) this.all.delete(this.key);
  }

  private debug(message: string): void {
    const log = this.block?.cycle.log;
    if (log !== undefined && log.level >= LOG_DEBUG) log.write(LOG_DEBUG, `lua tcp socket ${message}`);
  }

  /** Closes all idle connections: the worker leaves. */
  shutdown(): void {
    this.queue = [];
    const { idle } = this;
    this.idle = [];
    for (const one of idle) {
      one.leave();
      one.kept.socket.destroy();
      this.connections--;
    }
  }
}

function wakeNext(pool: SocketPool): void {
  pool.wakeNext();
}

const byBlock = new WeakMap<object, Map<string, SocketPool>>();
const NO_HTTP = {};

/** The pools of an http block in this worker, by key. */
export function poolsOf(block: Block | undefined): Map<string, SocketPool> {
  const owner = block ?? NO_HTTP;
  let pools = byBlock.get(owner);
  if (pools === undefined) byBlock.set(owner, (pools = new Map()));
  return pools;
}

/** Closes the idle connections of an http block. */
export function shutdownPools(block: Block): void {
  for (const pool of poolsOf(block).values()) pool.shutdown();
}
