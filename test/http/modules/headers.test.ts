import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

describe('add_header, add_trailer, expires', () => {
  const server = new TestServer(
    `
    access_log off;
    server { listen 127.0.0.1:1;
      location /add { add_header X-A "v$arg_x"; add_header X-B b always; add_header X-Empty ""; return 200 ok; }
      location /error { add_header X-A a; add_header X-B b always; return 404; }
      location /fields { add_header Last-Modified ""; add_header ETag '"mine"'; alias %DIR%/html/a.txt; }
      location /outer { add_header X-Out 1;
        location /outer/own { add_header X-In 2; return 200 ok; }
        location /outer/none { return 200 ok; }
        location /outer/merge { add_header_inherit merge; add_header X-In 2; return 200 ok; }
        location /outer/off { add_header_inherit off; return 200 ok; }
      }
      location /hour { expires 1h; add_header Cache-Control public; return 200 ok; }
      location /epoch { expires epoch; return 200 ok; }
      location /max { expires max; return 200 ok; }
      location /past { expires -1; return 200 ok; }
      location /zero { expires 0; return 200 ok; }
      location /modified { expires modified +1d; alias %DIR%/html/a.txt; }
      location /daily { expires @15h30m; return 200 ok; }
      location /variable { expires $arg_e; return 200 ok; }
      location /not { expires 1h; return 404; }
      location /trailer { add_trailer X-T "t$arg_x"; alias %DIR%/html/a.txt; }
    }`,
    { 'html/a.txt': 'hi' },
  );
  after(() => server.close());

  const get = async (uri: string) => (await server.get(uri)).headers;

  it('adds fields to good responses, and to all with always', async () => {
    const added = await get('/add?x=1');
    assert.equal(added['x-a'], 'v1');
    assert.equal(added['x-b'], 'b');
    assert.equal('x-empty' in added, false);
    const error = await get('/error');
    assert.equal(error['x-a'], undefined);
    assert.equal(error['x-b'], 'b');
  });

  it('replaces Last-Modified and ETag', async () => {
    const fields = await get('/fields');
    assert.equal(fields['last-modified'], undefined);
    assert.equal(fields['etag'], '"mine"');
  });

  it('inherits fields when a block has none, or as add_header_inherit says', async () => {
    const seen = async (uri: string) => {
      const headers = await get(uri);
      return `${headers['x-out'] ?? '-'}${headers['x-in'] ?? '-'}`;
    };
    assert.equal(await seen('/outer/own'), '-2');
    assert.equal(await seen('/outer/none'), '1-');
    assert.equal(await seen('/outer/merge'), '12');
    assert.equal(await seen('/outer/off'), '--');
  });

  const lasting: readonly (readonly [string, RegExp | string | undefined, RegExp | string | undefined])[] = [
    ['/hour', /^\w{3}, /, 'max-age=3600'],
    ['/epoch', 'Thu, 01 Jan 1970 00:00:01 GMT', 'no-cache'],
    ['/max', 'Thu, 31 Dec 2037 23:55:55 GMT', 'max-age=315360000'],
    ['/past', /^\w{3}, /, 'no-cache'],
    ['/zero', /^\w{3}, /, 'max-age=0'],
    ['/modified', /^\w{3}, /, /^max-age=86(400|39\d)$/],
    ['/daily', /^\w{3}, .* \d\d:30:00 GMT$/, /^max-age=\d+$/],
    ['/variable?e=epoch', 'Thu, 01 Jan 1970 00:00:01 GMT', 'no-cache'],
    ['/variable?e=off', undefined, undefined],
    ['/variable?e=zzz', undefined, undefined],
    ['/not', undefined, undefined],
  ];
  for (const [uri, expires, control] of lasting) {
    it(uri, async () => {
      const headers = await get(uri);
      for (const [name, expected] of [
        ['expires', expires],
        ['cache-control', control],
      ] as const) {
        if (expected instanceof RegExp) assert.match(headers[name] ?? '', expected);
        else assert.equal(headers[name], expected);
      }
    });
  }

  it('sends trailers', async () => {
    const { raw } = await server.get('/trailer?x=y', ['TE: trailers']);
    assert.match(raw, /Transfer-Encoding: chunked\r\n/);
    assert.match(raw, /\r\n2\r\nhi\r\n0\r\nX-T: ty\r\n\r\n$/);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['add_header a b c;', /^invalid parameter "c" in /],
    ['expires x;', /^"expires" directive invalid value in /],
    ['expires modified @1h;', /daily time cannot be used with "modified" parameter in /],
    ['expires @25h;', /daily time value must be less than 24 hours in /],
    ['expires 1; expires 2;', /^"expires" directive is duplicate in /],
  ];
  for (const [text, message] of wrong) {
    it(`refuses ${text}`, () => assert.throws(() => loadHttp(text), { message }));
  }
});
