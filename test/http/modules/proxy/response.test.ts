import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { TestServer } from '../../test-server.ts';
import { Backend, type Step } from './backend.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const LENGTH2 = 'Content-Length: 2\r\n\r\nok';

/** What a backend sends, the status and body that the client gets, and what is logged. */
const cases: Readonly<Record<string, readonly [script: readonly Step[], status: number, body: string, log?: RegExp]>> =
  {
    simple: [[`${OK}${LENGTH2}`], 200, 'ok'],
    slow: [
      ['HT', 5, 'TP/1.', 5, '1 200', 5, ' OK\r', 5, '\nContent-Le', 5, 'ngth: 2\r\n\r', 5, '\no', 5, 'k'],
      200,
      'ok',
    ],
    untilClose: [[`${OK}\r\nhello`, 'CLOSE'], 200, 'hello'],
    version10: [['HTTP/1.0 200 OK\r\nX-B: 2\r\n\r\nhello', 'CLOSE'], 200, 'hello'],
    chunked: [
      [`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhe`, 5, 'llo\r', 5, '\n3;x=1\r\nabc\r\n0\r\nT: x\r\n\r', 5, '\n'],
      200,
      'helloabc',
    ],
    lineFeeds: [[`HTTP/1.1 200 OK\nX-Y:   ab   \n${LENGTH2.replaceAll('\r', '')}`], 200, 'ok'],
    secondStatusLine: [[`${OK}HTTP/1.1 200 again\r\n${LENGTH2}`], 200, 'ok'],
    noReason: [[`HTTP/1.1 200\r\n${LENGTH2}`], 200, 'ok'],
    oddName: [[`${OK}X(Y): 2\r\nNocolon\r\n${LENGTH2}`], 200, 'ok'],
    empty: [[`${OK}Content-Length: 0\r\n\r\n`], 200, ''],
    earlyHints: [[`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}${LENGTH2}`], 200, 'ok'],
    noContent: [['HTTP/1.1 204 No Content\r\n\r\n'], 204, ''],
    notFound: [[`HTTP/1.1 404 Not Here\r\n${LENGTH2}`], 404, 'ok'],
    tooMuch: [
      [`${OK}Content-Length: 2\r\n\r\nokmore`],
      200,
      'ok',
      /^upstream sent more data than specified in "Content-Length" header while reading upstream/,
    ],
    behindChunks: [
      [`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nmore`],
      200,
      'ok',
      /^upstream sent data after final chunk/,
    ],
    closed: [
      ['CLOSE'],
      502,
      '',
      /^upstream prematurely closed connection while reading response header from upstream, client: 127\.0\.0\.1, server: , request: "GET \/closed HTTP\/1\.1", upstream: "http:\/\/127\.0\.0\.1:\d+\/closed", host: "localhost"$/,
    ],
    closedInHeader: [
      [`${OK}Content-Le`, 'CLOSE'],
      502,
      '',
      /^upstream prematurely closed connection while reading response header/,
    ],
    reset: [
      [5, 'RESET'],
      502,
      '',
      /^recv\(\) failed \(104: Connection reset by peer\) while reading response header from upstream/,
    ],
    silent: [
      [1000],
      504,
      '',
      /^upstream timed out \(110: Connection timed out\) while reading response header from upstream/,
    ],
    tooBig: [
      [`${OK}X: ${'x'.repeat(5000)}\r\n\r\n`],
      502,
      '',
      /^upstream sent too big header while reading response header/,
    ],
    twoLengths: [
      [`${OK}Content-Length: 2\r\n${LENGTH2}`],
      502,
      '',
      /^upstream sent duplicate header line: "Content-Length: 2", previous value: "Content-Length: 2" while/,
    ],
    lengthAndChunks: [
      [`${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
      502,
      '',
      /^upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time/,
    ],
    chunksAndLength: [[`${OK}Transfer-Encoding: chunked\r\n${LENGTH2}`], 502, '', /headers at the same time/],
    badLength: [
      [`${OK}Content-Length: +2\r\n\r\nok`],
      502,
      '',
      /^upstream sent invalid "Content-Length" header: "Content-Length: \+2" while/,
    ],
    hugeLength: [
      [`${OK}Content-Length: 9223372036854775808\r\n\r\nok`],
      502,
      '',
      /^upstream sent invalid "Content-Length" header/,
    ],
    gzipChunked: [
      [`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
      502,
      '',
      /^upstream sent unknown "Transfer-Encoding": "gzip, chunked"/,
    ],
    spaceInName: [[`${OK}X Y: 2\r\n\r\nok`], 502, '', /^upstream sent invalid header: "X\\x20\.\.\." while/],
    emptyName: [[`${OK}: 2\r\n\r\nok`], 502, '', /^upstream sent invalid header: "\\x3a\.\.\."/],
    zero: [[`${OK}X-Y: a\0b\r\n\r\nok`], 502, '', /^upstream sent invalid header: "X-Y: a\\x00\.\.\."/],
    bareCr: [[`${OK}X-Y: a\rb\r\n\r\nok`], 502, '', /^upstream sent invalid header: "X-Y: a\\x0d\.\.\."/],
    cut: [
      [`${OK}Content-Length: 10\r\n\r\nhello`, 5, 'CLOSE'],
      200,
      'hello',
      /^upstream prematurely closed connection while reading upstream/,
    ],
    cutChunk: [
      [`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`, 5, 'CLOSE'],
      200,
      'hel',
      /^upstream prematurely closed connection while reading upstream/,
    ],
    stalled: [
      [`${OK}Content-Length: 10\r\n\r\nhello`, 1000],
      200,
      'hello',
      /^upstream timed out \(110: Connection timed out\) while reading upstream/,
    ],
  };

const scripts: Record<string, readonly Step[]> = {
  ...Object.fromEntries(Object.entries(cases).map(([name, [script]]) => [`/${name}`, script])),
  '/badChunk': [`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n`],
  '/fields': [
    `${OK}Server: theirs\r\nDate: yesterday\r\nX-A: 1\r\nX-Accel-Expires: 5\r\nConnection: x\r\nKeep-Alive: 5\r\n` +
      `ETag: "1"\r\nETag: "2"\r\nContent-Type: a/b; charset=utf-8\r\nVary: X\r\n${LENGTH2}`,
  ],
  '/location': [`HTTP/1.1 301 Moved Permanently\r\nLocation: http://backend/b/x\r\n${LENGTH2}`],
  '/relative': [`HTTP/1.1 301 Moved Permanently\r\nLocation: /b/x\r\n${LENGTH2}`],
  '/refresh': [`${OK}Refresh: 5; url=http://backend/b/x\r\n${LENGTH2}`],
  '/cookies': [
    `${OK}Set-Cookie: a=1; Domain=.example.com; Path=/b/x; Secure\r\nSet-Cookie: b=2; path=/other; domain=foo.com\r\n` +
      `Set-Cookie: nothing\r\n${LENGTH2}`,
  ],
  '/accel': [
    `${OK}X-Accel-Redirect: /internal?z=1\r\nSet-Cookie: a=1\r\nX-Other: 1\r\nContent-Type: x/y\r\n${LENGTH2}`,
  ],
  '/accel-named': [`${OK}X-Accel-Redirect: @named\r\n${LENGTH2}`],
  '/accel-unsafe': [`${OK}X-Accel-Redirect: /../x\r\n${LENGTH2}`],
  '/unauthorized': [`HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n${LENGTH2}`],
  '/ten': [`${OK}Accept-Ranges: bytes\r\nContent-Length: 10\r\n\r\n0123456789`],
  '/head': [`${OK}Content-Length: 10\r\n\r\n`],
  '/trailer': [`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n`],
  '/upgrade': ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhello', 20, ' from the tunnel', 'CLOSE'],
};

let backend: Backend;
let server: TestServer;
before(async () => {
  backend = await Backend.start(scripts);
  server = new TestServer(`upstream backend { server 127.0.0.1:${backend.port}; }
    proxy_read_timeout 100ms;
    server { listen 127.0.0.1:1;
      location / { proxy_pass http://backend; proxy_cookie_domain example.com new.org; proxy_cookie_domain ~foo.com$ re.x;
        proxy_cookie_path /b/ /n/; proxy_cookie_flags a nosecure samesite=lax; proxy_hide_header X-A; }
      location /unbuffered/ { proxy_pass http://backend/; proxy_buffering off; }
      location /shown/ { proxy_pass http://backend/; proxy_pass_header Server; proxy_ignore_headers X-Accel-Redirect; }
      location /redirect/ { proxy_pass http://backend/b/; proxy_redirect http://backend/b/ /n/; }
      location /default/ { proxy_pass http://backend/; }
      location /moved/ { proxy_pass http://backend/; proxy_redirect ~^(http)://backend/(.*)$ /$1/$2; }
      location /intercepted/ { proxy_pass http://backend/; proxy_intercept_errors on; error_page 404 401 = /page; }
      location /ranges { proxy_pass http://backend/ten; proxy_force_ranges on; }
      location /trailers { proxy_pass http://backend/trailer; proxy_pass_trailers on; }
      location = /page { return 200 "error page"; }
      location /internal { internal; echo "internal $args $upstream_http_x_other $upstream_status"; }
      location @named { echo "named $uri"; }
      location /around { proxy_pass http://backend/simple; echo_before_body before; echo_after_body after; }
    }`);
});
after(() => {
  server.close();
  backend.close();
});

/** The body without chunks. */
function bodyOf(raw: string): string {
  const end = raw.indexOf('\r\n\r\n') + 4;
  if (!/transfer-encoding: chunked/i.test(raw.slice(0, end))) return raw.slice(end);
  let body = '';
  for (let at = end; at < raw.length; ) {
    const line = raw.indexOf('\r\n', at);
    const size = Number.parseInt(raw.slice(at, line), 16);
    body += raw.slice(line + 2, line + 2 + size);
    at = line + 4 + size;
  }
  return body;
}

describe('responses of backends', { concurrency: false }, () => {
  for (const [name, [, status, body, log]] of Object.entries(cases)) {
    it(name, async () => {
      const lines = server.log.length;
      const answer = await server.get(`/${name}`);
      assert.equal(answer.status, status);
      if (status < 500) assert.equal(bodyOf(answer.raw), body);
      const logged = server.log.slice(lines);
      if (log === undefined) assert.deepEqual(logged, []);
      else assert.match(logged[0] ?? '', log);
    });
  }

  it('are the same without buffering', async () => {
    for (const name of ['simple', 'slow', 'chunked', 'untilClose', 'tooMuch', 'empty', 'noContent']) {
      const answer = await server.get(`/unbuffered/${name}`);
      assert.equal(bodyOf(answer.raw), (cases[name] as (typeof cases)[string])[2], name);
    }
  });

  it('without a header are passed on as they are', async () => {
    const raw = await Backend.start({ '/': ['garbage', 'CLOSE'] });
    const proxy = new TestServer(
      `server { listen 127.0.0.1:1; location / { proxy_pass http://127.0.0.1:${raw.port}; } }`,
    );
    assert.equal(await proxy.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n'), 'garbage');
    assert.match(proxy.log[0] as string, /^upstream sent no valid HTTP\/1\.0 header/);
    proxy.close();
    raw.close();
  });

  it('are cut off when their chunks are broken', async () => {
    const raw = await server.send('GET /badChunk HTTP/1.1\r\nHost: h\r\n\r\n');
    assert.doesNotMatch(raw, /\r\n0\r\n/);
    assert.match(server.log.at(-1) as string, /^upstream sent invalid chunked response while reading upstream/);
  });

  it('have no body for HEAD', async () => {
    const answer = await server.get('/head', [], 'HEAD');
    assert.equal(answer.headers['content-length'], '10');
    assert.equal(answer.body, '');
  });

  it('keep their fields but for those that are hidden', async () => {
    const { headers } = await server.get('/fields');
    assert.notEqual(headers['server'], 'theirs');
    assert.notEqual(headers['date'], 'yesterday');
    assert.equal(headers['x-a'], undefined);
    assert.equal(headers['x-accel-expires'], undefined);
    assert.equal(headers['keep-alive'], undefined);
    assert.equal(headers['etag'], '"1"');
    assert.equal(headers['content-type'], 'a/b; charset=utf-8');
    assert.match(
      server.log.at(-1) as string,
      /^upstream sent duplicate header line: "ETag: "2"", previous value: "ETag: "1"", ignored/,
    );
    const shown = await server.get('/shown/fields');
    assert.equal(shown.headers['server'], 'theirs');
    assert.equal((await server.get('/shown/simple')).headers['server'], undefined);
  });

  it('have their redirects rewritten', async () => {
    assert.equal((await server.get('/default/location')).headers['location'], 'http://localhost:1/default/b/x');
    assert.equal((await server.get('/moved/location')).headers['location'], 'http://localhost:1/http/b/x');
    assert.equal((await server.get('/moved/relative')).headers['location'], '/b/x');
    assert.equal((await server.get('/default/refresh')).headers['refresh'], '5; url=/default/b/x');
  });

  it('have their cookies rewritten', async () => {
    const { raw } = await server.get('/cookies');
    assert.match(raw, /Set-Cookie: a=1; Domain=\.new\.org; Path=\/n\/x; SameSite=Lax\r\n/);
    assert.match(raw, /Set-Cookie: b=2; path=\/other; domain=re\.x\r\n/);
    assert.match(raw, /Set-Cookie: nothing\r\n/);
  });

  it('may name another location', async () => {
    const { raw, headers } = await server.get('/accel');
    assert.equal(bodyOf(raw), 'internal z=1 1 200\n');
    assert.match(headers['set-cookie'] as string, /^a=1/);
    assert.equal(headers['content-type'], 'x/y');
    assert.equal(headers['x-other'], undefined);
    assert.equal(bodyOf((await server.get('/accel-named')).raw), 'named /accel-named\n');
    assert.equal((await server.get('/accel-unsafe')).status, 404);
    assert.equal((await server.get('/shown/accel')).body, 'ok');
  });

  it('may be replaced by error pages', async () => {
    assert.equal((await server.get('/intercepted/notFound')).body, 'error page');
    assert.equal((await server.get('/intercepted/unauthorized')).headers['www-authenticate'], 'Basic');
    assert.equal((await server.get('/intercepted/simple')).body, 'ok');
  });

  it('are cut into ranges by proxy_force_ranges', async () => {
    const part = await server.get('/ranges', ['Range: bytes=2-4']);
    assert.equal(part.status, 206);
    assert.equal(part.body, '234');
    assert.equal((await server.get('/ten', ['Range: bytes=2-4'])).body, '0123456789');
  });

  it('may have trailers', async () => {
    assert.match((await server.get('/trailers')).raw, /\r\n0\r\nX-T: 1\r\n\r\n$/);
    assert.doesNotMatch((await server.get('/trailer')).raw, /X-T/);
  });

  it('go through the filters', async () => {
    assert.equal(bodyOf((await server.get('/around')).raw), 'before\nokafter\n');
  });

  it('become tunnels by 101', async () => {
    const raw = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1');
      let text = '';
      socket.on('data', (data) => {
        text += data.toString('latin1');
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
      socket.write('GET /upgrade HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
    });
    assert.match(raw, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.match(raw, /Connection: upgrade\r\nUpgrade: x\r\n\r\nhello from the tunnel$/);
  });
});
