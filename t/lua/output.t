use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== ngx.say adds a line end, ngx.print does not
--- config
    location = /t {
        content_by_lua_block {
            ngx.print("one ")
            ngx.print("two")
            ngx.say("")
            ngx.say("three")
        }
    }
--- request
GET /t
--- response_body
one two
three
--- no_error_log
[error]



=== numbers, booleans, nil and nested tables as output
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(1, " ", 2.5, " ", -0, " ", 1e15, " ", 2^53, " ", true, " ", false, " ", nil)
            ngx.say({"a", {"b", 3}, "c"})
            ngx.say(ngx.null)
        }
    }
--- request
GET /t
--- response_body
1 2.5 0 1e+15 9.007199254741e+15 true false nil
ab3c
null
--- no_error_log
[error]



=== a table with holes or keys that are no numbers is refused
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(pcall(ngx.say, {a = 1}))
            ngx.say(pcall(ngx.print, print))
        }
    }
--- request
GET /t
--- response_body
falsebad argument #1 to '?' (non-array table found)
falsebad argument #1 to '?' (string, number, boolean, nil, ngx.null, or array table expected, but got function)



=== a request gets Content-Type from default_type, and no length is known before the end
--- config
    location = /t {
        content_by_lua_block {
            ngx.say("hello")
        }
    }
--- request
GET /t
--- response_headers
Content-Type: text/plain
!Content-Length
Transfer-Encoding: chunked
--- response_body
hello



=== the length is sent where the handler gives it
--- config
    location = /t {
        content_by_lua_block {
            ngx.header.content_length = 6
            ngx.say("hello")
        }
    }
--- request
GET /t
--- response_headers
Content-Length: 6
!Transfer-Encoding
--- response_body
hello



=== HTTP/1.0 gets the body without chunks, a length and a closed connection
--- config
    location = /t {
        content_by_lua_block {
            ngx.say("hello")
        }
    }
--- request
GET /t HTTP/1.0
--- response_headers
!Transfer-Encoding
Content-Length: 6
Connection: close
--- response_body
hello



=== HEAD gets the header only
--- config
    location = /t {
        content_by_lua_block {
            ngx.header["X-Method"] = ngx.req.get_method()
            ngx.say("hello")
        }
    }
--- request
HEAD /t
--- response_headers
X-Method: HEAD
--- response_body



=== header fields after the body began are too late
--- config
    location = /t {
        content_by_lua_block {
            ngx.say("hello")
            ngx.flush(true)
            ngx.header["X-Late"] = "yes"
        }
    }
--- request
GET /t
--- response_body
hello
--- response_headers
!X-Late
--- error_log
attempt to set ngx.header.HEADER after sending out response headers



=== ngx.flush sends what there is while the handler goes on
--- config
    location = /t {
        content_by_lua_block {
            ngx.say("first")
            ngx.say("flush: ", ngx.flush(true))
            ngx.sleep(0.01)
            ngx.say("second")
            ngx.say("eof: ", ngx.eof())
            ngx.say("lost")
        }
    }
--- request
GET /t
--- response_body
first
flush: 1
second



=== ngx.send_headers, ngx.headers_sent
--- config
    location = /t {
        content_by_lua_block {
            ngx.header["X-Sent"] = tostring(ngx.headers_sent)
            ngx.send_headers()
            ngx.say(ngx.headers_sent)
        }
    }
--- request
GET /t
--- response_headers
X-Sent: false
--- response_body
true



=== header fields with several values, removed fields, names with underscores
--- config
    location = /t {
        content_by_lua_block {
            ngx.header.x_my_field = "dashes"
            ngx.header["X-Many"] = {"a", "b"}
            ngx.header["X-Gone"] = "1"
            ngx.header["X-Gone"] = nil
            ngx.header.content_type = "text/x-test"
            ngx.say(ngx.header["X-Many"][2], " ", ngx.header["X-Gone"], " ", ngx.header.content_type)
        }
    }
--- request
GET /t
--- response_headers
X-My-Field: dashes
X-Many: a, b
!X-Gone
Content-Type: text/x-test
--- raw_response_headers_like eval
qr/X-Many: a\r\nX-Many: b\r\n/
--- response_body
b nil text/x-test
