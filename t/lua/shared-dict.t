use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== set, get, types, delete
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block {
            local d = ngx.shared.d
            ngx.say((d:set("text", "a\0b")), " ", (d:set("number", 1.5)), " ", (d:set("flag", false)))
            ngx.say(#d:get("text"), " ", d:get("number") + 1, " ", d:get("flag"), " ", d:get("none"))
            d:delete("text")
            ngx.say(d:get("text"), " ", (select(2, d:set("t", {}))), " ", (select(2, d:get(""))))
        }
    }
--- request
GET /t
--- response_body
true true true
3 2.5 false nil
nil bad value type empty key



=== values stay between requests and expire
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /set {
        content_by_lua_block {
            ngx.say((ngx.shared.d:set("short", 1, 0.05, 7)), " ", (ngx.shared.d:set("long", 2)))
            ngx.say(ngx.shared.d:ttl("long"), " ", ngx.shared.d:ttl("short") <= 0.05)
        }
    }
    location = /get {
        content_by_lua_block {
            local value, flags = ngx.shared.d:get("short")
            ngx.say(value, " ", flags)
            ngx.sleep(0.1)
            ngx.say(ngx.shared.d:get("short"), " ", ngx.shared.d:get("long"))
            local stale, stale_flags, is_stale = ngx.shared.d:get_stale("short")
            ngx.say(stale, " ", stale_flags, " ", is_stale)
        }
    }
--- pipelined_requests eval
["GET /set", "GET /get"]
--- response_body eval
["true true\n0 true\n", "1 7\nnil 2\n1 7 true\n"]



=== add, replace, incr
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block {
            local d = ngx.shared.d
            ngx.say(d:add("a", 1))
            ngx.say(d:add("a", 2))
            ngx.say(d:replace("a", 3))
            ngx.say(d:replace("b", 3))
            ngx.say(d:incr("a", 2), " ", d:incr("a", -1.5))
            ngx.say(d:incr("b", 1))
            ngx.say(d:incr("b", 1, 10))
            d:set("text", "x")
            ngx.say(d:incr("text", 1))
        }
    }
--- request
GET /t
--- response_body
truenilfalse
falseexistsfalse
truenilfalse
falsenot foundfalse
5 3.5
nilnot found
11nilfalse
nilnot a number



=== lists
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block {
            local d = ngx.shared.d
            ngx.say(d:rpush("l", "b"), " ", d:rpush("l", 3), " ", d:lpush("l", "a"), " ", d:llen("l"))
            ngx.say(d:lpop("l"), " ", d:rpop("l"), " ", d:lpop("l"), " ", d:lpop("l"), " ", d:llen("l"))
            d:rpush("l", 1)
            ngx.say(d:get("l"))
            d:set("v", 1)
            ngx.say(d:lpush("v", 1))
        }
    }
--- request
GET /t
--- response_body
1 2 3 3
a 3 b nil 0
nilvalue is a list
nilvalue not a list



=== keys, flush, capacity
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block {
            local d = ngx.shared.d
            for i = 1, 5 do d:set("k" .. i, i, i == 1 and 0.001 or 0) end
            ngx.sleep(0.01)
            local keys = d:get_keys()
            table.sort(keys)
            ngx.say(table.concat(keys, " "), " ", #d:get_keys(2))
            ngx.say(d:flush_expired(), " ", d:capacity(), " ", d:free_space() < d:capacity())
            d:flush_all()
            ngx.say(#d:get_keys(), " ", d:get("k2"))
        }
    }
--- request
GET /t
--- response_body
k2 k3 k4 k5 2
1 102400 true
0 nil



=== a full dictionary drops the oldest, safe_set does not
--- http_config
    lua_shared_dict d 20k;
--- config
    location = /t {
        content_by_lua_block {
            local d = ngx.shared.d
            local value = ("x"):rep(500)
            local n, forced = 0, false
            repeat
                n = n + 1
                local _, _, forcible = d:set("k" .. n, value)
                forced = forcible
            until forced or n > 100
            ngx.say(forced, " ", d:get("k1"), " ", d:get("k" .. n) == value)
            ngx.say(d:safe_set("one more", ("y"):rep(600)))
            ngx.say(d:set("huge", ("z"):rep(30000)))
        }
    }
--- request
GET /t
--- response_body
true nil true
falseno memoryfalse
falseno memorytrue



=== unknown dictionaries are nil
--- http_config
    lua_shared_dict d 100k;
--- config
    location = /t {
        content_by_lua_block { ngx.say(ngx.shared.other, " ", type(ngx.shared.d)) }
    }
--- request
GET /t
--- response_body
nil table



=== wrong sizes and names are refused
--- http_config
    lua_shared_dict d 1k;
--- config
--- must_die
--- error_log
invalid lua shared dict size "1k"



=== the same name twice
--- http_config
    lua_shared_dict d 100k;
    lua_shared_dict d 100k;
--- config
--- must_die
--- error_log
lua_shared_dict "d" is already defined as "d"



=== the same name twice, with two sizes
--- http_config
    lua_shared_dict d 100k;
    lua_shared_dict d 200k;
--- config
--- must_die
--- error_log
the size 204800 of shared memory zone "d" conflicts with already declared size 102400
