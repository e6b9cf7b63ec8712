import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { TestServer } from '../../test-server.ts';
import { Backend } from './backend.ts';

let backend: Backend;
let server: TestServer;
let host: string;

before(async () => {
  backend = await Backend.start();
  host = `127.0.0.1:${backend.port}`;
  const url = `http://${host}`;
  server = new TestServer(
    `upstream group { server ${host}; }
    server { listen 127.0.0.1:1;
      location /as-is/ { proxy_pass ${url}; }
      location /name/ { proxy_pass ${url}/other/uri; }
      location /query { proxy_pass ${url}/x?q=1; }
      location /fields { proxy_pass ${url}; proxy_set_header X-Set "v $arg_a"; proxy_set_header X-Empty "";
        proxy_set_header Accept x; proxy_set_header Host $host:99; proxy_method PUT; }
      location /variable { set $u ${url}/given; proxy_pass $u; }
      location /address { set $a ${host}; proxy_pass http://$a; }
      location /group { set $g group; proxy_pass http://$g/in$request_uri; }
      location /body { proxy_pass ${url}; proxy_set_body "my body $arg_a"; }
      location /nothing { proxy_pass ${url}; proxy_pass_request_body off; proxy_pass_request_headers off; }
      location /unbuffered { proxy_pass ${url}; proxy_request_buffering off; }
      location /rewritten { rewrite ^/rewritten(.*)$ /new$1?n=1 break; proxy_pass ${url}; }
      location ~ ^/regex { proxy_pass ${url}; }
      location /if { if ($arg_x) { proxy_pass ${url}; } proxy_pass ${url}/else; }
      location /old { proxy_http_version 1.0; proxy_set_header Connection close; proxy_pass ${url}; }
      location /limited { limit_except GET { proxy_pass ${url}; } return 200 "not passed on"; }
      location /forwarded { proxy_pass ${url}; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Target "$proxy_host $proxy_port"; }
      location /noresolver { set $h no.such.host; proxy_pass http://$h/x; }
      location /nourl { set $h ftp://x; proxy_pass $h; }
      location /file { client_body_buffer_size 16; proxy_pass ${url}; }
      location /capture/ { echo_location /as-is/sub; }
    }`,
    { 'client_body_temp/x': '' },
  );
});
after(() => {
  server.close();
  backend.close();
});

const FIELDS = ['X-A: b', 'Accept: y', 'TE: trailers', 'Upgrade: z', 'Proxy-Connection: x', 'Keep-Alive: 1'];

describe('the request to a backend', () => {
  const cases: readonly (readonly [uri: string, request: string])[] = [
    ['/as-is/a%20b/%2e?x=1&a=2', 'GET /as-is/a%20b/%2e?x=1&a=2 HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/name/a%20b?x=1', 'GET /other/uria%20b?x=1 HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/query/z?a=2', 'GET /x?q=1/z?a=2 HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/fields?a=2', 'PUT /fields?a=2 HTTP/1.1\r\nHost: localhost:99\r\nX-Set: v 2\r\nAccept: x\r\nX-A: b\r\n\r\n'],
    ['/variable/x?a=1', 'GET /given HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/address/x?a=1', 'GET /address/x?a=1 HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/group/x', 'GET /in/group/x HTTP/1.1\r\nHost: group\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/body?a=3', 'GET /body?a=3 HTTP/1.1\r\nHost: HOST\r\nContent-Length: 9\r\nX-A: b\r\nAccept: y\r\n\r\nmy body 3'],
    ['/nothing', 'GET /nothing HTTP/1.1\r\nHost: HOST\r\n\r\n'],
    ['/rewritten/x?a=1', 'GET /new/x?n=1&a=1 HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/regex%21', 'GET /regex%21 HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/if/y?x=1', 'GET /if/y?x=1 HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/if/y', 'GET /else/y HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/old', 'GET /old HTTP/1.0\r\nHost: HOST\r\nConnection: close\r\nX-A: b\r\nAccept: y\r\n\r\n'],
    ['/limited', 'not passed on'],
  ];
  for (const [uri, request] of cases) {
    it(uri, async () => assert.equal(await server.body(uri, FIELDS), request.replace('HOST', host)));
  }

  it('says where it comes from', async () => {
    const text = await server.body('/forwarded', ['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-For: 5.6.7.8']);
    assert.match(text, /X-Forwarded-For: 1\.2\.3\.4, 5\.6\.7\.8, 127\.0\.0\.1\r\n/);
    assert.ok(text.includes(`X-Target: ${host} ${backend.port}\r\n`), text);
  });

  const BODY = 'request body, longer than 16 bytes';
  const post = (uri: string, framing: string) => `POST ${uri} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${framing}`;
  const whole = (uri: string) => post(uri, `Content-Length: ${BODY.length}\r\n\r\n${BODY}`);
  const chunks = (uri: string) =>
    post(uri, `Transfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`);
  for (const uri of ['/as-is/x', '/unbuffered', '/file']) {
    it(`passes a body on at ${uri}`, async () => {
      for (const request of [whole(uri), chunks(uri)]) {
        const answer = await server.send(request);
        assert.ok(answer.includes(`Content-Length: ${BODY.length}\r\n\r\n${BODY}`), answer);
        assert.doesNotMatch(answer, /Transfer-Encoding/);
      }
    });
  }

  it('passes a body on while it arrives', async () => {
    const pieces = [
      post('/unbuffered', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
      '3\r\nabc\r\n',
      '0\r\n\r\n',
    ];
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1');
      let text = '';
      socket.on('data', (data) => {
        text += data.toString('latin1');
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
      for (const [i, piece] of pieces.entries()) setTimeout(() => socket.write(piece), 20 * i);
    });
    assert.match(answer, /Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n$/);
  });

  it('passes large bodies on', async () => {
    const large = 'x'.repeat(300_000);
    for (const uri of ['/as-is/x', '/unbuffered']) {
      const answer = await server.send(post(uri, `Content-Length: ${large.length}\r\n\r\n${large}`));
      assert.ok(answer.endsWith(`\r\n\r\n${large}`), answer.slice(0, 300));
    }
  });

  it('refuses what is no target', async () => {
    assert.equal((await server.get('/noresolver')).status, 502);
    assert.match(server.log.at(-1) as string, /^no resolver defined to resolve no\.such\.host, client: /);
    assert.equal((await server.get('/nourl')).status, 500);
    assert.match(server.log.at(-1) as string, /^invalid URL prefix in "ftp:\/\/x", client: /);
  });

  it('works in a subrequest', async () => {
    assert.match(await server.body('/capture/x?a'), /GET \/as-is\/sub HTTP\/1\.1\r\nHost: /);
  });
});

describe('proxy_pass in the configuration', () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ['location / { proxy_pass x; }', /invalid URL prefix/],
    ['location / { proxy_pass http://:80; }', /no host in upstream ":80"/],
    ['location / { proxy_pass http://1.1.1.1:0; }', /invalid port in upstream "1\.1\.1\.1:0"/],
    ['location ~ x { proxy_pass http://1.1.1.1/x; }', /cannot have URI part in location given by regular expression/],
    ['location / { proxy_pass http://1.1.1.1; proxy_pass http://2.2.2.2; }', /"proxy_pass" directive is duplicate/],
    ['location / { proxy_redirect default; }', /should be placed after the "proxy_pass" directive/],
    ['proxy_buffers 1 4k;', /there must be at least 2 "proxy_buffers"/],
    ['proxy_busy_buffers_size 1k;', /"proxy_busy_buffers_size" must be equal to or greater than the maximum/],
    ['proxy_bind 1.2.3;', /invalid address "1\.2\.3"/],
  ];
  for (const [block, message] of bad) {
    it(block, () => {
      assert.throws(() => new TestServer(`server { listen 127.0.0.1:1; ${block} }`), message);
    });
  }
});
