use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== a handler answers: say, print, numbers, status, header fields
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default function (ngx: any) {
  ngx.status = 201;
  ngx.header['X-Test'] = 'yes';
  ngx.header['X-Many'] = ['a', 'b'];
  ngx.print('one ', 2, ' ', true, '\n');
  ngx.say('phase: ', ngx.phase);
}
--- request
GET /t
--- error_code: 201
--- response_headers
X-Test: yes
X-Many: a, b
--- response_body
one 2 true
phase: content



=== text is UTF-8, bytes stay bytes
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default function (ngx: any) {
  ngx.say('é ', '€ ', '\u{1f600}');
  ngx.print(new Uint8Array([0xff, 0x00, 0x41]));
}
--- request
GET /t
--- response_body eval
"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n\xff\x00A"



=== the request: method, arguments, header fields, body
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  const args = ngx.req.getUriArgs();
  ngx.say(ngx.req.method, ' ', args.get('a'), ' ', args.getAll('b').join('+'), ' ', args.get('none'));
  ngx.say(ngx.req.getHeader('X-Name'), ' ', ngx.req.getHeaders()['x-name'], ' ', ngx.req.getHeader('X-None'));
  ngx.say(ngx.req.getBodyText());
  await ngx.req.readBody();
  ngx.say(ngx.req.getBodyText(), ' ', ngx.req.getBodyData().length);
}
--- request eval
"POST /t?a=%C3%A9&b=1&b=2\nk\xc3\xa4se"
--- more_headers eval
"X-Name: \xc3\xbc"
--- response_body eval
"POST \xc3\xa9 1+2 null\n\xc3\xbc \xc3\xbc undefined\nundefined\nk\xc3\xa4se 5\n"



=== HEAD gets the header only, and is no error
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default function (ngx: any) {
  ngx.header['X-Method'] = ngx.req.method;
  ngx.say('hello');
}
--- request
HEAD /t
--- response_headers
X-Method: HEAD
--- response_body
--- no_error_log
[error]



=== json
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default (ngx: any) => ngx.json({ text: 'ö', list: [1, null] });
--- request
GET /t
--- response_headers
Content-Type: application/json
--- response_body eval
"{\"text\":\"\xc3\xb6\",\"list\":[1,null]}\n"



=== exit leaves the handler with a status
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default function (ngx: any) {
  if (ngx.req.getUriArgs().has('no')) ngx.exit(403);
  ngx.say('in');
}
--- request eval
["GET /t", "GET /t?no"]
--- error_code eval
[200, 403]
--- response_body_like eval
["^in\$", "403 Forbidden"]



=== redirect and exec
--- config
    location = /redirect { content_by_ts_file html/redirect.ts; }
    location = /exec { content_by_ts_file html/exec.ts; }
    location = /there { content_by_ts_file html/there.ts; }
--- user_files
>>> redirect.ts
export default (ngx: any) => ngx.redirect('/there?a=1', 301);
>>> exec.ts
export default (ngx: any) => ngx.exec('/there', 'a=2');
>>> there.ts
export default (ngx: any) => ngx.say('uri: ', ngx.var.uri, ' args: ', ngx.var.args, ' internal: ', ngx.req.internal);
--- request eval
["GET /redirect", "GET /exec"]
--- error_code eval
[301, 200]
--- response_headers eval
["Location: /there?a=1", "!Location"]
--- response_body_like eval
["301 Moved Permanently", "^uri: /there args: a=2 internal: true\$"]



=== variables of nginx, read and set
--- config
    location = /t {
        set $mine before;
        access_by_ts_file html/access.ts;
        content_by_ts_file html/a.ts;
    }
--- user_files
>>> access.ts
export default function (ngx: any) {
  ngx.var.mine = `${ngx.var.mine} and after, ${ngx.var.request_method}`;
}
>>> a.ts
export default (ngx: any) => ngx.say(ngx.var.mine, ' ', ngx.var.no_such);
--- request
GET /t
--- response_body
before and after, GET undefined



=== phases in order, with one ctx
--- config
    location = /t {
        log_by_ts_file html/log.ts;
        header_filter_by_ts_file html/header.ts;
        content_by_ts_file html/content.ts;
        access_by_ts_file html/access.ts;
        rewrite_by_ts_file html/rewrite.ts;
    }
--- user_files
>>> rewrite.ts
export default (ngx: any) => { ngx.ctx.seen = [ngx.phase]; };
>>> access.ts
export default async (ngx: any) => { await ngx.sleep(0.001); ngx.ctx.seen.push(ngx.phase); };
>>> content.ts
export default (ngx: any) => { ngx.ctx.seen.push(ngx.phase); ngx.say('content'); };
>>> header.ts
export default (ngx: any) => { ngx.ctx.seen.push(ngx.phase); ngx.header['X-Seen'] = ngx.ctx.seen.join(' '); };
>>> log.ts
export default (ngx: any) => { ngx.log('error', 'seen: ', ngx.ctx.seen.join(' '), ' ', ngx.phase); };
--- request eval
["GET /t", "GET /t"]
--- response_headers eval
["X-Seen: rewrite access content header_filter", "X-Seen: rewrite access content header_filter"]
--- error_log
[ts] seen: rewrite access content header_filter log



=== sleep, and requests that interleave
--- config
    location = /t { content_by_ts_file html/a.ts; }
    location = /both { content_by_ts_file html/both.ts; }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  const name = ngx.var.arg_name;
  ngx.say(name, ' begins');
  await ngx.sleep(name === 'slow' ? 0.05 : 0.01);
  ngx.say(ngx.var.arg_name, ' ends');
}
>>> both.ts
export default async function (ngx: any) {
  const [slow, fast] = await ngx.captureMulti([['/t?name=slow'], ['/t', { args: { name: 'fast' } }]]);
  ngx.print(slow.body, fast.body);
}
--- request
GET /both
--- response_body
slow begins
slow ends
fast begins
fast ends



=== subrequests: method, body, header fields, variables, what they answer
--- config
    location = /t { set $v none; content_by_ts_file html/a.ts; }
    location = /sub { content_by_ts_file html/sub.ts; }
--- user_files
>>> sub.ts
export default async function (ngx: any) {
  await ngx.req.readBody();
  ngx.status = 202;
  ngx.header['X-Sub'] = 'yes';
  ngx.json([ngx.req.method, ngx.req.getBodyText(), ngx.req.getHeader('X-In'), ngx.var.v, ngx.isSubrequest]);
}
>>> a.ts
export default async function (ngx: any) {
  const res = await ngx.capture('/sub', { method: 'PUT', body: 'ü', headers: { 'X-In': 'in' }, vars: { v: 'some' } });
  ngx.say(res.status, ' ', res.getHeader('x-sub'), ' ', res.getHeader('Content-Type'), ' ', res.truncated);
  ngx.say(res.json().join(' '));
  await ngx.sleep(0.001);
  ngx.say((await ngx.capture('/missing')).status);
}
--- request
GET /t
--- response_body eval
"202 yes application/json false\nPUT \xc3\xbc in some true\n404\n"
--- error_log eval
qr{open\(\) "\S+/html/missing" failed \(2: No such file or directory\)}



=== shared dicts are those of Lua
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t { content_by_ts_file html/a.ts; }
    location = /lua {
        content_by_lua_block {
            local d = ngx.shared.d
            ngx.say(d:get("text"), " ", d:get("number"), " ", d:get("flag"), " ", d:llen("list"), " ", d:lpop("list"))
            d:set("from lua", "é")
        }
    }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  const { d } = ngx.shared;
  d.set('text', 'ö');
  d.set('number', 1.5);
  d.set('flag', true);
  d.rpush('list', 'first');
  d.rpush('list', 2);
  ngx.say(d.incr('number', 1), ' ', d.incr('new', 2, 40), ' ', d.get('text'), ' ', d.get('none'));
  ngx.say(d.add('text', 'x'), ' ', d.replace('none', 'x'), ' ', d.add('gone', 1, 0.001));
  const fault = (call: () => unknown) => { try { return call(); } catch (error) { return (error as Error).message; } };
  ngx.say(fault(() => d.incr('text', 1)), ', ', fault(() => d.get('')), ', ', fault(() => d.incr('none', 1)));
  await ngx.sleep(0.01);
  ngx.print((await ngx.capture('/lua')).body);
  ngx.say(d.get('from lua'), ' ', d.get('gone'), ' ', d.getKeys().length);
}
--- request
GET /t
--- response_body eval
"2.5 42 \xc3\xb6 undefined\nfalse false true\nnot a number, empty key, not found\n\xc3\xb6 2.5 true 2 first\n\xc3\xa9 undefined 6\n"



=== timers run without a request
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  ngx.timer.at(0.01, async (later: any, premature: boolean) => {
    await later.sleep(0.001);
    later.shared.d.set('done', `${later.phase} ${premature}`);
  });
  ngx.timer.at(0, () => { throw new Error('out of luck'); });
  ngx.say(ngx.timer.pendingCount);
  for (let i = 0; i < 200 && ngx.shared.d.get('done') === undefined; i++) await ngx.sleep(0.02);
  ngx.say(ngx.shared.d.get('done'));
}
--- request
GET /t
--- response_body
2
timer false
--- error_log
timer handler failed: Error: out of luck



=== ngx.log writes at its level
--- log_level: warn
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default function (ngx: any) {
  ngx.log('warn', 'a warning: ', 1);
  ngx.log('info', 'not written');
  ngx.say('ok');
}
--- request
GET /t
--- response_body
ok
--- error_log eval
qr/\[warn\] .* \[ts\] a warning: 1, client: 127\.0\.0\.1, server: localhost, request: "GET \/t HTTP\/1\.1"/
--- no_error_log
not written
