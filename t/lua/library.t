use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== URIs
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(ngx.escape_uri("a b&c=d/é?"), " ", ngx.unescape_uri("a%20b+c%2Fd%zz"))
            ngx.say(ngx.encode_args({ a = "x y" }), " ", ngx.encode_args({ b = { 1, "2" } }), " ",
                ngx.encode_args({ c = true }), " ", ngx.encode_args({ d = false }))
            local args = ngx.decode_args("a=1&b=x%20y&a=2&c")
            ngx.say(args.a[1], args.a[2], " ", args.b, " ", args.c)
        }
    }
--- request
GET /t
--- response_body
a%20b%26c%3Dd%2F%C3%A9%3F a b c/d%zz
a=x%20y b=1&b=2 c 
12 x y true



=== base64, digests, checksums
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(ngx.encode_base64("hello\0"), " ", ngx.encode_base64("a", true), " ", ngx.decode_base64("aGVsbG8="), " ",
                ngx.decode_base64("!"))
            ngx.say(ngx.md5("hello"), " ", #ngx.md5_bin("hello"), " ", #ngx.sha1_bin("hello"))
            ngx.say(ngx.crc32_short("hello"), " ", ngx.crc32_long("hello"), " ", ngx.encode_base64(ngx.hmac_sha1("k", "v")))
            ngx.say(ngx.quote_sql_str("it's\n\\ \"x\""))
        }
    }
--- request
GET /t
--- response_body
aGVsbG8A YQ hello nil
5d41402abc4b2a76b9719d911017c592 16 20
907060870 907060870 lPxqL36JuBls904QeajBHrZ5pVI=
'it\'s\n\\ \"x\"'



=== times
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(ngx.http_time(1547178736), " | ", ngx.cookie_time(1547178736))
            ngx.say(ngx.parse_http_time("Fri, 11 Jan 2019 03:52:16 GMT"), " ", ngx.parse_http_time("nonsense"))
            ngx.say(#ngx.localtime(), " ", #ngx.utctime(), " ", #ngx.today(), " ", math.abs(ngx.time() - os.time()) <= 1)
            local before = ngx.now()
            ngx.sleep(0.03)
            ngx.say(ngx.now() - before >= 0.029, " ", ngx.now() - before < 1)
        }
    }
--- request
GET /t
--- response_body
Fri, 11 Jan 2019 03:52:16 GMT | Fri, 11-Jan-19 03:52:16 GMT
1547178736 nil
19 19 10 true
true true



=== ngx.re.match and its captures
--- config
    location = /t {
        content_by_lua_block {
            local m = ngx.re.match("hello, 1234", [[(\w+), (\d)(?<rest>\d+)(x)?]], "jo")
            ngx.say(m[0], "|", m[1], "|", m[2], "|", m[3], "|", m.rest, "|", m[4])
            ngx.say(ngx.re.match("abc", "x"), " ", (ngx.re.match("ABC", "b", "i"))[0])
            local ctx = { pos = 3 }
            m = ngx.re.match("1, 22, 333", [[\d+]], "jo", ctx)
            ngx.say(m[0], " ", ctx.pos)
            local bad, err = ngx.re.match("x", "(", "jo")
            ngx.say(bad, " ", err)
        }
    }
--- request
GET /t
--- response_body_like
^hello, 1234\|hello\|1\|234\|234\|false
nil B
22 6
nil pcre2?_compile\(\) failed: missing (closing parenthesis|\)).* in "\("



=== ngx.re.find, gmatch, sub, gsub
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(ngx.re.find("hello 42", [[\d+]], "jo"))
            for m in ngx.re.gmatch("a=1, b=2", [[(\w)=(\d)]], "jo") do ngx.print(m[1], m[2], " ") end
            ngx.say()
            ngx.say((ngx.re.sub("hello, 1234", "([0-9])[0-9]", "[$0][$1]", "jo")))
            ngx.say(ngx.re.gsub("a-b-c", "-", "$$", "jo"))
            ngx.say(ngx.re.gsub("abc", [[\w]], function(m) return m[0]:byte() .. " " end, "jo"))
        }
    }
--- request
GET /t
--- response_body eval
"78\na1 b2 \nhello, [12][1]34\na\$b\$c2\n97 98 99 3\n"



=== ngx.config, ngx.worker
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(ngx.config.prefix() == "$TEST_NGINX_SERVER_ROOT/", " ", ngx.config.subsystem, " ",
                type(ngx.config.ngx_lua_version), " ", type(ngx.config.nginx_version), " ", ngx.config.debug)
            ngx.say(ngx.worker.id(), " ", ngx.worker.count(), " ", ngx.worker.exiting(), " ", ngx.worker.pid() > 1)
        }
    }
--- request
GET /t
--- response_body
true http number number true
0 1 false true



=== ngx.config.debug where nobody reads debug lines
--- log_level: info
--- config
    location = /t {
        content_by_lua_block { ngx.say(ngx.config.debug) }
    }
--- request
GET /t
--- response_body
false



=== cjson is there
--- config
    location = /t {
        content_by_lua_block {
            local cjson = require "cjson"
            ngx.say(cjson.encode({ 1, "two", { three = cjson.null } }))
            local v = cjson.decode('{"a":[1,2.5,"\\u00e9"],"b":null,"c":true}')
            ngx.say(v.a[2], " ", v.a[3], " ", v.b == cjson.null, " ", v.b == ngx.null, " ", v.c)
            ngx.say(require("cjson.safe").decode("{"))
        }
    }
--- request
GET /t
--- response_body_like chop
^\[1,"two",\{"three":null\}\]
2\.5 é true true true
nil.+at character 2
$



=== C functions that read shared dictionaries, and the request's address
--- http_config
    lua_shared_dict dogs 1m;
--- config
    location = /t {
        content_by_lua_block {
            local ffi = require "ffi"
            ffi.cdef[[
                typedef struct {
                    uint8_t type;
                    union { int b; double n; struct { size_t len; char *data; } s; } value;
                } value_t;
                void *ngx_http_lua_find_zone(const char *name, size_t len);
                intptr_t ngx_http_lua_shared_dict_get(void *zone, const char *key, size_t len, value_t *value);
            ]]
            local C = ffi.C
            local dogs = ngx.shared.dogs
            dogs:set("name", "rex")
            dogs:set("age", 2.5)
            dogs:set("good", true)
            dogs:rpush("list", 1)
            local zone = C.ngx_http_lua_find_zone("dogs", 4)
            ngx.say(zone == C.ngx_http_lua_find_zone("dogs", 4), " ", C.ngx_http_lua_find_zone("cats", 4) == nil)
            local buffer = ffi.new("char[?]", 2)
            local function get(key)
                local value = ffi.new("value_t[1]")
                value[0].value.s.len, value[0].value.s.data = 2, buffer
                local rc = tonumber(C.ngx_http_lua_shared_dict_get(zone, key, #key, value))
                return rc, value[0].type, value[0].value
            end
            local rc, kind, value = get("name")
            ngx.say(rc, " ", kind, " ", ffi.string(value.s.data, value.s.len))
            rc, kind, value = get("age")
            ngx.say(rc, " ", kind, " ", value.n)
            rc, kind, value = get("good")
            ngx.say(rc, " ", kind, " ", value.b)
            ngx.say((get("none")), " ", (get("list")))

            local address = tostring(exdata())
            ngx.say(address == tostring(require("resty.core.base").get_request()), " ",
                coroutine.wrap(function() return tostring(exdata()) == address end)(), " ",
                tostring(ffi.typeof("ngx_http_request_t *")))
        }
    }
--- request
GET /t
--- response_body
true true
0 4 re
0 3 2.5
0 1 1
-5 -1
true true ctype<struct ngx_http_request_s *>
--- error_log
bad lua value type found for key list: value is a list



=== ngx.resp.bypass_if_checks sends what If-Match would refuse
--- config
    location = /t {
        content_by_lua_block {
            if ngx.var.arg_bypass then require("ngx.resp").bypass_if_checks() end
            ngx.say("here")
        }
    }
--- more_headers
If-Match: 1
--- request eval
["GET /t", "GET /t?bypass=1"]
--- error_code eval
[412, 200]



=== jit.bcsave writes what content_by_lua_file loads
--- config
    location = /t {
        content_by_lua_block {
            local directory = "$TEST_NGINX_SERVER_ROOT/html/"
            require("jit.bcsave").start("-s", directory .. "a.lua", directory .. "a.luac")
            ngx.exec("/call")
        }
    }
    location = /call { content_by_lua_file html/a.luac; }
--- user_files
>>> a.lua
ngx.say("compiled")
--- request
GET /t
--- response_body
compiled



=== a worker thread does not keep a large result
--- main_config
    thread_pool work threads=1;
--- http_config
    lua_package_path "$TEST_NGINX_SERVER_ROOT/html/?.lua;;";
--- config
    location = /t {
        content_by_lua_block {
            local ok, text = ngx.run_worker_thread("work", "large", "make")
            ngx.say(ok, " ", #text)
            local ok, size = ngx.run_worker_thread("work", "large", "size")
            ngx.say(ok, " ", size < 30 * 1024)
        }
    }
--- user_files
>>> large.lua
return {
    make = function() return ("0123456789"):rep(4 * 1000 * 1000) end,
    size = function() return collectgarbage("count") end,
}
--- request
GET /t
--- response_body
true 40000000
true true
