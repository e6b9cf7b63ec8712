import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { WildcardNames } from '../../../src/http/core/server-name.ts';
import { validateHost } from '../../../src/http/protocol/host.ts';
import { loadHttp, TestServer } from '../test-server.ts';

describe('names with wildcards', () => {
  const names = new WildcardNames<string>();
  for (const name of ['exact.org', '*.wild.org', '*.a.wild.org', '.both.org', 'www.*', 'mail.tail.*']) {
    assert.equal(names.add(name, name), 'ok');
  }

  const cases: readonly (readonly [string, string | undefined])[] = [
    ['exact.org', 'exact.org'],
    ['x.exact.org', undefined],
    ['wild.org', undefined],
    ['x.wild.org', '*.wild.org'],
    ['y.x.wild.org', '*.wild.org'],
    ['x.a.wild.org', '*.a.wild.org'],
    ['a.wild.org', '*.wild.org'],
    ['both.org', '.both.org'],
    ['x.both.org', '.both.org'],
    ['www.anything', 'www.*'],
    ['www.any.thing', 'www.*'],
    ['mail.tail.de', 'mail.tail.*'],
    ['www', undefined],
    ['', undefined],
  ];
  for (const [host, expected] of cases) {
    it(host || '(empty)', () => assert.equal(names.find(host), expected));
  }

  it('tells conflicts and what is no wildcard', () => {
    assert.equal(names.add('exact.org', ''), 'conflict');
    assert.equal(names.add('both.org', ''), 'conflict');
    assert.equal(names.add('*.both.org', ''), 'conflict');
    assert.equal(names.add('www.*', ''), 'conflict');
    for (const name of ['a*.org', 'a.*.org', '*.*.org', 'a..b', '**'])
      assert.equal(names.add(name, ''), 'invalid', name);
  });
});

describe('hosts of requests', () => {
  const good: readonly (readonly [string, string, number])[] = [
    ['Example.COM', 'example.com', 0],
    ['example.com.', 'example.com', 0],
    ['example.com:8080', 'example.com', 8080],
    ['example.com:', 'example.com', 0],
    ['[::1]:80', '[::1]', 80],
    ['[FE80::1]', '[fe80::1]', 0],
    ['a_b-c~d', 'a_b-c~d', 0],
    ['127.0.0.1', '127.0.0.1', 0],
  ];
  for (const [text, host, port] of good) {
    it(text, () => assert.deepEqual(validateHost(text), { host, port }));
  }
  for (const text of [
    '',
    '.',
    'a..b',
    'a/b',
    'a b',
    'a:80:80',
    'a:x',
    'a:65536',
    '[::1',
    '[::1]x',
    ':80',
    'a\0b',
    'ä',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(validateHost(text), undefined));
  }
});

describe('choosing a server', () => {
  const server = new TestServer(`
    access_log off;
    server { listen 127.0.0.1:1; server_name first; return 200 "first $host"; }
    server { listen 127.0.0.1:1; server_name *.example.com .both.org www.*; return 200 "wild $server_name $host"; }
    server { listen 127.0.0.1:1; server_name ~^re(?<n>\\d+)[.](.*)$; return 200 "re n=$n 2=$2 $server_name"; }
    server { listen 127.0.0.1:1; server_name exact.example.com ""; return 200 "exact $server_name"; }
    server { listen 127.0.0.1:1 default_server; return 200 "default [$server_name] $host"; }`);
  after(() => server.close());

  const cases: readonly (readonly [string, string])[] = [
    ['first', 'first first'],
    ['FIRST.:80', 'first first'],
    ['x.example.com', 'wild *.example.com x.example.com'],
    ['exact.example.com', 'exact exact.example.com'],
    ['both.org', 'wild *.example.com both.org'],
    ['www.de', 'wild *.example.com www.de'],
    ['re42.tld', 're n=42 2=tld ~^re(?<n>\\d+)[.](.*)$'],
    ['none', 'default [] none'],
  ];
  for (const [host, expected] of cases) {
    it(host, async () => assert.equal(await server.body('/', [`Host: ${host}`]), expected));
  }

  it('takes a request without Host for the server with the empty name', async () => {
    assert.match(await server.send('GET / HTTP/1.0\r\n\r\n'), /exact exact.example.com$/);
  });

  it('warns of names that are taken', () => {
    const warnings: string[] = [];
    loadHttp('server { listen 8080; server_name a a; }\nserver { listen 8080; server_name a b; }', warnings);
    assert.deepEqual(warnings, [
      'conflicting server name "a" on 0.0.0.0:8080, ignored',
      'conflicting server name "a" on 0.0.0.0:8080, ignored',
    ]);
  });
});
