use Test::Nginx::Socket::Lua::Stream 'no_plan';
run_tests();
__DATA__

=== content_by_lua speaks to the client in both directions
--- stream_server_config
    content_by_lua_block {
        ngx.say("subsystem ", ngx.config.subsystem)
        local sock = assert(ngx.req.socket())
        ngx.say(tostring(select(2, ngx.req.socket())))
        local line = sock:receive()
        sock:send("got " .. line .. "\n")
        ngx.say(sock:receive(3))
        ngx.say(ngx.get_phase(), " ", ngx.var.bytes_received)
    }
--- stream_request eval
"one line\nand more"
--- stream_response
subsystem stream
duplicate call
got one line
and
content 17
--- no_error_log
[error]



=== preread_by_lua peeks, waits, and leaves what it has not read to the content
--- stream_server_config
    preread_by_lua_block {
        local sock = assert(ngx.req.socket(true))
        ngx.ctx.first = sock:peek(4)
        ngx.sleep(0.01)
        ngx.ctx.phase = ngx.get_phase()
    }
    proxy_pass 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    log_by_lua_block {
        ngx.log(ngx.WARN, "peeked ", ngx.ctx.first, " in ", ngx.ctx.phase, ", status ", ngx.var.status)
    }
--- stream_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        content_by_lua_block {
            local sock = ngx.req.socket()
            ngx.say("backend: ", sock:receive())
        }
    }
--- stream_request
abcdef
--- stream_response
backend: abcdef
--- error_log
peeked abcd in preread, status 200
--- no_error_log
[error]



=== ngx.exit in preread ends the session
--- stream_server_config
    preread_by_lua_block { ngx.say("no"); ngx.exit(ngx.ERROR) }
    return "yes\n";
--- stream_response
no
--- no_error_log
[error]



=== an error ends the session, with its stack in the log
--- stream_server_config
    content_by_lua_block {
        ngx.say("before")
        error("oops")
    }
--- stream_response
before
--- error_log
lua entry thread aborted: runtime error: content_by_lua(nginx.conf:
, client: 127.0.0.1, server: 0.0.0.0:



=== threads, timers, semaphores and shared dicts
--- stream_config
    lua_shared_dict counts 64k;
    init_by_lua_block { started = "init" }
    init_worker_by_lua_block { ngx.shared.counts:set("worker", ngx.get_phase()) }
--- stream_server_config
    content_by_lua_block {
        local sema = require("ngx.semaphore").new()
        local thread = ngx.thread.spawn(function()
            assert(sema:wait(1))
            return "woken"
        end)
        assert(ngx.timer.at(0, function() sema:post() end))
        local ok, result = ngx.thread.wait(thread)
        ngx.say(started, " ", ngx.shared.counts:get("worker"), " ", ok, " ", result)
    }
--- stream_response
init init_worker true woken
--- no_error_log
[error]



=== what http alone has is not there
--- stream_server_config
    content_by_lua_block {
        ngx.say(ngx.header, " ", ngx.status, " ", ngx.location, " ", ngx.HTTP_OK, " ", ngx.ERROR)
        ngx.say(select(2, pcall(require, "ngx.resp")))
        local base = require "resty.core.base"
        base.allows_subsystem("http", "stream")
        ngx.say(select(2, pcall(base.allows_subsystem, "http")))
    }
--- stream_response
nil 0 nil nil -1
unsupported subsystem: stream
unsupported subsystem: stream
--- no_error_log
[error]



=== lua_add_variable
--- stream_config
    lua_add_variable $mine;
--- stream_server_config
    preread_by_lua_block { ngx.var.mine = "set" }
    return "$mine\n";
--- stream_response
set
--- no_error_log
[error]



=== lua_check_client_abort and ngx.on_abort
--- stream_config
    lua_check_client_abort on;
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        content_by_lua_block {
            assert(ngx.on_abort(function() ngx.log(ngx.WARN, "client left") ngx.exit(499) end))
            ngx.say("here")
            ngx.sleep(5)
            ngx.log(ngx.ERR, "slept")
        }
    }
--- stream_server_config
    content_by_lua_block {
        local sock = ngx.socket.tcp()
        assert(sock:connect("127.0.0.1", $TEST_NGINX_RAND_PORT_1))
        ngx.say(sock:receive())
        sock:close()
    }
--- stream_response
here
--- error_log
client left
stream client prematurely closed connection
--- no_error_log
[error]



=== lua_code_cache off: a state of its own for each session
--- stream_config
    lua_code_cache off;
    init_by_lua_block { n = 0 }
--- stream_server_config
    content_by_lua_block {
        n = n + 1
        ngx.say(n)
    }
--- stream_response
1
--- no_error_log
[error]
