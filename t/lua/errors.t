use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== a runtime error: status 500, place, reason and traceback in error.log
--- config
    location = /t {
        content_by_lua_block {
            local function inner(t)
                return t.field.name
            end

            local function outer()
                local name = inner({})
                return name
            end

            outer()
        }
    }
--- request
GET /t
--- error_code: 500
--- response_body_like: 500 Internal Server Error
--- error_log eval
[
    qr/lua entry thread aborted: runtime error: content_by_lua\(nginx\.conf:\d+\):3: attempt to index field 'field' \(a nil value\)/,
    "stack traceback:",
    "coroutine 0:",
    qr/content_by_lua\(nginx\.conf:\d+\)(?::3)?: in function 'inner'/,
    qr/content_by_lua\(nginx\.conf:\d+\):7: in function 'outer'/,
    qr/content_by_lua\(nginx\.conf:\d+\):11: in main chunk, client: 127\.0\.0\.1, server: localhost, request: "GET \/t HTTP\/1\.1", host: "localhost"/,
]



=== an error in a module's file
--- http_config
    lua_package_path "$TEST_NGINX_HTML_DIR/?.lua;;";
--- config
    location = /t {
        content_by_lua_block {
            require("broken").work(nil)
        }
    }
--- user_files
>>> broken.lua
local _M = {}

function _M.work(n)
    return n + 1
end

return _M
--- request
GET /t
--- error_code: 500
--- error_log eval
[
    qr{runtime error: .*html/broken\.lua:4: attempt to perform arithmetic on local 'n' \(a nil value\)},
    qr{html/broken\.lua(?::4)?: in function 'work'},
]



=== a module that is not there, with the places that were tried
--- config
    location = /t {
        content_by_lua_block { require "no.such.module" }
    }
--- request
GET /t
--- error_code: 500
--- error_log
module 'no.such.module' not found:
no field package.preload['no.such.module']
no file



=== a syntax error in a file is found at the first request
--- config
    location = /t { content_by_lua_file html/a.lua; }
--- user_files
>>> a.lua
local x = = 1
--- request
GET /t
--- error_code: 500
--- error_log eval
qr/failed to load external Lua file ".*html\/a\.lua": .*html\/a\.lua:1: unexpected symbol near '='/



=== a syntax error in the configuration is found at the first request, too
--- config
    location = /t { content_by_lua_block { for } }
--- request
GET /t
--- error_code: 500
--- error_log eval
qr/failed to load inlined Lua code: content_by_lua\(nginx\.conf:\d+\):1: '<name>' expected near '<eof>'/



=== error() with a table, with nil, with a level
--- config
    location = /table { content_by_lua_block { error({ code = 1 }) } }
    location = /nil { content_by_lua_block { error() } }
    location = /level {
        content_by_lua_block {
            local function check() error("wrong use", 2) end
            check()
        }
    }
--- request eval
["GET /table", "GET /nil", "GET /level"]
--- error_code eval
[500, 500, 500]
--- error_log eval
qr/runtime error: (?:unknown reason|content_by_lua\(nginx\.conf:\d+\):3: wrong use)/



=== errors in other phases: access and rewrite end the request, header filter and log do not
--- config
    location = /rewrite { rewrite_by_lua_block { error("in rewrite") } content_by_lua_block { ngx.say("no") } }
    location = /access { access_by_lua_block { error("in access") } content_by_lua_block { ngx.say("no") } }
    location = /log { content_by_lua_block { ngx.say("yes") } log_by_lua_block { error("in log") } }
--- request eval
["GET /rewrite", "GET /access", "GET /log"]
--- error_code eval
[500, 500, 200]
--- response_body_like eval
["500 Internal", "500 Internal", "^yes\n\$"]
--- error_log eval
qr/in rewrite|in access|failed to run log_by_lua\*: log_by_lua/



=== pcall and xpcall catch, across waits
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(pcall(error, "plain"))
            ngx.say(pcall(function() ngx.sleep(0.001) error({ "table" }, 0) end))
            ngx.say(xpcall(function() ngx.sleep(0.001) error("deep", 0) end, function(e) return "handled " .. e end))
        }
    }
--- request
GET /t
--- response_body
falseplain
falsetable
falsehandled deep



=== API functions where they are not allowed
--- config
    location = /t {
        set_by_lua_block $x { return (select(2, pcall(ngx.sleep, 0))) }
        content_by_lua_block {
            ngx.say(ngx.var.x)
        }
        log_by_lua_block {
            ngx.log(ngx.WARN, (select(2, pcall(ngx.say, "late"))))
        }
    }
--- request
GET /t
--- response_body
API disabled in the context of set_by_lua*
--- error_log
API disabled in the context of log_by_lua*



=== a new global is told of
--- config
    location = /t {
        content_by_lua_block {
            counter = 1
            ngx.say(counter)
        }
    }
--- request
GET /t
--- response_body
1
--- error_log
writing a global Lua variable ('counter')



=== ngx.log: levels, place, joined arguments
--- log_level: notice
--- config
    location = /t {
        content_by_lua_block {
            ngx.log(ngx.NOTICE, "a ", 1, " ", nil, " ", true)
            ngx.log(ngx.INFO, "not written")
            print("printed")
            ngx.say("ok")
        }
    }
--- request
GET /t
--- response_body
ok
--- error_log eval
[
    qr/\[notice\] \d+#\d+: \*\d+ \[lua\] content_by_lua\(nginx\.conf:\d+\):2: a 1 nil true, client: 127\.0\.0\.1/,
    qr/\[notice\] \d+#\d+: \*\d+ \[lua\] content_by_lua\(nginx\.conf:\d+\):4: printed, client/,
]
--- no_error_log
not written



=== a stack overflow is an error like any other
--- config
    location = /t {
        content_by_lua_block {
            local function f(n) return 1 + f(n + 1) end
            local ok, err = pcall(f, 1)
            ngx.say(ok, " ", err)
        }
    }
--- request
GET /t
--- response_body_like
^false content_by_lua\(nginx\.conf:\d+\):2: stack overflow



=== the log shows the stacks of the coroutines and threads around the one that failed
--- config
    location = /t {
        content_by_lua_block {
            local function broken()
                local inner = coroutine.wrap(function()
                    ngx.sleep(0.001)
                    error("deep")
                end)
                local outer = coroutine.wrap(function() inner() end)
                outer()
            end
            local thread = ngx.thread.spawn(broken)
            ngx.say(ngx.thread.wait(thread))
        }
    }
--- request
GET /t
--- response_body_like
^falsedeepcontent_by_lua\(nginx\.conf:\d+\):5: deep$
--- error_log eval
[
    qr/lua user thread aborted: runtime error: content_by_lua\(nginx\.conf:\d+\):5: deep$/,
    "coroutine 0:",
    "in function 'error'",
    qr/content_by_lua\(nginx\.conf:\d+\):5: in function/,
    "coroutine 1:",
    "in function 'inner'",
    qr/content_by_lua\(nginx\.conf:\d+\):7: in function/,
    "coroutine 2:",
    "in function 'outer'",
    qr/content_by_lua\(nginx\.conf:\d+\):8: in function/,
    "coroutine 3:",
    "in function 'wait'",
    qr/content_by_lua\(nginx\.conf:\d+\):11: in main chunk/,
]



=== where nothing waits, coroutine.wrap is Lua's own and adds the place
--- config
    location = /t {
        return 200;
        header_filter_by_lua_block {
            local co = coroutine.wrap(function() error("wrong") end)
            co()
        }
    }
--- request
GET /t
--- ignore_response
--- error_log eval
[
    qr/header_filter_by_lua\(nginx\.conf:\d+\):3: header_filter_by_lua\(nginx\.conf:\d+\):2: wrong/,
    "in function 'co'",
]
