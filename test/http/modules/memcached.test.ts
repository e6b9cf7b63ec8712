// memcached_pass with a server of the test's own. Answers and log lines were compared with nginx's.
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

/** By key: what the server sends; with `close` it then goes away. */
const REPLIES: Readonly<Record<string, { send: string; close?: boolean }>> = {
  '/a.html': { send: 'VALUE /a.html 0 5\r\nhello\r\nEND\r\n' },
  '/gz': { send: 'VALUE /gz 3 4\r\nzip!\r\nEND\r\n' },
  '/empty': { send: 'VALUE /empty 0 0\r\n\r\nEND\r\n' },
  'a%2520b': { send: 'VALUE a%2520b 0 6\r\nspaced\r\nEND\r\n' },
  '/no-line': { send: 'VALUE /no-line 0 5\r\nhelloEND\r\n' },
  '/bad-end': { send: 'VALUE /bad-end 0 5\r\nhello\r\nENX\r\n' },
  '/other-key': { send: 'VALUE /x 0 5\r\nhello\r\nEND\r\n' },
  '/error': { send: 'ERROR\r\n' },
  '/length': { send: 'VALUE /length 0 x\r\n' },
  '/flags': { send: 'VALUE /flags x 5\r\nhello\r\nEND\r\n' },
  '/no-length': { send: 'VALUE /no-length 0\r\n' },
  '/newline': { send: 'END\n' },
  '/short': { send: 'VALUE /short 0 5\r\nhe', close: true },
  '/half-line': { send: 'VALUE /half', close: true },
  '/long': { send: 'x'.repeat(5000) },
};

let backend: Server;
const sockets = new Set<Socket>();
let server: TestServer;
let connections = 0;

before(async () => {
  backend = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const reply = REPLIES[data.toString('latin1').slice(4, -2)] ?? { send: 'END\r\n' };
      socket.write(reply.send);
      if (reply.close === true) setTimeout(() => socket.end(), 20);
    });
  });
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const { port } = backend.address() as { port: number };
  server = new TestServer(`
    access_log off;
    default_type text/plain; types { text/html html; }
    upstream kept { server 127.0.0.1:${port}; keepalive 2; }
    upstream next { server 127.0.0.2:9 max_fails=0; server 127.0.0.1:${port}; }
    server { listen 127.0.0.1:1;
      location / { set $memcached_key $uri; memcached_pass 127.0.0.1:${port}; memcached_gzip_flag 2;
        add_header X-Status $upstream_status always; }
      location /arg { set $memcached_key $arg_k; memcached_pass 127.0.0.1:${port}; }
      location /kept { set $memcached_key /a.html; memcached_pass kept; }
      location /next { set $memcached_key /a.html; memcached_pass next; }
      location /page { set $memcached_key /none; memcached_pass 127.0.0.1:${port}; error_page 404 = @page; }
      location @page { return 200 "page"; }
    }`);
});
after(() => {
  server.close();
  backend.close();
  // Among them those that are kept for further requests.
  for (const socket of sockets) socket.destroy();
});

describe('memcached', () => {
  it('a value', async () => {
    const answer = await server.get('/a.html');
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'hello');
    assert.equal(answer.headers['content-type'], 'text/html');
    assert.equal(answer.headers['content-length'], '5');
    assert.equal(answer.headers['accept-ranges'], 'bytes');
  });

  it('ranges, HEAD, empty values', async () => {
    assert.equal((await server.get('/a.html', ['Range: bytes=1-2'])).body, 'el');
    assert.equal((await server.get('/a.html', [], 'HEAD')).headers['content-length'], '5');
    assert.equal((await server.get('/empty')).headers['content-length'], '0');
  });

  it('gzip by the flags', async () => {
    assert.equal((await server.get('/gz')).headers['content-encoding'], 'gzip');
    assert.equal((await server.get('/a.html')).headers['content-encoding'], undefined);
  });

  it('escapes the key', async () => assert.equal(await server.body('/arg?k=a%20b'), 'spaced'));

  it('what is not there', async () => {
    const answer = await server.get('/none');
    assert.equal(answer.status, 404);
    assert.match(answer.body, /404 Not Found/);
    assert.equal(await server.body('/page'), 'page');
    assert.ok(server.log.some((line) => line.startsWith('key: "/none" was not found by memcached')));
  });

  it('other methods', async () => assert.equal((await server.get('/a.html', [], 'POST')).status, 405));

  it('the next server', async () => assert.equal(await server.body('/next'), 'hello'));

  it('connections are kept', async () => {
    await server.body('/kept');
    const before = connections;
    assert.equal(await server.body('/kept'), 'hello');
    assert.equal(connections, before);
  });

  const broken: readonly (readonly [string, number, string])[] = [
    ['/error', 502, 'memcached sent invalid response: "ERROR"'],
    ['/other-key', 502, 'memcached sent invalid key in response "VALUE /x 0 5" for key "/other-key"'],
    ['/length', 502, 'memcached sent invalid length in response "VALUE /length 0 x" for key "/length"'],
    ['/flags', 502, 'memcached sent invalid flags in response "VALUE /flags x 5" for key "/flags"'],
    ['/no-length', 502, 'memcached sent invalid response: "VALUE /no-length 0"'],
    ['/newline', 502, 'memcached sent invalid response: "END"'],
    ['/half-line', 502, 'upstream prematurely closed connection'],
    ['/long', 502, 'upstream sent too big header'],
    ['/no-line', 200, 'memcached sent invalid trailer'],
    ['/bad-end', 200, 'memcached sent invalid trailer'],
    ['/short', 200, 'upstream prematurely closed connection'],
    ['/arg', 500, 'the "$memcached_key" variable is not set'],
  ];
  for (const [uri, status, message] of broken) {
    it(`${uri}: ${message}`, async () => {
      const from = server.log.length;
      assert.equal((await server.get(uri)).status, status);
      const lines = server.log.slice(from);
      assert.ok(
        lines.some((line) => line.startsWith(message)),
        lines.join('\n'),
      );
    });
  }

  it('refuses what it does not know', () => {
    assert.throws(() => loadHttp('server { location / { memcached_pass a:x; } }'), {
      message: /^invalid port in upstream "a:x" in /,
    });
    assert.throws(() => loadHttp('server { location / { memcached_next_upstream http_500; } }'), {
      message: /^invalid value "http_500" in /,
    });
  });
});
