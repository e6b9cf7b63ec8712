// srcache with a cache of the test's own behind proxy_pass. The module's own test suite was run as well.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, loadHttp, TestServer } from '../test-server.ts';

/** What is cached, by key. */
const cache = new Map<string, string>();
/** How often the backend was asked. */
let asked = 0;
let server: TestServer;
let cacheServer: Server;
let backend: Server;

function serveCache(request: IncomingMessage, response: ServerResponse): void {
  const key = decodeURIComponent((request.url as string).split('?')[1] as string);
  let text = '';
  request.setEncoding('latin1').on('data', (part) => {
    text += part;
  });
  request.on('end', () => {
    if (request.method === 'PUT') {
      cache.set(key, text);
      response.writeHead(201).end();
      return;
    }
    const found = cache.get(key);
    if (found === undefined) response.writeHead(404).end('none');
    else response.end(Buffer.from(found, 'latin1'));
  });
}

function serveBackend(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url as string, 'http://x');
  asked++;
  for (const [name, value] of url.searchParams) if (name !== 'status') response.setHeader(name, value);
  response.writeHead(Number(url.searchParams.get('status') ?? 200), {
    'Content-Length': `answer ${asked}`.length,
    'Set-Cookie': 'a=b',
    ETag: '"x"',
  });
  response.end(`answer ${asked}`);
}

const listen = (made: Server): Promise<void> => new Promise((resolve) => made.listen(0, '127.0.0.1', resolve));
const portOf = (made: Server): number => (made.address() as AddressInfo).port;

before(async () => {
  cacheServer = createServer(serveCache);
  backend = createServer(serveBackend);
  await listen(cacheServer);
  await listen(backend);
  const both = 'srcache_fetch GET /cache $uri; srcache_store PUT /cache $uri;';
  server = new TestServer(
    `
    access_log off;
    add_header X-Fetch $srcache_fetch_status always;
    add_header X-Store $srcache_store_status always;
    add_header X-Expire $srcache_expire always;
    server { listen 127.0.0.1:1;
      location /cache { internal; proxy_pass http://127.0.0.1:${portOf(cacheServer)}/?$args; }
      location /plain { ${both} proxy_pass http://127.0.0.1:${portOf(backend)}; }
      location /private { ${both} srcache_store_private on; srcache_store_no_cache on; srcache_store_no_store on;
        srcache_default_expire 7; proxy_pass http://127.0.0.1:${portOf(backend)}; }
      location /obeys { ${both} srcache_request_cache_control on; srcache_max_expire 10;
        proxy_pass http://127.0.0.1:${portOf(backend)}; }
      location /skip { ${both} srcache_fetch_skip $arg_nofetch; srcache_store_skip $arg_nostore;
        proxy_pass http://127.0.0.1:${portOf(backend)}; }
      location /headers { ${both} srcache_store_hide_header X-Secret; srcache_store_hide_header Content-Type;
        srcache_store_pass_header Set-Cookie; proxy_pass http://127.0.0.1:${portOf(backend)}; }
      location /small { ${both} srcache_store_max_size 30; srcache_header_buffer_size 40;
        proxy_pass http://127.0.0.1:${portOf(backend)}; }
      location /statuses { ${both} srcache_store_statuses 404 200; srcache_methods POST;
        proxy_pass http://127.0.0.1:${portOf(backend)}; }
      location /file { ${both} alias %DIR%/html/; }
      location /ranges { ${both} srcache_store_ranges on; alias %DIR%/html/; }
    }`,
    { 'html/a.txt': 'hello, world' },
  );
});
after(() => {
  server.close();
  for (const made of [cacheServer, backend]) {
    made.closeAllConnections();
    made.close();
  }
});
beforeEach(() => {
  cache.clear();
  asked = 0;
});

const statuses = ({ headers }: Answer): string => `${headers['x-fetch']} ${headers['x-store'] ?? ''}`;

describe('srcache', () => {
  it('stores an answer, then sends it', async () => {
    const first = await server.get('/plain?Content-Type=text/x;charset=koi8-r&X-Some=thing');
    assert.equal(statuses(first), 'MISS STORE');
    assert.equal(first.headers['x-expire'], '60');
    const stored = cache.get('/plain') as string;
    assert.match(stored, /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/x;charset=koi8-r\r\n/);
    assert.match(stored, /\r\nx-some: thing\r\n/i);
    assert.doesNotMatch(stored, /set-cookie|connection:/i);
    assert.match(stored, /\r\n\r\nanswer 1$/);
    const second = await server.get('/plain');
    assert.equal(statuses(second), 'HIT BYPASS');
    assert.equal(second.body, 'answer 1');
    assert.equal(second.headers['content-type'], 'text/x;charset=koi8-r');
    assert.equal(second.headers['x-some'], 'thing');
    assert.equal(second.headers['content-length'], '8');
    assert.equal(asked, 1);
  });

  it('the cached answer passes the filters: a conditional request, HEAD', async () => {
    await server.get('/plain');
    const same = await server.get('/plain', ['If-None-Match: "x"']);
    assert.equal(same.status, 304);
    const head = await server.get('/plain', [], 'HEAD');
    assert.equal(head.body, '');
    assert.equal(head.headers['content-length'], '8');
  });

  for (const control of ['private', 'no-store', 'no-cache', 'max-age=0', 'max-age=x', 'Max-Age=0, public']) {
    it(`does not store Cache-Control: ${control}`, async () => {
      const answer = await server.get(`/plain?Cache-Control=${encodeURIComponent(control)}`);
      assert.equal(statuses(answer), 'MISS BYPASS');
      assert.equal(cache.size, 0);
    });
  }

  it('does not store what has expired, nor what is compressed', async () => {
    assert.equal(statuses(await server.get('/plain?Expires=Thu,%2001%20Jan%201970%2000:00:01%20GMT')), 'MISS BYPASS');
    assert.equal(statuses(await server.get('/plain?Content-Encoding=gzip')), 'MISS BYPASS');
    assert.ok(server.log.some((line) => line.startsWith('srcache_store skipped due to response header "Content-Enc')));
  });

  it('$srcache_expire', async () => {
    assert.equal((await server.get('/plain?Cache-Control=max-age=100')).headers['x-expire'], '100');
    assert.equal((await server.get('/private?Cache-Control=private')).headers['x-expire'], '7');
    assert.equal((await server.get('/obeys?Cache-Control=max-age=100')).headers['x-expire'], '10');
  });

  it('obeys the client where it is told to', async () => {
    await server.get('/obeys');
    assert.equal(statuses(await server.get('/obeys', ['Cache-Control: no-cache'])), 'BYPASS STORE');
    assert.equal(await server.body('/obeys'), 'answer 2');
    assert.equal(
      statuses(await server.get('/obeys', ['Pragma: no-cache', 'Cache-Control: no-store'])),
      'BYPASS BYPASS',
    );
  });

  it('skips', async () => {
    assert.equal(statuses(await server.get('/skip?nofetch=1')), 'BYPASS STORE');
    assert.equal(statuses(await server.get('/skip?nofetch=0')), 'HIT BYPASS');
    cache.clear();
    assert.equal(statuses(await server.get('/skip?nostore=1')), 'MISS BYPASS');
    assert.equal(cache.size, 0);
  });

  it('fields that are stored', async () => {
    await server.get('/headers?X-Secret=1&Content-Type=text/x');
    const stored = cache.get('/headers') as string;
    assert.doesNotMatch(stored, /secret|content-type/i);
    assert.match(stored, /set-cookie: a=b\r\n/i);
  });

  it('limits', async () => {
    await server.get('/small');
    assert.equal(cache.size, 0);
    cache.set('/small', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(50)}\r\n\r\nbody`);
    assert.equal(await server.body('/small'), 'answer 2');
    assert.ok(server.log.some((line) => line.startsWith('srcache_fetch: header buffer overflown')));
  });

  it('statuses and methods', async () => {
    assert.equal(statuses(await server.get('/statuses?status=302')), 'MISS BYPASS');
    assert.equal(statuses(await server.get('/statuses?status=404')), 'MISS STORE');
    const answer = await server.get('/statuses', [], 'POST');
    assert.deepEqual([answer.status, answer.body], [404, 'answer 2']);
    assert.equal(statuses(await server.get('/plain', [], 'POST')), 'BYPASS BYPASS');
  });

  it('the body of a request is read before', async () => {
    cache.set('/statuses', 'HTTP/1.1 200 OK\r\n\r\ncached');
    const head = 'POST /statuses HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n';
    assert.match(await server.send(`${head}12345`), /\r\n\r\ncached$/);
    const socket = connect(server.port, '127.0.0.1');
    socket.write(head);
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    await sleep(30);
    socket.write('12345');
    await once(socket, 'close');
    assert.match(text, /\r\n\r\ncached$/);
  });

  const broken: readonly (readonly [string, RegExp])[] = [
    ['nonsense\r\n\r\nx', /^srcache_fetch: cache sent invalid status line/],
    ['HTTP/1.1 200 OK\r\n: x\r\n\r\nx', /^srcache_fetch: cache sent invalid header/],
    ['HTTP/1.1 200 OK\r\nA: b\r\n', /^srcache_fetch: cache sent truncated status line or headers/],
  ];
  for (const [text, message] of broken) {
    it(`goes on without the cache: ${message.source.slice(1)}`, async () => {
      cache.set('/plain', text);
      assert.equal(await server.body('/plain'), 'answer 1');
      assert.ok(server.log.some((line) => message.test(line)));
    });
  }

  it('files, and parts of them', async () => {
    const whole = await server.get('/file/a.txt');
    assert.equal(statuses(whole), 'MISS STORE');
    assert.match(cache.get('/file/a.txt') as string, /Last-Modified: .*X-SRCache-Allow-Ranges: 1\r\n.*hello, world$/s);
    const part = await server.get('/file/a.txt', ['Range: bytes=0-4']);
    assert.deepEqual([part.status, part.body, part.headers['x-fetch']], [206, 'hello', 'HIT']);
    cache.clear();
    assert.equal((await server.get('/file/a.txt', ['Range: bytes=0-4'])).body, 'hello');
    await sleep(20);
    assert.equal(cache.size, 0);
    assert.equal((await server.get('/ranges/a.txt', ['Range: bytes=0-4'])).body, 'hello');
    assert.match(cache.get('/ranges/a.txt') as string, /^HTTP\/1\.1 206 .*\r\n\r\nhello$/s);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['srcache_fetch FETCH /x;', /^srcache_fetch specifies bad HTTP method FETCH in /],
    ['srcache_store PUT /x; srcache_store PUT /y;', /^"srcache_store" directive is duplicate in /],
    ['srcache_store_statuses 2x;', /^status code "2x" is an invalid number in /],
    ['srcache_methods PATCH;', /^invalid value "PATCH" in /],
  ];
  for (const [directive, message] of wrong) {
    it(`refuses ${directive}`, () => assert.throws(() => loadHttp(directive), { message }));
  }
});
