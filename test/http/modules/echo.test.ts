import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { TestServer } from '../test-server.ts';

const server = new TestServer(
  `
  default_type text/plain;
  server { listen 127.0.0.1:1;
    location /echo { echo hello world; echo -n no newline; echo -- -n dash; echo; echo "" x; echo $arg_a "$arg_b!"; }
    location /nothing { echo -n; }
    location /duplicate { echo_duplicate 3 abc; echo_duplicate 1_0 x; echo_duplicate 0 x; echo_duplicate $arg_n yz; }
    location /invalid { echo_duplicate -- -1 x; }
    location /sleep { echo a; echo_sleep 0.02; echo b; echo_sleep 0; echo c; }
    location /badsleep { echo_sleep 1x; echo b; }
    location /timer { echo_reset_timer; echo $echo_timer_elapsed; }
    location /body { echo_read_request_body; echo_request_body; echo "[$echo_request_body]"; }
    location /unread { echo_request_body; echo "[$echo_request_body]"; }
    location /location { echo before; echo_location /sub a=1; echo middle; echo_location /sub?b=2; echo after; }
    location /async { echo_location_async /slow; echo_location_async /slow; echo_location /sub; echo after; }
    location /deep { echo_location_async /slow; echo_sleep 0.005; echo m; echo_location /async; echo end; }
    location /unsafe { echo_location /../x; }
    location /missing { echo x; echo_location_async /nothere; echo after; }
    location /sub { echo "sub [$args] $echo_request_method $echo_client_request_method $echo_request_uri"; }
    location /slow { echo s1; echo_sleep 0.01; echo s2; }
    location /subrequest { echo_subrequest POST /target -q "a=b" -b "hello body"; echo_subrequest PUT /target -f x.txt;
      echo_subrequest HEAD /target; echo_subrequest DELETE /target?q=1; echo_subrequest_async FOO /target; }
    location /target { echo "$echo_request_method $args $http_content_length"; echo_request_body; echo "($echo_request_body)"; }
    location /foreach { echo_foreach_split , "a,b,,c"; echo "it: $echo_it"; echo_location /sub $echo_it; echo_end; echo end; }
    location /empty { echo_foreach_split , ",,"; echo "it: $echo_it"; echo_end; echo end; }
    location /nomatch { echo_end; }
    location /incr { echo "$echo_incr"; echo_location /one; echo_location_async /one; echo "$echo_incr"; }
    location /one { echo "s$echo_incr"; }
    location /exec { echo_sleep 0; echo_exec /sub?z=1; }
    location /named { echo_exec @named; }
    location @named { echo "named $uri"; }
    location /around { echo_before_body b1 $arg_x; echo_before_body -n b2; echo body; echo_after_body a1; echo_after_body a2; }
    location /nested { echo_before_body 0; echo_location_async /around; echo x; echo_after_body 9; }
    location /returned { echo_before_body before; echo_after_body after; return 200 "text\n"; }
    location /status { echo_status 404; echo nf; echo $echo_response_status; }
    location /head { echo -n $echo_client_request_headers; }
    location /if { set $x 1; if ($x) { echo in if; } echo out; }
    location /inherited { echo out; if ($arg_y) { set $z 1; } }
  }`,
  { 'x.txt': 'contents of x' },
);
after(() => server.close());

describe('echo', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/echo?a=1&b=2', 'hello world\nno newline-n dash\n\n x\n1 2!\n'],
    ['/nothing', ''],
    ['/duplicate?n=4', 'abcabcabcxxxxxxxxxxyzyzyzyz'],
    ['/sleep', 'a\nb\nc\n'],
    ['/unread', '[]\n'],
    ['/location', 'before\nsub [a=1] GET GET /sub\nmiddle\nsub [b=2] GET GET /sub\nafter\n'],
    ['/async', 's1\ns2\ns1\ns2\nsub [] GET GET /sub\nafter\n'],
    ['/deep', 's1\ns2\nm\ns1\ns2\ns1\ns2\nsub [] GET GET /sub\nafter\nend\n'],
    ['/subrequest', 'POST a=b 10\nhello body(hello body)\nPUT  13\ncontents of x()\nDELETE q=1 \n()\nFOO  \n()\n'],
    ['/foreach', 'it: a\nsub [a] GET GET /sub\nit: b\nsub [b] GET GET /sub\nit: c\nsub [c] GET GET /sub\nend\n'],
    ['/empty', 'end\n'],
    ['/incr', '1\ns2\ns4\n3\n'],
    ['/exec', 'sub [z=1] GET GET /sub\n'],
    ['/named', 'named /named\n'],
    ['/around?x=q', 'b1 q\nb2body\na1\na2\n'],
    ['/nested', '0\nb1 \nb2body\na1\na2\nx\n9\n'],
    ['/returned', 'before\ntext\nafter\n'],
    ['/status', 'nf\n404\n'],
    ['/head', 'GET /head HTTP/1.0\r\nHost: h\r\n\r\n'],
    ['/if', 'in if\n'],
    ['/inherited', 'out\n'],
    ['/inherited?y=1', 'out\n'],
  ];
  it('/timer', async () => assert.match(await server.body('/timer', ['Connection: close']), /0\.\d{3}\n/));

  for (const [uri, expected] of cases) {
    it(uri, async () => {
      const raw = await server.send(`GET ${uri} HTTP/1.0\r\nHost: h\r\n\r\n`);
      const end = raw.indexOf('\r\n\r\n');
      assert.equal(raw.slice(end + 4), expected);
      assert.match(raw, /Connection: close\r\n/);
      assert.doesNotMatch(raw, /Content-Length|chunked/);
    });
  }

  it('sends chunks to HTTP/1.1 clients and keeps the connection', async () => {
    const request = 'GET /location HTTP/1.1\r\nHost: h\r\n\r\n';
    const raw = await server.send(
      `${request}POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc`,
    );
    assert.match(raw, /Transfer-Encoding: chunked\r\nConnection: keep-alive/);
    assert.match(raw, /0\r\n\r\nHTTP\/1.1 200 OK/);
    assert.ok(raw.replace(/\r\n[0-9a-f]+\r\n/g, '').endsWith('abc[abc]\n\r\n'), raw);
  });

  it('reads the body before a subrequest, which shares it', async () => {
    const raw = await server.send('POST /exec HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc');
    assert.match(raw, /sub \[z=1\] POST POST \/sub/);
    assert.match(await server.send('POST /async HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc'), /\nafter\n$/);
  });

  it('answers what cannot be run with an error', async () => {
    assert.equal((await server.get('/invalid')).status, 500);
    assert.match(server.log.at(-1) as string, /^invalid size specified: "-1", client: /);
    assert.equal((await server.get('/badsleep')).status, 400);
    assert.match(server.log.at(-1) as string, /^invalid sleep duration "1x", client: /);
    assert.equal(await server.send('GET /unsafe HTTP/1.0\r\n\r\n'), '');
    assert.equal(await server.send('GET /nomatch HTTP/1.0\r\n\r\n'), '');
    assert.match(server.log.at(-1) as string, /^Found a echo_end that has no corresponding echo_foreach before it./);
  });

  it('goes on when a subrequest fails', async () => {
    const raw = await server.send('GET /missing HTTP/1.0\r\n\r\n');
    assert.match(raw, /\r\n\r\nx\n<html>[\s\S]*404 Not Found[\s\S]*<\/html>\r\nafter\n$/);
  });

  it('has no body for HEAD', async () => {
    const raw = await server.send('HEAD /location HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    assert.match(raw, /^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\n$/);
    assert.equal(raw.indexOf('\r\n\r\n') + 4, raw.length);
  });
});
