/** Backends of a case: each answers request after request by its script and keeps all that it was sent. */
import { createServer, type Server, type Socket } from 'node:net';
import { CLOSE, DEAF, EARLY, ECHO, GREET, RESET, type Script } from './case.ts';
import { requestEnd } from './framing.ts';

/** A connection from the server. */
export class Seen {
  readonly name: string;
  bytes = '';
  end = '';
  constructor(name: string) {
    this.name = name;
  }
}

export interface Place {
  readonly name: string;
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** In order, or made of the request. */
  readonly scripts: readonly (Script | ((request: string) => Script))[];
}

export class Backends {
  readonly connections: Seen[] = [];
  /** Scripts that are not at their end. */
  running = 0;
  lastEvent = 0;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  async listen(places: readonly Place[]): Promise<void> {
    await Promise.all(places.map((place) => this.#listen(place)));
  }

  #listen(place: Place): Promise<void> {
    let next = 0;
    const take = (request: string): Script => {
      const script = place.scripts[Math.min(next++, place.scripts.length - 1)] ?? '';
      return typeof script === 'function' ? script(request) : script;
    };
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#serve(socket, place, take));
    this.#servers.push(server);
    return new Promise((done, failed) => {
      server.on('error', failed);
      server.listen(place.address, done);
    });
  }

  #serve(socket: Socket, { name, scripts }: Place, take: (request: string) => Script): void {
    const seen = new Seen(name);
    this.connections.push(seen);
    this.#sockets.add(socket);
    let from = 0;
    let busy = false;
    let echo = false;
    let ended = false;
    const touch = (): void => {
      this.lastEvent = Date.now();
    };
    touch();

    const play = async (script: Script): Promise<void> => {
      busy = true;
      this.running++;
      for (const step of typeof script === 'string' ? [script] : script) {
        if (typeof step === 'number') await new Promise((go) => setTimeout(go, step));
        else if (typeof step === 'string') {
          if (!socket.destroyed && step !== '') socket.write(step, 'latin1');
        } else if (step === CLOSE) {
          ended = true;
          if (seen.end === '') seen.end = '(closes)';
          socket.end();
        } else if (step === RESET) {
          ended = true;
          if (seen.end === '') seen.end = '(resets)';
          // What was written is to leave before.
          await new Promise((go) => setTimeout(go, 5));
          socket.resetAndDestroy();
        } else if (step === ECHO) {
          echo = true;
          if (from < seen.bytes.length) socket.write(seen.bytes.slice(from), 'latin1');
        } else if (step === DEAF) {
          socket.pause();
        }
      }
      touch();
      this.running--;
      busy = false;
      check();
    };

    const check = (): void => {
      if (busy || ended || echo) return;
      const first = scripts[0];
      const greets = Array.isArray(first) && first[0] === GREET;
      const early = Array.isArray(first) && scripts.some((s) => Array.isArray(s) && s[0] === EARLY);
      if (greets) return;
      const end = requestEnd(seen.bytes, from, early);
      if (end === undefined) return;
      const request = seen.bytes.slice(from, end);
      from = end;
      void play(take(request));
    };

    socket.on('data', (data) => {
      touch();
      const text = data.toString('latin1');
      seen.bytes += text;
      if (echo) socket.write(text, 'latin1');
      else check();
    });
    socket.on('end', () => {
      touch();
      if (seen.end === '') seen.end = '(closed)';
      if (!busy) socket.end();
    });
    socket.on('error', () => {
      touch();
      if (seen.end === '') seen.end = '(closed)';
    });
    socket.on('close', () => this.#sockets.delete(socket));
    const first = scripts[0];
    if (Array.isArray(first) && first[0] === GREET) void play(take(''));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
  }
}
