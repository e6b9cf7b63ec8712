use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== all phases of a request, in nginx's order, with one ngx.ctx
--- config
    location = /t {
        log_by_lua_block { ngx.log(ngx.WARN, "order: ", ngx.ctx.order, " log") }
        body_filter_by_lua_block {
            if ngx.arg[2] then ngx.ctx.order = ngx.ctx.order .. " body_filter" end
        }
        header_filter_by_lua_block {
            ngx.ctx.order = ngx.ctx.order .. " header_filter"
            ngx.header["X-Order"] = ngx.ctx.order
        }
        content_by_lua_block {
            ngx.ctx.order = ngx.ctx.order .. " content"
            ngx.say(ngx.ctx.order, " ", ngx.var.answer)
        }
        access_by_lua_block { ngx.ctx.order = ngx.ctx.order .. " access" }
        rewrite_by_lua_block { ngx.ctx.order = "rewrite" }
        set_by_lua_block $answer { return 6 * 7 }
    }
--- request
GET /t
--- response_headers
X-Order: rewrite access content header_filter
--- response_body
rewrite access content 42
--- error_log
order: rewrite access content header_filter body_filter log
--- no_error_log
[error]



=== ngx.get_phase names the phase
--- http_config
    init_by_lua_block { phases = { ngx.get_phase() } }
    init_worker_by_lua_block { phases[#phases + 1] = ngx.get_phase() }
--- config
    location = /t {
        set_by_lua_block $set { return ngx.get_phase() }
        rewrite_by_lua_block { ngx.ctx.p = ngx.get_phase() }
        access_by_lua_block { ngx.ctx.p = ngx.ctx.p .. " " .. ngx.get_phase() }
        content_by_lua_block {
            ngx.say(table.concat(phases, " "), " ", ngx.var.set, " ", ngx.ctx.p, " ", ngx.get_phase())
        }
        header_filter_by_lua_block { ngx.header["X-Phase"] = ngx.get_phase() }
        log_by_lua_block { ngx.log(ngx.WARN, "phase: ", ngx.get_phase()) }
    }
--- request
GET /t
--- response_headers
X-Phase: header_filter
--- response_body
init init_worker set rewrite access content
--- error_log
phase: log



=== access lets in, refuses, or answers by itself
--- config
    location = /t {
        access_by_lua_block {
            if ngx.var.arg_how == "refuse" then ngx.exit(ngx.HTTP_FORBIDDEN) end
            if ngx.var.arg_how == "answer" then
                ngx.say("from access")
                ngx.exit(ngx.HTTP_OK)
            end
            if ngx.var.arg_how == "say" then ngx.say("said in access") end
        }
        content_by_lua_block { ngx.say("from content") }
    }
--- request eval
["GET /t", "GET /t?how=refuse", "GET /t?how=answer", "GET /t?how=say"]
--- error_code eval
[200, 403, 200, 200]
--- response_body_like eval
["^from content\n\$", "403 Forbidden", "^from access\n\$", "^said in access\n\$"]



=== satisfy any asks Lua after allow and deny
--- config
    location = /t {
        satisfy any;
        deny all;
        access_by_lua_block {
            if ngx.var.arg_key ~= "open" then return ngx.exit(ngx.HTTP_FORBIDDEN) end
        }
        content_by_lua_block { ngx.say("in") }
    }
--- request eval
["GET /t", "GET /t?key=open"]
--- error_code eval
[403, 200]
--- response_body_like eval
["403 Forbidden", "^in\n\$"]



=== rewrite changes the URI, and with jump the location
--- config
    location = /change {
        rewrite_by_lua_block {
            ngx.req.set_uri("/changed")
            ngx.req.set_uri_args({ a = "x y" })
        }
        content_by_lua_block { ngx.say(ngx.var.uri, " ", ngx.var.args, " ", ngx.var.request_uri) }
    }
    location = /jump {
        rewrite_by_lua_block { ngx.req.set_uri("/target", true) }
        content_by_lua_block { ngx.say("not reached") }
    }
    location = /target {
        content_by_lua_block { ngx.say("target of ", ngx.var.request_uri) }
    }
--- request eval
["GET /change?q", "GET /jump?q"]
--- response_body eval
["/changed a=x%20y /change?q\n", "target of /jump?q\n"]



=== directives of the http and server blocks reach all locations, inner ones replace them
--- http_config
    access_by_lua_block { ngx.ctx.from = "http" }
    log_by_lua_block { ngx.log(ngx.WARN, "logged by http") }
--- config
    rewrite_by_lua_block { ngx.ctx.rewrite = "server" }
    location = /inherit {
        content_by_lua_block { ngx.say(ngx.ctx.from, " ", ngx.ctx.rewrite) }
    }
    location = /own {
        access_by_lua_block { ngx.ctx.from = "location" }
        content_by_lua_block { ngx.say(ngx.ctx.from, " ", ngx.ctx.rewrite) }
    }
--- request eval
["GET /inherit", "GET /own"]
--- response_body eval
["http server\n", "location server\n"]
--- error_log
logged by http



=== init_by_lua prepares globals for all workers, init_worker_by_lua starts timers
--- http_config
    lua_shared_dict d 100k;
    init_by_lua_block {
        settings = { name = "prepared" }
        ngx.shared.d:incr("starts", 1, 0)
    }
    init_worker_by_lua_block {
        ngx.timer.at(0, function() ngx.shared.d:set("timer", "ran in worker " .. ngx.worker.id()) end)
    }
--- config
    location = /t {
        content_by_lua_block {
            ngx.sleep(0.01)
            ngx.say(settings.name, " ", ngx.shared.d:get("starts"), " ", ngx.shared.d:get("timer"))
        }
    }
--- request
GET /t
--- response_body
prepared 1 ran in worker 0



=== an error in init_by_lua stops the start
--- http_config
    init_by_lua_block {
        local settings
        settings.name = "x"
    }
--- config
--- must_die
--- error_log
init_by_lua error: init_by_lua
attempt to index local 'settings' (a nil value)



=== code from files, with variables in their names; ngx.arg; chunk arguments
--- config
    location ~ ^/run/(\w+)$ {
        content_by_lua_file html/$1.lua;
    }
    location = /set {
        set_by_lua_file $sum html/sum.lua 3 $arg_b;
        content_by_lua_block { ngx.say(ngx.var.sum) }
    }
--- user_files
>>> hello.lua
ngx.say("hello from a file")
>>> sum.lua
return tonumber(ngx.arg[1]) + tonumber(ngx.arg[2])
--- request eval
["GET /run/hello", "GET /run/none", "GET /set?b=4"]
--- error_code eval
[200, 404, 200]
--- response_body_like eval
["^hello from a file\n\$", "404 Not Found", "^7\n\$"]



=== a file of code that is missing is in the log
--- config
    location ~ ^/run/(\w+)$ { content_by_lua_file html/$1.lua; }
--- request
GET /run/none
--- error_code: 404
--- error_log
No such file or directory



=== ngx_lua's debug lines, where error_log takes them
--- log_level: debug
--- config
    location = /t {
        rewrite_by_lua_block { ngx.sleep(0.001) }
        content_by_lua_block {
            ngx.location.capture("/other?a=1")
            ngx.timer.at(0, function() end)
            local thread = ngx.thread.spawn(ngx.sleep, 10)
            ngx.sleep(0)
            local program = require("ngx.pipe").spawn({ "cat" })
            program:set_timeouts(100, 100, 100, 100)
            program:write("line\n")
            program:stdout_read_line()
            ngx.exit(200)
        }
        header_filter_by_lua_block { local a = 1 }
        log_by_lua_block { local a = 1 }
    }
    location = /other { content_by_lua_block { ngx.exec("/third", "b=2") } }
    location = /third { content_by_lua_block { ngx.say("ok") } }
--- request
GET /t
--- error_log eval
[
    'lua rewrite handler, uri:"/t" c:1',
    "lua ready to sleep for 1 ms",
    'lua sleep timer expired: "/t?"',
    'lua content handler, uri:"/t" c:1',
    'lua http subrequest "/other?a=1"',
    'lua exec "/third?b=2"',
    "lua ready to sleep for 10000 ms",
    "lua exit with code 200",
    "lua clean up the timer for pending ngx.sleep",
    'lua header filter for user lua code, uri "/t"',
    'lua capture header filter, uri "/third"',
    'lua log handler, uri:"/t" c:0',
    "lua ngx.timer expired",
    qr/lua pipe spawn process:[0-9A-F]+ pid:\d+ merge_stderr:0/,
    "lua pipe write process:",
    "lua pipe add timer for reading: 100(ms) process:",
    "lua pipe kill process:",
    qr{http finalize request: -?\d+, "/t\?" a:1, c:\d},
    "http lua close fake http connection",
]
