// gzip and its variable.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FINISH, GzipDeflater, NO_FLUSH, SYNC_FLUSH } from '../../../src/http/deflate.ts';
import { loadHttp, TestServer } from '../test-server.ts';

const ACCEPT = ['Accept-Encoding: gzip'];

describe('GzipDeflater', () => {
  const parameters = { level: 6, windowBits: 15, memLevel: 8 };

  it('compresses pieces, also with a compressor that was used before', () => {
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 7919) >>> (i % 11)));
    for (let round = 0; round < 3; round++) {
      const deflater = GzipDeflater.take(parameters);
      let out = deflater.write(noise.subarray(0, 100_000), NO_FLUSH);
      out += deflater.write(noise.toString('latin1', 100_000), SYNC_FLUSH);
      out += deflater.write('', SYNC_FLUSH);
      out += deflater.write(Buffer.from(`end ${round}`), FINISH);
      deflater.release();
      const whole = gunzipSync(Buffer.from(out, 'latin1'));
      assert.deepEqual(whole, Buffer.concat([noise, Buffer.from(`end ${round}`)]));
    }
  });

  it('can be left in the middle', () => {
    const left = GzipDeflater.take(parameters);
    left.write('left', NO_FLUSH);
    left.release();
    const next = GzipDeflater.take(parameters);
    const out = next.write('next', FINISH);
    assert.equal(gunzipSync(Buffer.from(out, 'latin1')).toString(), 'next');
    next.release();
  });
});

describe('gzip', () => {
  const long = 'line of text '.repeat(20_000);
  const server = new TestServer(
    `
    log_format ratio '$uri $gzip_ratio';
    default_type text/plain; types { text/html html; }
    gzip_min_length 10;
    server { listen 127.0.0.1:1; root %DIR%/html; access_log %DIR%/logs/access.log ratio;
      location / { gzip on; gzip_vary on; }
      location /off/ { alias %DIR%/html/; }
      location /plain/ { alias %DIR%/html/; gzip on; gzip_types text/plain; gzip_comp_level 9; }
      location /wait/ { alias %DIR%/html/; gzip on; gzip_types *; postpone_gzipping 4k; gzip_window 512; gzip_hash 512; }
      location /missing { gzip on; return 404; }
      location /encoded { gzip on; gzip_types *; add_header Content-Encoding x; return 200 "long enough to compress"; }
    }`,
    { 'html/a.html': 'an answer to compress', 'html/s.html': 'short', 'html/long.html': long, 'html/a.txt': long },
  );
  after(() => server.close());

  async function unzipped(uri: string): Promise<string> {
    const answer = await server.get(uri, [...ACCEPT, 'Connection: close']);
    assert.equal(answer.headers['content-encoding'], 'gzip', answer.raw.slice(0, 400));
    assert.equal(answer.headers['content-length'], undefined);
    const at = answer.raw.indexOf('\r\n\r\n') + 4;
    const chunks: Buffer[] = [];
    for (let p = at; ; ) {
      const end = answer.raw.indexOf('\r\n', p);
      const size = Number.parseInt(answer.raw.slice(p, end), 16);
      if (size === 0) return gunzipSync(Buffer.concat(chunks)).toString('latin1');
      assert.ok(size > 0);
      chunks.push(Buffer.from(answer.raw.slice(end + 2, end + 2 + size), 'latin1'));
      p = end + 4 + size;
    }
  }

  for (const [uri, expected] of [
    ['/a.html', 'an answer to compress'],
    ['/long.html', long],
    ['/plain/a.txt', long],
    ['/plain/a.html', 'an answer to compress'],
    ['/wait/long.html', long],
    ['/wait/a.html', 'an answer to compress'],
  ] as const) {
    it(`compresses ${uri}`, async () => assert.equal(await unzipped(uri), expected));
  }

  for (const uri of ['/s.html', '/off/a.html', '/a.txt', '/encoded']) {
    it(`leaves ${uri} alone`, async () => {
      const answer = await server.get(uri, ACCEPT);
      assert.notEqual(answer.headers['content-encoding'], 'gzip');
      assert.notEqual(answer.headers['content-length'], undefined);
    });
  }

  it('what the client does not take is sent as it is, and says that it varies', async () => {
    const answer = await server.get('/a.html');
    assert.equal(answer.body, 'an answer to compress');
    assert.equal(answer.headers.vary, 'Accept-Encoding');
    assert.equal((await server.get('/a.html', ['Accept-Encoding: gzip;q=0'])).body, 'an answer to compress');
  });

  it('etag becomes weak, ranges are gone', async () => {
    const answer = await server.get('/a.html', ACCEPT);
    assert.match(answer.headers.etag ?? '', /^W\/"/);
    assert.equal(answer.headers['accept-ranges'], undefined);
  });

  it('404 pages, HEAD', async () => {
    assert.match(await unzipped('/missing'), /404 Not Found/);
    const head = await server.send(
      'HEAD /a.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n',
    );
    assert.match(head, /\r\n\r\n$/);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['gzip_comp_level 10;', /^value must be between 1 and 9 in /],
    ['gzip_window 3k;', /^"gzip_window" directive must be 512, 1k, 2k, 4k, 8k, 16k, or 32k in |must be 512/],
    ['gzip_hash 256k;', /must be 512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k/],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});
