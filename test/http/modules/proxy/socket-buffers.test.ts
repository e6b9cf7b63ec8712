// proxy_socket_rcvbuf and proxy_socket_sndbuf: what the kernel says of the connection to the backend.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { TestServer } from '../../test-server.ts';

const hasSs = process.platform === 'linux' && spawnSync('ss', ['-V']).status === 0;

describe('buffers of connections to backends', { skip: !hasSs && 'needs ss' }, () => {
  let backend: Server;
  let server: TestServer;
  let seen = '';

  before(async () => {
    backend = createServer((request, response) => {
      const { remotePort } = request.socket;
      const result = spawnSync('ss', ['-tnmH', 'src', '127.0.0.1', 'sport', '=', `:${remotePort}`], {
        encoding: 'latin1',
      });
      seen = result.stdout;
      response.end('ok');
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as { port: number };
    server = new TestServer(`
      access_log off;
      server { listen 127.0.0.1:1; proxy_pass_request_headers off;
        location / { proxy_pass http://127.0.0.1:${port}; }
        location /small { proxy_pass http://127.0.0.1:${port}; proxy_socket_rcvbuf 16k; proxy_socket_sndbuf 8k; }
      }`);
  });
  after(() => {
    server.close();
    backend.close();
    backend.closeAllConnections();
  });

  /** The kernel doubles what it is asked for. */
  it('are as large as they are asked for', async () => {
    assert.equal((await server.get('/small', [], 'GET', '1.0')).body, 'ok');
    assert.match(seen, /,rb32768,/);
    assert.match(seen, /,tb16384,/);
  });

  it("are the system's own otherwise", async () => {
    assert.equal((await server.get('/', [], 'GET', '1.0')).body, 'ok');
    assert.match(seen, /,rb\d+,/);
    assert.doesNotMatch(seen, /,rb32768,/);
    assert.doesNotMatch(seen, /,tb16384,/);
  });
});
