use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== lines, bytes, patterns, the rest
--- config
    location = /t {
        set $port $TEST_NGINX_RAND_PORT_1;
        content_by_ts_file html/a.ts;
    }
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "abcdefgh|rest\nlast"; }
    }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  const socket = ngx.socket.tcp();
  socket.setTimeouts(1000, 1000, 1000);
  await socket.connect('127.0.0.1', Number(ngx.var.port));
  await socket.send('GET / HTTP/1.0\r\n', new Uint8Array([13, 10]));
  ngx.say(await socket.receiveLine());
  await socket.receiveUntil('\r\n\r\n');
  ngx.say((await socket.receive(3)).toString());
  ngx.say((await socket.receiveUntil('|', { inclusive: true })).toString());
  ngx.say((await socket.receiveAny(2)).length);
  ngx.say(JSON.stringify((await socket.receiveAll()).toString()));
  try {
    await socket.receiveLine();
  } catch (error) {
    ngx.say(error.name, ': ', error.message);
  }
  socket.close();
}
--- request
GET /t
--- response_body
HTTP/1.1 200 OK
abc
defgh|
2
"st\nlast"
SocketError: closed



=== connections are kept and used again, with Lua's pools
--- config
    lua_socket_keepalive_timeout 5s;
    location = /t {
        set $port $TEST_NGINX_RAND_PORT_1;
        content_by_ts_file html/a.ts;
    }
    location = /lua {
        set $port $TEST_NGINX_RAND_PORT_1;
        content_by_lua_block {
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", ngx.var.port)
            ngx.say("lua: ", sock:getreusedtimes())
        }
    }
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "ok"; }
    }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  for (let i = 0; i < 3; i++) {
    const socket = await ngx.socket.connect('127.0.0.1', Number(ngx.var.port));
    ngx.say(socket.getReusedTimes());
    await socket.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await socket.receiveUntil('\r\n\r\nok');
    socket.setKeepalive();
  }
  ngx.print((await ngx.capture('/lua')).body);
}
--- request
GET /t
--- response_body
0
1
2
lua: 3



=== failures: refused, timeout with what came, closed
--- config
    lua_socket_log_errors off;
    location = /t {
        set $port $TEST_NGINX_RAND_PORT_1;
        content_by_ts_file html/a.ts;
    }
--- user_files
>>> a.ts
import { createServer } from 'node:net';
import { SocketError } from 'tsresty';

export default async function (ngx: any) {
  const told = async (what: Promise<unknown>) => {
    try {
      await what;
      ngx.say('no failure');
    } catch (error) {
      ngx.say(error instanceof SocketError, ' ', error.message, ' ', error.partial.toString());
    }
  };
  await told(ngx.socket.connect('127.0.0.1', 1));
  const server = createServer((peer) => peer.write('part'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const socket = await ngx.socket.connect('127.0.0.1', (server.address() as any).port);
  socket.setTimeouts(1000, 1000, 50);
  await told(socket.receiveLine());
  socket.close();
  await told(socket.send('x'));
  await told(ngx.socket.connect('unix:/nonexistent'));
  server.close();
}
--- request
GET /t
--- response_body
true connection refused 
true timeout part
true closed 
true no such file or directory 



=== not in phases that cannot wait
--- config
    location = /t {
        return 200 "ok\n";
        header_filter_by_ts_file html/h.ts;
    }
--- user_files
>>> h.ts
export default function (ngx: any) {
  try {
    ngx.socket.tcp();
  } catch (error) {
    ngx.header['X-Error'] = error.message;
  }
}
--- request
GET /t
--- response_headers
X-Error: API disabled in the context of header_filter_by_lua*



=== datagrams
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
import { createSocket } from 'node:dgram';

export default async function (ngx: any) {
  const echo = createSocket('udp4');
  echo.on('message', (data, from) => echo.send(data.toString().toUpperCase(), from.port, from.address));
  await new Promise<void>((done) => echo.bind(0, '127.0.0.1', done));
  const socket = ngx.socket.udp();
  socket.setTimeout(1000);
  await socket.setPeerName('127.0.0.1', echo.address().port);
  socket.send('hello');
  ngx.say((await socket.receive()).toString());
  socket.close();
  echo.close();
}
--- request
GET /t
--- response_body
HELLO



=== the request's body as it comes
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  const socket = ngx.req.socket();
  ngx.say(await socket.receiveLine());
  ngx.say((await socket.receive(3)).toString());
}
--- request eval
"POST /t\nline\nabc"
--- response_body
line
abc



=== the client's whole connection
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  const socket = ngx.req.socket(true);
  await socket.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nraw');
}
--- request
GET /t
--- response_body: raw



=== a client that goes
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  ngx.onAbort(() => {
    ngx.log('warn', 'the client has gone');
    ngx.exit(499);
  });
  await ngx.sleep(2);
  ngx.log('error', 'not reached');
}
--- request
GET /t
--- timeout: 0.2
--- abort
--- wait: 0.3
--- ignore_response
--- error_log
the client has gone
--- no_error_log
not reached
