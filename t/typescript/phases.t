use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== server_rewrite and precontent
--- http_config
    server_rewrite_by_ts_file html/first.ts;
--- config
    location = /t { return 404; }
    location = /other {
        precontent_by_ts_file html/pre.ts;
        content_by_ts_file html/a.ts;
    }
--- user_files
>>> first.ts
export default function (ngx: any) {
  ngx.ctx.seen = ngx.phase;
  if (ngx.var.uri === '/t') ngx.req.setUri('/other');
}
>>> pre.ts
export default async function (ngx: any) {
  await ngx.sleep(0.001);
  ngx.ctx.seen += ' ' + ngx.phase;
}
>>> a.ts
export default function (ngx: any) {
  ngx.say(ngx.ctx.seen, ' ', ngx.var.uri);
}
--- request
GET /t
--- response_body
server_rewrite precontent /other



=== a body filter changes the pieces
--- config
    location = /t {
        content_by_ts_file html/a.ts;
        header_filter_by_ts_file html/h.ts;
        body_filter_by_ts_file html/b.ts;
    }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  ngx.say('one');
  await ngx.flush();
  ngx.say('two');
}
>>> h.ts
export default function (ngx: any) {
  ngx.header['Content-Length'] = undefined;
}
>>> b.ts
export default function (ngx: any, piece: any) {
  ngx.ctx.count = (ngx.ctx.count ?? 0) + 1;
  let text = piece.text.toUpperCase();
  if (piece.last) text += `end ${ngx.phase}\n`;
  piece.replace(text);
}
--- request
GET /t
--- response_body
ONE
TWO
end body_filter



=== a body filter ends the response
--- config
    location = /t {
        content_by_ts_file html/a.ts;
        body_filter_by_ts_file html/b.ts;
    }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  ngx.say('one');
  await ngx.flush();
  ngx.say('two');
  await ngx.flush();
  ngx.say('three');
}
>>> b.ts
export default function (_ngx: any, piece: any) {
  if (piece.text === 'two\n') piece.last = true;
}
--- request
GET /t
--- response_body
one
two



=== a file is filtered, bytes as they are
--- config
    location = /f.txt { body_filter_by_ts_file html/b.ts; }
--- user_files
>>> f.txt
plain text
>>> b.ts
export default function (_ngx: any, piece: any) {
  if (piece.bytes.length > 0) piece.replace(new Uint8Array(piece.bytes.map((b: number) => (b === 0x20 ? 0x5f : b))));
}
--- request
GET /f.txt
--- response_body
plain_text



=== an error in a body filter cuts the response off
--- config
    location = /t {
        return 200 "hello";
        body_filter_by_ts_file html/b.ts;
    }
--- user_files
>>> b.ts
export default function () {
  throw new Error('no such thing');
}
--- request
GET /t
--- ignore_response
--- error_log
body_filter_by_ts_file handler failed: Error: no such thing
b.ts:2



=== a balancer chooses the server, another one after a failure
--- http_config
    upstream chosen {
        server 0.0.0.1;
        balancer_by_ts_file html/bal.ts;
    }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_try $http_host\n"; }
    }
--- config
    location = /t {
        proxy_set_header X-Try $try;
        set $try none;
        set $port $TEST_NGINX_RAND_PORT_1;
        proxy_pass http://chosen;
    }
--- user_files
>>> bal.ts
export default function (ngx: any) {
  const last = ngx.balancer.getLastFailure();
  if (last === undefined) {
    ngx.balancer.setMoreTries(1);
    ngx.balancer.setTimeouts(1, 1, 1);
    ngx.balancer.setCurrentPeer('127.0.0.1', 1);
    return;
  }
  ngx.var.try = `${last.state} ${last.status}`;
  ngx.balancer.recreateRequest();
  ngx.balancer.setCurrentPeer('127.0.0.1', Number(ngx.var.port));
}
--- request
GET /t
--- response_body
failed 502 chosen
--- error_log
connect() failed (111: Connection refused) while connecting to upstream



=== a balancer's kept connection
--- http_config
    upstream chosen {
        balancer_by_ts_file html/bal.ts keepalive=2;
    }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$connection_requests\n"; }
    }
--- config
    set $port $TEST_NGINX_RAND_PORT_1;
    location = /t { content_by_ts_file html/a.ts; }
    location = /p {
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_pass http://chosen;
    }
--- user_files
>>> bal.ts
export default function (ngx: any) {
  ngx.balancer.setCurrentPeer('127.0.0.1', Number(ngx.var.port));
  ngx.balancer.enableKeepalive(5, 10);
}
>>> a.ts
export default async function (ngx: any) {
  for (let i = 0; i < 3; i++) ngx.print((await ngx.capture('/p')).body);
}
--- request
GET /t
--- response_body
1
2
3



=== a balancer that fails
--- http_config
    upstream chosen {
        server 0.0.0.1;
        balancer_by_ts_file html/bal.ts;
    }
--- config
    location = /t { proxy_pass http://chosen; }
--- user_files
>>> bal.ts
export default function (ngx: any) {
  ngx.balancer.setCurrentPeer('not an address', 80);
}
--- request
GET /t
--- error_code: 500
--- error_log
balancer_by_ts_file handler failed: Error: no host allowed
bal.ts:2



=== a balancer's bad parameter
--- http_config
    upstream chosen {
        server 0.0.0.1;
        balancer_by_ts_file html/bal.ts keepalive=0;
    }
--- config
--- must_die
--- error_log
invalid parameter "keepalive=0"



=== a worker's start
--- http_config
    lua_shared_dict d 1m;
    init_worker_by_ts_file html/init.ts;
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> init.ts
export default async function (ngx: any) {
  ngx.shared.d.set('phase', ngx.phase);
  ngx.shared.d.set('worker', `${ngx.worker.id} of ${ngx.worker.count}`);
  await Promise.resolve();
  ngx.timer.at(0, (later: any) => {
    later.shared.d.set('timer', later.phase);
  });
}
>>> a.ts
export default async function (ngx: any) {
  for (let i = 0; i < 100 && ngx.shared.d.get('timer') === undefined; i++) await ngx.sleep(0.02);
  ngx.say(ngx.shared.d.get('phase'), ', ', ngx.shared.d.get('worker'), ', ', ngx.shared.d.get('timer'));
  ngx.say(ngx.worker.pid > 0, ' ', ngx.worker.exiting);
}
--- request
GET /t
--- response_body
init_worker, 0 of 1, timer
true false



=== a worker's start that fails
--- http_config
    init_worker_by_ts_file html/init.ts;
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> init.ts
export default async function () {
  throw new Error('cannot start');
}
>>> a.ts
export default async function (ngx: any) {
  await ngx.sleep(0.3);
  ngx.say('up');
}
--- request
GET /t
--- response_body
up
--- error_log
init_worker_by_ts_file handler failed: Error: cannot start



=== a worker's end
--- http_config
    exit_worker_by_ts_file html/exit.ts;
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> exit.ts
export default function (ngx: any) {
  ngx.log('notice', `the end of a worker, exiting: ${ngx.worker.exiting}, ${ngx.phase}`);
}
>>> a.ts
export default async function (ngx: any) {
  // The file of the other handler is loaded meanwhile.
  await ngx.sleep(0.5);
  ngx.say('up');
}
--- request
GET /t
--- response_body
up
--- shutdown_error_log
the end of a worker, exiting: true, exit_worker



=== a worker's end whose file cannot be loaded
--- http_config
    exit_worker_by_ts_file html/exit.ts;
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> exit.ts
export default function ( {
>>> a.ts
export default async function (ngx: any) {
  ngx.say('up');
}
--- request
GET /t
--- response_body
up
--- error_log
exit_worker_by_ts_file handler failed:
exit.ts:2:1: Expected identifier
