/**
 * One name server: a connected UDP socket, made when it is first needed, and TCP for answers too long for a datagram.
 * nginx: ngx_resolver_send_udp_query(), ngx_resolver_send_tcp_query().
 */
import type { Socket as Datagrams } from 'node:dgram';
import type { Socket as Stream } from 'node:net';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_ALERT, LOG_ERR, type Log } from '../../log/log.ts';
import { updateTime } from '../../log/time.ts';
import type { ListenAddress } from '../listening.ts';

/** Milliseconds after which a TCP connection without traffic is given up. */
const TCP_TIMEOUT = 5000;

export class NameServer {
  private readonly where: ListenAddress;
  private readonly log: Log;
  private readonly onMessage: (message: Buffer, tcp: boolean) => void;
  private udp: Datagrams | undefined = undefined;
  private tcp: Stream | undefined = undefined;
  private tcpInput: Buffer = Buffer.alloc(0);
  /** Messages that wait for the UDP socket to be connected. */
  private waiting: Buffer[] | undefined = undefined;

  constructor(where: ListenAddress, log: Log, onMessage: (message: Buffer, tcp: boolean) => void) {
    this.where = where;
    this.log = log;
    this.onMessage = onMessage;
  }

  /** Sends a query; a failure is logged, and the resolver asks again later. */
  send(query: Buffer): void {
    const udp = this.udp ?? this.openUdp();
    if (this.waiting !== undefined) this.waiting.push(query);
    else udp.send(query, (error) => this.sent(error));
  }

  private openUdp(): Datagrams {
    const { createSocket } = process.getBuiltinModule('node:dgram');
    const udp = createSocket(this.where.family === 'inet6' ? 'udp6' : 'udp4');
    this.udp = udp;
    this.waiting = [];
    udp.unref();
    udp.on('message', (message) => {
      updateTime();
      this.onMessage(message, false);
    });
    udp.on('error', (error) => {
      updateTime();
      this.complain(LOG_ERR, `recv() failed${errnoSuffix(error)}`);
      if (this.udp === udp) this.closeUdp();
    });
    udp.connect(this.where.port, this.where.address, () => {
      if (this.udp !== udp) return;
      const queries = this.waiting ?? [];
      this.waiting = undefined;
      for (const query of queries) udp.send(query, (error) => this.sent(error));
    });
    return udp;
  }

  private sent(error: Error | null): void {
    if (error === null || error === undefined) return;
    updateTime();
    const level = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? LOG_ERR : LOG_ALERT;
    this.complain(level, `send() failed${errnoSuffix(error)}`);
    this.closeUdp();
  }

  private complain(level: number, message: string): void {
    this.log.write(level, `${message} while resolving, resolver: ${this.where.text}`);
  }

  private closeUdp(): void {
    const { udp } = this;
    this.udp = undefined;
    this.waiting = undefined;
    udp?.close();
  }

  /** As send, over TCP. RFC 7766: each message has its length in front. */
  sendTcp(query: Buffer): void {
    const framed = Buffer.allocUnsafe(query.length + 2);
    framed.writeUInt16BE(query.length, 0);
    query.copy(framed, 2);
    (this.tcp ?? this.openTcp()).write(framed);
  }

  private openTcp(): Stream {
    const { connect } = process.getBuiltinModule('node:net');
    const tcp = connect({ host: this.where.address, port: this.where.port });
    this.tcp = tcp;
    this.tcpInput = Buffer.alloc(0);
    tcp.unref();
    tcp.setTimeout(TCP_TIMEOUT, () => tcp.destroy());
    tcp.on('data', (piece) => {
      updateTime();
      this.onTcpData(piece);
    });
    tcp.on('error', (error) => this.complain(LOG_ERR, `connect() or recv() failed${errnoSuffix(error)}`));
    tcp.on('close', () => {
      if (this.tcp === tcp) this.tcp = undefined;
    });
    return tcp;
  }

  private onTcpData(piece: Buffer): void {
    let input = Buffer.concat([this.tcpInput, piece]);
    while (input.length >= 2) {
      const size = input.readUInt16BE(0);
      if (input.length < 2 + size) break;
      this.onMessage(input.subarray(2, 2 + size), true);
      input = input.subarray(2 + size);
    }
    this.tcpInput = input;
  }

  close(): void {
    this.closeUdp();
    this.tcp?.destroy();
    this.tcp = undefined;
  }
}
