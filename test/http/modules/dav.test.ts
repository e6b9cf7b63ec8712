import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { TestServer } from '../test-server.ts';

describe('WebDAV', () => {
  const server = new TestServer(
    `
    access_log off; client_body_temp_path %DIR%/temp;
    server { listen 127.0.0.1:1; root %DIR%;
      location /d/ { dav_methods PUT DELETE MKCOL COPY MOVE; }
      location /full/ { alias %DIR%/d/; dav_methods PUT MKCOL; create_full_put_path on; dav_access group:rw all:r; }
      location /deep/ { alias %DIR%/d/; dav_methods DELETE; min_delete_depth 3; }
      location /get/ { alias %DIR%/d/; }
    }`,
    { 'temp/x': '', 'd/folder/inner/file': 'in', 'd/folder/file': 'out', 'd/keep': 'kept' },
  );
  after(() => server.close());
  const path = (name: string): string => join(server.dir, name);

  async function ask(method: string, uri: string, headers: readonly string[] = [], text = ''): Promise<string> {
    const length = text === '' ? [] : [`Content-Length: ${text.length}`];
    const lines = ['Host: localhost', 'Connection: close', ...length, ...headers];
    const answer = await server.send(`${method} ${uri} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${text}`);
    const location = /^Location: .*:\d+(\/.*)\r$/m.exec(answer)?.[1];
    return answer.slice(9, 12) + (location === undefined ? '' : ` ${location}`);
  }

  it('PUT', async () => {
    assert.equal(await ask('PUT', '/d/new', [], 'hello'), '201 /d/new');
    assert.equal(server.read('d/new'), 'hello');
    assert.equal(await ask('PUT', '/d/new', [], 'again'), '204');
    assert.equal(server.read('d/new'), 'again');
    assert.equal(await ask('PUT', '/d/empty', ['Content-Length: 0']), '201 /d/empty');
    assert.equal(server.read('d/empty'), '');
    const chunked = ['Transfer-Encoding: chunked'];
    const answer = await server.send(
      `PUT /d/sp%20ace HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${chunked}\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 201 /);
    assert.match(answer, /^Location: .*\/d\/sp%20ace\r$/m);
    assert.equal(server.read('d/sp ace'), 'abc');
    assert.equal(statSync(path('d/new')).mode & 0o777, 0o600);
    const dated = await ask('PUT', '/d/dated', ['Date: Sun, 06 Nov 1994 08:49:37 GMT'], 'x');
    assert.equal(dated, '201 /d/dated');
    assert.equal(statSync(path('d/dated')).mtimeMs, 784111777000);
  });

  it('PUT that cannot be', async () => {
    assert.equal(await ask('PUT', '/d/', [], 'x'), '409');
    assert.equal(await ask('PUT', '/d/folder', [], 'x'), '409');
    assert.equal(await ask('PUT', '/d/a/b/c', [], 'x'), '500');
    assert.equal(await ask('PUT', '/d/x', ['Content-Range: bytes 0-0/1'], 'x'), '501');
    assert.equal(await ask('PUT', '/get/x', [], 'x'), '405');
    assert.ok(server.log.some((line) => /^rename\(\) ".*" to ".*\/d\/a\/b\/c" failed \(2: No such file/.test(line)));
  });

  it('makes folders', async () => {
    assert.equal(await ask('PUT', '/full/a/b/c', [], 'deep'), '201 /full/a/b/c');
    assert.equal(server.read('d/a/b/c'), 'deep');
    assert.equal(statSync(path('d/a/b/c')).mode & 0o777, 0o664);
    assert.equal(await ask('MKCOL', '/d/made/'), '201 /d/made/');
    assert.equal(await ask('MKCOL', '/d/made/'), '405');
    assert.equal(await ask('MKCOL', '/d/made'), '409');
    assert.equal(await ask('MKCOL', '/d/x/y/'), '409');
    assert.equal(await ask('MKCOL', '/d/y/', [], 'body'), '415');
    assert.equal(statSync(path('d/made')).mode & 0o777, 0o700);
  });

  it('COPY', async () => {
    assert.equal(await ask('COPY', '/d/keep', ['Destination: /d/copy']), '204');
    assert.equal(server.read('d/copy'), 'kept');
    assert.equal(await ask('COPY', '/d/keep', ['Destination: /d/copy', 'Overwrite: F']), '412');
    assert.equal(await ask('COPY', '/d/keep', ['Destination: http://localhost/d/copy2']), '204');
    assert.equal(await ask('COPY', '/d/keep', ['Destination: http://other/d/copy2']), '400');
    assert.equal(await ask('COPY', '/d/keep'), '400');
    assert.equal(await ask('COPY', '/d/keep', ['Destination: /d/keep']), '403');
    assert.equal(await ask('COPY', '/d/keep', ['Destination: /d/folder']), '409');
    assert.equal(await ask('COPY', '/d/keep', ['Destination: /../x']), '400');
    assert.equal(await ask('COPY', '/d/none', ['Destination: /d/none2']), '404');
    assert.equal(await ask('COPY', '/d/folder/', ['Destination: /d/folder2/']), '201');
    assert.equal(server.read('d/folder2/inner/file'), 'in');
    assert.equal(await ask('COPY', '/d/folder/', ['Destination: /d/folder/inner/']), '403');
  });

  it('MOVE', async () => {
    assert.equal(await ask('MOVE', '/d/copy', ['Destination: /d/moved']), '204');
    assert.equal(server.read('d/moved'), 'kept');
    assert.equal(existsSync(path('d/copy')), false);
    assert.equal(await ask('MOVE', '/d/folder2/', ['Destination: /d/folder3/']), '201');
    assert.equal(server.read('d/folder3/file'), 'out');
    assert.equal(await ask('MOVE', '/d/folder3', ['Destination: /d/folder4']), '400');
  });

  it('DELETE', async () => {
    assert.equal(await ask('DELETE', '/d/moved'), '204');
    assert.equal(await ask('DELETE', '/d/moved'), '404');
    assert.equal(await ask('DELETE', '/d/keep/x'), '409');
    assert.equal(await ask('DELETE', '/d/folder3'), '409');
    assert.equal(await ask('DELETE', '/d/folder3/', ['Depth: 0']), '400');
    assert.equal(await ask('DELETE', '/d/folder3/', ['Depth: infinity']), '204');
    assert.equal(existsSync(path('d/folder3')), false);
    assert.equal(await ask('DELETE', '/d/keep', [], 'body'), '415');
    assert.equal(await ask('DELETE', '/deep/keep'), '409');
    assert.ok(server.log.some((line) => line.startsWith('insufficient URI depth:2 to DELETE')));
    assert.equal(await ask('DELETE', '/deep/folder/file'), '204');
  });
});
