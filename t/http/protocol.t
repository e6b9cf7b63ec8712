use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== several requests over one connection
--- config
    location /t { return 200 "$connection_requests\n"; }
--- pipelined_requests eval
["GET /ta", "GET /tb", "GET /tc"]
--- response_body eval
["1\n", "2\n", "3\n"]



=== bodies that nobody reads are skipped
--- config
    location = /skip { return 200 "skipped\n"; }
    location = /next { return 200 "next\n"; }
--- pipelined_requests eval
["POST /skip\n" . "x" x 5000, "GET /next"]
--- response_body eval
["skipped\n", "next\n"]



=== Expect: 100-continue
--- config
    location /t {
        content_by_lua_block {
            ngx.req.read_body()
            ngx.say(ngx.req.get_body_data())
        }
    }
--- raw_request eval
["POST /t HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n", "body"]
--- raw_request_middle_delay: 0.05
--- error_code: 100
--- response_body_like eval
qr{^HTTP/1\.1 200 OK\r\n.*\r\nbody\n}s



=== HTTP/1.0 closes, unless asked to keep alive
--- config
    location /t { return 200 "ok\n"; }
--- request eval
["GET /t HTTP/1.0", "GET /t HTTP/1.0"]
--- more_headers eval
["Connection: close", "Connection: keep-alive"]
--- response_headers eval
["Connection: close", "Connection: keep-alive"]
--- timeout: 0.5
--- abort



=== keep-alive is refused where it is off, or after so many requests
--- config
    location /off { keepalive_timeout 0; return 200 "ok\n"; }
    location /two { keepalive_requests 2; return 200 "$connection_requests\n"; }
--- pipelined_requests eval
["GET /two", "GET /two"]
--- more_headers eval
["Connection: keep-alive", "Connection: keep-alive"]
--- response_headers eval
["Connection: keep-alive", "Connection: close"]



=== wrong requests
--- config
    location /t { return 200 "ok\n"; }
--- raw_request eval
"GET /t HTTP/1.1\r\n\r\n"
--- error_code: 400
--- error_log
client sent HTTP/1.1 request without "Host" header



=== a request line that is none
--- config
--- raw_request eval
"get / HTTP/1.1\r\nHost: x\r\n\r\n"
--- error_code: 400
--- error_log
client sent invalid method while reading client request line



=== two different lengths
--- config
--- raw_request eval
"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
--- error_code: 400



=== a header that is too large
--- config
    location /t { return 200 "ok\n"; }
--- request
GET /t
--- more_headers eval
"X-Large: " . "x" x 40000
--- error_code: 400
--- response_body_like: 400 Request Header Or Cookie Too Large



=== a URI that is too long
--- config
    location /t { return 200 "ok\n"; }
--- request eval
"GET /t" . "x" x 40000
--- error_code: 414



=== a client that waits too long
--- config
    client_header_timeout 100ms;
--- raw_request eval
"GET / HTTP/1.1\r\nHost:"
--- ignore_response
--- timeout: 3
--- error_log
client timed out



=== bytes that are no text pass unharmed
--- config
    location = /t {
        content_by_lua_block {
            local all = {}
            for i = 0, 255 do all[i + 1] = string.char(i) end
            ngx.print(all)
        }
    }
--- request
GET /t
--- response_body eval
"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f !\"#\$%&'()*+,-./0123456789:;<=>?\@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff"



=== a large response arrives whole
--- config
    location = /t {
        content_by_lua_block {
            local piece = ("0123456789"):rep(1000)
            for i = 1, 300 do ngx.print(piece) end
        }
    }
    location = /sum {
        content_by_lua_block {
            local body = ngx.location.capture("/t").body
            ngx.say(#body, " ", ngx.md5(body))
        }
    }
--- request eval
["GET /sum", "GET /t"]
--- response_body_like eval
["^3000000 [0-9a-f]{32}\$", "^(?:0123456789)+\$"]
