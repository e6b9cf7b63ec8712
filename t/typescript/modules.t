use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== imports of one's own files and of Node's modules
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
import { createHash } from 'node:crypto';
import { name } from './lib/b.ts';
import data from './data.json';

export default function (ngx: any) {
  ngx.say(name(), ' ', data.list.length, ' ', createHash('md5').update('a').digest('hex'));
}
>>> lib/b.ts
import { part } from '../c.ts';
export const name = (): string => `b and ${part}`;
>>> c.ts
export const part = 'c' as const;
>>> data.json
{ "list": [1, 2, 3] }
--- request
GET /t
--- response_body
b and c 3 0cc175b9c0f1b6a831c399e269772661



=== packages of npm, from the folder of the handler: ES modules and CommonJS
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
import modern from 'modern';
import { old } from 'old';

export default (ngx: any) => ngx.say(modern('x'), ' ', old('y'));
>>> node_modules/modern/package.json
{ "name": "modern", "version": "1.0.0", "type": "module", "exports": "./main.js" }
>>> node_modules/modern/main.js
export default (text) => `modern ${text}`;
>>> node_modules/old/package.json
{ "name": "old", "version": "1.0.0", "main": "main.js" }
>>> node_modules/old/main.js
exports.old = (text) => `old ${text}`;
--- request
GET /t
--- response_body
modern x old y



=== a package that is not there
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
import nothing from 'no-such-package';
export default (ngx: any) => ngx.say(nothing);
--- request
GET /t
--- error_code: 500
--- error_log eval
qr/html\/a\.ts:1:\d+: Could not resolve "no-such-package"/



=== a changed file is used without a reload, also one that is imported
--- config
    location = /t { content_by_ts_file html/a.ts; }
    location = /change {
        content_by_lua_block {
            local file = assert(io.open("$TEST_NGINX_HTML_DIR/b.ts", "w"))
            file:write("export const text = 'the second version';\n")
            file:close()
            ngx.sleep(0.6)
            ngx.say("changed")
        }
    }
--- user_files
>>> a.ts
import { text } from './b.ts';
export default (ngx: any) => ngx.say(text);
>>> b.ts
export const text = 'first';
--- request eval
["GET /t", "GET /change", "GET /t"]
--- response_body eval
["first\n", "changed\n", "the second version\n"]



=== state of a module lasts between requests
--- config
    location = /t { content_by_ts_file html/a.ts; }
--- user_files
>>> a.ts
let calls = 0;
export default (ngx: any) => ngx.say(++calls);
--- request eval
["GET /t", "GET /t", "GET /t"]
--- response_body eval
["1\n", "2\n", "3\n"]
