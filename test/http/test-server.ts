/**
 * A server made of a configuration, in this process: for tests of modules by real requests. The configuration's
 * `%DIR%` is a folder of its own with the files given; it listens on 127.0.0.1:1, which stands for any free port.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Cycle } from '../../src/conf/cycle.ts';
import { loadCycle } from '../../src/conf/load.ts';
import { httpConf, httpCoreModule } from '../../src/http/block.ts';
import type { HttpCycle } from '../../src/http/cycle.ts';
import { httpModules } from '../../src/http/modules/index.ts';
import { LOG_INFO, LOG_WARN, type Log, type LogScope, logState } from '../../src/log/log.ts';
import { type Acceptor, startAccepting } from '../../src/net/accept.ts';
import { streamHandles } from '../../src/net/handles.ts';
import { openZones } from '../../src/process/zones.ts';

/** A response taken apart. */
export interface Answer {
  readonly status: number;
  /** First values, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** All of it. */
  readonly raw: string;
}

class Lines implements Log {
  readonly level = LOG_INFO;
  readonly lines: string[] = [];
  readonly levels: number[] = [];

  write(level: number, message: string, scope?: LogScope): void {
    if (level > this.level) return;
    this.lines.push(message + (scope?.describe() ?? ''));
    this.levels.push(level);
  }
}

const MODULES = [httpCoreModule(httpModules([]))];

/** Loads an http block without listening; throws ConfError as a start would. */
export function loadHttp(block: string, warnings: string[] = []): HttpCycle {
  const dir = mkdtempSync(join(tmpdir(), 'tsresty-http-'));
  try {
    writeFileSync(join(dir, 'nginx.conf'), Buffer.from(`events {}\nhttp {\n${block}\n}\n`, 'latin1'));
    return httpConf(load(dir, (message) => warnings.push(message))) as HttpCycle;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function load(dir: string, report: (message: string) => void): Cycle {
  return loadCycle({
    prefix: dir,
    confFile: 'nginx.conf',
    modules: MODULES,
    report: (_level, message) => report(message.replaceAll(dir, 'DIR')),
  });
}

export class TestServer {
  readonly dir: string;
  readonly http: HttpCycle;
  readonly port: number;
  /** What went to error.log so far. */
  readonly log: string[];
  /** The levels of these lines. */
  readonly levels: number[];
  readonly #acceptor: Acceptor;

  /** @param block what stands inside `http {}` */
  constructor(block: string, files: Readonly<Record<string, string>> = {}) {
    logState.useStderr = false;
    this.dir = mkdtempSync(join(tmpdir(), 'tsresty-http-'));
    const conf = `events {}\nhttp {\n${block}\n}\n`;
    for (const [path, text] of Object.entries({ 'logs/access.log': '', ...files, 'nginx.conf': conf })) {
      mkdirSync(dirname(join(this.dir, path)), { recursive: true });
      writeFileSync(join(this.dir, path), Buffer.from(text.replaceAll('%DIR%', this.dir), 'latin1'));
    }
    const lines = new Lines();
    this.log = lines.lines;
    this.levels = lines.levels;
    const cycle = load(this.dir, (message) => lines.write(LOG_WARN, message));
    cycle.log = lines;
    cycle.openFiles.openAll();
    openZones(cycle, undefined, false);
    for (const hook of cycle.hooks.initModule) hook('single');
    for (const hook of cycle.hooks.initProcess) hook({ id: 0, count: 1, kind: 'single' });
    this.http = httpConf(cycle) as HttpCycle;
    const listening = cycle.listening[0];
    const native = streamHandles();
    if (listening === undefined || native === undefined) throw new Error('nothing to listen on');
    const handle = new native.TCP(native.tcpKind.SERVER);
    handle.bind('127.0.0.1', 0);
    this.#acceptor = startAccepting(listening, handle, () => lines);
    const name: { port?: number } = {};
    handle.getsockname(name);
    this.port = name.port as number;
  }

  close(): void {
    this.#acceptor.close();
    this.http.cycle.openFiles.closeAll();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Sends bytes and gathers what comes until the server closes. */
  send(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1');
      let received = '';
      socket.setTimeout(5000, () => socket.destroy(new Error(`no end after: ${received}`)));
      socket.on('data', (data) => {
        received += data.toString('latin1');
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(received.replaceAll(this.dir, 'DIR')));
      socket.write(bytes, 'latin1');
    });
  }

  /** One request on a connection of its own. `headers` are whole lines. */
  async get(uri: string, headers: readonly string[] = [], method = 'GET', version = '1.1'): Promise<Answer> {
    const lines = headers.some((line) => /^host:/i.test(line)) ? headers : ['Host: localhost', ...headers];
    return parse(
      await this.send(`${method} ${uri} HTTP/${version}\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`),
    );
  }

  /** The body alone. */
  async body(uri: string, headers: readonly string[] = []): Promise<string> {
    return (await this.get(uri, headers)).body;
  }

  /** Lines of a file in the folder. */
  read(path: string): string {
    return readFileSync(join(this.dir, path), 'latin1').replaceAll(this.dir, 'DIR');
  }
}

function parse(raw: string): Answer {
  const end = raw.indexOf('\r\n\r\n');
  const [first = '', ...fields] = raw.slice(0, end).split('\r\n');
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    headers[field.slice(0, colon).toLowerCase()] ??= field.slice(colon + 2);
  }
  return { status: Number(first.split(' ')[1]), headers, body: raw.slice(end + 4), raw };
}
