use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== ngx.exit: the status of an error page, of an answer, of a phase
--- config
    location = /page { content_by_lua_block { ngx.exit(404) } }
    location = /own {
        content_by_lua_block {
            ngx.status = 410
            ngx.say("gone for good")
            ngx.exit(ngx.HTTP_OK)
        }
    }
    location = /phase {
        rewrite_by_lua_block { ngx.exit(ngx.OK) ngx.log(ngx.ERR, "not reached") }
        content_by_lua_block { ngx.say("went on") }
    }
--- request eval
["GET /page", "GET /own", "GET /phase"]
--- error_code eval
[404, 410, 200]
--- response_body_like eval
["404 Not Found", "^gone for good\n\$", "^went on\n\$"]
--- no_error_log
not reached



=== ngx.exit leaves nested functions, but not pcall
--- config
    location = /nested {
        content_by_lua_block {
            local function deep(n)
                if n == 0 then ngx.exit(204) end
                deep(n - 1)
                ngx.log(ngx.ERR, "not reached")
            end
            deep(5)
        }
    }
    location = /pcall {
        content_by_lua_block {
            pcall(function() ngx.exit(204) end)
            ngx.log(ngx.ERR, "not reached either")
        }
    }
--- request eval
["GET /nested", "GET /pcall"]
--- error_code eval
[204, 204]
--- no_error_log
not reached



=== ngx.exit after the header has gone cannot change the status
--- config
    location = /t {
        content_by_lua_block {
            ngx.say("begun")
            ngx.flush(true)
            ngx.exit(500)
        }
    }
--- request
GET /t
--- response_body
begun
--- error_log
attempt to set status 500 via ngx.exit after sending out the response status 200



=== ngx.redirect: statuses, relative and absolute
--- config
    location = /default { content_by_lua_block { ngx.redirect("/there?a=b") } }
    location = /moved { content_by_lua_block { ngx.redirect("http://example.com/x", 301) } }
    location = /temporary { access_by_lua_block { ngx.redirect("/y", ngx.HTTP_TEMPORARY_REDIRECT) } }
--- request eval
["GET /default", "GET /moved", "GET /temporary"]
--- error_code eval
[302, 301, 307]
--- response_headers eval
["Location: /there?a=b", "Location: http://example.com/x", "Location: /y"]
--- response_body_like eval
["302 Found", "301 Moved Permanently", "307 Temporary Redirect"]



=== ngx.redirect refuses other statuses and header injection
--- config
    location = /t {
        content_by_lua_block {
            local _, status = pcall(ngx.redirect, "/x", 404)
            local _, injected = pcall(ngx.redirect, "/x\r\nSet-Cookie: a=b")
            ngx.say(status)
            ngx.say(injected)
        }
    }
--- request
GET /t
--- response_body
only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, ngx.HTTP_PERMANENT_REDIRECT, ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are allowed
unsafe byte "0x0d" in redirect uri "/x\x0D\x0ASet-Cookie: a=b"
--- no_error_log
[error]



=== ngx.exec: to a location, a named one, with arguments
--- config
    location = /plain { content_by_lua_block { ngx.exec("/target?a=1", "b=2") } }
    location = /table { content_by_lua_block { ngx.exec("/target", { a = "x y", b = true }) } }
    location = /named { content_by_lua_block { ngx.ctx.x = 1 ngx.exec("@named") } }
    location = /target {
        internal;
        content_by_lua_block { ngx.say(ngx.var.uri, " ", ngx.var.args, " ", ngx.req.is_internal()) }
    }
    location @named {
        content_by_lua_block { ngx.say("named ", ngx.var.uri, " ", ngx.ctx.x) }
    }
--- request eval
["GET /plain", "GET /named", "GET /target"]
--- error_code eval
[200, 200, 404]
--- response_body_like eval
["^/target a=1&b=2 true\n\$", "^named /named nil\n\$", "404 Not Found"]



=== error_page sees what Lua exits with
--- config
    error_page 502 = @sorry;
    location = /t { access_by_lua_block { ngx.exit(502) } }
    location @sorry {
        content_by_lua_block {
            ngx.status = 200
            ngx.say("sorry for ", ngx.var.uri)
        }
    }
--- request
GET /t
--- response_body
sorry for /t



=== ngx.eof: the client has its answer, the handler goes on
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block {
            ngx.say("answered")
            ngx.eof()
            ngx.sleep(0.02)
            ngx.shared.d:set("done", true)
        }
    }
    location = /done {
        content_by_lua_block {
            ngx.sleep(0.1)
            ngx.say(ngx.shared.d:get("done"))
        }
    }
--- request eval
["GET /t", "GET /done"]
--- response_body eval
["answered\n", "true\n"]
