// Both transports must behave the same, so each test runs over both: the portable one by asking for it before the
// modules are loaded, in a process of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer, Socket as NetSocket, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAccepting } from '../../src/net/accept.ts';
import { connections } from '../../src/net/activity.ts';
import { connectTcp } from '../../src/net/connect.ts';
import { streamHandles } from '../../src/net/handles.ts';
import type { Listening } from '../../src/net/listening.ts';
import type { AcceptedSocket, Socket } from '../../src/net/socket.ts';

const PORT = process.env['TSRESTY_TRANSPORT'] === 'portable' ? 21520 : 21500;
const raw = streamHandles() !== undefined;
const logged: string[] = [];
const log = () => ({ level: 8, write: (_: number, message: string) => void logged.push(message) });

/** Records what it is told, and lets a test wait for it. */
class Recorder {
  events: string[] = [];
  received = '';
  socket!: Socket;
  #wake: (() => void) | undefined;
  onData(buffer: Buffer, start: number, end: number) {
    this.received += buffer.toString('latin1', start, end);
    this.#wake?.();
  }
  onEnd = () => this.#event('end');
  onError = (code: string) => this.#event('error ' + code);
  onDrain = () => this.#event('drain');
  onClose = () => this.#event('close');
  onConnect = () => this.#event('connect');
  #event(name: string) {
    this.events.push(name);
    this.#wake?.();
  }
  async until(condition: () => boolean) {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

/** A listening socket made by node:net, from whose descriptor we accept. */
function listen(where: { port: number } | { path: string }, accept: (socket: AcceptedSocket) => void) {
  return new Promise<{ close(): void }>((resolve) => {
    const unix = 'path' in where;
    const listening = {
      kind: 'tcp',
      where: {
        family: unix ? 'unix' : 'inet',
        address: unix ? where.path : '127.0.0.1',
        port: unix ? 0 : where.port,
        text: unix ? `unix:${where.path}` : `127.0.0.1:${where.port}`,
      },
      options: { backlog: 511, reuseport: false, ipv6only: true, deferred: false, bind: false },
      fds: [],
      accept,
    } as Listening;
    if (raw) {
      const native = streamHandles()!;
      const handle = unix ? new native.Pipe(native.pipeKind.SERVER) : new native.TCP(native.tcpKind.SERVER);
      const status = unix
        ? (handle as InstanceType<typeof native.Pipe>).bind(where.path)
        : (handle as InstanceType<typeof native.TCP>).bind('127.0.0.1', where.port);
      assert.equal(status, 0);
      resolve(startAccepting(listening, handle, log));
    } else {
      // A process of its own holds the descriptor in production; a stopped server of this one does here.
      const server: Server = createServer();
      server.listen(unix ? { path: where.path } : { port: where.port, host: '127.0.0.1' }, () => {
        server.close();
        const direct = createServer({ allowHalfOpen: true, pauseOnConnect: true });
        direct.on('connection', async (connection) => {
          const { PortableSocket } = await import('../../src/net/portable.ts');
          const { beginConnection } = await import('../../src/net/activity.ts');
          const socket = new PortableSocket(connection, unix ? listening.where.text : undefined);
          socket.counted = true;
          beginConnection();
          accept(socket);
        });
        direct.listen(unix ? { path: where.path } : { port: where.port, host: '127.0.0.1' }, () => resolve(direct));
      });
    }
  });
}

function client(where: { port: number } | { path: string }): NetSocket {
  const socket = new NetSocket();
  socket.on('error', () => {});
  return 'path' in where ? socket.connect(where.path) : socket.connect(where.port, '127.0.0.1');
}

test('bytes both ways, addresses, end of stream and close', { timeout: 5000 }, async () => {
  const server = new Recorder();
  let socket!: AcceptedSocket;
  const listener = await listen({ port: PORT }, (s) => {
    socket = s;
    s.owner = server;
    s.resume();
  });
  const peer = client({ port: PORT });
  let got = '';
  peer.setEncoding('latin1').on('data', (text) => (got += text));
  peer.write(Buffer.from('hello \xff', 'latin1'));
  await server.until(() => server.received === 'hello \xff');
  assert.equal(socket.remoteAddress, '127.0.0.1');
  assert.equal(socket.remotePort, peer.localPort);
  assert.equal(socket.localAddress, '127.0.0.1');
  assert.equal(socket.localPort, PORT);
  assert.equal(connections.open, 1);
  if (raw) assert.equal(socket.write('one \xfe '), true);
  else socket.write('one \xfe ');
  socket.write(Buffer.from('two '));
  socket.writev(['three ', Buffer.from('four '), 'five']);
  socket.writev([' six', ' seven']);
  while (got !== 'one \xfe two three four five six seven') await sleep(1);
  peer.end();
  await server.until(() => server.events.includes('end'));
  socket.end();
  await server.until(() => server.events.includes('close'));
  assert.deepEqual(
    server.events.filter((e) => e !== 'drain'),
    ['end', 'close'],
  );
  assert.equal(connections.open, 0);
  assert.equal(socket.write('late'), false);
  listener.close();
});

test('a slow reader: writes wait, in order, and drain; end() waits for them', { timeout: 10_000 }, async () => {
  const server = new Recorder();
  let socket!: AcceptedSocket;
  const listener = await listen({ port: PORT + 1 }, (s) => {
    socket = s;
    s.owner = server;
    s.resume();
  });
  const peer = client({ port: PORT + 1 });
  peer.pause();
  peer.write('x');
  await server.until(() => server.received === 'x');
  const size = 16 << 20;
  const big = Buffer.alloc(size, 0x61);
  assert.equal(socket.write(big), false);
  assert.ok(socket.pendingBytes > 0);
  assert.equal(socket.write('middle'), false);
  assert.equal(socket.writev([Buffer.from('b'), 'c']), false);
  let length = 0;
  let tail = '';
  peer.on('data', (bytes: Buffer) => {
    length += bytes.length;
    tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - 8))).slice(-8);
  });
  peer.resume();
  await server.until(() => server.events.includes('drain'));
  assert.equal(socket.pendingBytes, 0);
  socket.write(big);
  socket.write('the end.');
  socket.end();
  await server.until(() => server.events.includes('close'));
  while (length < 2 * size + 16) await sleep(1);
  assert.equal(tail, 'the end.');
  listener.close();
});

test('pause and resume', { timeout: 5000 }, async () => {
  const server = new Recorder();
  let socket!: AcceptedSocket;
  const listener = await listen({ port: PORT + 2 }, (s) => {
    socket = s;
    s.owner = server;
    s.resume();
  });
  const peer = client({ port: PORT + 2 });
  peer.write('a');
  await server.until(() => server.received === 'a');
  socket.pause();
  peer.write('b');
  await sleep(30);
  assert.equal(server.received, 'a');
  socket.resume();
  await server.until(() => server.received === 'ab');
  peer.destroy();
  await server.until(() => server.events.includes('end'));
  socket.destroy();
  await server.until(() => server.events.includes('close'));
  listener.close();
});

test('a reset by the peer is an error, then closed', { timeout: 5000 }, async () => {
  const server = new Recorder();
  const listener = await listen({ port: PORT + 3 }, (s) => {
    s.owner = server;
    s.resume();
  });
  const peer = client({ port: PORT + 3 });
  peer.write('a');
  await server.until(() => server.received === 'a');
  peer.resetAndDestroy();
  await server.until(() => server.events.includes('close'));
  assert.deepEqual(server.events, ['error ECONNRESET', 'close']);
  listener.close();
});

test('a reset by us reaches the peer', { timeout: 5000 }, async () => {
  const listener = await listen({ port: PORT + 4 }, (s) => {
    s.owner = new Recorder();
    s.destroy(true);
  });
  const peer = new NetSocket();
  const code = await new Promise((resolve) => {
    peer.on('error', (e: NodeJS.ErrnoException) => resolve(e.code));
    peer.on('end', () => resolve('end'));
    peer.connect(PORT + 4, '127.0.0.1');
    peer.resume();
  });
  assert.equal(code, 'ECONNRESET');
  listener.close();
});

test('half close', { timeout: 5000 }, async () => {
  const server = new Recorder();
  let socket!: AcceptedSocket;
  const listener = await listen({ port: PORT + 5 }, (s) => {
    socket = s;
    s.owner = server;
    s.resume();
  });
  const peer = new NetSocket({ allowHalfOpen: true });
  peer.connect(PORT + 5, '127.0.0.1');
  peer.write('a');
  await server.until(() => server.received === 'a');
  socket.write('bye');
  socket.shutdown();
  await new Promise((resolve) => peer.resume().on('end', resolve));
  peer.end('still here');
  await server.until(() => server.events.includes('end'));
  assert.equal(server.received, 'astill here');
  socket.end();
  await server.until(() => server.events.includes('close'));
  listener.close();
});

test('unix sockets', { timeout: 5000 }, async () => {
  const path = join(tmpdir(), `process-transport-${process.pid}.sock`);
  const server = new Recorder();
  let socket!: AcceptedSocket;
  const listener = await listen({ path }, (s) => {
    socket = s;
    s.owner = server;
    s.resume();
  });
  const out = new Recorder();
  const ours = connectTcp({ path }, out);
  await out.until(() => out.events.includes('connect'));
  ours.resume();
  ours.write('hi');
  await server.until(() => server.received === 'hi');
  assert.equal(socket.remoteAddress, 'unix:');
  assert.equal(socket.localAddress, `unix:${path}`);
  socket.write('there');
  await out.until(() => out.received === 'there');
  ours.destroy();
  await server.until(() => server.events.includes('end'));
  socket.destroy();
  await server.until(() => server.events.includes('close'));
  listener.close();
  rmSync(path, { force: true });
});

test('connecting out: success with a bound address, refusal, a missing unix socket', { timeout: 5000 }, async () => {
  const server = new Recorder();
  let remote = '';
  const listener = await listen({ port: PORT + 6 }, (s) => {
    remote = s.remoteAddress;
    s.owner = server;
    s.resume();
  });
  const out = new Recorder();
  const bind = { address: '127.0.0.9', port: 0 };
  const socket = connectTcp({ address: '127.0.0.1', port: PORT + 6, bind }, out);
  assert.deepEqual(out.events, []);
  await out.until(() => out.events.includes('connect'));
  socket.write('x');
  await server.until(() => server.received === 'x');
  assert.equal(remote, '127.0.0.9');
  socket.destroy();
  await server.until(() => server.events.includes('end'));
  server.socket?.destroy();

  const refused = new Recorder();
  connectTcp({ address: '127.0.0.1', port: PORT + 7 }, refused);
  await refused.until(() => refused.events.includes('close'));
  assert.deepEqual(refused.events, ['error ECONNREFUSED', 'close']);

  const missing = new Recorder();
  connectTcp({ path: '/nonexistent/socket' }, missing);
  assert.deepEqual(missing.events, []);
  await missing.until(() => missing.events.includes('close'));
  assert.deepEqual(missing.events, ['error ENOENT', 'close']);
  listener.close();
});

test('worker_connections', { timeout: 5000, skip: !raw }, async () => {
  const open: AcceptedSocket[] = [];
  const listener = await listen({ port: PORT + 8 }, (s) => {
    s.owner = new Recorder();
    open.push(s);
  });
  connections.limit = connections.open + 1;
  logged.length = 0;
  const first = client({ port: PORT + 8 });
  await new Promise((resolve) => first.on('connect', resolve));
  const second = client({ port: PORT + 8 });
  await new Promise((resolve) => second.resume().on('close', resolve));
  assert.equal(open.length, 1);
  assert.deepEqual(logged, [`${connections.limit} worker_connections are not enough`]);
  connections.limit = Number.POSITIVE_INFINITY;
  first.destroy();
  open[0]!.destroy();
  listener.close();
});

if (raw && process.env['TSRESTY_TRANSPORT'] !== 'portable') {
  test('the portable transport passes the same tests', { timeout: 20_000 }, () => {
    const env: NodeJS.ProcessEnv = { ...process.env, TSRESTY_TRANSPORT: 'portable' };
    delete env['NODE_TEST_CONTEXT'];
    const run = spawnSync(process.execPath, ['--import', 'tsx', '--test', import.meta.filename], {
      env,
      encoding: 'utf8',
    });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.match(run.stdout, /pass [5-9]/);
  });
}

after(() => {
  // Sockets that a failed test left behind must not keep the runner waiting.
  setTimeout(() => process.exit(), 500).unref();
});
