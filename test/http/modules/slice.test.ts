import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { TestServer } from '../test-server.ts';

describe('slice', () => {
  const data = Array.from({ length: 1000 }, (_, i) => String(i).padStart(5, '0')).join('');
  const server = new TestServer(
    `
    log_format o '$uri $http_range';
    access_log off;
    server { listen 127.0.0.1:1; root %DIR%/html; proxy_http_version 1.1;
      location /s { slice 1000; proxy_set_header Range $slice_range; proxy_pass http://$http_backend/o/big; }
      location /wrong { slice 1000; proxy_set_header Range bytes=5-; proxy_set_header X $slice_range; proxy_pass http://$http_backend/o/big; }
      location /whole { slice 1000; proxy_set_header Range $slice_range; proxy_pass http://$http_backend/whole/big; }
      location /o/ { alias %DIR%/html/; access_log logs/origin.log o; }
      location /whole/ { alias %DIR%/html/; max_ranges 0; }
      location /range { slice 100; set $range $slice_range; return 200 "[$range]"; }
      location /none { return 200 "[$slice_range]"; }
    }`,
    { 'html/big': data, 'logs/origin.log': '' },
  );
  after(() => server.close());
  // The server is its own backend.
  const backend = `Backend: 127.0.0.1:${server.port}`;

  it('fetches the whole by slices', async () => {
    const { status, headers, body } = await server.get('/s', [backend]);
    assert.equal(status, 200);
    assert.equal(headers['content-length'], '5000');
    assert.equal(headers['content-range'], undefined);
    assert.equal(body, data);
    const asked = [0, 1000, 2000, 3000, 4000].map((start) => `/o/big bytes=${start}-${start + 999}\n`);
    assert.equal(server.read('logs/origin.log'), asked.join(''));
  });

  const ranges: readonly (readonly [string, number, number])[] = [
    ['0-0', 0, 1],
    ['999-1000', 999, 1001],
    ['1500-3500', 1500, 3501],
    ['4990-', 4990, 5000],
    ['-10', 4990, 5000],
  ];
  for (const [range, start, end] of ranges) {
    it(`bytes=${range}`, async () => {
      const { status, headers, body } = await server.get('/s', [backend, `Range: bytes=${range}`]);
      assert.equal(status, 206);
      assert.equal(headers['content-range'], `bytes ${start}-${end - 1}/5000`);
      assert.equal(body, data.slice(start, end));
    });
  }

  it('passes on what has no ranges', async () => assert.equal(await server.body('/whole', [backend]), data));

  it('refuses a range that it did not ask for', async () => {
    assert.equal(await server.send(`GET /wrong HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${backend}\r\n\r\n`), '');
    const line = 'unexpected range in slice response: 5-5000, expected: 0-1005';
    assert.ok(server.log.some((text) => text.startsWith(line)));
  });

  it('$slice_range', async () => {
    assert.equal(await server.body('/range'), '[bytes=0-99]');
    assert.equal(await server.body('/range', ['Range: bytes=250-']), '[bytes=200-299]');
    assert.equal(await server.body('/range', ['Range: bytes=1-2,5-6']), '[bytes=0-99]');
    assert.equal(await server.body('/none'), '[]');
  });
});
