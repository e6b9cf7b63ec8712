use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== with lua_code_cache off a changed file is used at once
--- http_config
    lua_code_cache off;
    lua_package_path "$TEST_NGINX_HTML_DIR/?.lua;;";
--- config
    location = /file { content_by_lua_file html/a.lua; }
    location = /module { content_by_lua_block { ngx.say(require("m").text) } }
    location = /change {
        content_by_lua_block {
            for name, text in pairs {
                ["a.lua"] = 'ngx.say("second file")', ["m.lua"] = 'return { text = "second module" }',
            } do
                local file = assert(io.open("$TEST_NGINX_HTML_DIR/" .. name, "w"))
                file:write(text)
                file:close()
            end
            ngx.say("changed")
        }
    }
--- user_files
>>> a.lua
ngx.say("first file")
>>> m.lua
return { text = "first module" }
--- request eval
["GET /file", "GET /module", "GET /change", "GET /file", "GET /module"]
--- response_body eval
["first file\n", "first module\n", "changed\n", "second file\n", "second module\n"]



=== with lua_code_cache on it is not
--- config
    location = /file { content_by_lua_file html/a.lua; }
    location = /change {
        content_by_lua_block {
            local file = assert(io.open("$TEST_NGINX_HTML_DIR/a.lua", "w"))
            file:write('ngx.say("second")')
            file:close()
            ngx.say("changed")
        }
    }
--- user_files
>>> a.lua
ngx.say("first")
--- request eval
["GET /file", "GET /change", "GET /file"]
--- response_body eval
["first\n", "changed\n", "first\n"]



=== module state lives as long as the worker, and not at all without the cache
--- http_config
    lua_package_path "$TEST_NGINX_HTML_DIR/?.lua;;";
--- config
    location = /on {
        content_by_lua_block { ngx.say(require("counter").next()) }
    }
    location = /off {
        lua_code_cache off;
        content_by_lua_block { ngx.say(require("counter").next()) }
    }
--- user_files
>>> counter.lua
local _M = { n = 0 }
function _M.next()
    _M.n = _M.n + 1
    return _M.n
end
return _M
--- request eval
["GET /on", "GET /on", "GET /off", "GET /off", "GET /on"]
--- response_body eval
["1\n", "2\n", "1\n", "1\n", "3\n"]



=== globals and modules are shared by all handlers of a worker
--- http_config
    lua_package_path "$TEST_NGINX_HTML_DIR/?.lua;;";
--- config
    location = /set {
        content_by_lua_block {
            leak = "set here"
            require("m").value = "set here"
            ngx.say(leak, " ", require("m").value)
        }
    }
    location = /get { content_by_lua_block { ngx.say(leak, " ", require("m").value) } }
--- user_files
>>> m.lua
return {}
--- request eval
["GET /set", "GET /get"]
--- response_body eval
["set here set here\n", "set here set here\n"]



=== a new global is pointed out
--- config
    location = /t { content_by_lua_block { leak = "set here" ngx.say(leak) } }
--- request
GET /t
--- response_body
set here
--- error_log
writing a global Lua variable ('leak')



=== a module that failed to load must be forgotten before it is tried again
--- http_config
    lua_package_path "$TEST_NGINX_HTML_DIR/?.lua;;";
--- config
    location = /t {
        content_by_lua_block {
            ngx.say((pcall(require, "bad")))
            ngx.say((select(2, pcall(require, "bad")):match("loop or previous error.*")))
            local file = assert(io.open("$TEST_NGINX_HTML_DIR/bad.lua", "w"))
            file:write("return 'good now'")
            file:close()
            package.loaded.bad = nil
            ngx.say(require("bad"))
        }
    }
--- user_files
>>> bad.lua
error("bad")
--- request
GET /t
--- response_body
false
loop or previous error loading module 'bad'
good now
