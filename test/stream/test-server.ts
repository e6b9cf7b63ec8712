/**
 * A stream server made of a configuration, in this process. It listens on 127.0.0.1:1, which stands for any free port.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cycle } from '../../src/conf/cycle.ts';
import { loadCycle } from '../../src/conf/load.ts';
import { LOG_INFO, type Log, type LogScope, logState } from '../../src/log/log.ts';
import { type Acceptor, startAccepting } from '../../src/net/accept.ts';
import { streamHandles } from '../../src/net/handles.ts';
import { streamConf, streamCoreModule } from '../../src/stream/block.ts';
import type { StreamCycle } from '../../src/stream/cycle.ts';
import type { StreamModule } from '../../src/stream/module.ts';
import { streamModules } from '../../src/stream/modules/index.ts';

class Lines implements Log {
  readonly level = LOG_INFO;
  readonly lines: string[] = [];

  write(level: number, message: string, scope?: LogScope): void {
    if (level <= this.level) this.lines.push(message + (scope?.describe() ?? ''));
  }
}

/** Loads a stream block; throws ConfError as a start would. */
export function loadStream(block: string, hosts: readonly StreamModule[] = []): StreamCycle {
  const dir = mkdtempSync(join(tmpdir(), 'tsresty-stream-'));
  try {
    writeFileSync(join(dir, 'nginx.conf'), `events {}\nstream {\n${block}\n}\n`);
    const cycle: Cycle = loadCycle({
      prefix: dir,
      confFile: 'nginx.conf',
      modules: [streamCoreModule(streamModules(hosts))],
      report: () => {},
    });
    return streamConf(cycle) as StreamCycle;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export class TestServer {
  readonly stream: StreamCycle;
  readonly port: number;
  /** What went to error.log so far. */
  readonly log: string[];
  readonly #acceptor: Acceptor;

  /** @param block what stands inside `stream {}`  @param hosts further modules */
  constructor(block: string, hosts: readonly StreamModule[] = []) {
    logState.useStderr = false;
    this.stream = loadStream(block, hosts);
    const lines = new Lines();
    this.stream.cycle.log = lines;
    this.log = lines.lines;
    const native = streamHandles();
    if (native === undefined) throw new Error('these tests need raw handles');
    const handle = new native.TCP(native.tcpKind.SERVER);
    handle.bind('127.0.0.1', 0);
    const [listening] = this.stream.cycle.listening;
    if (listening === undefined) throw new Error('nothing to listen on');
    this.#acceptor = startAccepting(listening, handle, () => lines);
    const name: { port?: number } = {};
    handle.getsockname(name);
    this.port = name.port as number;
  }

  close(): void {
    this.#acceptor.close();
    for (const session of [...this.stream.sessions]) session.abort();
  }

  /** Connects, sends the pieces, one an event, and gives all that comes back until the server closes. */
  converse(...pieces: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
      let data = '';
      let next = 0;
      const send = (): void => {
        const piece = pieces[next++];
        if (piece === undefined || socket.destroyed) return;
        socket.write(piece, 'latin1');
        setTimeout(send, 10);
      };
      socket.setEncoding('latin1');
      socket.on('connect', send);
      socket.on('data', (chunk: string) => {
        data += chunk;
      });
      socket.on('end', () => {
        socket.destroy();
        resolve(data);
      });
      socket.on('error', (e: NodeJS.ErrnoException) => {
        if (e.code === 'ECONNRESET' || e.code === 'EPIPE') resolve(data);
        else reject(e);
      });
    });
  }
}
