import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { TestServer } from '../test-server.ts';

const server = new TestServer(
  `
  default_type text/plain;
  server { listen 127.0.0.1:1;
    more_set_headers "X-Server: s";
    location /set { more_set_headers "Server: mine" "X-Foo: a b" 'X-Bar:$arg_x' "Date: now"; echo hi; }
    location /clear { more_clear_headers Server Date Content-Type X-Server; echo hi; }
    location /status { more_set_headers -s '404 500' "X-E: 1"; more_set_headers -s 200 "X-Ok: 1"; return 404; }
    location /type { more_set_headers -t 'text/plain text/css' "X-T: 1"; more_set_headers -t text/html "X-H: 1"; echo hi; }
    location /content-type { more_set_headers "Content-Type: foo/bar; charset=x"; echo hi; }
    location /length { more_clear_headers Content-Length; return 200 hello; }
    location /wildcard { more_set_headers "X-B-1: a" "X-B-2: b" "X-C: c"; more_clear_headers "X-B*"; return 200 x; }
    location /append { more_set_headers "X-A: 1"; more_set_headers -a "X-A: 2" "X-A: 3"; return 200 x; }
    location /replace { more_set_headers "X-A: 1"; more_set_headers "X-A: 2"; return 200 x; }
    location /file.txt { root %DIR%; more_clear_headers Last-Modified ETag Accept-Ranges; }
    location /inner { more_set_headers "X-In: 1"; location /inner/most { more_set_headers "X-Most: 1" "X-In: 2"; return 200 x; } }
    location /input { more_set_input_headers "Host: new.host:81" "X-Foo: $arg_x" "User-Agent: me";
      echo "$host $http_host $http_x_foo $http_user_agent"; }
    location /forget { more_clear_input_headers "X-F*" User-Agent; echo "[$http_x_foo][$http_x_fb][$http_user_agent]"; }
    location /instead { more_set_input_headers -r "X-Foo: new" "X-None: new"; echo "[$http_x_foo][$http_x_none]"; }
    location /typed { more_set_input_headers -t text/plain "X-Foo: new"; echo "[$http_x_foo]"; }
  }`,
  { 'file.txt': '0123456789' },
);
after(() => server.close());

describe('more_set_headers, more_clear_headers', () => {
  it('set what the server writes itself', async () => {
    const { headers, raw } = await server.get('/set?x=1');
    assert.equal(headers['server'], 'mine');
    assert.equal(headers['date'], 'now');
    assert.equal(headers['x-foo'], 'a b');
    assert.equal(headers['x-bar'], '1');
    assert.equal(headers['x-server'], 's');
    assert.equal(raw.match(/^(Server|Date):/gim)?.length, 2);
  });

  it('clear it', async () => {
    assert.match(
      (await server.get('/clear')).raw,
      /^HTTP\/1\.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n/,
    );
    assert.equal((await server.get('/length')).headers['content-length'], undefined);
    const { headers } = await server.get('/file.txt', ['Range: bytes=1-2']);
    assert.equal(headers['last-modified'] ?? headers['etag'] ?? headers['accept-ranges'], undefined);
    assert.equal(headers['content-length'], '10');
  });

  it('depend on status and type', async () => {
    const { headers } = await server.get('/status');
    assert.equal(headers['x-e'], '1');
    assert.equal(headers['x-ok'], undefined);
    const typed = await server.get('/type');
    assert.equal(typed.headers['x-t'], '1');
    assert.equal(typed.headers['x-h'], undefined);
    assert.equal((await server.get('/content-type')).headers['content-type'], 'foo/bar; charset=x');
  });

  it('know wildcards, append and replace', async () => {
    const wildcard = (await server.get('/wildcard')).raw;
    assert.doesNotMatch(wildcard, /X-B/);
    assert.match(wildcard, /X-C: c/);
    assert.match((await server.get('/append')).raw, /X-Server: s\r\nX-A: 1\r\nX-A: 2\r\nX-A: 3\r\n/);
    assert.equal((await server.get('/replace')).raw.match(/X-A: .*/g)?.join(), 'X-A: 2');
  });

  it('add up from the outer blocks', async () => {
    const { headers } = await server.get('/inner/most');
    assert.deepEqual([headers['x-server'], headers['x-in'], headers['x-most']], ['s', '2', '1']);
  });
});

describe('more_set_input_headers, more_clear_input_headers', () => {
  const headers = ['X-Foo: old', 'X-Fb: old', 'User-Agent: browser', 'Content-Type: text/plain'];
  const body = async (uri: string) =>
    (await server.send(`GET ${uri} HTTP/1.0\r\n${headers.join('\r\n')}\r\n\r\n`)).split('\r\n\r\n')[1];

  it('change the request', async () => {
    assert.equal(await body('/input?x=2'), 'new.host new.host:81 2 me\n');
    assert.equal(await body('/forget'), '[][][]\n');
    assert.equal(await body('/instead'), '[new][]\n');
    assert.equal(await body('/typed'), '[new]\n');
  });

  it('refuse what makes no sense', () => {
    const bad: readonly (readonly [string, RegExp])[] = [
      ['more_set_headers -x "A: 1";', /more_set_headers: invalid option name: "-x"/],
      ['more_set_headers "A: 1" -s;', /more_set_headers: option -s takes an argument\./],
      ['more_set_headers -s 20x "A: 1";', /invalid digit "x" found in the status code list "20x"/],
      ['more_set_headers -a "Server: 1";', /can not append builtin headers "Server"/],
      ['more_clear_headers "*";', /wildcard key too short: \*/],
    ];
    for (const [line, message] of bad) {
      assert.throws(() => new TestServer(`server { listen 127.0.0.1:1; ${line} }`), message);
    }
  });
});
