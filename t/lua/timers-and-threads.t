use Test::Nginx::Socket 'no_plan';
master_on();
run_tests();
__DATA__

=== ngx.timer.at: later, without a request, with arguments
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block {
            local function work(premature, a, b)
                ngx.shared.d:set("done", tostring(premature) .. " " .. a .. " " .. b.name .. " " .. ngx.get_phase())
                local ok, err = pcall(function() return ngx.var.uri end)
                ngx.shared.d:set("var", err)
            end
            ngx.say(ngx.timer.at(0.01, work, "x", { name = "y" }), " ", ngx.timer.pending_count())
            for _ = 1, 50 do
                ngx.sleep(0.05)
                if ngx.shared.d:get("var") then break end
            end
            ngx.say(ngx.shared.d:get("done"))
            ngx.say(ngx.shared.d:get("var"))
        }
    }
--- request
GET /t
--- response_body_like chop
^1 1
false x y timer
.*API disabled in the current context
$



=== ngx.timer.every runs again and again
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block {
            ngx.timer.every(0.02, function() ngx.shared.d:incr("n", 1, 0) end)
            ngx.sleep(0.2)
            ngx.say(ngx.shared.d:get("n") >= 3)
        }
    }
--- request
GET /t
--- response_body
true



=== a chain of timers, and sleeping in one
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block {
            local function step(premature, n)
                if premature then return end
                ngx.sleep(0.001)
                ngx.shared.d:rpush("steps", n)
                if n < 3 then ngx.timer.at(0, step, n + 1) end
            end
            ngx.timer.at(0, step, 1)
            ngx.sleep(0.1)
            ngx.say(ngx.shared.d:lpop("steps"), ngx.shared.d:lpop("steps"), ngx.shared.d:lpop("steps"))
        }
    }
--- request
GET /t
--- response_body
123



=== an error in a timer is logged
--- config
    location = /t {
        content_by_lua_block {
            ngx.timer.at(0, function() error("no luck") end)
            ngx.say("ok")
        }
    }
--- request
GET /t
--- response_body
ok
--- error_log eval
qr/\[error\] .* lua entry thread aborted: runtime error: content_by_lua\(nginx\.conf:\d+\):2: no luck/



=== waiting timers run early when the worker exits
--- config
    location = /t {
        content_by_lua_block {
            ngx.timer.at(100, function(premature) ngx.log(ngx.WARN, "premature: ", premature) end)
            ngx.say("ok")
        }
    }
--- request
GET /t
--- response_body
ok
--- shutdown_error_log
premature: true



=== too many timers
--- http_config
    lua_max_pending_timers 2;
--- config
    location = /t {
        content_by_lua_block {
            for _ = 1, 3 do ngx.say(ngx.timer.at(10, function() end)) end
        }
    }
--- request
GET /t
--- response_body
1
1
niltoo many pending timers



=== threads run at once; wait gives what they return
--- config
    location = /t {
        content_by_lua_block {
            local function work(name, seconds)
                ngx.sleep(seconds)
                ngx.say(name, " done")
                return name, seconds
            end
            local slow = ngx.thread.spawn(work, "slow", 0.1)
            local fast = ngx.thread.spawn(work, "fast", 0.02)
            ngx.say("spawned: ", coroutine.status(slow), " ", coroutine.status(fast))
            ngx.say(ngx.thread.wait(slow))
            ngx.say(ngx.thread.wait(fast))
        }
    }
--- request
GET /t
--- response_body
spawned: running running
fast done
slow done
trueslow0.1
truefast0.02



=== wait for whichever ends first, then kill the other
--- config
    location = /t {
        content_by_lua_block {
            local threads = {}
            for i = 1, 3 do
                threads[i] = ngx.thread.spawn(function()
                    ngx.sleep(0.05 * i)
                    return i
                end)
            end
            local ok, first = ngx.thread.wait(threads[3], threads[1], threads[2])
            ngx.say(ok, " ", first)
            ngx.say(ngx.thread.kill(threads[2]), " ", coroutine.status(threads[2]))
            ngx.say(ngx.thread.kill(threads[1]))
            ngx.exit(ngx.OK)
        }
    }
--- request
GET /t
--- response_body
true 1
1 dead
nilalready waited or killed



=== an error in a thread is the result of wait
--- config
    location = /t {
        content_by_lua_block {
            local thread = ngx.thread.spawn(function() error({ code = 7 }) end)
            local ok, err = ngx.thread.wait(thread)
            ngx.say(ok, " ", err.code)
        }
    }
--- request
GET /t
--- response_body
false 7
--- error_log
lua user thread aborted: runtime error: unknown reason



=== the request ends when all of its threads have
--- config
    location = /t {
        content_by_lua_block {
            ngx.thread.spawn(function()
                ngx.sleep(0.05)
                ngx.say("the thread's line")
            end)
            ngx.say("the handler's line")
        }
    }
--- request
GET /t
--- response_body
the handler's line
the thread's line



=== coroutines beside ngx's own waiting
--- config
    location = /t {
        content_by_lua_block {
            local co = coroutine.wrap(function()
                for i = 1, 3 do
                    ngx.sleep(0.001)
                    coroutine.yield(i)
                end
            end)
            ngx.say(co(), co(), co())
            local c = coroutine.create(function(a)
                local b = coroutine.yield(a + 1)
                error("at " .. b)
            end)
            ngx.say(coroutine.resume(c, 1))
            ngx.say((select(2, coroutine.resume(c, "end")):gsub("^.-: ", "")))
            ngx.say(coroutine.status(c))
        }
    }
--- request
GET /t
--- response_body
123
true2
at end
dead
--- no_error_log
[error]



=== only the coroutine that spawned a thread waits for it; a running one is named
--- config
    location = /t {
        content_by_lua_block {
            local thread
            coroutine.resume(coroutine.create(function()
                thread = ngx.thread.spawn(function() ngx.sleep(0.001) end)
            end))
            ngx.say((select(2, pcall(ngx.thread.wait, thread)):gsub("^.-: ", "")))
            ngx.say(ngx.thread.kill(thread))
            local outer
            outer = coroutine.create(function()
                coroutine.resume(coroutine.create(function() ngx.say(coroutine.resume(outer)) end))
            end)
            coroutine.resume(outer)
            local names = {}
            for name in pairs(coroutine) do names[#names + 1] = name end
            table.sort(names)
            ngx.say(table.concat(names, " "))
        }
    }
--- request
GET /t
--- response_body
only the parent coroutine can wait on the thread
nilkiller not parent
falsecannot resume normal coroutine
__create __resume __status __wrap __yield _create _resume _status _wrap _yield create resume running status wrap yield



=== timers that init_worker_by_lua makes have the http block's settings
--- http_config
    lua_socket_connect_timeout 70ms;
    init_worker_by_lua_block {
        ngx.timer.at(0, function()
            local sock = ngx.socket.tcp()
            local ok, err = sock:connect("127.0.0.1", 1)
            ngx.log(ngx.WARN, "connect: ", err)
        end)
    }
--- config
    location = /t { content_by_lua_block { ngx.sleep(0.1) ngx.say("ok") } }
--- request
GET /t
--- response_body
ok
--- error_log eval
[qr/\[error\] .*connect\(\) failed \(111: Connection refused\), context: ngx\.timer$/, "connect: connection refused"]
