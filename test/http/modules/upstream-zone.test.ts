// `zone`: what workers share, with real processes; `drain`, `route`, `sticky`, `least_time`, in this process.
import assert from 'node:assert/strict';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, Server, until } from '../../process/server.ts';
import { freePort } from '../../support/server.ts';
import { loadHttp, TestServer } from '../test-server.ts';

/** Three backends that answer with their letter, after as many milliseconds as the query says. */
const backends: HttpServer[] = [];
const ports: Record<string, number> = {};
/** The last request that came to one of them. */
let seen = '';

before(async () => {
  for (const letter of 'abc') {
    const backend = createServer((request, response) => {
      const query = new URL(request.url as string, 'http://x').searchParams;
      seen = request.url as string;
      const delay = Number(query.get('d') ?? query.get(letter) ?? 0);
      const session = query.get('new');
      if (session !== null) response.setHeader('Set-Cookie', `session=${session}`);
      setTimeout(() => response.end(letter), delay).unref();
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    backends.push(backend);
    ports[letter] = (backend.address() as AddressInfo).port;
  }
});
after(() => {
  for (const backend of backends) {
    backend.closeAllConnections();
    backend.close();
  }
});

const at = (letter: string): string => `127.0.0.1:${ports[letter]}`;

describe('zone, with two workers', { timeout: 60_000 }, () => {
  let server: Server;
  let port = 0;

  const conf = (servers: string): string => `
    user root; worker_processes 2;
    http { access_log off;
      upstream rr { zone z 64k; ${servers} }
      upstream full { zone z; server ${at('a')} max_conns=1; }
      upstream bad { zone z; server 127.0.0.2:9 max_fails=2 fail_timeout=100; server ${at('b')}; }
      upstream least { zone l 32k; least_conn; server ${at('a')}; server ${at('b')}; }
      server { listen 127.0.0.1:${port};
        location ~ ^/(\\w+) { proxy_pass http://$1$is_args$args; add_header X-Up $upstream_addr always; }
        location = /pid { return 200 $pid; }
      }
    }`;

  before(async () => {
    port = await freePort(21590);
    server = new Server(join(import.meta.dirname, '../../../bin/tsresty'));
    server.conf(conf(`server ${at('a')}; server ${at('b')};`)).start();
    await until(() => server.workers().length === 2, 'workers');
  });
  after(() => server.destroy());

  /** The answer, or '' when the connection breaks. */
  const request = (uri: string): Promise<string> => get({ port }, uri).catch(() => '');

  async function answers(uri: string, pattern: RegExp): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      if (pattern.test(await request(uri))) return;
      await sleep(10);
    }
    assert.fail(`${uri} never answers ${pattern}`);
  }

  it('round robin goes on from one worker to the other', async () => {
    let text = '';
    for (let i = 0; i < 12; i++) text += await request('/rr');
    assert.equal(text, 'abababababab');
  });

  it('failures count for all', async () => {
    for (let i = 0; i < 12; i++) assert.equal(await request('/bad'), 'b');
    assert.equal(server.log().split('upstream server temporarily disabled').length, 2);
    assert.equal(server.log().split('Connection refused').length, 3);
  });

  it('max_conns holds for all, and requests of a killed worker do not count any more', async () => {
    // Which worker takes a connection is up to the system: both are killed in the end.
    const slow = request('/full?d=100000');
    await until(() => seen.endsWith('d=100000'), 'the request');
    for (let i = 0; i < 6; i++) assert.match(await request('/full'), /502 Bad Gateway/);
    const before = server.workers();
    for (const pid of before) process.kill(pid, 'SIGKILL');
    assert.equal(await slow, '');
    await until(() => server.workers().filter((pid) => !before.includes(pid)).length === 2, 'new workers');
    await answers('/full', /^a$/);
  });

  it('a reload begins anew', async () => {
    assert.equal(await request('/bad'), 'b');
    const refused = server.log().split('Connection refused').length;
    server.conf(conf(`server ${at('c')};`));
    server.signal('SIGHUP');
    await answers('/rr', /^c$/);
    await sleep(100);
    for (let i = 0; i < 4; i++) assert.equal(await request('/bad'), 'b');
    assert.ok(server.log().split('Connection refused').length > refused);
  });
});

describe('zone in the configuration', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['upstream u { zone z 16k; server 127.0.0.1; }', /^zone "z" is too small in /],
    ['upstream u { zone z x; server 127.0.0.1; }', /^invalid zone size "x" in /],
    ['upstream u { zone "" 64k; server 127.0.0.1; }', /^invalid zone name "" in /],
    ['upstream u { zone z; server 127.0.0.1; }', /^zero size shared memory zone "z"$/],
    [
      'upstream u { zone z 64k; server 127.0.0.1; } upstream v { zone z 128k; server 127.0.0.1; }',
      /^the size 131072 of shared memory zone "z" conflicts with already declared size 65536 in /,
    ],
    [
      'limit_conn_zone $a zone=z:64k; upstream u { zone z; server 127.0.0.1; }',
      /^the shared memory zone "z" is already declared for a different use in /,
    ],
    [
      'upstream u { server x.test resolve; }',
      /^resolving names at run time requires upstream "u" in .* to be in shared/,
    ],
    [
      'upstream u { zone z 64k; server x.test resolve; }',
      /^no resolver defined to resolve names at run time in upstream/,
    ],
    ['upstream u { server x.test service=http; }', /^service upstream "x.test" requires "resolve" parameter in /],
    ['upstream u { server x.test:80 service=http resolve; }', /^service upstream "x.test:80" may not have port in /],
    ['upstream u { server 127.0.0.1 service=http resolve; }', /^service upstream "127.0.0.1" requires domain name in /],
    ['upstream u { server 127.0.0.1 service= resolve; }', /^service is empty in /],
    ['upstream u { server 127.0.0.1 route=; }', /^route is empty in /],
    [`upstream u { server 127.0.0.1 route=${'x'.repeat(33)}; }`, /^route is longer than 32 in /],
    ['upstream u { least_time x; server 127.0.0.1; }', /^invalid value "x" in /],
    ['upstream u { least_time header x; server 127.0.0.1; }', /^invalid parameter "x" in /],
    ['upstream u { sticky x y; server 127.0.0.1; }', /^unknown parameter "x" in /],
    ['upstream u { sticky route x; server 127.0.0.1; }', /^invalid variable name "x" in /],
    ['upstream u { sticky cookie c samesite=x; server 127.0.0.1; }', /invalid "samesite" parameter value/],
    ['upstream u { sticky cookie c path=/ path=/; server 127.0.0.1; }', /parameter "path" is duplicate/],
    ['upstream u { sticky learn lookup=$arg_a zone=z:64k; server 127.0.0.1; }', /"create" parameter is not specified/],
    ['upstream u { sticky learn lookup=$arg_a create=$arg_a; server 127.0.0.1; }', /"zone" parameter is not specified/],
  ];
  for (const [block, message] of wrong) it(block, () => assert.throws(() => loadHttp(block), { message }));
});

describe('sticky and least_time', () => {
  let server: TestServer;
  before(() => {
    server = new TestServer(`
      access_log off;
      upstream cookie { zone z 64k; sticky cookie srv expires=1h domain=.x path=/ httponly secure samesite=lax;
        server ${at('a')} route=one; server ${at('b')} route=two; server ${at('c')} route=three drain; }
      upstream hashed { sticky cookie srv expires=max; server ${at('a')}; }
      upstream route { least_conn; sticky route $arg_none $arg_route; server ${at('a')} route=x; server ${at('b')} route=y; }
      upstream weighted { random; sticky route $arg_route; server ${at('a')} route=x; server ${at('b')} route=y down; }
      upstream hash { hash $arg_k; sticky route $arg_route; server ${at('a')} route=x; server ${at('b')} route=y; }
      upstream ring { hash $arg_k consistent; sticky route $arg_route; server ${at('a')} route=x; server ${at('b')} route=y; }
      upstream learn { sticky learn create=$upstream_cookie_session lookup=$cookie_session zone=sessions:64k timeout=1h;
        server ${at('a')}; server ${at('b')}; server ${at('c')}; }
      upstream time { least_time header; server ${at('a')}; server ${at('b')}; server ${at('c')}; }
      upstream last { zone z; least_time last_byte inflight; server ${at('a')}; server ${at('b')}; }
      server { listen 127.0.0.1:1;
        location ~ ^/(\\w+) { proxy_pass http://$1$is_args$args; }
      }`);
  });
  after(() => server.close());

  it('a cookie is set, and obeyed', async () => {
    const first = await server.get('/cookie');
    assert.equal(first.body, 'a');
    const pattern =
      /^srv=one; expires=\w{3}, [\w-]+ [\d:]+ GMT; max-age=3600; domain=\.x; httponly; secure; samesite=lax; path=\/$/;
    assert.match(first.headers['set-cookie'] as string, pattern);
    let text = '';
    for (let i = 0; i < 4; i++) text += await server.body('/cookie', ['Cookie: srv=two']);
    assert.equal(text, 'bbbb');
  });

  it('a draining server gets its own clients only', async () => {
    assert.equal(await server.body('/cookie', ['Cookie: srv=three']), 'c');
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) seen.add(await server.body('/cookie'));
    assert.deepEqual([...seen].sort(), ['a', 'b']);
  });

  it('a server without a route is known by the hash of its address', async () => {
    const { headers } = await server.get('/hashed');
    assert.match(
      headers['set-cookie'] as string,
      /^srv=[0-9a-f]{32}; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000$/,
    );
  });

  for (const upstream of ['route', 'hash', 'ring']) {
    it(`a route with ${upstream}`, async () => {
      let text = '';
      for (const route of 'xxyyxy') text += await server.body(`/${upstream}?k=1&route=${route}`);
      assert.equal(text, 'aabbab');
    });
  }

  it('a route to a server that is down is not obeyed', async () => {
    assert.equal(await server.body('/weighted?route=y'), 'a');
  });

  it('sessions are learned', async () => {
    assert.equal(await server.body('/learn'), 'a');
    assert.equal(await server.body('/learn?new=me'), 'b');
    let text = '';
    for (let i = 0; i < 4; i++) text += await server.body('/learn', ['Cookie: session=me']);
    assert.equal(text, 'bbbb');
    assert.equal(await server.body('/learn', ['Cookie: session=you']), 'c');
  });

  it('least_time prefers the fast', async () => {
    let text = '';
    for (let i = 0; i < 9; i++) text += await server.body('/time?a=150&b=0&c=150');
    assert.match(text, /^[abc]{4,5}b+$/);
    assert.equal(text.split('a').length, 2);
    assert.equal(text.split('c').length, 2);
  });

  it('least_time, requests under way count', async () => {
    const slow = server.body('/last?d=200');
    await sleep(20);
    let text = '';
    for (let i = 0; i < 3; i++) text += await server.body('/last');
    assert.equal(new Set(text).size, 1);
    assert.notEqual(await slow, text[0]);
  });
});
