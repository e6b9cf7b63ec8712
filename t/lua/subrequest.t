use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== ngx.location.capture: status, header, body
--- config
    location = /t {
        content_by_lua_block {
            local res = ngx.location.capture("/sub?a=1")
            ngx.say(res.status, " ", res.header["X-Sub"], " ", res.header["Content-Type"], " ", res.truncated)
            ngx.print(res.body)
        }
    }
    location = /sub {
        content_by_lua_block {
            ngx.status = 201
            ngx.header["X-Sub"] = "yes"
            ngx.say("args: ", ngx.var.args, ", subrequest: ", ngx.is_subrequest)
        }
    }
--- request
GET /t
--- response_body
201 yes text/plain false
args: a=1, subrequest: true



=== method, body, arguments, variables, header fields of the request
--- config
    location = /t {
        set $dog bark;
        content_by_lua_block {
            local res = ngx.location.capture("/sub", {
                method = ngx.HTTP_POST, body = "text", args = { a = "x y" }, vars = { dog = "growl" },
            })
            ngx.print(res.body)
            ngx.say("here: ", ngx.var.dog)
        }
    }
    location = /sub {
        content_by_lua_block {
            ngx.req.read_body()
            ngx.say(ngx.req.get_method(), " ", ngx.req.get_body_data(), " ", ngx.var.args, " ", ngx.var.dog, " ",
                ngx.req.get_headers()["X-Mine"])
        }
    }
--- request
GET /t
--- more_headers
X-Mine: mine
--- response_body
POST text a=x%20y growl mine
here: bark



=== ngx.ctx is the subrequest's own, unless it is given
--- config
    location = /t {
        content_by_lua_block {
            ngx.ctx.name = "parent"
            ngx.print(ngx.location.capture("/sub").body)
            local ctx = { name = "given" }
            ngx.print(ngx.location.capture("/sub", { ctx = ctx }).body)
            ngx.say(ngx.ctx.name, " ", ctx.name)
        }
    }
    location = /sub {
        content_by_lua_block {
            ngx.say(ngx.ctx.name)
            ngx.ctx.name = "changed"
        }
    }
--- request
GET /t
--- response_body
nil
given
parent changed



=== several at once, in the order asked for
--- config
    location = /t {
        content_by_lua_block {
            local started = ngx.now()
            local slow, fast, missing = ngx.location.capture_multi {
                { "/sleep?0.2" }, { "/sleep?0.1" }, { "/missing" },
            }
            ngx.update_time()
            ngx.print(slow.body, fast.body)
            ngx.say(missing.status, " ", ngx.now() - started < 0.29)
        }
    }
    location = /sleep {
        content_by_lua_block {
            ngx.sleep(tonumber(ngx.var.args))
            ngx.say("slept ", ngx.var.args)
        }
    }
--- request
GET /t
--- response_body
slept 0.2
slept 0.1
404 true



=== subrequests of subrequests, static files, internal locations
--- config
    location = /t {
        content_by_lua_block {
            ngx.print(ngx.location.capture("/middle").body)
            ngx.print(ngx.location.capture("/file.txt").body)
        }
    }
    location = /middle {
        internal;
        content_by_lua_block {
            ngx.print("middle: ", ngx.location.capture("/inner").body)
        }
    }
    location = /inner {
        internal;
        content_by_lua_block { ngx.say("inner") }
    }
--- user_files
>>> file.txt
from a file
--- request
GET /t
--- response_body
middle: inner
from a file



=== an error in a subrequest is a status, not an error
--- config
    location = /t {
        content_by_lua_block { ngx.say(ngx.location.capture("/broken").status) }
    }
    location = /broken {
        content_by_lua_block { error("broken") }
    }
--- request
GET /t
--- response_body
500
--- error_log
subrequest: "/broken"



=== from the access phase, to decide
--- config
    location = /t {
        access_by_lua_block {
            local res = ngx.location.capture("/auth", { args = { key = ngx.var.arg_key } })
            if res.status ~= 200 then ngx.exit(res.status) end
        }
        content_by_lua_block { ngx.say("in") }
    }
    location = /auth {
        internal;
        content_by_lua_block { ngx.exit(ngx.var.arg_key == "good" and 200 or 401) }
    }
--- request eval
["GET /t?key=good", "GET /t?key=bad"]
--- error_code eval
[200, 401]
--- response_body_like eval
["^in\n\$", "401 Authorization Required"]



=== HEAD, and a body for POST that is the parent's
--- config
    location = /t {
        content_by_lua_block {
            ngx.req.read_body()
            ngx.print(ngx.location.capture("/sub", { method = ngx.HTTP_POST }).body)
            ngx.print(ngx.location.capture("/sub").body)
            ngx.print(ngx.location.capture("/sub", { always_forward_body = true }).body)
            local res = ngx.location.capture("/sub", { method = ngx.HTTP_HEAD })
            ngx.say(res.status, " ", #res.body)
        }
    }
    location = /sub {
        content_by_lua_block {
            ngx.req.read_body()
            ngx.say(ngx.req.get_method(), " ", ngx.req.get_body_data())
        }
    }
--- request
POST /t
parent's
--- response_body
POST parent's
GET nil
GET parent's
200 0



=== as many subrequests in a loop as would not fit into a stack
--- config
    location = /t {
        access_by_lua_block {
            local n = 0
            for i = 1, 20000 do n = n + #ngx.location.capture("/text").body end
            ngx.ctx.n = n
        }
        content_by_lua_block {
            local n = 0
            for i = 1, 20000 do n = n + #ngx.location.capture("/code").body end
            ngx.say(ngx.ctx.n, " ", n)
        }
    }
    location = /text { return 200 "text"; }
    location = /code { content_by_lua_block { ngx.print("x") } }
--- request
GET /t
--- response_body
80000 20000
--- no_error_log
[error]
