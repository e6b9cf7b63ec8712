// redis2_pass with a server of the test's own. The module's own test suite was run against a real Redis as well.
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ReplyScanner } from '../../../src/http/modules/redis2/reply.ts';
import { loadHttp, TestServer } from '../test-server.ts';

describe('replies', () => {
  const good: readonly (readonly [string, number])[] = [
    ['+OK\r\n', 1],
    ['-ERR no\r\n', 1],
    [':12\r\n', 1],
    ['$5\r\nhello\r\n', 1],
    ['$0\r\n\r\n', 1],
    ['$-1\r\n', 1],
    ['*-1\r\n', 1],
    ['*0\r\n', 1],
    ['*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n', 1],
    ['+a\nb\r\n$2\r\n\r\n\r\n*1\r\n+c\r\n', 3],
  ];
  for (const [text, count] of good) {
    it(JSON.stringify(text), () => {
      const whole = new ReplyScanner(count);
      assert.equal(whole.push(`${text}extra`), text.length);
      assert.equal(whole.left, 0);
      const bytes = new ReplyScanner(count);
      for (const byte of text) {
        assert.ok(bytes.left > 0);
        assert.equal(bytes.push(byte), 1);
      }
      assert.equal(bytes.left, 0);
    });
  }

  for (const text of ['x', '$x\r\n', '$3\r\nabcX\r\n', '*1\r\nx', '$1\r\na\rX']) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(new ReplyScanner(1).push(text), -1));
  }
});

describe('redis2', () => {
  let backend: Server;
  let server: TestServer;
  const sockets = new Set<Socket>();
  let got = '';
  let reply = '';
  let connections = 0;

  before(async () => {
    backend = createServer((socket) => {
      connections++;
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (data) => {
        got += data.toString('latin1');
        socket.write(reply, 'latin1');
      });
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as { port: number };
    server = new TestServer(`
      access_log off;
      upstream kept { server 127.0.0.1:${port}; keepalive 2; }
      server { listen 127.0.0.1:1; default_type text/plain;
        location /get { redis2_query get $arg_key; redis2_pass 127.0.0.1:${port}; }
        location /two { redis2_query set $arg_key "a b"; redis2_query get $arg_key; redis2_pass kept; }
        location /literal { redis2_literal_raw_query 'ping $x\\r\\n'; redis2_pass kept; }
        location /raw { redis2_raw_query "$arg_q\\r\\n"; redis2_pass $arg_backend; }
        location /several { redis2_raw_queries $arg_n "$arg_q\\r\\n"; redis2_pass kept; }
        location /none { redis2_pass kept; }
      }`);
  });
  after(() => {
    server.close();
    backend.close();
    for (const socket of sockets) socket.destroy();
  });

  async function ask(answer: string, uri: string): Promise<readonly [number, string]> {
    got = '';
    reply = answer;
    const raw = await server.send(`GET ${uri} HTTP/1.0\r\n\r\n`);
    return [Number(raw.slice(9, 12)), raw.slice(raw.indexOf('\r\n\r\n') + 4)];
  }

  it('queries', async () => {
    assert.deepEqual(await ask('$1\r\nv\r\n', '/get?key=k'), [200, '$1\r\nv\r\n']);
    assert.equal(got, '*2\r\n$3\r\nget\r\n$1\r\nk\r\n');
    assert.deepEqual(await ask('+OK\r\n$3\r\na b\r\n', '/two?key=k'), [200, '+OK\r\n$3\r\na b\r\n']);
    assert.equal(got, '*3\r\n$3\r\nset\r\n$1\r\nk\r\n$3\r\na b\r\n*2\r\n$3\r\nget\r\n$1\r\nk\r\n');
    assert.deepEqual(await ask('+PONG\r\n', '/literal'), [200, '+PONG\r\n']);
    assert.equal(got, 'ping $x\r\n');
    assert.deepEqual(await ask(':1\r\n', '/raw?q=x&backend=kept'), [200, ':1\r\n']);
    assert.deepEqual(await ask(':1\r\n:2\r\n', '/several?n=2&q=x'), [200, ':1\r\n:2\r\n']);
  });

  it('connections are kept, but not when there was more', async () => {
    await ask('+PONG\r\n', '/literal');
    const before = connections;
    await ask('+PONG\r\n+MORE\r\n', '/literal');
    assert.equal(connections, before);
    assert.ok(server.log.some((line) => line.startsWith('Redis server returned extra bytes: "+MORE\r\n" (len 7)')));
    await ask('+PONG\r\n', '/literal');
    assert.equal(connections, before + 1);
  });

  const refused: readonly (readonly [string, number, string, string?])[] = [
    ['/none', 500, 'no redis2 query specified or the query is empty'],
    ['/several?q=x', 500, 'the N argument to redis2_raw_queries is empty'],
    ['/several?n=x&q=x', 500, 'the N argument to redis2_raw_queries is invalid'],
    ['/raw?q=x&backend=nobody', 500, 'redis2: upstream "nobody" not found'],
    ['/raw?q=x', 500, 'handler: empty "redis2_pass" target'],
    ['/get?key=k', 502, 'redis2 sent invalid response: "HTTP"', 'HTTP'],
  ];
  for (const [uri, status, message, answer] of refused) {
    it(`${uri}: ${message}`, async () => {
      const from = server.log.length;
      assert.equal((await ask(answer ?? '', uri))[0], status);
      const lines = server.log.slice(from);
      assert.ok(
        lines.some((line) => line.startsWith(message)),
        lines.join('\n'),
      );
    });
  }

  it('refuses in the configuration', () => {
    const location = (text: string) => `server { location / { ${text} } }`;
    assert.throws(() => loadHttp(location('redis2_literal_raw_query a; redis2_query a;')), {
      message: /^"redis2_query" directive conflicts with redis2_literal_raw_query in /,
    });
    assert.throws(() => loadHttp(location('redis2_raw_query a; redis2_query a;')), {
      message: /^"redis2_query" directive conflicts with redis2_raw_query in /,
    });
  });
});
