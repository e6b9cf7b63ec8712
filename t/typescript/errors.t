use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== an error is status 500, with its place in the TypeScript file
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
interface Thing {
  readonly name: string;
}

function fail(thing: Thing): never {
  throw new TypeError(`no ${thing.name}`);
}

export default function (ngx: any) {
  fail({ name: 'luck' });
}
--- request
GET /t
--- error_code: 500
--- response_body_like: 500 Internal Server Error
--- error_log eval
["content_by_ts_file handler failed: TypeError: no luck", qr/at fail \(.*html\/a\.ts:6:9\)/, qr/html\/a\.ts:10:3/]



=== an error after an await, too
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  await ngx.sleep(0.001);
  throw new Error('too late');
}
--- request
GET /t
--- error_code: 500
--- error_log eval
["content_by_ts_file handler failed: Error: too late", qr/html\/a\.ts:3:9/]



=== an error when the response has begun ends the connection
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default async function (ngx: any) {
  ngx.say('begun');
  await ngx.flush();
  throw new Error('in the middle');
}
--- request
GET /t
--- ignore_response
--- error_log
in the middle



=== what is thrown need not be an Error
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export default () => { throw 'a string'; };
--- request
GET /t
--- error_code: 500
--- error_log
content_by_ts_file handler failed: a string



=== a syntax error is told with its line
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
const x = 1;
const = 2;
--- request
GET /t
--- error_code: 500
--- error_log eval
qr/content_by_ts_file handler failed: .*html\/a\.ts:2:\d+: /



=== no default export
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
export const handler = () => {};
--- request
GET /t
--- error_code: 500
--- error_log
html/a.ts has no default export that is a function



=== a missing file
--- config
    location = /t { content_by_ts_file html/missing.ts; }
--- request
GET /t
--- error_code: 500
--- error_log
content_by_ts_file handler failed:



=== API functions where they are not allowed
--- config
    location = /t {
        content_by_lua_block { ngx.say("ok") }
        log_by_ts_file html/log.ts;
    }
--- user_files
>>> log.ts
export default (ngx: any) => ngx.say('too late');
--- request
GET /t
--- response_body
ok
--- error_log
log_by_ts_file handler failed: ApiError: API disabled in the context of log_by_lua*
