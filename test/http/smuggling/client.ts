/** A client that sends bytes and gathers what comes back. */
import { connect, type Socket } from 'node:net';
import type { Places } from '../differential/conf.ts';
import { readResponse } from '../differential/framing.ts';

/** Milliseconds without an end after which a connection counts as left open by mistake. */
const LONGEST = 8000;

export class Client {
  readonly #socket: Socket;
  #received = '';
  #ended = false;
  #wake: () => void = () => {};

  constructor(places: Places) {
    const [host, port] = places.front.split(':') as [string, string];
    this.#socket = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
    this.#socket.on('data', (data) => {
      this.#received += data.toString('latin1');
      this.#wake();
    });
    for (const event of ['end', 'error', 'close']) {
      this.#socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  send(bytes: string): void {
    if (!this.#socket.destroyed && !this.#ended) this.#socket.write(bytes, 'latin1');
  }

  /** Waits for the first response. */
  async response(method: string): Promise<void> {
    await this.#until(() => {
      let pos = 0;
      for (;;) {
        const response = readResponse(this.#received, pos, method);
        if (response === undefined || response.end < 0) return false;
        if (response.status >= 200) return true;
        pos = response.end;
      }
    });
  }

  /** Waits until the server closes. */
  async end(): Promise<string> {
    await this.#until(() => false);
    this.#socket.destroy();
    return this.#received;
  }

  async #until(done: () => boolean): Promise<void> {
    const deadline = Date.now() + LONGEST;
    while (!this.#ended && !done()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the connection stays open after ${JSON.stringify(this.#received)}`);
      await new Promise<void>((go) => {
        const timer = setTimeout(go, left);
        this.#wake = () => {
          clearTimeout(timer);
          go();
        };
      });
    }
  }
}
