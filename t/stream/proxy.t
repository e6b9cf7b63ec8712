use Test::Nginx::Socket::Lua::Stream 'no_plan';
run_tests();
__DATA__

=== upstream blocks go on with the next server
--- stream_config
    upstream backend {
        server 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
        server 127.0.0.1:$TEST_NGINX_RAND_PORT_1 backup;
    }
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1; return "the backup\n"; }
--- stream_server_config
    proxy_pass backend;
    log_by_lua_block { ngx.log(ngx.WARN, ngx.var.status, " after ", ngx.var.upstream_addr) }
--- stream_response
the backup
--- error_log eval
[qr/connect\(\) failed \(111: Connection refused\) while connecting to upstream, client: 127.0.0.1, server: \S+, upstream: "127\.0\.0\.1:\d+", bytes from\/to client:0\/0, bytes from\/to upstream:0\/0/,
qr/200 after 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ while/]



=== proxy_next_upstream off
--- stream_config
    upstream backend {
        server 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
        server 127.0.0.1:$TEST_NGINX_RAND_PORT_1 backup;
    }
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1; return "the backup\n"; }
--- stream_server_config
    proxy_next_upstream off;
    proxy_pass backend;
    log_by_lua_block { ngx.log(ngx.WARN, "status ", ngx.var.status) }
--- stream_response
--- error_log
status 502



=== a target with variables, and proxy_bind
--- stream_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        content_by_lua_block {
            local line = ngx.req.socket():receive()
            ngx.say(line, " from ", ngx.var.remote_addr)
        }
    }
    lua_add_variable $target;
--- stream_server_config
    preread_by_lua_block { ngx.var.target = "127.0.0.1:$TEST_NGINX_RAND_PORT_1" }
    proxy_bind 127.0.0.9;
    proxy_pass $target;
--- stream_request
hello
--- stream_response
hello from 127.0.0.9
--- no_error_log
[error]



=== proxy_timeout
--- stream_config
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1; content_by_lua_block { ngx.say("a") ngx.sleep(3) ngx.say("b") } }
--- stream_server_config
    proxy_timeout 100ms;
    proxy_pass 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
--- stream_response
a
--- error_log
connection timed out (110: Connection timed out) while proxying connection



=== much data, more than sockets take at once
--- stream_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        content_by_lua_block {
            local sock = ngx.req.socket()
            local n = tonumber(sock:receive())
            for _ = 1, n do assert(sock:send(string.rep("x", 1000000))) end
        }
    }
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2; proxy_pass 127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
--- stream_server_config
    content_by_lua_block {
        local sock = ngx.socket.tcp()
        assert(sock:connect("127.0.0.1", $TEST_NGINX_RAND_PORT_2))
        sock:send("20\n")
        ngx.sleep(0.1)
        ngx.say(#sock:receive("*a"))
    }
--- stream_response
20000000
--- no_error_log
[error]



=== balancer_by_lua
--- stream_config
    upstream backend {
        server 0.0.0.1:1;
        balancer_by_lua_block {
            local balancer = require "ngx.balancer"
            ngx.ctx.tries = (ngx.ctx.tries or 0) + 1
            if ngx.ctx.tries == 1 then
                assert(balancer.set_more_tries(1))
                assert(balancer.set_current_peer("127.0.0.1", $TEST_NGINX_RAND_PORT_2))
            else
                ngx.log(ngx.WARN, "failure: ", balancer.get_last_failure())
                assert(balancer.set_current_peer("127.0.0.1:$TEST_NGINX_RAND_PORT_1"))
            end
        }
    }
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1; return "second\n"; }
--- stream_server_config
    proxy_pass backend;
--- stream_response
second
--- error_log
balancer_by_lua:8: failure: failed



=== mistakes
--- stream_config
    upstream backend { server 127.0.0.1; }
--- must_die
--- error_log
no port in upstream "127.0.0.1"
