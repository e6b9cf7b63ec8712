import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import type { Log } from '../../src/log/log.ts';
import { type ResolveFailure, Resolver } from '../../src/net/resolver/resolver.ts';
import { inetAddress } from '../../src/net/url.ts';

/** What the test's name server knows: addresses, an alias, or a response code. */
const NAMES: Record<string, { a?: string[]; aaaa?: number[][]; cname?: string; code?: number; tcp?: boolean }> = {
  'one.test': { a: ['10.0.0.1'] },
  'two.test': { a: ['10.0.0.1', '10.0.0.2'] },
  'six.test': { aaaa: [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]] },
  'alias.test': { cname: 'one.test' },
  'broken.test': { code: 2 },
  'silent.test': {},
  'large.test': { a: ['10.0.0.9'], tcp: true },
};

let asked: string[] = [];
let udp: Socket;
let tcp: Server;
let port = 0;

function encodeName(name: string): Buffer {
  const parts = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([head, data]);
}

function reply(query: Buffer, overTcp: boolean): Buffer | undefined {
  let at = 12;
  const labels: string[] = [];
  while (query[at] !== 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] as number)));
    at += 1 + (query[at] as number);
  }
  const name = labels.join('.');
  const type = query.readUInt16BE(at + 1);
  asked.push(`${name}/${type}${overTcp ? '/tcp' : ''}`);
  const entry = NAMES[name];
  if (name === 'silent.test') return undefined;
  const records: Buffer[] = [];
  if (entry?.cname !== undefined) records.push(record(5, encodeName(entry.cname)));
  if (type === 1) for (const a of entry?.a ?? []) records.push(record(1, Buffer.from(a.split('.').map(Number))));
  if (type === 28) {
    for (const groups of entry?.aaaa ?? []) {
      const data = Buffer.alloc(16);
      groups.forEach((g, i) => {
        data.writeUInt16BE(g, i * 2);
      });
      records.push(record(28, data));
    }
  }
  const head = Buffer.from(query.subarray(0, at + 5));
  const cut = entry?.tcp === true && !overTcp;
  head.writeUInt16BE(0x8180 | (cut ? 0x200 : 0) | (entry === undefined ? 3 : (entry.code ?? 0)), 2);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, ...records]);
}

/** Binds both sockets to one port that is free in UDP and in TCP; the system chooses, and may choose a TCP port in use. */
async function listenOnBoth(): Promise<void> {
  for (let tries = 0; ; tries++) {
    udp = createSocket('udp4');
    udp.on('message', (query, from) => {
      const answer = reply(query, false);
      if (answer !== undefined) udp.send(answer, from.port, from.address);
    });
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    port = udp.address().port;
    tcp.listen(port, '127.0.0.1');
    try {
      await once(tcp, 'listening');
      return;
    } catch (e) {
      udp.close();
      if ((e as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries === 20) throw e;
    }
  }
}

before(async () => {
  tcp = createServer((c) => {
    c.on('data', (query) => {
      const answer = reply(query.subarray(2), true) as Buffer;
      c.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 255]), answer]));
    });
    c.on('error', () => {});
  });
  await listenOnBoth();
});

after(() => {
  udp.close();
  tcp.close();
});

const lines: string[] = [];
const log: Log = { level: 8, write: (_level, message) => void lines.push(message) };

function make(options: { ipv6?: boolean; valid?: number } = {}): Resolver {
  asked = [];
  const servers = [inetAddress('127.0.0.1', port)];
  return new Resolver({ servers, valid: options.valid, ipv4: true, ipv6: options.ipv6 ?? false }, log);
}

function resolve(resolver: Resolver, name: string, timeout = 4000): Promise<ResolveFailure | readonly string[]> {
  return new Promise((ok) => {
    const alive = setTimeout(() => {}, 10_000);
    resolver.resolve(name, timeout, (failure, addresses) => {
      clearTimeout(alive);
      ok(failure ?? addresses);
    });
  });
}

test('an address, then the kept answer', async () => {
  const resolver = make();
  assert.equal(resolver.lookup('one.test'), undefined);
  assert.deepEqual(await resolve(resolver, 'One.Test.'), ['10.0.0.1']);
  assert.deepEqual(resolver.lookup('one.test'), ['10.0.0.1']);
  assert.deepEqual(await resolve(resolver, 'one.test'), ['10.0.0.1']);
  assert.deepEqual(asked, ['one.test/1']);
  resolver.shutdown();
});

test('everybody who asks at once waits for one question', async () => {
  const resolver = make();
  const all = await Promise.all([resolve(resolver, 'two.test'), resolve(resolver, 'two.test')]);
  for (const addresses of all) assert.deepEqual([...(addresses as string[])].sort(), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(asked, ['two.test/1']);
  resolver.shutdown();
});

test('both families', async () => {
  const resolver = make({ ipv6: true });
  assert.deepEqual(await resolve(resolver, 'six.test'), ['2001:db8::1']);
  assert.deepEqual(asked.sort(), ['six.test/1', 'six.test/28']);
  resolver.shutdown();
});

test('an alias is followed', async () => {
  const resolver = make();
  assert.deepEqual(await resolve(resolver, 'alias.test'), ['10.0.0.1']);
  assert.deepEqual(asked, ['alias.test/1', 'one.test/1']);
  assert.deepEqual(resolver.lookup('alias.test'), ['10.0.0.1']);
  resolver.shutdown();
});

test('failures', async () => {
  const resolver = make();
  assert.deepEqual(await resolve(resolver, 'none.test'), { code: 3, text: '3: Host not found' });
  assert.deepEqual(await resolve(resolver, 'broken.test'), { code: 2, text: '2: Server failure' });
  assert.deepEqual(await resolve(resolver, 'a..b'), { code: 3, text: '3: Host not found' });
  assert.deepEqual(await resolve(resolver, 'silent.test', 50), { code: 110, text: '110: Operation timed out' });
  resolver.shutdown();
});

test('a cut off answer is asked for over TCP', async () => {
  const resolver = make();
  assert.deepEqual(await resolve(resolver, 'large.test'), ['10.0.0.9']);
  assert.deepEqual(asked, ['large.test/1', 'large.test/1/tcp']);
  resolver.shutdown();
});

test('valid= takes the place of the time to live', async () => {
  const resolver = make({ valid: 0 });
  await resolve(resolver, 'one.test');
  assert.equal(resolver.lookup('one.test'), undefined);
  resolver.shutdown();
});

test('numeric names are not asked for', () => {
  const resolver = make();
  assert.deepEqual(resolver.lookup('127.0.0.1'), ['127.0.0.1']);
  assert.deepEqual(asked, []);
  resolver.shutdown();
});
