// sub_filter, add_before_body and add_after_body, gzip_static, gunzip.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { acceptsGzip } from '../../../src/http/core/gzip-ok.ts';
import { GzipInflater, InflateError } from '../../../src/http/inflate.ts';
import { SubSearch } from '../../../src/http/modules/sub/search.ts';
import { loadHttp, TestServer } from '../test-server.ts';

const zip = (text: string): string => gzipSync(text).toString('latin1');

/** The body of a chunked answer. */
function body(raw: string): string {
  let at = raw.indexOf('\r\n\r\n') + 4;
  if (!/^transfer-encoding: chunked/im.test(raw)) return raw.slice(at);
  let out = '';
  for (;;) {
    const end = raw.indexOf('\r\n', at);
    const size = Number.parseInt(raw.slice(at, end), 16);
    assert.ok(size >= 0, raw);
    if (size === 0) return out;
    out += raw.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
}

describe('SubSearch', () => {
  /** Replaces in a text that comes in these pieces; `|` marks where output was held back. */
  function run(pieces: readonly string[], patterns: readonly string[], once: boolean, flush = false): string {
    const search = new SubSearch(patterns, once);
    let out = '';
    pieces.forEach((piece, i) => {
      search.push(
        piece,
        (text) => {
          out += text;
        },
        (n) => {
          out += `<${n}>`;
        },
        flush,
        i === pieces.length - 1,
      );
      if (i < pieces.length - 1) out += '|';
    });
    return out;
  }

  const cases: readonly (readonly [readonly string[], readonly string[], boolean, string])[] = [
    [['one ONE One'], ['one'], false, '<0> <0> <0>'],
    [['one ONE two two'], ['one', 'two'], true, '<0> ONE <1> two'],
    [['hel', 'lo hel'], ['hello'], false, '<0> hel'],
    [['hel', 'p hello'], ['hello'], false, 'help <0>'],
    [['xhel', 'hello'], ['hello'], false, 'xhel<0>'],
    [['abcabcabd'], ['abcabd'], false, 'abc<0>'],
    [['a', 'b', 'c', 'a', 'b', 'd'], ['abd'], false, 'abc<0>'],
    // The first in order is waited for, and then too late for the other.
    [['abc'], ['abcd', 'ab'], false, 'abc'],
    [['abc'], ['ab', 'abcd'], false, '<0>c'],
    [['\xc0A\xe0'], ['\xe0'], false, '\xc0A<0>'],
  ];
  for (const [pieces, patterns, once, expected] of cases) {
    it(`${pieces.join('|')} ${patterns.join()}`, () => {
      const held = run(pieces, patterns, once);
      assert.equal(held.replaceAll('|', ''), expected);
    });
  }

  it('holds back no more than may match when output is flushed', () => {
    assert.equal(run(['abc x', 'y'], ['xyz', 'hello'], false, true), 'abc |xy');
    assert.equal(run(['abc hell', 'o'], ['hello'], false, true), 'abc |<0>');
    assert.equal(run(['abc', 'd'], ['hello'], false, true), 'abc|d');
  });

  it('gives the same however the text is cut', () => {
    const patterns = ['abab', 'ba', 'aab', 'c'];
    let seed = 7;
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % n;
    };
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 30 }, () => 'abc'[random(3)]).join('');
      const pieces: string[] = [];
      for (let at = 0; at < text.length; ) {
        const size = 1 + random(6);
        pieces.push(text.slice(at, at + size));
        at += size;
      }
      assert.equal(run(pieces, patterns, false).replaceAll('|', ''), run([text], patterns, false), pieces.join('|'));
    }
  });
});

describe('acceptsGzip', () => {
  const yes = ['gzip', 'gzip, deflate', 'deflate, gzip', 'GZIP', 'gzip;q=1', 'gzip; q=0.5', 'x,gzip;q=0.001', 'gzip;'];
  const no = [
    'deflate',
    'gzip;q=0',
    'gzip;q=0.000',
    'x-gzip',
    'gzipx',
    'gzip;q=1.1',
    'gzip;q=2',
    'gzip;x',
    'gzip;q',
    '*',
  ];
  for (const text of yes) it(text, () => assert.equal(acceptsGzip(text), true));
  for (const text of no) it(`not ${text}`, () => assert.equal(acceptsGzip(text), false));
});

describe('GzipInflater', () => {
  it('inflates in pieces', () => {
    const text = 'some text '.repeat(5000);
    const data = Buffer.concat([gzipSync(text), gzipSync('more')]);
    const inflater = new GzipInflater(1024);
    let out = '';
    for (let at = 0; at < data.length; at += 7) {
      inflater.write(data.subarray(at, at + 7), at + 7 >= data.length, (piece) => {
        out += piece.toString('latin1');
      });
    }
    inflater.close();
    assert.equal(out, `${text}more`);
  });

  it('refuses what is not gzip, and what is cut off', () => {
    const bad = new GzipInflater(1024);
    assert.throws(() => bad.write(Buffer.from('no gzip at all'), false, () => {}), InflateError);
    bad.close();
    const short = new GzipInflater(1024);
    assert.throws(() => short.write(gzipSync('text').subarray(0, 15), true, () => {}), { code: -5 });
    short.close();
  });
});

describe('filters that change bodies', () => {
  const server = new TestServer(
    `
    access_log off;
    default_type text/plain; types { text/html html; }
    server { listen 127.0.0.1:1; root %DIR%/html;
      location /sub/ { alias %DIR%/html/; sub_filter one 1; sub_filter_once off; }
      location /once/ { alias %DIR%/html/; sub_filter one $uri; sub_filter two ""; sub_filter_last_modified on; }
      location /types/ { alias %DIR%/html/; sub_filter plain 1; sub_filter_types text/plain; }
      location /dynamic/ { alias %DIR%/html/; sub_filter $arg_p <$arg_v>; sub_filter_once off; }
      location /add/ { alias %DIR%/html/; add_before_body /before; add_after_body /after; }
      location /both/ { alias %DIR%/html/; add_after_body /after; sub_filter one 1; sub_filter_once off; }
      location /before { return 200 "[before]"; }
      location /after { return 200 "[after]"; }
      location /static/ { alias %DIR%/html/; gzip_static on; gzip_vary on; }
      location /always/ { alias %DIR%/html/; gzip_static always; }
      location /gunzip/ { alias %DIR%/html/; gzip_static always; gunzip on; }
      location /all/ { alias %DIR%/html/; gzip_static always; gunzip on; sub_filter one 1; add_after_body /after; }
    }`,
    {
      'html/a.html': 'One one two',
      'html/a.txt': 'plain one',
      'html/a.txt.gz': zip('compressed'),
      'html/b.html.gz': zip(`${'x'.repeat(100_000)}one`),
      'html/bad.txt.gz': 'something else, long enough',
    },
  );
  after(() => server.close());

  const cases: readonly (readonly [string, string])[] = [
    ['/sub/a.html', '1 1 two'],
    ['/sub/a.txt', 'plain one'],
    ['/once/a.html', '/once/a.html one '],
    ['/types/a.txt', '1 one'],
    ['/dynamic/a.html?p=ONE&v=x', '<x> <x> two'],
    ['/dynamic/a.html', 'One one two'],
    ['/add/a.html', '[before]One one two[after]'],
    ['/add/a.txt', 'plain one'],
    ['/both/a.html', '1 1 two[after]'],
    ['/static/a.txt', 'plain one'],
    ['/gunzip/a.txt', 'compressed'],
    ['/all/b.html', `${'x'.repeat(100_000)}1[after]`],
  ];
  for (const [uri, expected] of cases) {
    it(uri, async () => assert.equal(body((await server.get(uri)).raw), expected));
  }

  it('drops what no longer holds from the header', async () => {
    const plain = await server.get('/sub/a.html');
    assert.deepEqual(
      [
        plain.headers['content-length'],
        plain.headers['last-modified'],
        plain.headers.etag,
        plain.headers['accept-ranges'],
      ],
      [undefined, undefined, undefined, undefined],
    );
    const kept = await server.get('/once/a.html');
    assert.ok(kept.headers['last-modified'] !== undefined);
    assert.match(kept.headers.etag ?? '', /^W\/"/);
    const added = await server.get('/add/a.html');
    assert.equal(added.headers['content-length'], undefined);
    assert.match(added.headers.etag ?? '', /^W\/"/);
  });

  it('gzip_static', async () => {
    const accept = ['Accept-Encoding: gzip'];
    const zipped = await server.get('/static/a.txt', accept);
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.equal(zipped.headers['content-type'], 'text/plain');
    assert.equal(zipped.headers.vary, 'Accept-Encoding');
    assert.equal(zipped.body, zip('compressed'));
    assert.equal((await server.get('/static/a.txt')).headers.vary, 'Accept-Encoding');
    assert.equal((await server.get('/always/a.txt')).headers['content-encoding'], 'gzip');
    assert.equal((await server.get('/always/a.html', accept)).headers['content-encoding'], undefined);
    assert.equal((await server.get('/gunzip/a.txt', accept)).body, zip('compressed'));
  });

  it('gunzip logs bad data', async () => {
    await server.send('GET /gunzip/bad.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.ok(
      server.log.some((line) => line.startsWith('inflate() failed: 4, -3')),
      server.log.join('\n'),
    );
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['sub_filter "" x;', /^empty search pattern in /],
    ['gzip_static maybe;', /^invalid value "maybe" in /],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});
