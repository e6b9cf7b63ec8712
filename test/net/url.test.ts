import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isWildcard, parseUrl, UrlError } from '../../src/net/url.ts';

describe('parseUrl', () => {
  const upstream = { uriPart: true, noResolve: true, defaultPort: 80 } as const;

  it('takes an upstream with its URI', () => {
    const url = parseUrl('example.com:8080/path?x', upstream);
    assert.deepEqual(
      [url.host, url.port, url.portText, url.noPort, url.uri, url.addresses.length],
      ['example.com', 8080, '8080', false, '/path?x', 0],
    );
    const short = parseUrl('example.com?x', upstream);
    assert.deepEqual([short.host, short.port, short.noPort, short.uri], ['example.com', 80, true, '?x']);
    const six = parseUrl('[::1]/x', upstream);
    assert.deepEqual([six.host, six.uri, six.addresses[0]?.text], ['[::1]', '/x', '[::1]:80']);
    const unix = parseUrl('unix:/tmp/s:/x', upstream);
    assert.deepEqual([unix.host, unix.uri, unix.family], ['/tmp/s', '/x', 'unix']);
  });

  it('looks names up', () => {
    const { addresses } = parseUrl('localhost:53', { defaultPort: 53 });
    assert.ok(addresses.some(({ text }) => text === '127.0.0.1:53' || text === '[::1]:53'));
  });

  it('knows wildcards', () => {
    const first = (url: string) => parseUrl(url, { listen: true, defaultPort: 80 }).addresses[0]!;
    assert.equal(isWildcard(first('80')), true);
    assert.equal(isWildcard(first('*')), true);
    assert.equal(isWildcard(first('[::]:80')), true);
    assert.equal(isWildcard(first('127.0.0.1')), false);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ['', 'no host'],
    [':80', 'no host'],
    ['a:0', 'invalid port'],
    ['a:99999', 'invalid port'],
    ['a/b', 'invalid host'],
    ['[::1', 'invalid host'],
    ['[]:80', 'no host'],
    [`unix:/${'x'.repeat(200)}`, 'too long path in the unix domain socket'],
  ];
  for (const [url, message] of wrong) {
    it(`refuses ${url.slice(0, 20)}`, () => {
      assert.throws(
        () => parseUrl(url, { listen: true, defaultPort: 80 }),
        (e) => e instanceof UrlError && e.message === message,
      );
    });
  }
});
