use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== a header filter's promise holds the head back
--- config
    lua_strict_phases off;
    header_filter_by_ts_file html/head.ts;
    location = /t { return 200 "body"; }
    location = /sub { return 200 "from a subrequest"; }
--- user_files
>>> head.ts
export default async function (ngx: any) {
  if (ngx.isSubrequest) return;
  ngx.header['X-Before'] = String(ngx.headersSent);
  await ngx.sleep(0.01);
  const text = (await ngx.capture('/sub')).body;
  ngx.header['X-After'] = `${ngx.headersSent} ${text}`;
}
>>> a.txt
a file
--- request eval
["GET /t", "GET /a.txt", "HEAD /t"]
--- response_headers eval
["X-Before: false\nX-After: false from a subrequest", "X-After: false from a subrequest", "X-After: false from a subrequest"]
--- response_body eval
["body", "a file\n", ""]
--- no_error_log
[error]



=== it fails, or exits
--- config
    lua_strict_phases off;
    location = /fails { header_filter_by_ts_file html/fails.ts; return 200 "body"; }
    location = /exits { header_filter_by_ts_file html/exits.ts; return 200 "body"; }
--- user_files
>>> fails.ts
export default async function (ngx: any) {
  await ngx.sleep(0.01);
  throw new Error('no head');
}
>>> exits.ts
export default async function (ngx: any) {
  await ngx.sleep(0.01);
  ngx.exit(403);
}
--- request
GET /exits
--- error_code: 403
--- response_body_like: 403 Forbidden



=== a failure after the wait ends the connection
--- config
    lua_strict_phases off;
    location = /t { header_filter_by_ts_file html/fails.ts; return 200 "body"; }
--- user_files
>>> fails.ts
export default async function (ngx: any) {
  await ngx.sleep(0.01);
  throw new Error('no head');
}
--- request
GET /t
--- ignore_response
--- error_log
header_filter_by_ts_file handler failed: Error: no head



=== log_by_ts_file waits while the connection goes on
--- http_config
    lua_shared_dict logged 1m;
--- config
    lua_strict_phases off;
    location = /t { log_by_ts_file html/log.ts; return 200 "ok"; }
    location = /wait {
        content_by_lua_block {
            for i = 1, 200 do
                if ngx.shared.logged:get("uri") then break end
                ngx.sleep(0.01)
            end
            ngx.say(ngx.shared.logged:get("uri"))
        }
    }
--- user_files
>>> log.ts
export default async function (ngx: any) {
  const uri = ngx.var.request_uri;
  await ngx.sleep(0.02);
  ngx.shared.logged.set('uri', `${uri} in ${ngx.phase}`);
}
--- request eval
["GET /t?x", "GET /wait"]
--- response_body eval
["ok", "/t?x in log\n"]
--- no_error_log
[error]



=== without it a header filter may not wait
--- config
    location = /t { header_filter_by_ts_file html/head.ts; echo body; }
--- user_files
>>> head.ts
export default async function (ngx: any) {
  await ngx.sleep(0.01);
}
--- request
GET /t
--- response_body
body
--- error_log
API disabled in the context of header_filter_by_lua*



=== a body filter's promise holds the piece back
--- config
    lua_strict_phases off;
    location = /t {
        body_filter_by_ts_file html/body.ts;
        content_by_lua_block {
            for i = 1, 3 do ngx.say("piece ", i) ngx.flush(true) end
        }
    }
--- user_files
>>> body.ts
export default async function (ngx: any, piece: any) {
  const text = piece.text;
  await ngx.sleep(0.01);
  piece.replace(text.toUpperCase());
}
--- request
GET /t
--- response_body
PIECE 1
PIECE 2
PIECE 3
--- no_error_log
[error]



=== a balancer's promise is waited for
--- http_config
    upstream backend {
        server 0.0.0.1;
        balancer_by_ts_file html/choose.ts;
    }
--- config
    lua_strict_phases off;
    location = /t { proxy_pass http://backend/back; }
    location = /back { return 200 "from the back\n"; }
--- user_files
>>> choose.ts
export default async function (ngx: any) {
  await ngx.sleep(0.01);
  ngx.balancer.setCurrentPeer('127.0.0.1', Number(ngx.var.server_port));
}
--- request
GET /t
--- response_body
from the back
--- no_error_log
[error]



=== init_worker_by_ts_file waits
--- http_config
    lua_strict_phases off;
    lua_shared_dict state 1m;
    init_worker_by_ts_file html/start.ts;
--- config
    location = /t {
        content_by_lua_block {
            for i = 1, 200 do
                if ngx.shared.state:get("done") then break end
                ngx.sleep(0.01)
            end
            ngx.say(ngx.shared.state:get("done"))
        }
    }
--- user_files
>>> start.ts
export default async function (ngx: any) {
  await ngx.sleep(0.02);
  ngx.shared.state.set('done', `in ${ngx.phase}`);
}
--- request
GET /t
--- response_body
in init_worker
--- no_error_log
[error]
