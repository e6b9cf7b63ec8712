import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Chain, fileBuf, flagBuf, memoryBuf } from '../../../src/http/buf.ts';
import { finalizeRequest, runPostedRequests } from '../../../src/http/finalize.ts';
import { outputFilter, sendHeader } from '../../../src/http/output.ts';
import type { HttpRequest } from '../../../src/http/request.ts';
import { Client, type Harness, startHarness } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsresty-write-'));
const bytes = randomBytes(6_000_000);
const file = { path: join(folder, 'file'), fd: -1 };
writeFileSync(file.path, bytes);
file.fd = openSync(file.path, 'r');

const open: Harness[] = [];
function start(...args: Parameters<typeof startHarness>): Harness {
  const h = startHarness(...args);
  open.push(h);
  return h;
}
after(() => {
  for (const h of open) h.close();
  closeSync(file.fd);
  rmSync(folder, { recursive: true });
});

/** A handler that sends these pieces, the last one ending the response. */
function send(make: () => Chain): (r: HttpRequest) => number {
  return (r) => {
    const chain = make();
    const last = flagBuf();
    last.lastBuf = true;
    chain.push(last);
    r.headersOut.status = 200;
    r.headersOut.contentLength = chain.reduce((n, b) => n + (b.data?.length ?? b.fileLast - b.filePos), 0);
    const rc = sendHeader(r);
    return rc === -1 ? rc : outputFilter(r, chain);
  };
}

async function body(h: Harness, size: number, beforeReading?: (c: Client) => Promise<void>): Promise<Buffer> {
  const c = new Client(h.port);
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  if (beforeReading !== undefined) await beforeReading(c);
  await c.until((x) => {
    const at = x.received.indexOf('\r\n\r\n');
    return at >= 0 && x.received.length - at - 4 >= size;
  });
  await c.until(() => h.statuses.length === 1);
  await c.close();
  return Buffer.from(c.received.slice(c.received.indexOf('\r\n\r\n') + 4), 'latin1');
}

const hash = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex');

for (const sendfile of [true, false]) {
  test(`a large file, sendfile ${sendfile}`, async () => {
    const h = start(
      send(() => [fileBuf(file, 0, bytes.length)]),
      { location: { sendfile } },
    );
    assert.equal(hash(await body(h, bytes.length)), hash(bytes));
  });

  test(`a large file to a slow client, sendfile ${sendfile}`, async () => {
    const h = start(
      send(() => [memoryBuf('head'), fileBuf(file, 1000, bytes.length), memoryBuf(Buffer.from('tail'))]),
      { location: { sendfile, sendfileMaxChunk: 1_000_000 } },
    );
    const got = await body(h, bytes.length - 1000 + 8, async (c) => {
      c.socket.pause();
      await new Promise((go) => setTimeout(go, 50));
      c.socket.resume();
    });
    assert.equal(hash(got), hash(Buffer.concat([Buffer.from('head'), bytes.subarray(1000), Buffer.from('tail')])));
  });
}

test('small pieces of all kinds, in order', async () => {
  const h = start(
    send(() => [
      memoryBuf('abc'),
      memoryBuf(Buffer.from('def')),
      fileBuf(file, 0, 10),
      memoryBuf(''),
      memoryBuf('\xe9'),
      fileBuf(file, 100, 100),
      fileBuf(file, 100, 103),
    ]),
  );
  const expected = Buffer.concat([
    Buffer.from('abcdef'),
    bytes.subarray(0, 10),
    Buffer.from([0xe9]),
    bytes.subarray(100, 103),
  ]);
  assert.equal(hash(await body(h, expected.length)), hash(expected));
});

test('a truncated file ends the connection', async () => {
  const h = start(send(() => [fileBuf(file, bytes.length - 10, bytes.length + 10)]));
  const c = new Client(h.port);
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await c.until((x) => x.ended);
  assert.ok(
    h.lines.some((l) => l.includes(`"${file.path}" was truncated at`)),
    h.lines.join('\n'),
  );
});

test('output is held back until it is worth sending', async () => {
  let r!: HttpRequest;
  const h = start((request) => {
    r = request;
    r.count++;
    r.headersOut.status = 200;
    r.headersOut.contentLength = 6;
    sendHeader(r);
    outputFilter(r, [memoryBuf('abc')]);
    return -4;
  });
  const c = new Client(h.port);
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await c.until(() => r !== undefined);
  await new Promise((go) => setTimeout(go, 20));
  assert.equal(c.received, '');
  const flush = flagBuf();
  flush.flush = true;
  assert.equal(outputFilter(r, [flush]), 0);
  await c.until((x) => x.received.endsWith('abc'));
  const last = memoryBuf('def');
  last.lastBuf = true;
  finalizeRequest(r, outputFilter(r, [last]));
  runPostedRequests(r.connection);
  await c.until((x) => x.received.endsWith('abcdef'));
  assert.deepEqual(h.statuses, [200]);
  await c.close();
});

test('limit_rate', async () => {
  const text = 'x'.repeat(90_000);
  const rate = { literal: '40k', text: '40k', evaluate: () => '40k' };
  const after = { literal: '10k', text: '10k', evaluate: () => '10k' };
  const h = start(
    send(() => [memoryBuf(text)]),
    { location: { limitRate: rate, limitRateAfter: after } },
  );
  const c = new Client(h.port);
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await c.until((x) => x.received.length > 0);
  // The first second's worth and what goes before; the rest waits.
  assert.ok(c.received.length <= 10_240 + 40_960, String(c.received.length));
  await c.until((x) => x.received.endsWith('x') && x.received.length - x.received.indexOf('\r\n\r\n') - 4 === 90_000);
  await c.close();
});
