// hash, ip_hash, least_conn and random. The expected choices are those of nginx 1.22 with the same configuration.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

// Nobody listens there: which peer was chosen shows in $upstream_addr.
const SERVERS = 'server 127.0.0.2:11 weight=3 max_fails=0; server 127.0.0.2:12 max_fails=0;';
const THIRD = 'server 127.0.0.2:13 max_fails=0;';

const server = new TestServer(`
  access_log off;
  upstream hash { hash $arg_k; ${SERVERS} ${THIRD} }
  upstream consistent { hash $arg_k consistent; ${SERVERS} server unix:/none max_fails=0; }
  upstream ip { ip_hash; ${SERVERS} ${THIRD} }
  upstream least { least_conn; ${SERVERS} ${THIRD} }
  upstream any { random; ${SERVERS} server 127.0.0.2:14 down; }
  upstream two { random two least_conn; ${SERVERS} }
  upstream full { least_conn; server 127.0.0.2:11 down; server 127.0.0.2:12 backup max_fails=0; }
  server { listen 127.0.0.1:1; set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; proxy_next_upstream off;
    location ~ ^/next/(\\w+) { proxy_pass http://$1; proxy_next_upstream error; add_header X-Up $upstream_addr always; }
    location ~ ^/(\\w+) { proxy_pass http://$1; add_header X-Up $upstream_addr always; }
  }`);
after(() => server.close());

/** The last parts of the addresses that were tried. */
async function chosen(uri: string, headers: readonly string[] = []): Promise<string> {
  const { headers: answer } = await server.get(uri, headers);
  return (answer['x-up'] ?? 'none').replaceAll('127.0.0.2:', '').replaceAll('unix:/none', 'unix');
}

async function all(uris: readonly string[]): Promise<string> {
  const out: string[] = [];
  for (const uri of uris) out.push(await chosen(uri));
  return out.join(' ');
}

const keys = (upstream: string): string[] => [...'abcdefghijkl'].map((key) => `/${upstream}?k=${key}`);

describe('balancing methods', () => {
  it('hash', async () => assert.equal(await all(keys('hash')), '11 12 11 11 13 13 12 13 11 12 11 12'));
  it('hash consistent', async () => {
    assert.equal(await all(keys('consistent')), '11 12 11 11 unix 11 11 11 11 11 12 11');
  });

  it('without a key it is round robin', async () => {
    assert.equal(await all(new Array(5).fill('/hash')), '11 12 11 13 11');
  });

  it('least_conn', async () => {
    assert.equal(await all(new Array(10).fill('/least')), '11 12 11 13 11 11 12 11 13 11');
  });

  it('ip_hash', async () => {
    const clients = ['10.0.0.1', '10.0.1.1', '10.0.2.1', '192.168.3.4', '8.8.8.8', '2001:db8::1', '2001:db8::2', '::1'];
    const out: string[] = [];
    for (const client of clients) out.push(await chosen('/ip', [`X-Real-IP: ${client}`]));
    assert.equal(out.join(' '), '11 11 11 11 12 11 11 11');
    assert.equal(await chosen('/ip', ['X-Real-IP: 8.8.8.200']), '12');
  });

  it('the next peer is another one', async () => {
    for (const upstream of ['hash', 'consistent', 'ip', 'least']) {
      const names = (await chosen(`/next/${upstream}?k=e`)).split(', ');
      assert.equal(names.length, 3, upstream);
      assert.equal(new Set(names).size, 3, upstream);
    }
  });

  it('random never takes one that is down', async () => {
    for (const upstream of ['any', 'two']) {
      const names = new Set((await all(new Array(60).fill(`/${upstream}`))).split(' '));
      assert.deepEqual([...names].sort(), ['11', '12'], upstream);
    }
  });

  it('least_conn goes on to backups', async () => assert.equal(await chosen('/full'), '12'));

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['upstream u { hash a b; server a; }', /^invalid parameter "b" in /],
    ['upstream u { random three; server a; }', /^invalid parameter "three" in /],
    ['upstream u { random two b; server a; }', /^invalid parameter "b" in /],
    ['upstream u { ip_hash; server 127.0.0.1 backup; }', /^balancing method does not support parameter "backup" in /],
    ['upstream u { hash x; server 127.0.0.1 backup; }', /^balancing method does not support parameter "backup" in /],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }

  it('warns of a second method', () => {
    const warnings: string[] = [];
    loadHttp('upstream u { ip_hash; least_conn; server 127.0.0.1; }', warnings);
    assert.match(warnings.join('\n'), /^load balancing method redefined in /);
  });
});
