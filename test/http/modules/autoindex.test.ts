// autoindex in its formats. The pages were compared with nginx's, byte by byte.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { type Answer, TestServer } from '../test-server.ts';

const server = new TestServer(
  `
  access_log off;
  server { listen 127.0.0.1:1; root %DIR%/html;
    location /list/ { autoindex on; }
    location /rounded/ { alias %DIR%/html/list/; autoindex on; autoindex_exact_size off; }
    location /json/ { alias %DIR%/html/list/; autoindex on; autoindex_format json; }
    location /jsonp/ { alias %DIR%/html/list/; autoindex on; autoindex_format jsonp; }
    location /xml/ { alias %DIR%/html/list/; autoindex on; autoindex_format xml; }
  }`,
  { 'html/list/b & <c>.txt': 'twelve bytes', 'html/list/.hidden': '', 'html/list/big.bin': 'x'.repeat(20_000) },
);
after(() => server.close());

const dir = `${server.dir}/html/list`;
mkdirSync(`${dir}/z folder`);
writeFileSync(`${dir}/${'n'.repeat(60)}`, '');
symlinkSync('nowhere', `${dir}/dangling`);
for (const name of ['z folder', 'b & <c>.txt', 'big.bin', 'n'.repeat(60)]) {
  utimesSync(`${dir}/${name}`, 1577934245, 1577934245);
}

// HTTP/1.0, so that bodies are not in chunks.
const get = (uri: string): Promise<Answer> => server.get(uri, [], 'GET', '1.0');

describe('autoindex', () => {
  it('html: folders first, escapes, columns', async () => {
    const { body, headers } = await get('/list/');
    assert.equal(headers['content-type'], 'text/html');
    const lines = body.split('\r\n');
    assert.deepEqual(lines.slice(0, 4), [
      '<html>',
      '<head><title>Index of /list/</title></head>',
      '<body>',
      '<h1>Index of /list/</h1><hr><pre><a href="../">../</a>',
    ]);
    assert.equal(lines[4], `<a href="z%20folder/">z folder/</a>${' '.repeat(42)}02-Jan-2020 03:04${' '.repeat(19)}-`);
    const text = lines.find((line) => line.includes('twelve') || line.includes('%26'));
    assert.equal(
      text,
      `<a href="b%20%26%20%3Cc%3E.txt">b &amp; &lt;c&gt;.txt</a>${' '.repeat(40)}02-Jan-2020 03:04                  12`,
    );
    assert.ok(body.includes(`">${'n'.repeat(47)}..&gt;</a> 02-Jan-2020 03:04                   0\r\n`));
    assert.ok(body.includes('dangling'));
    assert.ok(!body.includes('hidden'));
    assert.deepEqual(lines.slice(-3), ['</pre><hr></body>', '</html>', '']);
  });

  it('rounded sizes', async () => {
    assert.match((await get('/rounded/')).body, /big\.bin<\/a> +02-Jan-2020 03:04 {5}20K\r\n/);
  });

  it('json', async () => {
    const { body, headers } = await get('/json/');
    assert.equal(headers['content-type'], 'application/json');
    const list = JSON.parse(body) as { name: string; type: string; mtime: string; size?: number }[];
    assert.deepEqual(
      list.map((e) => [e.name, e.type, e.size]),
      [
        ['z folder', 'directory', undefined],
        ['b & <c>.txt', 'file', 12],
        ['big.bin', 'file', 20_000],
        ['dangling', 'other', undefined],
        ['n'.repeat(60), 'file', 0],
      ],
    );
    assert.equal(list[0]?.mtime, 'Thu, 02 Jan 2020 03:04:05 GMT');
  });

  it('jsonp takes names of functions only', async () => {
    const { body, headers } = await get('/jsonp/?callback=a.b_1');
    assert.equal(headers['content-type'], 'application/javascript');
    assert.match(body, /^\/\* callback \*\/\r\na\.b_1\(\[\r\n[\s\S]*\r\n\]\);$/);
    assert.equal((await get('/jsonp/?callback=a-b')).status, 400);
    assert.equal((await get(`/jsonp/?callback=${'a'.repeat(129)}`)).status, 400);
    assert.ok(server.log.some((line) => line.startsWith('client sent invalid callback name: "a-b"')));
    assert.equal((await get('/jsonp/')).headers['content-type'], 'application/json');
  });

  it('xml', async () => {
    const { body, headers } = await get('/xml/');
    assert.equal(headers['content-type'], 'text/xml; charset=utf-8');
    assert.ok(
      body.startsWith(
        '<?xml version="1.0"?>\r\n<list>\r\n<directory mtime="2020-01-02T03:04:05Z">z folder</directory>\r\n',
      ),
    );
    assert.ok(body.includes('<file mtime="2020-01-02T03:04:05Z" size="12">b &amp; &lt;c&gt;.txt</file>\r\n'));
  });

  it('folders that are not there', async () => assert.equal((await get('/list/none/')).status, 404));
});
