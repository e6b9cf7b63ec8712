/**
 * The servers that a block asks for: `tcp_listen`, `udp_listen`. Each takes one client, reads what it is sent, and
 * answers. Test::Nginx::Socket(3): tcp_listen, tcp_reply, udp_listen, udp_reply.
 */
import { createSocket } from 'node:dgram';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Block } from './block.ts';
import { matches } from './pattern.ts';
import type { Interpreter } from './perl/interpreter.ts';
import { PerlArray, PerlCode, PerlRegex, text, type Value } from './perl/values.ts';
import type { Results } from './results.ts';
import { parseTime } from './settings.ts';
import { UnixDatagramSocket } from './unix-datagram.ts';

/** Milliseconds that `tcp_query_auto_timeout` waits for more when it names no time. */
const AUTO_TIMEOUT = 100;

/** Servers for one round of a block. */
export class Mocks {
  readonly #tcp: TcpMock | undefined;
  readonly #udp: UdpMock | undefined;

  private constructor(tcp: TcpMock | undefined, udp: UdpMock | undefined) {
    this.#tcp = tcp;
    this.#udp = udp;
  }

  /** Starts those that the block has sections for. */
  static async start(block: Block, perl: Interpreter, expand: (text: string) => string): Promise<Mocks> {
    const tcp = block.has('tcp_listen') ? new TcpMock(block, perl) : undefined;
    const udp = block.has('udp_listen') ? new UdpMock(block, perl) : undefined;
    await tcp?.listen(expand(text(block.get('tcp_listen'))).trim());
    await udp?.listen(expand(text(block.get('udp_listen'))).trim());
    return new Mocks(tcp, udp);
  }

  /** Checks what they were sent. */
  check(block: Block, name: string, results: Results): void {
    const compare = (section: string, found: string, what: string): void => {
      if (!block.has(section)) return;
      const expected = block.get(section);
      const good = expected instanceof PerlRegex ? matches(expected.regex, found) : found === text(expected);
      results.ok(
        good,
        `${name} - ${what}`,
        `         got: ${JSON.stringify(found)}\n    expected: ${expected instanceof PerlRegex ? 'like ' : ''}${JSON.stringify(text(expected))}`,
      );
    };
    if (this.#tcp !== undefined) {
      compare('tcp_query', this.#tcp.received, 'tcp_query ok');
      compare('tcp_query_len', String(this.#tcp.received.length), 'TCP query length ok');
    }
    if (this.#udp !== undefined) compare('udp_query', this.#udp.received, 'udp_query ok');
  }

  stop(): void {
    this.#tcp?.stop();
    this.#udp?.stop();
  }
}

/** The texts to send for a `*_reply` section. */
function repliesOf(reply: Value, query: string, perl: Interpreter): string[] {
  const value = reply instanceof PerlCode ? perl.call(reply, [query], 'scalar').at(-1) : reply;
  if (value instanceof PerlArray) return value.values.map(text);
  return value === undefined ? [] : [text(value)];
}

class TcpMock {
  received = '';
  readonly #block: Block;
  readonly #perl: Interpreter;
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  constructor(block: Block, perl: Interpreter) {
    this.#block = block;
    this.#perl = perl;
    if (!block.has('tcp_reply') && !block.has('tcp_shutdown')) {
      throw new Error('no --- tcp_reply specified but --- tcp_listen is specified');
    }
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.push(socket);
      socket.on('error', () => socket.destroy());
      // Others stay in the queue of a server that takes one.
      if (this.#sockets.length === 1) void this.#serve(socket);
    });
  }

  async listen(target: string): Promise<void> {
    if (!/^\d+$/.test(target) && !target.endsWith('.sock')) throw new Error(`bad tcp_listen target: ${target}`);
    if (target.endsWith('.sock')) rmSync(target, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      if (target.endsWith('.sock')) this.#server.listen(target, resolve);
      else this.#server.listen(Number(target), '127.0.0.1', resolve);
    });
  }

  async #serve(socket: Socket): Promise<void> {
    const block = this.#block;
    const time = (name: string): number => (block.has(name) ? parseTime(text(block.get(name))) * 1000 : 0);
    const how = block.has('tcp_shutdown') ? Number(text(block.get('tcp_shutdown'))) : undefined;
    if (how !== undefined) {
      await sleep(time('tcp_shutdown_delay'));
      if (how > 0) socket.end();
    }
    if (how === undefined || how === 1) await this.#read(socket);
    await sleep(time('tcp_reply_delay'));
    if (how === undefined || how === 0) {
      for (const reply of repliesOf(block.get('tcp_reply'), this.received, this.#perl)) socket.write(reply, 'latin1');
    }
    if (block.has('tcp_no_close')) return;
    socket.end(() => socket.destroySoon());
    this.#server.close();
  }

  /** Reads until enough has come: a first piece, `tcp_query_len` bytes, or until nothing more comes. */
  #read(socket: Socket): Promise<void> {
    const block = this.#block;
    const wanted = Number(block.text('tcp_query_len') ?? block.text('tcp_query')?.length ?? 0);
    const auto = block.text('tcp_query_auto_timeout');
    return new Promise((resolve) => {
      let limit: NodeJS.Timeout | undefined;
      const finish = (): void => {
        clearTimeout(limit);
        resolve();
      };
      const wait = (): void => {
        clearTimeout(limit);
        if (auto !== undefined) limit = setTimeout(finish, auto.trim() === '' ? AUTO_TIMEOUT : Number(auto) * 1000);
      };
      socket.on('data', (data: Buffer) => {
        this.received += data.toString('latin1');
        wait();
        if (auto === undefined && this.received.length >= wanted) finish();
      });
      socket.once('end', finish);
      socket.once('close', finish);
      wait();
    });
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

class UdpMock {
  received = '';
  readonly #block: Block;
  readonly #perl: Interpreter;
  #close: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  constructor(block: Block, perl: Interpreter) {
    this.#block = block;
    this.#perl = perl;
    if (!block.has('udp_reply')) throw new Error('no --- udp_reply specified but --- udp_listen is specified');
  }

  async listen(target: string): Promise<void> {
    if (target.endsWith('.sock')) {
      const socket = new UnixDatagramSocket(target, (data, reply) => this.#answer(data, reply));
      this.#close = () => socket.close();
      return;
    }
    if (!/^\d+$/.test(target)) throw new Error(`bad udp_listen target: ${target}`);
    const socket = createSocket('udp4');
    socket.on('message', (data, { address, port }) => {
      this.#answer(data.toString('latin1'), (reply) => socket.send(Buffer.from(reply, 'latin1'), port, address));
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(Number(target), '127.0.0.1', resolve);
    });
    this.#close = () => socket.close();
  }

  /** Answers the first datagram; others find nobody who reads them. */
  #answer(data: string, reply: (data: string) => void): void {
    if (this.#timer !== undefined) return;
    this.received = data;
    const delay = this.#block.has('udp_reply_delay') ? parseTime(text(this.#block.get('udp_reply_delay'))) * 1000 : 0;
    this.#timer = setTimeout(() => {
      for (const one of repliesOf(this.#block.get('udp_reply'), data, this.#perl)) reply(one);
    }, delay);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#close();
  }
}
