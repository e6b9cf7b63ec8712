import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

describe('choosing a location', () => {
  const server = new TestServer(`
    access_log off;
    server { listen 127.0.0.1:1;
      location / { return 200 root; }
      location /a { return 200 a; }
      location /ab { return 200 ab; }
      location = /a { return 200 "exact a"; }
      location /b/ { return 200 b/; }
      location ^~ /static/ { return 200 static; location ~ [.]php$ { return 200 "static php"; } }
      location ~ [.]php$ { return 200 php; }
      location ~* [.]PHP5$ { return 200 php5; }
      location ~ ^/(?<first>\\w+)/num(\\d+) { return 200 "first=$first 2=$2"; }
      location /nest { return 200 nest;
        location /nest/a { return 200 "nest a"; location = /nest/a/b { return 200 "nest a b"; } }
        location ~ /r(\\d)$ { return 200 "nest r$1"; }
      }
      location /in { internal; }
      location /limited { limit_except GET { access_log off; } return 200 limited; }
      location /~x { return 200 tilde; }
    }`);
  after(() => server.close());

  const cases: readonly (readonly [string, string])[] = [
    ['/', 'root'],
    ['/x', 'root'],
    ['/a', 'exact a'],
    ['/a/', 'a'],
    ['/aa', 'a'],
    ['/ab', 'ab'],
    ['/abc', 'ab'],
    ['/b', 'root'],
    ['/b/c', 'b/'],
    ['/static/x', 'static'],
    ['/static/x.php', 'static php'],
    ['/x.php', 'php'],
    ['/x.PHP', 'root'],
    ['/x.php5', 'php5'],
    ['/w/num7', 'first=w 2=7'],
    ['/nest', 'nest'],
    ['/nest/a', 'nest a'],
    ['/nest/a/b', 'nest a b'],
    ['/nest/a/bc', 'nest a'],
    ['/nest/r7', 'nest r7'],
    ['/nest/x.php', 'php'],
    ['/~x', 'tilde'],
  ];
  for (const [uri, expected] of cases) {
    it(uri, async () => assert.equal(await server.body(uri), expected));
  }

  it('keeps internal locations from clients', async () => {
    assert.equal((await server.get('/in')).status, 404);
  });

  it('finds duplicates, and says where', () => {
    assert.throws(() => loadHttp('server {\nlocation /a {}\nlocation /b {}\nlocation /a {}\n}'), {
      message: /^duplicate location "\/a" in .*nginx.conf:6$/,
    });
    assert.throws(() => loadHttp('server { location = /a {}\nlocation = /a {} }'), /duplicate location "\/a"/);
  });

  it('refuses locations where they make no sense', () => {
    assert.throws(() => loadHttp('server { location /a { location /b {} } }'), /is outside location "\/a"/);
    assert.throws(() => loadHttp('server { location = /a { location /a/b {} } }'), /inside the exact location "\/a"/);
    assert.throws(() => loadHttp('server { location @a { location /b {} } }'), /inside the named location "@a"/);
    assert.throws(() => loadHttp('server { location /a { location @b {} } }'), /can be on the server level only/);
  });
});
