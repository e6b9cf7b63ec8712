import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { HttpRequest } from '../../../src/http/request.ts';
import { Client, type Harness, say, startHarness } from './harness.ts';

const open: Harness[] = [];
function start(...args: Parameters<typeof startHarness>): Harness {
  const h = startHarness(...args);
  open.push(h);
  return h;
}
after(() => {
  for (const h of open) h.close();
});

const hello = (r: HttpRequest): number => say(r, 'hello');

test('a request and keep-alive', async () => {
  const h = start(hello);
  const c = new Client(h.port);
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const text = await c.until((x) => x.received.endsWith('hello'));
  assert.match(
    text,
    /^HTTP\/1\.1 200 OK\r\nServer: .*\r\nDate: .*\r\nContent-Type: text\/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello$/s,
  );
  c.received = '';
  c.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await c.until((x) => x.ended);
  assert.match(c.received, /Connection: close/);
  assert.deepEqual(h.statuses, [200, 200]);
  await c.close();
});

test('a head in many pieces', async () => {
  const h = start((r) =>
    say(r, `${r.uri} ${r.args} ${r.headersIn.list.get('x-a')} ${r.requestLength} ${JSON.stringify(r.rawHeader)}`),
  );
  const c = new Client(h.port);
  const request = '\r\nGET /%41?b HTTP/1.1\r\nHost: a\r\nX-A: some value\r\n\r\n';
  for (const ch of request) {
    c.send(ch);
    await new Promise((go) => setImmediate(go));
  }
  const text = await c.until((x) => x.received.includes('\r\n\r\n'));
  assert.ok(text.endsWith(`/A b some value ${request.length - 2} ${JSON.stringify(request.slice(2))}`), text);
  await c.close();
});

test('the same header again, and others', async () => {
  const h = start((r) => {
    const { list, server, port } = r.headersIn;
    const text = `${r.uri} ${list.names.map((n, i) => `${n}=${list.values[i]}`).join()} ${list.keys.join()} ${server}:${port} ${r.requestLength}`;
    list.set('Host', 'changed', 'host');
    return say(r, text);
  });
  const c = new Client(h.port);
  const ask = async (request: string, answer: string): Promise<void> => {
    c.received = '';
    c.send(request);
    await c.until((x) => x.received.endsWith(`\r\n\r\n${answer} ${request.length}`));
  };
  const same = 'Host: A:80\r\nX-Y: 1\r\n\r\n';
  const answer = 'Host=A:80,X-Y=1 host,x-y a:80';
  await ask(`GET /1 HTTP/1.1\r\n${same}`, `/1 ${answer}`);
  await ask(`GET /22 HTTP/1.1\r\n${same}`, `/22 ${answer}`);
  await ask('GET /3 HTTP/1.1\r\nHost: B\r\nX-Y: 1\r\n\r\n', '/3 Host=B,X-Y=1 host,x-y b:0');
  await ask(`GET /4 HTTP/1.1\r\n${same}`, `/4 ${answer}`);
  await ask(`GET http://c/5 HTTP/1.1\r\n${same}`, '/5 Host=A:80,X-Y=1 host,x-y c:0');
  c.received = '';
  c.send(`TRACE /6 HTTP/1.1\r\n${same}`);
  await c.until((x) => x.ended);
  assert.match(c.received, /^HTTP\/1\.1 405 /);
});

test('pipelined requests', async () => {
  const h = start((r) => say(r, r.uri));
  const c = new Client(h.port);
  c.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTT');
  await c.until((x) => x.received.endsWith('/2'));
  c.send('P/1.0\r\n\r\n');
  await c.until((x) => x.ended);
  assert.equal(c.received.match(/200 OK/g)?.length, 3);
  assert.ok(c.received.endsWith('/3'));
  await c.close();
});

test('requests that wait, pipelined', async () => {
  const h = start((r) => {
    r.count++;
    setTimeout(() => {
      const rc = say(r, r.uri);
      import('../../../src/http/finalize.ts').then((f) => {
        f.finalizeRequest(r, rc);
        f.runPostedRequests(r.connection);
      });
    }, 5);
    return -4;
  });
  const c = new Client(h.port);
  c.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await c.until((x) => x.received.endsWith('/2'));
  await c.close();
});

test('bodies', async () => {
  const h = start((r) => {
    const rc = r.connection.readBody(r, (rr) => {
      const body = rr.requestBody!;
      const text = `${body.received} ${body.file === undefined ? body.chunks.join('') : 'file'}`;
      const code = say(rr, text);
      import('../../../src/http/finalize.ts').then((f) => f.finalizeRequest(rr, code));
    });
    return rc >= 300 ? rc : -4;
  });
  const c = new Client(h.port);
  c.send('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab');
  c.send('cdeGET /');
  await c.until((x) => x.received.endsWith('5 abcde'));
  c.send('2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n');
  c.send('2\r\nde\r\n0\r\nTrailer: x\r\n\r\n');
  await c.until((x) => x.received.endsWith('keep-alive\r\n\r\n5 abcde') && x.received.length > 300);
  c.received = '';
  const big = 'x'.repeat(100000);
  c.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${big.length}\r\nExpect: 100-continue\r\n\r\n`);
  await c.until((x) => x.received === 'HTTP/1.1 100 Continue\r\n\r\n');
  c.send(big);
  await c.until((x) => x.received.endsWith('100000 file'));
  assert.ok(
    h.lines.some((l) => /^a client request body is buffered to a temporary file \/tmp\/\d{10}, client: 127/.test(l)),
    h.lines.join('\n'),
  );
  c.received = '';
  c.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ');
  await c.until((x) => x.ended);
  assert.match(c.received, /^HTTP\/1\.1 400 /);
  await c.close();
});

test('a large response with back-pressure', async () => {
  const big = 'y'.repeat(8_000_000);
  const h = start((r) => say(r, big));
  const c = new Client(h.port);
  c.socket.pause();
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((go) => setTimeout(go, 100));
  assert.equal(h.statuses.length, 0, 'not done while the client does not read');
  c.socket.resume();
  await c.until((x) => x.received.length > big.length);
  assert.equal(c.received.length - c.received.indexOf('\r\n\r\n') - 4, big.length);
  await c.until(() => h.statuses.length === 1);
  await c.close();
});

test('a client that leaves', async () => {
  const big = 'y'.repeat(8_000_000);
  const h = start((r) => say(r, big));
  const c = new Client(h.port);
  c.socket.pause();
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((go) => setTimeout(go, 50));
  c.socket.resetAndDestroy();
  await c.until(() => h.statuses.length === 1);
  assert.ok(
    h.lines.some((l) =>
      l.startsWith(
        'client prematurely closed connection, client: 127.0.0.1, server: test, request: "GET / HTTP/1.1", host: "a"',
      ),
    ),
    h.lines.join('\n'),
  );
});

test('timeouts', async () => {
  const h = start(hello, { server: { clientHeaderTimeout: 50 }, location: { keepaliveTimeout: 50 } });
  const silent = new Client(h.port);
  await silent.until((x) => x.ended);
  assert.equal(silent.received, '');
  const slow = new Client(h.port);
  slow.send('GET / HT');
  await slow.until((x) => x.ended);
  assert.equal(slow.received, '');
  const idle = new Client(h.port);
  idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await idle.until((x) => x.ended);
  assert.match(idle.received, /hello$/);
  assert.ok(
    h.lines.some((l) =>
      l.startsWith(
        'client timed out (110: Connection timed out) while waiting for request, client: 127.0.0.1, server: 127.0.0.1:0',
      ),
    ),
    h.lines.join('\n'),
  );
  assert.ok(
    h.lines.some((l) =>
      l.startsWith(
        'client timed out (110: Connection timed out) while reading client request line, client: 127.0.0.1, server: test, request: "GET / HT"',
      ),
    ),
    h.lines.join('\n'),
  );
  assert.deepEqual(h.statuses, [408, 200]);
});

test('limits of the head', async () => {
  const h = start(hello);
  const expect = async (text: string, status: RegExp, log: RegExp): Promise<void> => {
    const c = new Client(h.port);
    c.send(text);
    await c.until((x) => /\r\n\r\n/.test(x.received));
    assert.match(c.received, status);
    assert.ok(
      h.lines.some((l) => log.test(l)),
      h.lines.join('\n').slice(-2000),
    );
    h.lines.length = 0;
    await c.close();
  };
  await expect(
    `GET /${'a'.repeat(9000)} HTTP/1.1\r\n`,
    /^HTTP\/1\.1 414 /,
    /^client sent too long URI while reading client request line/,
  );
  await expect(
    `GET / HTTP/1.1\r\nX: ${'a'.repeat(9000)}`,
    /^HTTP\/1\.1 400 /,
    /^client sent too long header line: "X: a+\.\.\."/,
  );
  const lines = `X: ${'a'.repeat(5000)}\r\n`.repeat(8);
  await expect(`GET / HTTP/1.1\r\n${lines}`, /^HTTP\/1\.1 400 /, /^client sent too long header line: "X: a+/);
});

test('the worker leaves', async () => {
  const h = start(hello);
  const c = new Client(h.port);
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await c.until((x) => x.received.endsWith('hello'));
  const { closeIdleConnections } = await import('../../../src/http/protocol/idle.ts');
  closeIdleConnections(h.http);
  await c.until((x) => x.ended);
  await c.close();
});

test('idle connections make room', async () => {
  const h = start(hello);
  const idle: Client[] = [];
  for (let i = 0; i < 3; i++) {
    const c = new Client(h.port);
    c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await c.until((x) => x.received.endsWith('hello'));
    idle.push(c);
  }
  idle[0]!.send('GET / HT');
  await idle[1]!.until(() => h.statuses.length === 3);
  await new Promise((go) => setTimeout(go, 20));
  const { connections } = await import('../../../src/net/activity.ts');
  connections.makeRoom!();
  await idle[1]!.until((x) => x.ended);
  assert.ok(!idle[0]!.ended, 'reads a request');
  assert.ok(!idle[2]!.ended, 'used later');
  assert.ok(h.lines.some((l) => l.endsWith('worker_connections are not enough, reusing connections')));
  for (const c of idle) await c.close();
});

test('reset_timedout_connection', async () => {
  const h = start(
    (r) => {
      const rc = r.connection.readBody(r, () => {});
      return rc >= 300 ? rc : -4;
    },
    { location: { clientBodyTimeout: 30, resetTimedoutConnection: true } },
  );
  const c = new Client(h.port);
  let code = '';
  c.socket.on('error', (e: NodeJS.ErrnoException) => {
    code = e.code ?? '';
  });
  c.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab');
  await c.until((x) => x.ended);
  assert.equal(code, 'ECONNRESET');
  assert.deepEqual(h.statuses, [408]);
});
