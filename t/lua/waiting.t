use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== phases that OpenResty lets not wait do not, by default
--- config
    location = /t {
        set_by_lua_block $x { return select(2, pcall(ngx.sleep, 0.001)) }
        header_filter_by_lua_block { ngx.header["X-Error"] = select(2, pcall(ngx.sleep, 0.001)) }
        content_by_lua_block { ngx.say(ngx.var.x) }
    }
--- request
GET /t
--- response_body
API disabled in the context of set_by_lua*
--- response_headers
X-Error: API disabled in the context of header_filter_by_lua*



=== a header filter waits: head and body come in order
--- config
    lua_strict_phases off;
    location = /t {
        header_filter_by_lua_block {
            ngx.header["X-Before"] = ngx.headers_sent and "sent" or "not sent"
            ngx.sleep(0.02)
            ngx.header["X-After"] = ngx.headers_sent and "sent" or "not sent"
            ngx.ctx.filtered = true
        }
        content_by_lua_block {
            ngx.say("one")
            ngx.flush(true)
            ngx.say(ngx.ctx.filtered and "two, behind the head" or "two, too early")
        }
    }
--- request
GET /t
--- response_headers
X-Before: not sent
X-After: not sent
--- response_body
one
two, behind the head
--- no_error_log
[error]



=== what comes behind the end that a body filter declared is dropped, whether it waits or not
--- config
    lua_strict_phases off;
    lua_http10_buffering off;
    location = /t {
        body_filter_by_lua_block {
            if ngx.var.arg_wait then ngx.sleep(0.01) end
            ngx.arg[2] = true
        }
        content_by_lua_block {
            ngx.say("one")
            ngx.flush(true)
            ngx.say("two")
        }
    }
--- request eval
["GET /t HTTP/1.0", "GET /t?wait=1 HTTP/1.0"]
--- response_body eval
["one\n", "one\n"]
--- no_error_log
[error]



=== a header filter waits for a static file, and for HEAD
--- config
    lua_strict_phases off;
    header_filter_by_lua_block {
        ngx.sleep(0.02)
        ngx.header["X-Filter"] = "done"
    }
--- user_files
>>> a.txt
hello
--- request eval
["GET /a.txt", "HEAD /a.txt", "GET /missing", "GET /a.txt"]
--- error_code eval
[200, 200, 404, 200]
--- response_headers eval
["X-Filter: done\nContent-Length: 6", "X-Filter: done\nContent-Length: 6", "X-Filter: done", "X-Filter: done"]
--- response_body_like eval
["^hello\n\$", "^\$", "404 Not Found", "^hello\n\$"]



=== a header filter that waits and then fails ends the connection
--- config
    lua_strict_phases off;
    location = /t {
        header_filter_by_lua_block {
            ngx.sleep(0.01)
            error("no head today")
        }
        return 200 "body";
    }
--- request
GET /t
--- error_code:
--- ignore_response
--- error_log
failed to run header_filter_by_lua*: header_filter_by_lua
no head today



=== ngx.exit in a header filter that waits gives another page
--- config
    lua_strict_phases off;
    location = /t {
        header_filter_by_lua_block {
            ngx.sleep(0.01)
            return ngx.exit(403)
        }
        content_by_lua_block { ngx.say("body") }
    }
--- request
GET /t
--- error_code: 403
--- response_body_like: 403 Forbidden



=== a body filter waits at each piece
--- config
    lua_strict_phases off;
    location = /t {
        body_filter_by_lua_block {
            local data, eof = ngx.arg[1], ngx.arg[2]
            ngx.sleep(0.01)
            if ngx.arg[1] ~= data or ngx.arg[2] ~= eof then error("another piece") end
            ngx.arg[1] = data:upper()
        }
        content_by_lua_block {
            for i = 1, 3 do
                ngx.say("piece ", i)
                ngx.flush(true)
            end
            ngx.say("end")
        }
    }
--- request
GET /t
--- response_body
PIECE 1
PIECE 2
PIECE 3
END
--- no_error_log
[error]



=== body filters of two requests that wait at once do not mix
--- config
    lua_strict_phases off;
    location /p/ {
        body_filter_by_lua_block {
            if ngx.is_subrequest then return end
            local mine = ngx.var.uri
            local text = ngx.arg[1]
            ngx.sleep(0.01)
            ngx.arg[1] = text:gsub("%l+", mine .. ":%0")
        }
        content_by_lua_block { ngx.print("hello") ngx.flush(true) ngx.print("world") }
    }
    location = /t {
        content_by_lua_block {
            local function get(path)
                local sock = ngx.socket.tcp()
                assert(sock:connect("127.0.0.1", ngx.var.server_port))
                assert(sock:send("GET " .. path .. " HTTP/1.0\r\n\r\n"))
                local text = assert(sock:receive("*a"))
                return text:match("\r\n\r\n(.*)")
            end
            local threads = {}
            for i = 1, 5 do threads[i] = ngx.thread.spawn(get, "/p/" .. i) end
            for i = 1, 5 do ngx.say(select(2, ngx.thread.wait(threads[i]))) end
        }
    }
--- request
GET /t
--- response_body
/p/1:helloworld
/p/2:helloworld
/p/3:helloworld
/p/4:helloworld
/p/5:helloworld



=== a body filter that waits and fails
--- config
    lua_strict_phases off;
    location = /t {
        body_filter_by_lua_block { ngx.sleep(0.01) error("no body") }
        return 200 "body";
    }
--- request
GET /t
--- ignore_response
--- error_log
failed to run body_filter_by_lua*: body_filter_by_lua



=== filters wait for a proxied response
--- config
    lua_strict_phases off;
    location = /t {
        header_filter_by_lua_block {
            ngx.sleep(0.01)
            ngx.header.content_length = nil
        }
        body_filter_by_lua_block {
            ngx.sleep(0.001)
            ngx.ctx.size = (ngx.ctx.size or 0) + #ngx.arg[1]
            ngx.arg[1] = ngx.arg[2] and tostring(ngx.ctx.size) or nil
        }
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/big;
    }
    location = /big {
        content_by_lua_block {
            local text = ("x"):rep(10000)
            for i = 1, 200 do ngx.print(text) end
        }
    }
--- request
GET /t
--- response_body: 2000000
--- no_error_log
[error]



=== filters of subrequests that are captured wait
--- config
    lua_strict_phases off;
    location = /sub {
        header_filter_by_lua_block { ngx.sleep(0.01) ngx.header["X-Sub"] = "yes" }
        body_filter_by_lua_block { ngx.sleep(0.01) ngx.arg[1] = ngx.arg[1]:upper() }
        return 200 "captured";
    }
    location = /t {
        content_by_lua_block {
            local one, two = ngx.location.capture_multi { { "/sub" }, { "/sub" } }
            ngx.say(one.status, " ", one.header["X-Sub"], " ", one.body, " ", one.truncated)
            ngx.say(two.status, " ", two.header["X-Sub"], " ", two.body, " ", two.truncated)
        }
    }
--- request
GET /t
--- response_body
200 yes CAPTURED false
200 yes CAPTURED false



=== filters of subrequests whose output goes into the response wait
--- config
    lua_strict_phases off;
    location = /sub {
        body_filter_by_lua_block { ngx.sleep(0.01) ngx.arg[1] = ngx.arg[1]:upper() }
        return 200 "sub\n";
    }
    location = /t {
        body_filter_by_lua_block { ngx.sleep(0.001) }
        echo "before";
        echo_location /sub;
        echo "after";
    }
--- request
GET /t
--- response_body
before
SUB
after



=== set_by_lua waits in its place among the steps of the rewrite module
--- config
    lua_strict_phases off;
    location /t {
        set $a 1;
        set_by_lua_block $b {
            ngx.sleep(0.01)
            return ngx.var.a + 1
        }
        set_by_lua $c 'local x = ngx.arg[1] ngx.sleep(0.01) return ngx.arg[1] .. ngx.arg[2] .. x' $b "!";
        if ($c = "2!2") { rewrite ^ /done last; }
        return 500;
    }
    location = /done { return 200 "$a $b $c\n"; }
--- request
GET /t
--- response_body
1 2 2!2
--- no_error_log
[error]



=== set_by_lua in a server block, threads, a semaphore and a socket in it
--- config
    lua_strict_phases off;
    location = /hello { return 200 "hello"; }
    location = /t {
        set_by_lua_block $answer {
            local sema = require("ngx.semaphore").new()
            local got
            local thread = ngx.thread.spawn(function()
                local sock = ngx.socket.tcp()
                assert(sock:connect("127.0.0.1", ngx.var.server_port))
                assert(sock:send("GET /hello HTTP/1.0\r\n\r\n"))
                got = assert(sock:receive("*a")):match("\r\n\r\n(.*)")
                sema:post()
            end)
            assert(sema:wait(5))
            ngx.thread.wait(thread)
            return got
        }
        return 200 $answer;
    }
--- request
GET /t
--- response_body: hello



=== set_by_lua that waits and fails gives 500
--- config
    lua_strict_phases off;
    location = /t {
        set_by_lua_block $x { ngx.sleep(0.01) error("no value") }
        return 200 "$x";
    }
--- request
GET /t
--- error_code: 500
--- error_log
failed to run set_by_lua*: set_by_lua
no value



=== subrequests from set_by_lua and from a header filter
--- config
    lua_strict_phases off;
    location = /sub { echo -n "sub $arg_n"; }
    location = /t {
        set_by_lua_block $x { return ngx.location.capture("/sub?n=1").body }
        header_filter_by_lua_block {
            local one, two = ngx.location.capture_multi { { "/sub?n=2" }, { "/sub?n=3" } }
            ngx.header["X-Sub"] = one.body .. ", " .. two.body
        }
        echo "$x";
    }
--- request
GET /t
--- response_headers
X-Sub: sub 2, sub 3
--- response_body
sub 1
--- no_error_log
[error]



=== log_by_lua waits while the connection goes on
--- http_config
    lua_shared_dict logged 1m;
--- config
    lua_strict_phases off;
    location = /t {
        log_by_lua_block {
            local uri = ngx.var.request_uri
            local sock = ngx.socket.tcp()
            assert(sock:connect("127.0.0.1", ngx.var.server_port))
            ngx.sleep(0.02)
            assert(sock:send("GET /sink HTTP/1.0\r\n\r\n"))
            assert(sock:receive("*a"))
            ngx.shared.logged:set("uri", uri .. " " .. tostring(ngx.ctx.mark))
        }
        content_by_lua_block { ngx.ctx.mark = "mark" ngx.say(ngx.shared.logged:get("uri")) }
    }
    location = /sink { return 200; }
    location = /wait {
        content_by_lua_block {
            for i = 1, 200 do
                if ngx.shared.logged:get("uri") then break end
                ngx.sleep(0.01)
            end
            ngx.say(ngx.shared.logged:get("uri"))
        }
    }
--- request eval
["GET /t?first", "GET /wait"]
--- response_body eval
["nil\n", "/t?first mark\n"]
--- no_error_log
[error]



=== log_by_lua that waits and fails is logged
--- config
    lua_strict_phases off;
    location = /t {
        log_by_lua_block { ngx.sleep(0.01) error("not logged") }
        return 200 "ok";
    }
--- request
GET /t
--- wait: 0.1
--- error_log
failed to run log_by_lua*: log_by_lua
not logged



=== init_worker_by_lua waits beside the requests
--- http_config
    lua_strict_phases off;
    init_worker_by_lua_block {
        state = "waits"
        ngx.sleep(0.05)
        state = "done in " .. ngx.get_phase()
    }
--- config
    location = /t {
        content_by_lua_block {
            for i = 1, 200 do
                if state ~= "waits" then break end
                ngx.sleep(0.01)
            end
            ngx.say(state)
        }
    }
--- request
GET /t
--- response_body
done in init_worker
--- no_error_log
[error]



=== a client that leaves while a header filter waits
--- config
    lua_strict_phases off;
    location = /slow {
        header_filter_by_lua_block { ngx.sleep(0.3) ngx.log(ngx.ERR, "not reached") }
        return 200 "late";
    }
    location = /t {
        content_by_lua_block {
            local sock = ngx.socket.tcp()
            assert(sock:connect("127.0.0.1", ngx.var.server_port))
            assert(sock:send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"))
            ngx.sleep(0.05)
            sock:close()
            ngx.sleep(0.5)
            ngx.say("gone")
        }
    }
--- request
GET /t
--- response_body
gone
--- error_log
client prematurely closed connection
--- no_error_log
not reached



=== a client that leaves while set_by_lua waits, with lua_check_client_abort
--- config
    lua_strict_phases off;
    location = /slow {
        lua_check_client_abort on;
        set_by_lua_block $x { ngx.sleep(0.3) ngx.log(ngx.ERR, "not reached") }
        return 200 "late";
    }
    location = /t {
        content_by_lua_block {
            local sock = ngx.socket.tcp()
            assert(sock:connect("127.0.0.1", ngx.var.server_port))
            assert(sock:send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"))
            ngx.sleep(0.05)
            sock:close()
            ngx.sleep(0.5)
            ngx.say("gone")
        }
    }
--- request
GET /t
--- response_body
gone
--- no_error_log
not reached



=== a wait longer than send_timeout does not cost the response
--- config
    lua_strict_phases off;
    send_timeout 50ms;
    location = /t {
        header_filter_by_lua_block { ngx.sleep(0.2) }
        body_filter_by_lua_block { ngx.sleep(0.2) }
        return 200 "body";
    }
--- request
GET /t
--- response_body: body
--- no_error_log
timed out



=== gzip and a header filter that waits
--- config
    lua_strict_phases off;
    gzip on;
    gzip_min_length 1;
    gzip_types text/plain;
    header_filter_by_lua_block { ngx.sleep(0.02) }
    location = /t {
        content_by_lua_block {
            local sock = ngx.socket.tcp()
            assert(sock:connect("127.0.0.1", ngx.var.server_port))
            assert(sock:send("GET /a.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"))
            local text = assert(sock:receive("*a"))
            ngx.say(text:lower():find("content-encoding: gzip", 1, true) and "compressed" or text)
            ngx.say(text:sub(-7) == "\r\n0\r\n\r\n" and "complete" or "cut")
        }
    }
--- user_files eval
">>> a.txt\n" . ("hello " x 200)
--- request
GET /t
--- response_body
compressed
complete



=== balancer_by_lua waits for the choice, again for each attempt
--- http_config
    upstream backend {
        server 0.0.0.1;
        balancer_by_lua_block {
            local balancer = require "ngx.balancer"
            local again = balancer.get_last_failure()
            ngx.sleep(0.01)
            assert(balancer.set_current_peer("127.0.0.1", again and ngx.var.server_port or 1))
            if not again then assert(balancer.set_more_tries(1)) end
            ngx.ctx.chosen = (ngx.ctx.chosen or 0) + 1
        }
    }
--- config
    lua_strict_phases off;
    location = /t {
        proxy_pass http://backend/back;
        header_filter_by_lua_block { ngx.header["X-Chosen"] = ngx.ctx.chosen }
    }
    location = /back { return 200 "from the back\n"; }
--- request
GET /t
--- response_body
from the back
--- response_headers
X-Chosen: 2
--- no_error_log
balancer_by_lua



=== balancer_by_lua that waits and refuses, and that fails
--- http_config
    upstream refusing {
        server 0.0.0.1;
        balancer_by_lua_block { ngx.sleep(0.01) ngx.exit(503) }
    }
    upstream failing {
        server 0.0.0.1;
        balancer_by_lua_block { ngx.sleep(0.01) error("no choice") }
    }
--- config
    lua_strict_phases off;
    location = /refused { proxy_pass http://refusing; }
    location = /failed { proxy_pass http://failing; }
--- request eval
["GET /refused", "GET /failed"]
--- error_code eval
[503, 500]



=== an error in balancer_by_lua that waits is logged
--- http_config
    upstream failing {
        server 0.0.0.1;
        balancer_by_lua_block { ngx.sleep(0.01) error("no choice") }
    }
--- config
    lua_strict_phases off;
    location = /failed { proxy_pass http://failing; }
--- request
GET /failed
--- error_code: 500
--- error_log
failed to run balancer_by_lua*: balancer_by_lua



=== a client that leaves while balancer_by_lua waits
--- http_config
    upstream slow {
        server 0.0.0.1;
        balancer_by_lua_block { ngx.sleep(0.3) ngx.log(ngx.ERR, "not reached") }
    }
--- config
    lua_strict_phases off;
    location = /slow { proxy_pass http://slow; }
    location = /t {
        content_by_lua_block {
            local sock = ngx.socket.tcp()
            assert(sock:connect("127.0.0.1", ngx.var.server_port))
            assert(sock:send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"))
            ngx.sleep(0.05)
            sock:close()
            ngx.sleep(0.5)
            ngx.say("gone")
        }
    }
--- request
GET /t
--- response_body
gone
--- error_log
client prematurely closed connection
--- no_error_log
not reached



=== a header filter waits for the head of an upgraded connection
--- config
    lua_strict_phases off;
    location = /tunnel {
        header_filter_by_lua_block { ngx.sleep(0.05) ngx.header["X-Filter"] = "done" }
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/echo;
    }
    location = /echo {
        lua_strict_phases on;
        content_by_lua_block {
            ngx.status = 101
            ngx.header.Upgrade = "test"
            ngx.header.Connection = "Upgrade"
            ngx.send_headers()
            ngx.flush(true)
            local sock = assert(ngx.req.socket(true))
            sock:send("hello from the backend\n")
            sock:send("you said " .. assert(sock:receive()) .. "\n")
        }
    }
    location = /t {
        content_by_lua_block {
            local sock = ngx.socket.tcp()
            sock:settimeout(3000)
            assert(sock:connect("127.0.0.1", ngx.var.server_port))
            assert(sock:send("GET /tunnel HTTP/1.1\r\nHost: a\r\nUpgrade: test\r\nConnection: upgrade\r\n\r\nhi\n"))
            local head = assert(sock:receiveuntil("\r\n\r\n"))()
            ngx.say(head:match("^[^\r]*"), " ", head:match("X%-Filter: %a+"))
            ngx.say(sock:receive())
            ngx.say(sock:receive())
        }
    }
--- request
GET /t
--- response_body
HTTP/1.1 101 Switching Protocols X-Filter: done
hello from the backend
you said hi
--- no_error_log
[error]



=== auth_request, error_page and mirror with filters that wait
--- config
    lua_strict_phases off;
    location = /auth {
        header_filter_by_lua_block { ngx.sleep(0.02) ngx.header["X-User"] = "bob" }
        return 204;
    }
    location = /in {
        auth_request /auth;
        auth_request_set $user $sent_http_x_user;
        mirror /auth;
        echo "in";
    }
    location = /missing { error_page 404 /page; return 404; }
    location = /page {
        header_filter_by_lua_block { ngx.sleep(0.02) ngx.header["X-Page"] = "own" }
        echo "not here";
    }
--- request eval
["GET /in", "GET /missing"]
--- error_code eval
[200, 404]
--- response_body eval
["in\n", "not here\n"]
--- no_error_log
[error]
