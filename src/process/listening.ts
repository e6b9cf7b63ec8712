/**
 * The listening sockets of a cycle: opened at start, handed from one cycle to the next on reload so that no
 * connection is refused meanwhile, closed when nobody asks for them any more.
 *
 * nginx: ngx_open_listening_sockets, ngx_close_listening_sockets (src/core/ngx_connection.c) and the middle of
 * ngx_init_cycle.
 */
import { unlinkSync } from 'node:fs';
import { errnoSuffix } from '../log/errno.ts';
import { LOG_EMERG, LOG_NOTICE, LOG_WARN, type Log } from '../log/log.ts';
import type { Listening } from '../net/listening.ts';
import { type BindFailure, bindListening, closeSocket, configureSocket, type OpenSocket } from './bind.ts';

/** How often an address in use is tried, and the pause between tries in milliseconds: an old server may be leaving. */
const TRIES = 5;
const PAUSE = 500;

/** What opening needs to know about the process. */
export interface OpenOptions {
  /** How many sockets a `reuseport` address gets. */
  readonly workers: number;
  /** The sockets are for other processes: plain descriptors, not handles of this process's event loop. */
  readonly handOver: boolean;
  /** -t: an address in use is fine, nothing is kept. */
  readonly testOnly: boolean;
  readonly log: Log;
}

interface Entry {
  /** Undefined for sockets that another program has left. */
  readonly listening: Listening | undefined;
  readonly sockets: OpenSocket[];
  /** How many of the first ones came from the cycle before. */
  readonly inherited: number;
}

/** The open sockets of one cycle. */
export class ListeningSockets {
  private readonly entries = new Map<string, Entry>();

  /**
   * Opens what the cycle listens on, taking over from `previous` what it has already. Messages about failures are
   * written to the log.
   *
   * @returns undefined when an address could not be had; then everything that was opened is closed again
   */
  static open(
    listenings: readonly Listening[],
    previous: ListeningSockets | undefined,
    options: OpenOptions,
  ): ListeningSockets | undefined {
    const made = new ListeningSockets();
    for (const listening of listenings) {
      const wanted = listening.options.reuseport ? options.workers : 1;
      const old = previous?.entries.get(keyOf(listening));
      const sockets = old?.sockets.slice(0, wanted) ?? [];
      made.entries.set(keyOf(listening), { listening, sockets, inherited: sockets.length });
      for (const socket of sockets) configureSocket(socket, listening, options.log, old?.listening ?? listening);
    }
    if (!made.openMissing(options)) {
      made.discard();
      return undefined;
    }
    for (const { listening, sockets } of made) listening.fds = sockets.map(({ fd }) => fd);
    return made;
  }

  /** Sockets that another program left to this one, by the keys of their addresses. */
  static inherited(sockets: readonly { key: string; fd: number }[]): ListeningSockets {
    const made = new ListeningSockets();
    for (const { key, fd } of sockets) {
      const entry = made.entries.get(key);
      const socket: OpenSocket = { fd, handle: undefined };
      if (entry === undefined) made.entries.set(key, { listening: undefined, sockets: [socket], inherited: 0 });
      else entry.sockets.push(socket);
    }
    return made;
  }

  private openMissing(options: OpenOptions): boolean {
    const { log } = options;
    for (let tries = TRIES; tries > 0; tries--) {
      let failed = false;
      for (const { listening, sockets } of this) {
        const wanted = listening.options.reuseport ? options.workers : 1;
        while (sockets.length < wanted) {
          const result = bindListening(listening, options.handOver, log);
          if (!('code' in result)) {
            if (options.testOnly) discardTest(result, listening);
            else sockets.push(result);
            if (options.testOnly) break;
            continue;
          }
          if (result.code !== 'EADDRINUSE' || !options.testOnly) reportFailure(log, listening, result);
          if (result.code !== 'EADDRINUSE') return false;
          if (!options.testOnly) failed = true;
          break;
        }
      }
      if (!failed) return true;
      log.write(LOG_NOTICE, `try again to bind() after ${PAUSE}ms`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    }
    log.write(LOG_EMERG, 'still could not bind()');
    return false;
  }

  /** After a failed start: closes what is not the previous cycle's. */
  private discard(): void {
    for (const { listening, sockets, inherited } of this.entries.values()) {
      for (const socket of sockets.slice(inherited)) {
        closeSocket(socket);
        if (listening !== undefined) removePath(listening, undefined);
      }
    }
  }

  /** Undoes `open`, for a cycle that failed later on. */
  rollBack(): void {
    this.discard();
  }

  /** Closes what `successor` has not taken over. */
  closeUnused(successor: ListeningSockets, log: Log): void {
    for (const [key, { listening, sockets }] of this.entries) {
      const kept = successor.entries.get(key)?.sockets;
      for (const socket of sockets) if (kept === undefined || !kept.includes(socket)) closeSocket(socket);
      if (kept === undefined && listening?.where.family === 'unix') {
        log.write(LOG_WARN, `deleting socket ${listening.where.address}`);
        removePath(listening, log);
      }
    }
  }

  /**
   * Closes all. A worker leaves the names of unix sockets alone.
   *
   * @param removePaths in the process that made them, when no other server uses them
   */
  closeAll(log: Log, removePaths: boolean): void {
    for (const { listening, sockets } of this.entries.values()) {
      for (const socket of sockets) closeSocket(socket);
      if (removePaths && listening !== undefined) removePath(listening, log);
    }
    this.entries.clear();
  }

  /** Every socket with its address, in the order of the configuration. */
  *[Symbol.iterator](): Iterator<{ listening: Listening; sockets: OpenSocket[] }> {
    for (const { listening, sockets } of this.entries.values()) {
      if (listening !== undefined) yield { listening, sockets };
    }
  }
}

/** Two listen options are the same socket when they have the same address. */
export function keyOf(listening: Listening): string {
  return `${listening.kind} ${listening.where.text}`;
}

function reportFailure(log: Log, listening: Listening, { call, code }: BindFailure): void {
  const { text } = listening.where;
  const what =
    call === 'bind'
      ? `bind() to ${text}`
      : call === 'listen'
        ? `listen() to ${text}, backlog ${listening.options.backlog}`
        : `${call} ${text}`;
  log.write(LOG_EMERG, `${what} failed${errnoSuffix(code)}`);
}

function discardTest(socket: OpenSocket, listening: Listening): void {
  closeSocket(socket);
  removePath(listening, undefined);
}

function removePath(listening: Listening, log: Log | undefined): void {
  if (listening.where.family !== 'unix') return;
  try {
    unlinkSync(listening.where.address);
  } catch (e) {
    // Closing a handle has removed it already.
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return;
    log?.write(LOG_EMERG, `unlink() ${listening.where.address} failed${errnoSuffix(e)}`);
  }
}
