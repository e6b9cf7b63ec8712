// geo and realip: what the address of a client is, and what follows from it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { addressText } from '../../../src/net/address.ts';
import { loadHttp, TestServer } from '../test-server.ts';

describe('geo', () => {
  const server = new TestServer(
    `
    access_log off;
    geo $arg_a $g { default d; 10.0.0.0/8 ten; 10.1.0.0/16 tenone; 10.1.2.3 exact; 2001:db8::/32 six; include more; }
    geo $arg_a $r { ranges; default d; 10.0.0.0-10.0.255.255 r1; 10.0.0.1-10.0.0.5 r2; 10.1.0.0-10.2.255.255 r3; delete 10.1.0.0-10.1.255.255; }
    geo $p { default d; proxy 127.0.0.0/8; proxy 10.0.0.0/8; proxy_recursive; 1.2.0.0/16 one; 10.0.0.0/8 ten; 127.0.0.0/8 loop; }
    server { listen 127.0.0.1:1;
      location / { return 200 "$g $r"; }
      location /p { return 200 $p; }
    }`,
    { more: '192.168.0.0/16 included;\n' },
  );
  after(() => server.close());

  const cases: readonly (readonly [string, string])[] = [
    ['1.1.1.1', 'd d'],
    ['10.0.0.0', 'ten r1'],
    ['10.0.0.3', 'ten r2'],
    ['10.0.0.6', 'ten r1'],
    ['10.1.2.3', 'exact d'],
    ['10.1.2.4', 'tenone d'],
    ['10.2.0.0', 'ten r3'],
    ['192.168.1.1', 'included d'],
    ['2001:db8::9', 'six d'],
    ['::ffff:10.2.0.1', 'ten r3'],
    ['nonsense', 'd d'],
  ];
  for (const [address, expected] of cases) {
    it(address, async () => assert.equal(await server.body(`/?a=${address}`), expected));
  }

  const forwarded: readonly (readonly [string, string])[] = [
    ['1.2.3.4', 'one'],
    ['1.2.3.4, 10.0.0.1', 'one'],
    ['10.0.0.1, bad', 'loop'],
    ['bad, 10.0.0.1', 'ten'],
    ['1.2.3.4:80', 'one'],
  ];
  for (const [value, expected] of forwarded) {
    it(`X-Forwarded-For: ${value}`, async () =>
      assert.equal(await server.body('/p', [`X-Forwarded-For: ${value}`]), expected));
  }

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['geo x { }', /^invalid variable name "x" in /],
    ['geo $x { a b c; }', /^invalid number of the geo parameters in /],
    ['geo $x { bad 1; }', /^invalid network "bad" in /],
    ['geo $x { 10.0.0.0/8 1; ranges; }', /^the "ranges" directive must be the first directive inside "geo" block in /],
    ['geo $x { ranges; 1.2.3.4 a; }', /^invalid range "1\.2\.3\.4" in /],
    [
      'geo $x { ranges; 1.2.3.4-1.2.3.8 a; 1.2.3.6-1.2.3.9 b; }',
      /^range "1\.2\.3\.6-1\.2\.3\.9" overlaps "1\.2\.3\.4-1\.2\.3\.8" in /,
    ],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }

  it('warns of what is there twice', () => {
    const warnings: string[] = [];
    loadHttp('geo $x { 10.0.0.0/8 1; 10.0.0.0/8 2; delete 1.0.0.0/8; }', warnings);
    assert.match(warnings[0] ?? '', /^duplicate network "10\.0\.0\.0\/8", value: "2", old value: "1" in /);
    assert.match(warnings[1] ?? '', /^no network "1\.0\.0\.0\/8" to delete in /);
  });
});

describe('realip', () => {
  const server = new TestServer(`
    log_format r '$uri $remote_addr $realip_remote_addr';
    access_log logs/access.log r;
    server { listen 127.0.0.1:1;
      location /one { real_ip_header X-Forwarded-For; set_real_ip_from 127.0.0.1; try_files /none @show; }
      location /all { real_ip_header X-Forwarded-For; set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; real_ip_recursive on; try_files /none @show; }
      location /real { set_real_ip_from 127.0.0.1; try_files /none @show; }
      location /untrusted { set_real_ip_from 10.0.0.0/8; try_files /none @show; }
      location /deny { set_real_ip_from 127.0.0.1; deny 5.5.5.5; try_files /none @show; }
      location @show { return 200 "$remote_addr $realip_remote_addr"; }
    }`);
  after(() => server.close());

  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['/one', ['X-Forwarded-For: 1.1.1.1, 2.2.2.2'], '2.2.2.2 127.0.0.1'],
    ['/one', ['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 2.2.2.2'], '2.2.2.2 127.0.0.1'],
    ['/all', ['X-Forwarded-For: 1.1.1.1, 10.0.0.1'], '1.1.1.1 127.0.0.1'],
    ['/all', ['X-Forwarded-For: 3.3.3.3', 'X-Forwarded-For: 10.0.0.2, 127.0.0.3'], '3.3.3.3 127.0.0.1'],
    ['/all', ['X-Forwarded-For: bad, 10.0.0.1'], '10.0.0.1 127.0.0.1'],
    ['/real', ['X-Real-IP: 2001:0db8::0001'], '2001:db8::1 127.0.0.1'],
    ['/real', ['X-Real-IP: bad'], '127.0.0.1 127.0.0.1'],
    ['/real', [], '127.0.0.1 127.0.0.1'],
    ['/untrusted', ['X-Real-IP: 5.5.5.5'], '127.0.0.1 127.0.0.1'],
  ];
  for (const [uri, headers, expected] of cases) {
    it(`${uri} ${headers.join(' ')}`, async () => assert.equal(await server.body(uri, headers), expected));
  }

  it('counts for access rules and logs, and for one request only', async () => {
    const first = 'GET /deny HTTP/1.1\r\nHost: a\r\nX-Real-IP: 5.5.5.5\r\n\r\n';
    const second = 'GET /untrusted HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const answers = await server.send(first + second);
    assert.match(answers, /^HTTP\/1\.1 403 /);
    assert.match(answers, /127\.0\.0\.1 127\.0\.0\.1$/);
    assert.ok(server.log.some((line) => line.startsWith('access forbidden by rule, client: 5.5.5.5')));
    // The pipelined one is logged when its connection has been closed by the client.
    await server.get('/untrusted');
    const lines = '/deny 5.5.5.5 127.0.0.1\n' + '/untrusted 127.0.0.1 127.0.0.1\n'.repeat(2);
    assert.ok(server.read('logs/access.log').endsWith(lines));
  });
});

describe('addressText', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['7f000001', '127.0.0.1'],
    ['00000000000000000000000000000001', '::1'],
    ['00000000000000000000ffff01020304', '::ffff:1.2.3.4'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
    ['20010db8000100010000000100010000', '2001:db8:1:1:0:1:1:0'],
    ['fe800000000000000000000000000000', 'fe80::'],
  ];
  for (const [bytes, text] of cases) {
    it(text, () => assert.equal(addressText([...Buffer.from(bytes, 'hex')]), text));
  }
});
