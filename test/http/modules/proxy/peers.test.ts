import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestServer } from '../../test-server.ts';
import { Backend } from './backend.ts';

const OK = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
const REFUSED = '127.0.0.1:1';

let a: Backend;
let b: Backend;
let server: TestServer;
const bytes = Buffer.alloc(12_000_000, 'abcdefghijklmnopqrstuvwxyz0123456789').toString('latin1');

before(async () => {
  a = await Backend.start({
    '/who': [OK('a')],
    '/status': ['HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'],
    '/last': [OK('last'), 'CLOSE'],
    '/extra': [`${OK('x')}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`],
    '/late': [OK('x'), 10, `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`],
    '/headbody': [OK('not asked for')],
    '/large': [`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n${bytes}`],
  });
  b = await Backend.start({ '/who': [OK('b')], '/status': [OK('b')] });
  server = new TestServer(`
    upstream weighted { server 127.0.0.1:${a.port} weight=2; server 127.0.0.1:${b.port}; }
    upstream first { server ${REFUSED}; server 127.0.0.1:${b.port}; }
    upstream none { server ${REFUSED}; server 127.0.0.1:2; }
    upstream down { server 127.0.0.1:${a.port} down; server 127.0.0.1:${b.port} down; }
    upstream backup { server ${REFUSED}; server 127.0.0.1:${b.port} backup; }
    upstream kept { server 127.0.0.1:${a.port}; keepalive 2; keepalive_requests 3; }
    upstream unkept { server 127.0.0.1:${a.port}; keepalive 0; }
    upstream once { server 127.0.0.1:${a.port}; server 127.0.0.1:${b.port}; }
    upstream both { server 127.0.0.1:${a.port}; server 127.0.0.1:${b.port}; }
    proxy_connect_timeout 200ms; proxy_read_timeout 300ms; proxy_temp_path temp 1 2;
    server { listen 127.0.0.1:1;
      add_header X-Upstream "$upstream_addr|$upstream_status|$upstream_response_length" always;
      location /weighted { proxy_pass http://weighted/who; }
      location /first { proxy_pass http://first/who; }
      location /none { proxy_pass http://none/who; }
      location /down { proxy_pass http://down/who; }
      location /backup { proxy_pass http://backup/who; }
      location /kept/ { proxy_pass http://kept/; }
      location /unkept/ { proxy_pass http://unkept/; }
      location /status { proxy_pass http://both/status; proxy_next_upstream http_503; }
      location /once { proxy_pass http://once/status; proxy_next_upstream http_503; proxy_next_upstream_tries 1; }
      location /refused { proxy_pass http://${REFUSED}; }
      location /unix { proxy_pass http://unix:%DIR%/none.sock:/x; }
      location /large { proxy_pass http://127.0.0.1:${a.port}; }
      location /memory { proxy_pass http://127.0.0.1:${a.port}/large; proxy_max_temp_file_size 0; }
      location /unbuffered { proxy_pass http://127.0.0.1:${a.port}/large; proxy_buffering off; }
    }`);
});
after(() => {
  server.close();
  a.close();
  b.close();
});

describe('the choice of a server', { concurrency: false }, () => {
  it('is by weight', async () => {
    let who = '';
    for (let i = 0; i < 6; i++) who += await server.body('/weighted');
    assert.equal([...who].sort().join(''), 'aaaabb');
    assert.match(who, /aba|baa|aab/);
  });

  it('goes on after an error', async () => {
    const answer = await server.get('/first');
    assert.equal(answer.body, 'b');
    assert.equal(answer.headers['x-upstream'], `${REFUSED}, 127.0.0.1:${b.port}|502, 200|0, 0`);
    assert.match(
      server.log.at(-2) as string,
      /^connect\(\) failed \(111: Connection refused\) while connecting to upstream, client: 127\.0\.0\.1, server: , request: "GET \/first HTTP\/1\.1", upstream: "http:\/\/127\.0\.0\.1:1\/who", host: "localhost"$/,
    );
    assert.match(server.log.at(-1) as string, /^upstream server temporarily disabled while connecting to upstream/);
  });

  it('ends when all have failed, and has none to choose from then', async () => {
    const answer = await server.get('/none');
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['x-upstream'], `${REFUSED}, 127.0.0.1:2|502, 502|0, 0`);
    assert.equal((await server.get('/none')).status, 502);
    assert.match(
      server.log.at(-1) as string,
      /^no live upstreams while connecting to upstream, .*, upstream: "http:\/\/none\/who"/,
    );
    const down = await server.get('/down');
    assert.equal(down.headers['x-upstream'], 'down|502|0');
  });

  it('takes a backup server', async () => assert.equal(await server.body('/backup'), 'b'));

  it('goes on after a status', async () => {
    const answers = [await server.get('/status'), await server.get('/status')];
    assert.deepEqual(
      answers.map((one) => one.body),
      ['b', 'b'],
    );
    assert.equal([(await server.get('/once')).status, (await server.get('/once')).status].sort().join(), '200,503');
  });

  it('says why it cannot connect', async () => {
    assert.equal((await server.get('/refused')).status, 502);
    assert.equal((await server.get('/unix')).status, 502);
    assert.match(
      (server.log.at(-1) as string).replaceAll(server.dir, 'DIR'),
      /^connect\(\) to unix:DIR\/none\.sock failed \(2: No such file or directory\) while connecting to upstream, .*, upstream: "http:\/\/unix:DIR\/none\.sock:\/x"/,
    );
  });
});

describe('idle connections', { concurrency: false }, () => {
  it('are used again, up to keepalive_requests', async () => {
    const before = a.connections;
    for (let i = 0; i < 6; i++) assert.equal(await server.body('/kept/who'), 'a');
    assert.equal(a.connections - before, 2);
  });

  it('are not kept when nobody wants them', async () => {
    const before = a.connections;
    for (let i = 0; i < 3; i++) await server.body('/unkept/who');
    assert.equal(a.connections - before, 3);
  });

  it('that were closed meanwhile are replaced', async () => {
    assert.equal(await server.body('/kept/last'), 'last');
    assert.equal(await server.body('/kept/who'), 'a');
  });

  it('never give a response to another request', async () => {
    for (const path of ['/kept/extra', '/kept/late', '/kept/headbody']) {
      await server.get(path, [], path.endsWith('body') ? 'HEAD' : 'GET');
      if (path.endsWith('late')) await sleep(30);
      assert.equal(await server.body('/kept/who'), 'a', path);
    }
  });
});

/** Stops reading for a while. */
function slowly(uri: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1');
    const hash = createHash('md5');
    let head = true;
    socket.on('data', (data) => {
      hash.update(head ? data.subarray(data.indexOf('\r\n\r\n') + 4) : data);
      if (!head) return;
      head = false;
      socket.pause();
      setTimeout(() => socket.resume(), 300);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(hash.digest('hex')));
    socket.write(`GET ${uri} HTTP/1.0\r\n\r\n`);
  });
}

describe('slow clients', () => {
  const expected = createHash('md5').update(bytes, 'latin1').digest('hex');
  for (const uri of ['/large', '/memory', '/unbuffered']) {
    it(`get everything at ${uri}`, async () => {
      const lines = server.log.length;
      assert.equal(await slowly(uri), expected);
      const file = server.log.slice(lines).filter((line) => line.startsWith('an upstream response is buffered'));
      assert.equal(file.length, uri === '/large' ? 1 : 0);
    });
  }
});
