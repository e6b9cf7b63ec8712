/** static, index, try_files, root and alias. Expected answers are those of nginx 1.22 to the same requests. */
import assert from 'node:assert/strict';
import { symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { TestServer } from '../test-server.ts';

const BIG = 'z'.repeat(100_000);

const server = new TestServer(
  `
  access_log off;
  types { text/html html; text/plain txt; text/css css; }
  default_type application/octet-stream;
  server { listen 127.0.0.1:1; server_name localhost;
    location / { }
    location /cached/ { open_file_cache max=10; open_file_cache_errors on; alias %DIR%/html/; }
    location /noetag/ { etag off; alias %DIR%/html/; }
    location /al/ { alias %DIR%/html/other/; index f.txt; }
    location ~ ^/alre/(.*)$ { alias %DIR%/html/$1; }
    location /rewritten { rewrite ^ /rewritten/a.txt break; alias %DIR%/html/; }
    location /variable/ { root %DIR%/$arg_r; }
    location /nolink { disable_symlinks on; alias %DIR%/html/link.txt; }
    location /try { try_files $uri $uri/ /dir/ =404; }
    location /try2/ { try_files /nope$uri /a.txt =404; }
    location /try3/ { try_files $uri $uri.txt @fallback; }
    location /try4/ { try_files $uri =418; }
    location /try5/ { try_files $uri /fallback?u=$uri&a=$args; }
    location /tryalias/ { alias %DIR%/html/other/; try_files $uri f.txt =404; }
    location /tryfolder/ { try_files $uri/ /dir/ /index.html; }
    location = /fallback { return 200 "fallback $args"; }
    location @fallback { return 200 "named $uri"; }
    location /idx/ { alias %DIR%/html/noindex/; index a b /dir/index.html; }
    location /idx2/ { alias %DIR%/html/dir/; index nope $arg_i index.html; }
  }`,
  {
    'html/index.html': 'index',
    'html/a.txt': 'hi\n',
    'html/a.CSS': 'css',
    'html/empty.txt': '',
    'html/big.bin': BIG,
    'html/dir/index.html': 'sub',
    'html/dir/sub/page.txt': 'page',
    'html/other/f.txt': 'al',
    'html/noindex/x': '',
  },
);
symlinkSync('a.txt', `${server.dir}/html/link.txt`);
utimesSync(`${server.dir}/html/a.txt`, 1577836800, 1577836800);

describe('files', () => {
  after(() => server.close());

  const bodies: readonly (readonly [string, number, string?])[] = [
    ['/', 200, 'index'],
    ['/a.txt', 200, 'hi\n'],
    ['/link.txt', 200, 'hi\n'],
    ['/empty.txt', 200, ''],
    ['/big.bin', 200, BIG],
    ['/nope', 404],
    ['/nope/', 404],
    ['/a.txt/x', 404],
    ['/dir/', 200, 'sub'],
    ['/dir/sub/', 403],
    ['/cached/a.txt', 200, 'hi\n'],
    ['/cached/a.txt', 200, 'hi\n'],
    ['/cached/big.bin', 200, BIG],
    ['/cached/nope', 404],
    ['/cached/nope', 404],
    ['/al/f.txt', 200, 'al'],
    ['/al/', 200, 'al'],
    ['/alre/a.txt', 200, 'hi\n'],
    ['/alre/nope', 404],
    ['/rewritten', 500],
    ['/variable/x?r=html', 404],
    ['/nolink', 403],
    ['/try/a.txt', 301],
    ['/trydir', 301],
    ['/try2/q', 200, 'hi\n'],
    ['/try3/zz', 200, 'named /try3/zz'],
    ['/try4/x', 418],
    ['/try5/x?k=v', 200, 'fallback u=/try5/x&a=k=v'],
    ['/tryalias/f.txt', 200, 'al'],
    ['/tryalias/zz', 200, 'al'],
    ['/tryfolder/x', 301],
    ['/idx/', 200, 'sub'],
    ['/idx2/', 500],
    ['/idx2/?i=sub/page.txt', 200, 'page'],
    [`/${'n'.repeat(300)}`, 404],
  ];
  for (const [uri, status, body] of bodies) {
    it(uri.slice(0, 40), async () => {
      const answer = await server.get(uri);
      assert.equal(answer.status, status);
      if (body !== undefined) assert.equal(answer.body, body);
    });
  }

  it('describes the file', async () => {
    const { headers } = await server.get('/a.txt');
    assert.equal(headers['content-type'], 'text/plain');
    assert.equal(headers['content-length'], '3');
    assert.equal(headers['last-modified'], 'Wed, 01 Jan 2020 00:00:00 GMT');
    assert.equal(headers['etag'], '"5e0be100-3"');
    assert.equal(headers['accept-ranges'], 'bytes');
    assert.equal((await server.get('/noetag/a.txt')).headers['etag'], undefined);
    assert.equal((await server.get('/a.CSS')).headers['content-type'], 'text/css');
    assert.equal((await server.get('/big.bin')).headers['content-type'], 'application/octet-stream');
  });

  it('answers conditions and ranges', async () => {
    assert.equal((await server.get('/a.txt', ['If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT'])).status, 304);
    assert.equal((await server.get('/a.txt', ['If-None-Match: "5e0be100-3"'])).status, 304);
    assert.equal((await server.get('/a.txt', ['If-Match: "other"'])).status, 412);
    const part = await server.get('/big.bin', ['Range: bytes=99990-']);
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], 'bytes 99990-99999/100000');
    assert.equal(part.body.length, 10);
    assert.equal((await server.get('/a.txt', ['Range: bytes=-2'])).body, 'i\n');
    assert.equal((await server.get('/a.txt', ['Range: bytes=9-'])).status, 416);
  });

  it('answers methods', async () => {
    const head = await server.get('/a.txt', [], 'HEAD');
    assert.equal(head.headers['content-length'], '3');
    assert.equal(head.body, '');
    assert.equal((await server.get('/a.txt', ['Content-Length: 0'], 'POST')).status, 405);
    assert.equal((await server.get('/a.txt', [], 'DELETE')).status, 405);
  });

  it('sends to the folder with a slash', async () => {
    const answer = await server.get('/dir?x=1');
    assert.equal(answer.status, 301);
    assert.equal(answer.headers['location'], 'http://localhost:1/dir/?x=1');
  });

  it('says in the log what was not found', async () => {
    await server.get('/nope');
    await server.get('/nope/');
    await server.get('/dir/sub/');
    const log = server.log.join('\n').replaceAll(server.dir, 'DIR');
    assert.match(log, /^open\(\) "DIR\/html\/nope" failed \(2: No such file or directory\), client: /m);
    assert.match(log, /^"DIR\/html\/nope\/index\.html" is not found \(2: No such file or directory\), client: /m);
    assert.match(log, /^directory index of "DIR\/html\/dir\/sub\/" is forbidden, client: /m);
    assert.match(log, /^"alias" cannot be used in location "\/rewritten" where URI was rewritten, client: /m);
  });

  it('looks at files anew without open_file_cache, not with it', async () => {
    writeFileSync(`${server.dir}/html/changing.txt`, 'one');
    assert.equal(await server.body('/changing.txt'), 'one');
    assert.equal(await server.body('/cached/changing.txt'), 'one');
    writeFileSync(`${server.dir}/html/changing.txt`, 'three');
    assert.equal(await server.body('/changing.txt'), 'three');
    assert.equal((await server.get('/cached/changing.txt')).headers['content-length'], '3');
  });
});
