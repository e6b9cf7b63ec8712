use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== header_filter_by_lua: fields, status
--- config
    location = /t {
        content_by_lua_block {
            ngx.header["X-Remove"] = "1"
            ngx.say("body")
        }
        header_filter_by_lua_block {
            ngx.header["X-Add"] = "added to " .. ngx.status
            ngx.header["X-Remove"] = nil
            ngx.status = 202
        }
    }
--- request
GET /t
--- error_code: 202
--- response_headers
X-Add: added to 200
!X-Remove
--- response_body
body



=== header filters run for files, errors and redirects
--- config
    header_filter_by_lua_block { ngx.header["X-Seen"] = ngx.var.uri .. " " .. ngx.status }
    location = /redirect { return 301 /there; }
--- user_files
>>> file.txt
text
--- request eval
["GET /file.txt", "GET /none", "GET /redirect"]
--- error_code eval
[200, 404, 301]
--- response_headers eval
["X-Seen: /file.txt 200", "X-Seen: /none 404", "X-Seen: /redirect 301"]



=== body_filter_by_lua sees every piece and the end
--- config
    location = /t {
        content_by_lua_block {
            ngx.print("hello, ")
            ngx.flush(true)
            ngx.print("world")
        }
        header_filter_by_lua_block { ngx.header.content_length = nil }
        body_filter_by_lua_block {
            ngx.arg[1] = ngx.arg[1]:upper()
            if ngx.arg[2] then ngx.arg[1] = ngx.arg[1] .. "!\n" end
        }
    }
--- request
GET /t
--- response_body
HELLO, WORLD!



=== body_filter_by_lua drops, replaces and ends
--- config
    location = /drop {
        content_by_lua_block { ngx.say("one") ngx.say("two") ngx.say("three") }
        body_filter_by_lua_block {
            if ngx.arg[1] == "two\n" then ngx.arg[1] = nil end
        }
    }
    location = /end {
        content_by_lua_block { ngx.say("one") ngx.say("two") ngx.say("three") }
        body_filter_by_lua_block {
            if ngx.arg[1] == "two\n" then ngx.arg[2] = true end
        }
    }
    location = /table {
        content_by_lua_block { ngx.say("x") }
        body_filter_by_lua_block {
            if not ngx.arg[2] then ngx.arg[1] = { "<", { ngx.arg[1]:sub(1, -2), ">" }, "\n" } end
        }
    }
--- request eval
["GET /drop", "GET /end", "GET /table"]
--- response_body eval
["one\nthree\n", "one\ntwo\n", "<x>\n"]



=== body filters see files and error pages
--- config
    body_filter_by_lua_block { ngx.arg[1] = ngx.arg[1]:gsub("%a", "x") }
    header_filter_by_lua_block { ngx.header.content_length = nil }
--- user_files
>>> file.txt
some text
--- request eval
["GET /file.txt", "GET /none"]
--- error_code eval
[200, 404]
--- response_body_like eval
["^xxxx xxxx\n\$", "404 xxx xxxxx"]



=== an error in a body filter ends the connection
--- config
    location = /t {
        content_by_lua_block {
            ngx.say("first")
            ngx.flush(true)
            ngx.say("second")
        }
        body_filter_by_lua_block {
            if ngx.arg[1] == "second\n" then error("refused") end
        }
    }
--- request
GET /t
--- ignore_response
--- error_log
failed to run body_filter_by_lua*: body_filter_by_lua
refused



=== log_by_lua counts
--- http_config
    lua_shared_dict d 100k;
--- config
    log_by_lua_block {
        local d = ngx.shared.d
        d:incr("status " .. ngx.status, 1, 0)
        d:incr("bytes", tonumber(ngx.var.body_bytes_sent), 0)
    }
    location = /t { content_by_lua_block { ngx.say("hello") } }
    location = /sum {
        content_by_lua_block {
            local d = ngx.shared.d
            ngx.say(d:get("status 200"), " ", d:get("status 404") or 0, " ", d:get("bytes") > 6)
        }
    }
--- pipelined_requests eval
["GET /t", "GET /none", "GET /t", "GET /sum"]
--- error_code eval
[200, 404, 200, 200]
--- response_body_like eval
["hello", "404", "hello", "^2 1 true\$"]



=== variables that Lua sets are in the access log
--- http_config
    log_format own '$remote_addr "$request" $status $mine';
--- config
    access_log logs/access.log own;
    location = /t {
        set $mine '';
        content_by_lua_block {
            ngx.var.mine = "from content"
            ngx.say("ok")
        }
        log_by_lua_block { ngx.var.mine = ngx.var.mine .. " and log" }
    }
--- request
GET /t
--- response_body
ok
--- access_log
127.0.0.1 "GET /t HTTP/1.1" 200 from content and log



=== a proxied response ends behind its pieces
--- config
    location = /t {
        proxy_pass http://127.0.0.1:$server_port/file.txt;
        body_filter_by_lua_block {
            ngx.log(ngx.WARN, "piece: ", #ngx.arg[1], " ", ngx.arg[2])
        }
    }
--- user_files
>>> file.txt
some text
--- request
GET /t
--- response_body
some text
--- error_log
piece: 10 false
piece: 0 true
