/**
 * A backend that answers with whatever bytes a test wants: each path has a script of pieces to write, pauses in
 * milliseconds, and ways to end. Paths without a script answer with the request itself as the body.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Step = string | number | 'CLOSE' | 'RESET';

export class Backend {
  readonly scripts: Readonly<Record<string, readonly Step[]>>;
  /** Connections accepted so far. */
  connections = 0;
  /** Requests seen, with the number of their connection in front. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(scripts: Readonly<Record<string, readonly Step[]>>) {
    this.scripts = scripts;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(scripts: Readonly<Record<string, readonly Step[]>> = {}): Promise<Backend> {
    const backend = new Backend(scripts);
    await new Promise<void>((resolve) => backend.#server.listen(0, '127.0.0.1', resolve));
    return backend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    const number = ++this.connections;
    let text = '';
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      text += data.toString('latin1');
      for (;;) {
        const size = requestSize(text);
        if (size === 0) return;
        const request = text.slice(0, size);
        text = text.slice(size);
        this.requests.push(`${number} ${request}`);
        void this.#answer(socket, request);
      }
    });
  }

  async #answer(socket: Socket, request: string): Promise<void> {
    const path = (request.split(' ')[1] as string).split('?')[0] as string;
    const script = this.scripts[path] ?? [`HTTP/1.1 200 OK\r\nContent-Length: ${request.length}\r\n\r\n${request}`];
    for (const step of script) {
      if (typeof step === 'number') await sleep(step);
      else if (step === 'CLOSE') socket.end();
      else if (step === 'RESET') socket.resetAndDestroy();
      else socket.write(step, 'latin1');
    }
  }
}

/** Length of the first request in the text, 0 while it is incomplete. */
function requestSize(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const head = text.slice(0, end);
  if (/^transfer-encoding: chunked/im.test(head)) {
    const last = text.indexOf('\r\n0\r\n\r\n', end);
    return last < 0 ? 0 : last + 7;
  }
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  return text.length >= end + 4 + length ? end + 4 + length : 0;
}
