import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, describe, it } from 'node:test';
import { LimitTable } from '../../../src/http/modules/limit/zone.ts';
import { HEADER } from '../../../src/shm/layout.ts';
import { NODE } from '../../../src/shm/table.ts';
import { createZone } from '../../../src/shm/zone.ts';
import { loadHttp, TestServer } from '../test-server.ts';

const FILES = { 'html/a': 'content', 'html/big': 'x'.repeat(3_000_000) };

describe('limit_req', () => {
  const server = new TestServer(
    `
    access_log off;
    limit_req_zone $arg_k zone=one:1m rate=1r/m;
    limit_req_zone $arg_j zone=two:1m rate=2r/m;
    limit_req_zone $uri zone=ten:1m rate=10r/s;
    limit_req_zone $arg_k zone=small:32k rate=1r/m;
    server { listen 127.0.0.1:1; add_header X-S $limit_req_status always;
      location /plain { limit_req zone=one; alias %DIR%/html/a; }
      location /burst { limit_req zone=one burst=2 nodelay; alias %DIR%/html/a; }
      location /both { limit_req zone=one burst=1 nodelay; limit_req zone=two burst=2 nodelay; limit_req_status 429; limit_req_log_level warn; alias %DIR%/html/a; }
      location /dry { limit_req zone=one; limit_req_dry_run on; alias %DIR%/html/a; }
      location /delay { limit_req zone=ten burst=2; alias %DIR%/html/a; }
      location /gone { limit_req zone=ten burst=2; alias %DIR%/html/a; }
      location /room { limit_req zone=small; alias %DIR%/html/a; }
    }`,
    FILES,
  );
  after(() => server.close());

  async function statuses(uris: readonly string[]): Promise<string[]> {
    const out: string[] = [];
    for (const uri of uris) {
      const { status, headers } = await server.get(uri);
      out.push(`${status} ${headers['x-s'] ?? ''}`);
    }
    return out;
  }

  it('refuses what is too much for a key', async () => {
    const got = await statuses(['/plain?k=a', '/plain?k=a', '/plain?k=b', '/plain', '/plain']);
    assert.deepEqual(got, ['200 PASSED', '503 REJECTED', '200 PASSED', '200 ', '200 ']);
    assert.ok(server.log.some((line) => line.startsWith('limiting requests, excess: 1.000 by zone "one", client: ')));
  });

  it('lets a burst through', async () => {
    const got = await statuses(new Array<string>(4).fill('/burst?k=c'));
    assert.deepEqual(got, ['200 PASSED', '200 PASSED', '200 PASSED', '503 REJECTED']);
  });

  it('counts only what all limits let through', async () => {
    const got = await statuses(['d', 'd', 'd', 'e', 'e'].map((k) => `/both?k=${k}&j=x`));
    assert.deepEqual(got, ['200 PASSED', '200 PASSED', '429 REJECTED', '200 PASSED', '429 REJECTED']);
    // The last one was refused by the second zone, so the first has room for e.
    assert.deepEqual(await statuses(['/both?k=e&j=y']), ['200 PASSED']);
  });

  it('dry run', async () => {
    assert.deepEqual(await statuses(['/dry?k=h', '/dry?k=h']), ['200 PASSED', '200 REJECTED_DRY_RUN']);
    assert.ok(server.log.some((line) => line.startsWith('limiting requests, dry run, excess: 1.000 by zone "one", ')));
  });

  it('delays', async () => {
    const began = Date.now();
    const ends: number[] = [];
    const answers = await Promise.all(
      [0, 1, 2, 3].map(async () => {
        const { status, headers } = await server.get('/delay');
        ends.push(Date.now() - began);
        return `${status} ${headers['x-s']}`;
      }),
    );
    assert.deepEqual(answers.sort(), ['200 DELAYED', '200 DELAYED', '200 PASSED', '503 REJECTED']);
    // Not before the bucket has room: a tenth of a second each.
    assert.ok(Math.max(...ends) >= 150, String(ends));
    assert.ok(server.log.some((line) => /^delaying request, excess: \d\.\d{3}, by zone "ten", /.test(line)));
  });

  it('notices a client that leaves while it waits', async () => {
    await server.get('/gone');
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /gone HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => server.log.some((line) => line.startsWith('delaying request') && line.includes('/gone')));
    socket.destroy();
    await until(() =>
      server.log.some((line) => line.startsWith('client prematurely closed connection') && line.includes('/gone')),
    );
  });

  it('forgets the oldest when the zone is full', async () => {
    const keys = Array.from({ length: 150 }, (_, i) => `/room?k=${'x'.repeat(400)}${i}`);
    const got = await statuses([...keys, keys[0] as string, keys[149] as string]);
    assert.deepEqual(new Set(got.slice(0, 151)), new Set(['200 PASSED']));
    assert.equal(got[151], '503 REJECTED');
  });

  it('serves two limits on one zone', () => {
    const block = 'limit_req_zone $uri zone=a:1m rate=1r/s; server { limit_req zone=a; limit_req zone=a burst=5; }';
    assert.throws(() => loadHttp(block), { message: /^"limit_req" directive is duplicate in / });
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['limit_req_zone $uri zone=a:1m rate=0r/s;', /^invalid rate "rate=0r\/s" in /],
    ['limit_req_zone $uri zone=a:1k rate=1r/s;', /^zone "zone=a:1k" is too small in /],
    ['limit_req_zone $uri zone=a rate=1r/s;', /^invalid zone size "zone=a" in /],
    ['limit_req burst=1;', /^"limit_req" must have "zone" parameter in /],
    ['limit_req zone=a burst=0;', /^invalid burst value "burst=0" in /],
    [
      'limit_req_zone $uri zone=a:1m rate=1r/s; limit_req_zone $args zone=a:1m rate=1r/s;',
      /^limit_req_zone "a" is already bound to key "\$uri" in /,
    ],
    [
      'limit_req_zone $uri zone=a:1m rate=1r/s; limit_conn_zone $uri zone=a:1m;',
      /^the shared memory zone "a" is already declared for a different use in /,
    ],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});

describe('limit_conn', () => {
  const server = new TestServer(
    `
    access_log off;
    limit_conn_zone $binary_remote_addr zone=addr:1m;
    limit_conn_zone $arg_k zone=key:1m;
    server { listen 127.0.0.1:1; add_header X-C $limit_conn_status always;
      location /slow { limit_conn addr 1; limit_conn key 1; limit_rate 1k; alias %DIR%/html/big; }
      location /one { limit_conn addr 1; alias %DIR%/html/a; }
      location /two { limit_conn addr 2; limit_conn_status 429; alias %DIR%/html/a; }
      location /dry { limit_conn addr 1; limit_conn_dry_run on; alias %DIR%/html/a; }
      location /key { limit_conn key 1; alias %DIR%/html/a; }
    }`,
    FILES,
  );
  after(() => server.close());

  it('counts requests that are worked on', async () => {
    const socket = connect(server.port, '127.0.0.1');
    const started = new Promise((resolve) => socket.once('data', resolve));
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await started;
    const got: string[] = [];
    for (const uri of ['/slow', '/one', '/two', '/dry', '/key', '/key?k=x']) {
      const { status, headers } = await server.get(uri);
      got.push(`${uri} ${status} ${headers['x-c'] ?? ''}`);
    }
    assert.deepEqual(got, [
      '/slow 503 REJECTED',
      '/one 503 REJECTED',
      '/two 200 PASSED',
      '/dry 200 REJECTED_DRY_RUN',
      '/key 200 ',
      '/key?k=x 200 PASSED',
    ]);
    assert.ok(server.log.some((line) => line.startsWith('limiting connections by zone "addr", client: ')));
    assert.ok(server.log.some((line) => line.startsWith('limiting connections, dry run, by zone "addr", client: ')));
    socket.destroy();
    await until(async () => (await server.get('/one')).status === 200);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['limit_conn_zone $uri zone=a:1m; server { limit_conn a 0; }', /^invalid number of connections "0" in /],
    ['limit_conn_zone $uri zone=a:1m; server { limit_conn a 65536; }', /^connection limit must be less 65536 in /],
    ['limit_conn_status 200;', /^value must be between 400 and 599 in /],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});

describe('LimitTable', () => {
  it('is found again, with its key', () => {
    const zone = createZone('limit', 32768, false);
    const first = new LimitTable(zone, 1, 36, '$binary_remote_addr');
    zone.lock.acquire();
    first.insert(first.alloc('a'), 'a', first.table.hash('a'));
    zone.lock.release();
    const second = new LimitTable(zone, 1, 36, '$other');
    assert.equal(second.key, '$binary_remote_addr');
    assert.notEqual(second.table.find('a', second.table.hash('a')), 0);
  });

  it('survives a crash', () => {
    const zone = createZone('limit', 32768, false);
    const table = new LimitTable(zone, 1, 36, '$uri');
    zone.lock.acquire();
    for (const key of ['a', 'b']) {
      const record = table.alloc(key);
      zone.words[record + NODE.payload] = 7;
      table.insert(record, key, table.table.hash(key));
    }
    zone.words[HEADER.repair] = 1;
    zone.lock.release();
    zone.lock.acquire();
    const record = table.table.find('b', table.table.hash('b'));
    assert.notEqual(record, 0);
    assert.equal(zone.words[record + NODE.payload], 7);
    assert.equal(table.key, '$uri');
    zone.lock.release();
    assert.equal(zone.repairs, 1);
  });
});

/** Waits for a condition, at most some seconds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail('waited in vain');
}
