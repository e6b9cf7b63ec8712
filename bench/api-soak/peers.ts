/** What the cosockets talk to: a peer that answers, and peers that do not as they should. */
import { createSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { freePorts } from '../../src/tools/test/ports.ts';

/** Every line comes back behind `echo `; what else happens is the peer's kind. */
type Kind = (socket: Socket, line: string) => void;

const answer: Kind = (socket, line) => void socket.write(`echo ${line}\n`);

const KINDS: Readonly<Record<string, Kind>> = {
  echo: answer,
  /** Closes or resets a connection some time after it answered. */
  fickle(socket, line) {
    answer(socket, line);
    const reset = Math.random() < 0.5;
    setTimeout(() => {
      // Node never closes a socket that is reset while it ends.
      if (socket.writableEnded || socket.destroyed) return;
      if (reset) socket.resetAndDestroy();
      else socket.end();
    }, Math.random() * 300);
  },
  silent() {},
  half(socket, line) {
    socket.write(`echo ${line}`.slice(0, 5 + line.length / 2));
  },
  reset(socket, line) {
    socket.write(`echo ${line}`.slice(0, 5 + line.length / 2));
    setTimeout(() => socket.destroyed || socket.resetAndDestroy(), Math.random() * 20);
  },
  /** In pieces, longer apart than the clients wait for one. */
  slow(socket, line) {
    const text = `echo ${line}\n`;
    socket.write(text.slice(0, 4));
    setTimeout(() => socket.destroyed || socket.write(text.slice(4)), 50 + Math.random() * 100);
  },
};

export class Peers {
  /** By kind; `refused` is one where nobody listens. */
  readonly ports: Readonly<Record<string, number>>;
  readonly #open = new Map<Socket, string>();
  readonly #servers: Server[];
  readonly #udp: ReturnType<typeof createSocket>;

  private constructor(
    ports: Record<string, number>,
    servers: ReadonlyMap<string, Server>,
    udp: ReturnType<typeof createSocket>,
  ) {
    this.ports = ports;
    this.#servers = [...servers.values()];
    this.#udp = udp;
    for (const [kind, server] of servers) {
      server.on('connection', (socket) => {
        this.#open.set(socket, kind);
        socket.on('close', () => this.#open.delete(socket));
      });
    }
  }

  static async start(): Promise<Peers> {
    const [refused] = (await freePorts(1)) as [number];
    const ports: Record<string, number> = { refused };
    const servers = new Map<string, Server>();
    const listen = async (name: string, server: Server): Promise<void> => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve));
      ports[name] = (server.address() as { port: number }).port;
      servers.set(name, server);
    };
    for (const [name, kind] of Object.entries(KINDS)) {
      const server = createServer((socket) => {
        // The other side closes, resets or dies as it likes.
        socket.on('error', () => socket.destroy());
        let rest = '';
        socket.setEncoding('latin1').on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() as string;
          for (const line of lines) kind(socket, line);
        });
      });
      await listen(name, server);
    }
    const deaf = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      // A connection that is never read from does not tell that it was closed.
      setTimeout(() => socket.destroy(), 5000);
    });
    await listen('deaf', deaf);
    const udp = createSocket('udp4');
    udp.on('message', (message, from) => {
      if (Math.random() < 0.97) udp.send(`echo ${message.toString('latin1')}`, from.port, from.address);
    });
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    ports['udp'] = udp.address().port;
    return new Peers(ports, servers, udp);
  }

  /** The kinds of peers to which connections are open, one for each connection. */
  get open(): string[] {
    return [...this.#open.values()];
  }

  async stop(): Promise<void> {
    this.#udp.close();
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#open.keys()) socket.destroy();
    await Promise.all(closed);
  }
}
