/**
 * A connection whose incoming bytes can be held back, for TLS handshakes that stop where the server asks for a
 * certificate (src/net/server-flight.ts). node:tls runs over it as over any stream; what comes after the handshake
 * costs a call more than over a socket of its own.
 */
import type { Duplex } from 'node:stream';
import { ServerFlight } from './server-flight.ts';
import type { Socket } from './socket.ts';

/** A connection with `flight` between it and its reader. */
export interface HeldStream {
  readonly stream: Duplex;
  readonly flight: ServerFlight;
  /** A line of the key log. */
  addSecret(line: Buffer): void;
  /** Lets pass what is held back and what will come. */
  release(): void;
}

/**
 * Puts it over a connection.
 *
 * @param socket paused; from now on it is the stream's
 * @param onWanted the server wants a certificate; from now on all is held back until `release`
 */
export function holdStream(socket: Socket, onWanted: () => void): HeldStream {
  const { Duplex } = process.getBuiltinModule('node:stream');
  const flight = new ServerFlight();
  let open = false;
  let ended = false;
  let told = false;
  let failure: Error | undefined;
  /** Of a write that waits. */
  let written: (() => void) | undefined;

  const holding = (): boolean => !open && flight.state === 'wanted';

  function push(bytes: Buffer): void {
    if (bytes.length > 0 && !stream.push(bytes)) socket.pause();
  }

  function look(released: Buffer): void {
    push(released);
    if (flight.state === 'done') open = true;
    else if (holding() && !told) {
      told = true;
      socket.pause();
      onWanted();
    }
  }

  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => {
      if (!holding()) socket.resume();
    },
    write: (chunk: Buffer, _encoding, callback) => {
      if (socket.write(chunk)) callback();
      // A broken connection is told by the event.
      else written = callback;
    },
    final: (callback) => {
      socket.shutdown();
      callback();
    },
    destroy: (_error, callback) => {
      socket.destroy();
      // Who broke it is told what broke it: the connection's error, not what was made of it.
      callback(failure ?? null);
    },
  });
  socket.owner = {
    onData(buffer, start, end) {
      const bytes = Buffer.from(buffer.subarray(start, end));
      if (open) push(bytes);
      else look(flight.add(bytes));
    },
    onEnd() {
      ended = true;
      if (!open) push(flight.rest());
      stream.push(null);
    },
    onError(code) {
      failure = Object.assign(new Error(code), { code });
      stream.destroy(failure);
    },
    onDrain() {
      const callback = written;
      written = undefined;
      callback?.();
    },
    onClose() {
      if (!ended) stream.destroy();
    },
  };
  return {
    stream,
    flight,
    addSecret: (line) => {
      if (!open && !holding()) look(flight.addSecret(line.toString('latin1')));
    },
    release: () => {
      if (open) return;
      open = true;
      push(flight.rest());
      socket.resume();
    },
  };
}
