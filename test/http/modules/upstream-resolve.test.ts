// `server ... resolve`, with a name server that answers what a test has put down.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestServer } from '../test-server.ts';

interface Srv {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** Addresses and services by name; a number is a response code. */
const names = new Map<string, readonly string[] | readonly Srv[] | number>();
const asked: string[] = [];

function encodeName(name: string): Buffer {
  return Buffer.from(
    `${name
      .split('.')
      .map((label) => String.fromCharCode(label.length) + label)
      .join('')}\0`,
    'latin1',
  );
}

function record(type: number, data: Buffer): Buffer {
  // The time to live is zero, but the resolver has `valid`.
  return Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]), data]);
}

function answer(query: Buffer): Buffer {
  const end = query.indexOf(0, 12);
  const labels: string[] = [];
  for (let i = 12; i < end; i += 1 + (query[i] as number)) {
    labels.push(query.toString('latin1', i + 1, i + 1 + (query[i] as number)));
  }
  const name = labels.join('.');
  asked.push(name);
  const entry = names.get(name) ?? 3;
  const records =
    typeof entry === 'number'
      ? []
      : entry.map((item) => {
          if (typeof item === 'string') return record(1, Buffer.from(item.split('.').map(Number)));
          const head = Buffer.alloc(6);
          head.writeUInt16BE(item.priority, 0);
          head.writeUInt16BE(item.weight, 2);
          head.writeUInt16BE(item.port, 4);
          return record(33, Buffer.concat([head, encodeName(item.target)]));
        });
  const head = Buffer.from(query.subarray(0, end + 5));
  head.writeUInt16BE(0x8180 | (typeof entry === 'number' ? entry : 0), 2);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, ...records]);
}

let udp: Socket;
let backend: Server;
let server: TestServer;
let port = 0;

before(async () => {
  udp = createSocket('udp4');
  udp.on('message', (query, from) => udp.send(answer(query), from.port, from.address));
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  // On all addresses of 127/8: which one was asked is the answer.
  backend = createServer((request, response) => {
    const slow = (request.url as string).includes('slow');
    setTimeout(() => response.end(request.socket.localAddress), slow ? 1800 : 0);
  });
  await new Promise<void>((resolve) => backend.listen(0, '0.0.0.0', resolve));
  port = (backend.address() as AddressInfo).port;
  names.set('a.test', ['127.0.0.2', '127.0.0.3']);
  names.set('_http._tcp.svc.test', [
    { priority: 10, weight: 3, port, target: 'one.test' },
    { priority: 10, weight: 1, port, target: 'two.test' },
    { priority: 20, weight: 1, port, target: 'three.test' },
    { priority: 20, weight: 1, port, target: 'lost.test' },
  ]);
  names.set('one.test', ['127.0.0.11']);
  names.set('two.test', ['127.0.0.12']);
  names.set('three.test', ['127.0.0.13']);
  server = new TestServer(`
    resolver 127.0.0.1:${udp.address().port} ipv6=off valid=1s;
    resolver_timeout 300ms;
    keepalive_timeout 1;
    upstream plain { zone z 64k; keepalive 0; server a.test:${port} resolve max_fails=0; }
    upstream mixed { zone z; keepalive 0; hash $arg_k consistent; server 127.0.0.9:${port}; server a.test:${port} resolve; }
    upstream service { zone z; keepalive 0; server svc.test service=http resolve max_fails=0; }
    upstream own { zone z; resolver 127.0.0.1:${udp.address().port} ipv6=off valid=1s; resolver_timeout 1s; keepalive 0;
      least_conn; server own.test:${port} resolve; server 127.0.0.8:${port} backup; }
    server { listen 127.0.0.1:1;
      location ~ ^/(\\w+) { proxy_pass http://$1; proxy_next_upstream off; }
    }`);
});
after(() => {
  for (const stop of server.http.cycle.hooks.drain) stop();
  server.close();
  backend.closeAllConnections();
  backend.close();
  udp.close();
});

/** Last numbers of the addresses that answer a number of requests. */
async function answers(uri: string, count: number): Promise<string> {
  const out: string[] = [];
  for (let i = 0; i < count; i++) out.push((await server.body(uri)).replace('127.0.0.', ''));
  return out.join(' ');
}

async function until(uri: string, count: number, pattern: RegExp): Promise<void> {
  let last = '';
  for (let i = 0; i < 300; i++) {
    last = await answers(uri, count);
    if (pattern.test(last)) return;
    await sleep(20);
  }
  assert.match(last, pattern);
}

describe('server with resolve', { timeout: 40_000 }, () => {
  it('has all addresses of its name', () => until('/plain', 4, /^(2 3 2 3|3 2 3 2)$/));

  it('follows changes; a request under way is not lost', async () => {
    const slow = server.body('/plain/slow');
    await sleep(50);
    names.set('a.test', ['127.0.0.4']);
    await until('/plain', 3, /^4 4 4$/);
    assert.match(await slow, /^127\.0\.0\.[23]$/);
    names.set('a.test', ['127.0.0.4', '127.0.0.5']);
    await until('/plain', 4, /^(4 5 4 5|5 4 5 4)$/);
  });

  it('keeps its addresses when the name server fails', async () => {
    names.set('a.test', 2);
    const before = asked.length;
    for (let i = 0; i < 300 && !server.log.some((line) => /^a\.test could not be resolved \(2: /.test(line)); i++) {
      await sleep(10);
    }
    assert.ok(asked.length > before);
    assert.match(await answers('/plain', 2), /^(4 5|5 4)$/);
  });

  it('has none when there is no such name any more', async () => {
    names.delete('a.test');
    await until('/plain', 1, /502 Bad Gateway/);
    assert.ok(server.log.some((line) => /^a\.test could not be resolved \(3: Host not found\)/.test(line)));
    assert.equal(await answers('/mixed', 3), '9 9 9');
  });

  it('methods see what has changed', async () => {
    names.set('a.test', ['127.0.0.6']);
    await until('/plain', 1, /^6$/);
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) seen.add(await answers(`/mixed?k=${i}`, 1));
    assert.deepEqual([...seen].sort(), ['6', '9']);
  });

  it('a service: weights by its records, the first priority', async () => {
    await until('/service', 8, /^(?=(.*11){6})(?=(.*12){2})/);
    const line = 'lost.test could not be resolved (3: Host not found) while resolving service http of svc.test';
    assert.ok(server.log.some((text) => text.startsWith(line)));
  });

  it('a service: other priorities stand in', async () => {
    names.set('_http._tcp.svc.test', [
      { priority: 1, weight: 0, port: 9, target: 'one.test' },
      { priority: 2, weight: 1, port, target: 'three.test' },
    ]);
    names.delete('two.test');
    // Port 9 of the first refuses; then there is only the one that stands in, on the next attempt.
    await until('/service', 1, /502/);
    names.set('_http._tcp.svc.test', [{ priority: 2, weight: 1, port, target: 'three.test' }]);
    await until('/service', 2, /^13 13$/);
  });

  it('a name that comes later', async () => {
    assert.equal(await answers('/own', 2), '8 8');
    names.set('own.test', ['127.0.0.21']);
    await until('/own', 2, /^21 21$/);
  });
});
