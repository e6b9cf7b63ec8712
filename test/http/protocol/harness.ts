/**
 * Drives Http1Connection over real sockets with an engine of one content handler, without a configuration.
 */

import { once } from 'node:events';
import { connect, type Socket as NetSocket } from 'node:net';
import { memoryBuf } from '../../../src/http/buf.ts';
import type { CoreLocation, CoreServer, ListenGroup } from '../../../src/http/core/conf.ts';
import { coreModule } from '../../../src/http/core/module.ts';
import type { HttpCycle } from '../../../src/http/cycle.ts';
import { chunkedFilterModule } from '../../../src/http/filters/chunked.ts';
import { headerFilterModule } from '../../../src/http/filters/header.ts';
import { postponeFilterModule } from '../../../src/http/filters/postpone.ts';
import { writeFilterModule } from '../../../src/http/filters/write.ts';
import { finalizeRequest } from '../../../src/http/finalize.ts';
import { outputFilter, sendHeader } from '../../../src/http/output.ts';
import { acceptHttp } from '../../../src/http/protocol/server.ts';
import type { HttpRequest } from '../../../src/http/request.ts';
import type { Log, LogScope } from '../../../src/log/log.ts';
import { type Acceptor, startAccepting } from '../../../src/net/accept.ts';
import { streamHandles } from '../../../src/net/handles.ts';
import type { Listening } from '../../../src/net/listening.ts';

export interface Harness {
  readonly port: number;
  readonly http: HttpCycle;
  readonly location: CoreLocation;
  readonly server: CoreServer;
  /** Lines of the error log. */
  readonly lines: string[];
  /** Status of each request that was logged. */
  readonly statuses: number[];
  close(): void;
}

class Lines implements Log {
  readonly level = 8;
  readonly lines: string[] = [];
  write(_level: number, message: string, scope?: LogScope): void {
    this.lines.push(message + (scope?.describe() ?? ''));
  }
}

const literal = (text: string) => ({ literal: text, text, evaluate: () => text });

export function startHarness(
  handler: (r: HttpRequest) => number,
  options: { location?: Partial<CoreLocation>; server?: Partial<CoreServer> } = {},
): Harness {
  const log = new Lines();
  const modules = [coreModule, writeFilterModule, headerFilterModule, chunkedFilterModule, postponeFilterModule];
  modules.forEach((m, i) => {
    m.index = i;
  });
  const location = {
    name: '/',
    errorLog: log,
    root: literal('/nonexistent'),
    clientMaxBodySize: 1048576,
    clientBodyBufferSize: 16384,
    clientBodyTimeout: 60000,
    clientBodyTempPath: { path: '/tmp', levels: [] },
    clientBodyInFileOnly: 'off',
    sendfile: true,
    sendfileMaxChunk: 2097152,
    tcpNodelay: true,
    sendTimeout: 60000,
    postponeOutput: 1460,
    keepaliveTimeout: 65000,
    keepaliveMinTimeout: 0,
    keepaliveHeader: 0,
    keepaliveRequests: 1000,
    lingeringClose: 1,
    lingeringTime: 30000,
    lingeringTimeout: 5000,
    absoluteRedirect: true,
    chunkedTransferEncoding: true,
    serverTokens: 1,
    postAction: '',
    ...options.location,
  } as unknown as CoreLocation;
  const confs = { main: [{}] as unknown[], server: [] as unknown[], location: [location] as unknown[] };
  const server = {
    serverName: 'test',
    confs,
    clientHeaderTimeout: 60000,
    clientHeaderBufferSize: 1024,
    largeClientHeaderBuffers: { num: 4, size: 8192 },
    ignoreInvalidHeaders: true,
    mergeSlashes: true,
    underscoresInHeaders: false,
    maxHeaders: 1000,
    named: new Map(),
    ...options.server,
  } as unknown as CoreServer;
  confs.server.push(server);
  const statuses: number[] = [];
  const http = {
    cycle: { exiting: false, log },
    modules,
    confs,
    handlers: {
      log: [
        (r: HttpRequest) => {
          statuses.push(r.headersOut.status);
          return 0;
        },
      ],
    },
    phaseEngine: [
      {
        phase: 'content',
        checker: (r: HttpRequest) => {
          finalizeRequest(r, handler(r));
          return false;
        },
        handler: undefined,
        next: 0,
      },
    ],
    serverRewriteIndex: 0,
    locationRewriteIndex: 0,
    topHeaderFilter: undefined,
    topBodyFilter: undefined,
    indexed: [],
    variables: new Map(),
    prefixVariables: [],
  } as unknown as HttpCycle;
  for (const m of modules) m.postconfiguration?.(http, undefined as never);

  const group: ListenGroup = {
    where: { family: 'inet', address: '127.0.0.1', port: 0, text: '127.0.0.1:0' },
    ssl: false,
    http2: false,
    proxyProtocol: false,
    defaultServer: server,
    servers: [server],
    findServer: () => server,
    matchServer: () => undefined,
  };
  const listening: Listening = {
    kind: 'tcp',
    where: group.where,
    options: { backlog: 511, reuseport: false, ipv6only: true, deferred: false, bind: true },
    fds: [],
    accept: acceptHttp(http, group),
  };
  const native = streamHandles()!;
  const handle = new native.TCP(native.tcpKind.SERVER);
  handle.bind('127.0.0.1', 0);
  const acceptor: Acceptor = startAccepting(listening, handle, () => log);
  const name: { port?: number } = {};
  handle.getsockname(name);
  return { port: name.port!, http, location, server, lines: log.lines, statuses, close: () => acceptor.close() };
}

/** Answers with 200 and a text. */
export function say(r: HttpRequest, text: string): number {
  r.headersOut.status = 200;
  r.headersOut.contentType = 'text/plain';
  r.headersOut.contentLength = text.length;
  const rc = sendHeader(r);
  if (rc === -1 || rc > 0 || r.headerOnly) return rc;
  const b = memoryBuf(text);
  b.lastBuf = true;
  return outputFilter(r, [b]);
}

/** A client that sends bytes and gathers the answer. */
export class Client {
  readonly socket: NetSocket;
  received = '';
  ended = false;
  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (data) => {
      this.received += data.toString('latin1');
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('error', () => {
      this.ended = true;
    });
  }
  send(text: string): void {
    this.socket.write(text, 'latin1');
  }
  /** Waits until `test` holds, or fails after two seconds. */
  async until(test: (c: Client) => boolean): Promise<string> {
    const end = Date.now() + 2000;
    while (!test(this)) {
      if (Date.now() > end) throw new Error(`waited in vain; received: ${JSON.stringify(this.received)}`);
      await new Promise((go) => setTimeout(go, 2));
    }
    return this.received;
  }
  async close(): Promise<void> {
    if (this.socket.destroyed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }
}
