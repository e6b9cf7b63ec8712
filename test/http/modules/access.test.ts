import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

describe('allow and deny', () => {
  const server = new TestServer(
    `
    access_log off;
    server { listen 127.0.0.1:1;
      location /deny { deny all; alias %DIR%/html/a.txt; }
      location /allow { allow 127.0.0.0/8; deny all; alias %DIR%/html/a.txt; }
      location /first { deny 127.0.0.1; allow all; alias %DIR%/html/a.txt; }
      location /other { deny 10.0.0.0/8; deny 2001:db8::/32; deny unix:; alias %DIR%/html/a.txt; }
      location /any { satisfy any; deny all; alias %DIR%/html/a.txt; }
      location /limited { limit_except GET { deny all; } alias %DIR%/html/a.txt; }
      location /outer { deny all; location /outer/in { alias %DIR%/html/a.txt; } location /outer/open { allow all; alias %DIR%/html/a.txt; } }
    }`,
    { 'html/a.txt': 'ok' },
  );
  after(() => server.close());

  const cases: readonly (readonly [string, string, number])[] = [
    ['GET', '/deny', 403],
    ['GET', '/allow', 200],
    ['GET', '/first', 403],
    ['GET', '/other', 200],
    ['GET', '/any', 403],
    ['GET', '/limited', 200],
    ['HEAD', '/limited', 200],
    ['POST', '/limited', 403],
    ['GET', '/outer/in', 403],
    ['GET', '/outer/open', 200],
  ];
  for (const [method, uri, status] of cases) {
    it(`${method} ${uri}`, async () => assert.equal((await server.get(uri, [], method)).status, status));
  }

  it('logs who was kept out', async () => {
    await server.get('/deny');
    assert.ok(server.log.some((line) => line.startsWith('access forbidden by rule, client: 127.0.0.1')));
  });

  it('checks addresses', () => {
    assert.throws(() => loadHttp('deny 300.1.1.1;'), /^ConfError: invalid parameter "300\.1\.1\.1" in /);
    const warnings: string[] = [];
    loadHttp('deny 127.0.0.1/8;', warnings);
    assert.match(warnings[0] ?? '', /^low address bits of 127\.0\.0\.1\/8 are meaningless in /);
  });
});
