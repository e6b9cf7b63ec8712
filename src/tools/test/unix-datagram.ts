/**
 * A datagram socket with a path, which Node.js does not offer: by the C library's calls, asked again and again, since a
 * test needs it only for a moment. unix(7).
 */
import { closeSync, rmSync } from 'node:fs';
import { SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, socketAddress } from '../../net/sockaddr.ts';
import { errno, libc } from '../../shm/libc.ts';

const AF_UNIX = 1;
/** Milliseconds between questions for a datagram. */
const POLL = 5;
/** Bytes of the largest datagram, and of a struct sockaddr_un. */
const LARGEST = 65_536;
const ADDRESS = 128;

/** Receives datagrams until it is closed. */
export class UnixDatagramSocket {
  readonly #path: string;
  readonly #fd: number;
  readonly #timer: NodeJS.Timeout;

  /**
   * @param receive is given each datagram (bytes, latin1) and a function that answers its sender
   * @throws Error when the path cannot be bound
   */
  constructor(path: string, receive: (data: string, reply: (data: string) => void) => void) {
    this.#path = path;
    rmSync(path, { force: true });
    const linux = process.platform === 'linux';
    this.#fd = libc.socket(AF_UNIX, linux ? SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC : SOCK_DGRAM, 0);
    const address = socketAddress({ family: 'unix', address: path, port: 0, text: path });
    if (this.#fd < 0 || libc.bind(this.#fd, address, address.length) !== 0) {
      throw new Error(`cannot bind ${path}: ${libc.strerror(errno())}`);
    }
    const buffer = Buffer.alloc(LARGEST);
    const sender = Buffer.alloc(ADDRESS);
    const size = new Uint32Array(1);
    this.#timer = setInterval(() => {
      size[0] = ADDRESS;
      const length = libc.recvfrom(this.#fd, buffer, LARGEST, 0, sender, size);
      if (length < 0) return;
      const to = Buffer.from(sender.subarray(0, size[0]));
      receive(buffer.toString('latin1', 0, length), (data) => {
        const bytes = Buffer.from(data, 'latin1');
        libc.sendto(this.#fd, bytes, bytes.length, 0, to, to.length);
      });
    }, POLL);
  }

  close(): void {
    clearInterval(this.#timer);
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }
}
