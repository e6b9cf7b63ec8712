# How header fields go through the proxy: in one form, whatever form they came in.

use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== fields of requests: the first, and those that repeat it to the byte
--- config
    location = /proxy {
        proxy_set_header X-Set "set";
        proxy_set_header Host "b";
        proxy_pass http://127.0.0.1:$server_port/echo;
    }
    location = /echo {
        content_by_lua_block {
            ngx.print((ngx.req.raw_header():gsub("\r\n", "|")))
        }
    }
    location = /t {
        content_by_lua_block {
            local sock = ngx.socket.tcp()
            assert(sock:connect("127.0.0.1", ngx.var.server_port))
            for i = 1, 3 do
                assert(sock:send("GET /proxy HTTP/1.1\r\nHost: a\r\nX-None:b\r\nx-Two:  c\r\nX-Plain: d e\r\nX-Trail: f  \r\n"
                    .. "X-Swap:g \r\nX-Lf: h\nX-LfTrail: i \nX-Empty:\r\nX-Set: gone\r\n\r\n"))
                local head = assert(sock:receiveuntil("\r\n\r\n")())
                ngx.say(sock:receiveuntil("\r\n0\r\n\r\n")():match("\r\n(.*)"))
            end
        }
    }
--- request
GET /t
--- response_body eval
"GET /echo HTTP/1.1|Host: b|X-Set: set|X-None: b|x-Two: c|X-Plain: d e|X-Trail: f|X-Swap: g|X-Lf: h|X-LfTrail: i|X-Empty: ||\n" x 3
--- no_error_log
[error]



=== fields of responses
--- config
    location = /t {
        proxy_hide_header X-Hidden;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/;
    }
--- tcp_listen: $TEST_NGINX_RAND_PORT_1
--- tcp_reply eval
"HTTP/1.1 200 OK\r\nX-Plain: a\r\nx-None:b\r\nX-Two:  c\r\nX-Trail: d  \r\nX-Swap:e \r\nX-Lf: f\nX-LfTrail: g \nX-Empty: \r\nX-Hidden: h\r\nContent-Length: 3\r\n\r\nok\n"
--- request
GET /t
--- raw_response_headers_like eval
"Connection: close\r\nX-Plain: a\r\nx-None: b\r\nX-Two: c\r\nX-Trail: d\r\nX-Swap: e\r\nX-Lf: f\r\nX-LfTrail: g\r\nX-Empty: "
--- response_body
ok
--- no_error_log
[error]
