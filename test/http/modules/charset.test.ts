// charset: names, conversions by charset_map. Compared with nginx's answers.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { CharsetMap, Recoder } from '../../../src/http/modules/charset/tables.ts';
import { loadHttp, TestServer } from '../test-server.ts';

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('recoding', () => {
  const map = new CharsetMap(true);
  for (const [from, to] of [
    ['C1', 'D0B0'],
    ['C2', 'd0b1'],
    ['FF', 'E282AC'],
  ] as const) {
    assert.equal(map.add(from, to), undefined);
  }

  it('bytes to UTF-8', () => {
    assert.equal(new Recoder(map.forward).push('a\xc1\xc2\xff\x80'), bytes('aаб€?'));
  });

  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['known characters', [bytes('abаб€')], 'ab\xc1\xc2\xff'],
    ['unknown ones become references', [bytes('Ж😀')], '&#1046;&#128512;'],
    ['cut anywhere', [...bytes('xа€б😀y')], 'x\xc1\xff\xc2&#128512;y'],
  ];
  for (const [name, pieces, expected] of cases) {
    it(name, () => {
      const recoder = new Recoder(map.backward);
      assert.equal(pieces.map((piece) => recoder.push(piece)).join(''), expected);
    });
  }

  it('invalid UTF-8', () => {
    const recode = (...pieces: string[]): string => {
      const recoder = new Recoder(map.backward);
      return pieces.map((piece) => recoder.push(piece)).join('');
    };
    assert.equal(recode('\xff\x80a'), '??a');
    // The byte that breaks a character goes with it.
    assert.equal(recode('\xd0ab'), '?b');
    assert.equal(recode('a\xd0'), 'a');
    assert.equal(recode('\xe2\x82', '\xacx'), '\xffx');
    assert.equal(recode('\xf0AB', 'CD'), '?CD');
    // Longer than needed, and a code point that there is not.
    assert.equal(recode('\xe0\x80\x80.\xf7\xbf\xbf\xbf.'), '?.?.');
  });

  it('bytes to bytes', () => {
    const plain = new CharsetMap(false);
    assert.equal(plain.add('E0', 'C1'), undefined);
    assert.equal(new Recoder(plain.forward).push('a\xe0\xe1'), 'a\xc1?');
    assert.equal(new Recoder(plain.backward).push('a\xc1\xe1'), 'a\xe0?');
    assert.equal(plain.add('100', 'C1'), '100');
    assert.equal(plain.add('E0', 'XX'), 'XX');
    assert.equal(map.add('E0', 'D0B0D0B0'), 'D0B0D0B0');
    assert.equal(map.add('E0', 'D0'), undefined);
  });
});

describe('charset', () => {
  const server = new TestServer(
    `
    access_log off;
    default_type text/plain; types { text/html html; }
    charset_map koi8-r utf-8 { C1 D0B0; C2 D0B1; }
    server { listen 127.0.0.1:1; root %DIR%/html;
      location / { charset utf-8; }
      location /from/ { alias %DIR%/html/; charset utf-8; source_charset koi8-r; }
      location /to/ { alias %DIR%/html/; charset koi8-r; source_charset UTF-8; }
      location /var/ { alias %DIR%/html/; charset $arg_c; source_charset $arg_s; }
      location /types/ { alias %DIR%/html/; charset utf-8; charset_types image/png; }
      location /redirect { charset utf-8; return 302 /x; }
      location /add/ { alias %DIR%/html/; charset utf-8; add_before_body /from/koi.html; }
    }`,
    { 'html/koi.html': 'a\xc1\xc2', 'html/utf.html': bytes('aаб'), 'html/plain.html': 'plain', 'html/plain': 'plain' },
  );
  after(() => server.close());
  const get = (uri: string) => server.get(uri, [], 'GET', '1.0');

  const cases: readonly (readonly [string, string, string])[] = [
    ['/plain.html', 'text/html; charset=utf-8', 'plain'],
    ['/from/koi.html', 'text/html; charset=utf-8', bytes('aаб')],
    ['/to/utf.html', 'text/html; charset=koi8-r', 'a\xc1\xc2'],
    ['/var/koi.html?c=utf-8&s=koi8-r', 'text/html; charset=utf-8', bytes('aаб')],
    ['/var/koi.html?c=X&s=x', 'text/html; charset=X', 'a\xc1\xc2'],
    ['/types/plain', 'text/plain', 'plain'],
    ['/add/plain.html', 'text/html; charset=utf-8', `${bytes('aаб')}plain`],
  ];
  for (const [uri, type, body] of cases) {
    it(uri, async () => {
      const answer = await get(uri);
      assert.equal(answer.headers['content-type'], type);
      assert.equal(answer.body, body);
    });
  }

  it('not for redirects', async () => assert.equal((await get('/redirect')).headers['content-type'], 'text/html'));

  it('says when there is no way', async () => {
    assert.equal((await get('/var/koi.html?c=utf-8&s=none')).body, 'a\xc1\xc2');
    assert.ok(server.log.some((line) => line.startsWith('no "charset_map" between the charsets "none" and "utf-8"')));
  });

  const wrong: readonly (readonly [string, string])[] = [
    ['charset_map a A { }', '"charset_map" between the same charsets "a" and "A" in DIR/nginx.conf:3'],
    [
      'charset_map utf-8 a { }',
      '"charset_map" with "utf-8" charset should be given in the second column in DIR/nginx.conf:3',
    ],
    ['charset_map a b { } charset_map b a { }', 'duplicate "charset_map" between "b" and "a" in DIR/nginx.conf:3'],
    ['charset_map a b { 1 }', 'unexpected "}" in DIR/nginx.conf:3'],
    ['charset_map a b { 1; }', 'invalid parameters number in DIR/nginx.conf:3'],
    ['charset_map a b { 1 2 3; }', 'invalid parameters number in DIR/nginx.conf:3'],
    ['charset_map a b { 1 1ff; }', 'invalid value "1ff" in DIR/nginx.conf:3'],
    ['charset a; charset b;', '"charset" directive is duplicate in DIR/nginx.conf:3'],
    ['server { charset a; source_charset b; }', 'no "charset_map" between the charsets "b" and "a"'],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => {
      assert.throws(
        () => loadHttp(block),
        (e: Error) => e.message.replace(/\/\S*\/nginx.conf/, 'DIR/nginx.conf') === message || assert.fail(e.message),
      );
    });
  }
});
