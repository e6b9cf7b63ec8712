// proxy_limit_rate: how fast answers are read.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, it } from 'node:test';
import { TestServer } from '../../test-server.ts';

const BODY = 'x'.repeat(400_000);
let backend: Server;
let server: TestServer;

before(async () => {
  backend = createServer((_request, response) => response.end(BODY));
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const { port } = backend.address() as { port: number };
  server = new TestServer(
    `
    access_log off;
    server { listen 127.0.0.1:1; proxy_buffers 4 16k;
      location / { proxy_pass http://127.0.0.1:${port}; proxy_limit_rate 128k; }
      location /var { proxy_pass http://127.0.0.1:${port}; proxy_limit_rate $arg_rate; }
    }`,
    { 'proxy_temp/keep': '' },
  );
});
after(() => {
  server.close();
  backend.close();
  backend.closeAllConnections();
});

it('reads no faster', async () => {
  const start = performance.now();
  const { body } = await server.get('/', [], 'GET', '1.0');
  assert.equal(body, BODY);
  // 128 KB in each second that has begun, and a read may take more: the third one is needed, so that one has passed.
  assert.ok(performance.now() - start >= 990);
});

it('takes the rate from a variable', async () => {
  assert.equal((await server.get('/var?rate=1m', [], 'GET', '1.0')).body, BODY);
  assert.equal((await server.get('/var', [], 'GET', '1.0')).body, BODY);
});
