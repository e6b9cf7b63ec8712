/**
 * Logging to a syslog server: one datagram a line (RFC 3164), over UDP or a unix socket such as /dev/log.
 *
 * The socket is made with the C library's calls: Node has no unix datagram sockets, and its UDP sockets send later,
 * when the process may be gone. Nothing ever waits: what the kernel does not take at once is lost, as with nginx.
 *
 * nginx: ngx_syslog_writer, ngx_syslog_send (src/core/ngx_syslog.c).
 */
import { closeSync } from 'node:fs';
import { hostname } from 'node:os';
import type { SyslogTarget } from '../conf/modules/syslog.ts';
import { addressFamily, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, socketAddress } from '../net/sockaddr.ts';
import { errno, libc } from '../shm/libc.ts';
import { errnoName, errnoSuffix } from './errno.ts';
import type { LogWriter } from './error-log.ts';
import { LOG_ALERT, type Log } from './log.ts';
import { syslogTime } from './time.ts';

const linux = process.platform === 'linux';
const MSG_DONTWAIT = linux ? 0x40 : 0x80;
const MSG_NOSIGNAL = linux ? 0x4000 : 0x80000;
/** Longest message without the header, in bytes. nginx: NGX_SYSLOG_MAX_STR. */
const MAX_MESSAGE = 4096;

let ownName: string | undefined;

/** Sends lines to one server. The socket is opened by the first line, and again after a failure. */
export class SyslogWriter implements LogWriter {
  readonly target: SyslogTarget;
  readonly #errors: () => Log;
  #fd = -1;
  /** A line about a failure must not be sent to the server that failed. */
  #busy = false;

  /** @param errors gives the log that failures are reported to; it may be the log that this writer belongs to */
  constructor(target: SyslogTarget, errors: () => Log) {
    this.target = target;
    this.#errors = errors;
  }

  /** A line of an error log: its level is the severity. */
  write(level: number, line: string): void {
    this.send(line.endsWith('\n') ? line.slice(0, -1) : line, level - 1);
  }

  /** Any text, by default with the severity of the configuration. */
  send(text: string, severity: number = this.target.severity): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (this.#fd === -1 && !this.#open()) return;
      const { facility, tag, nohostname } = this.target;
      ownName ??= hostname().toLowerCase();
      const host = nohostname ? '' : `${ownName} `;
      const head = `<${facility * 8 + severity}>${syslogTime()} ${host}${tag}: `;
      const bytes = Buffer.from(head + text.slice(0, MAX_MESSAGE), 'latin1');
      if (libc.send(this.#fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        const code = errnoName(errno()) ?? 'EIO';
        if (code === 'EAGAIN') return;
        this.#failed('send()', code);
        this.close();
      }
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    if (this.#fd === -1) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  #open(): boolean {
    const { address } = this.target;
    const type = linux ? SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC : SOCK_DGRAM;
    const fd = libc.socket(addressFamily(address), type, 0);
    if (fd < 0) {
      this.#failed('socket()', errnoName(errno()) ?? 'EIO');
      return false;
    }
    const bytes = socketAddress(address);
    if (libc.connect(fd, bytes, bytes.length) !== 0) {
      const code = errnoName(errno()) ?? 'EIO';
      closeSync(fd);
      this.#failed('connect()', code);
      return false;
    }
    this.#fd = fd;
    return true;
  }

  #failed(call: string, code: string): void {
    const where = `while logging to syslog, server: ${this.target.server}`;
    this.#errors().write(LOG_ALERT, `${call} failed${errnoSuffix(code)} ${where}`);
  }
}
