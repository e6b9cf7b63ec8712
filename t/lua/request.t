use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== the request line and its parts
--- config
    location /t {
        content_by_lua_block {
            ngx.say(ngx.req.get_method(), " ", ngx.req.http_version(), " ", ngx.var.uri, " ", ngx.var.args, " ",
                ngx.var.request_uri, " ", ngx.var.is_args)
            ngx.say(ngx.req.start_time() <= ngx.now(), " ", ngx.req.is_internal())
        }
    }
--- request
PUT /t/a%20b/../c?x=1&y=%20
--- response_body
PUT 1.1 /t/c x=1&y=%20 /t/a%20b/../c?x=1&y=%20 ?
true false



=== arguments: repeated, without value, encoded, empty
--- config
    location = /t {
        content_by_lua_block {
            local args = ngx.req.get_uri_args()
            local names = {}
            for name in pairs(args) do names[#names + 1] = name end
            table.sort(names)
            for _, name in ipairs(names) do
                local v = args[name]
                ngx.say(name, "=", type(v) == "table" and table.concat(v, "|") or v)
            end
            ngx.say(ngx.var.arg_a, " ", ngx.var.arg_flag)
        }
    }
--- request
GET /t?a=1&b=x+y&a=2&flag&empty=&%c3%a9=%26&=none
--- response_body eval
"a=1|2\nb=x y\nempty=\nflag=true\n\xc3\xa9=&\n1 nil\n"



=== too many arguments are cut, and told of
--- config
    location = /t {
        content_by_lua_block {
            local args, err = ngx.req.get_uri_args(2)
            ngx.say(args.a, " ", args.b, " ", args.c, " ", err)
            args, err = ngx.req.get_uri_args(0)
            ngx.say(args.c, " ", err)
        }
    }
--- request
GET /t?a=1&b=2&c=3
--- response_body
1 2 nil truncated
3 nil



=== header fields: any case, underscores, repeated, raw
--- config
    location = /t {
        content_by_lua_block {
            local h = ngx.req.get_headers()
            ngx.say(h["X-One"], " ", h.x_one, " ", h["x-one"], " ", h["X-None"])
            ngx.say(type(h["X-Many"]), " ", table.concat(h["X-Many"], "|"), " ", ngx.var.http_x_many)
            ngx.say(ngx.req.get_headers(0, true)["X-One"], " ", ngx.req.get_headers(0, true)["x-one"])
            ngx.print(ngx.req.raw_header(true))
        }
    }
--- request
GET /t
--- more_headers
X-One: 1
X-Many: a
X-Many: b
--- response_body eval
"1 1 1 nil
table a|b a, b
1 nil
Host: localhost\r
Connection: close\r
X-One: 1\r
X-Many: a\r
X-Many: b\r
\r
"



=== header fields set and cleared are seen by variables
--- config
    location = /t {
        rewrite_by_lua_block {
            ngx.req.set_header("X-New", "n")
            ngx.req.set_header("X-Old", { "1", "2" })
            ngx.req.clear_header("X-Gone")
        }
        content_by_lua_block {
            ngx.say(ngx.var.http_x_new, " ", ngx.var.http_x_old, " ", ngx.var.http_x_gone)
        }
    }
--- request
GET /t
--- more_headers
X-Old: 0
X-Gone: yes
--- response_body
n 1, 2 nil



=== the body: in memory, as arguments, discarded
--- config
    location = /data {
        content_by_lua_block {
            ngx.req.read_body()
            ngx.say(ngx.req.get_body_data(), " ", ngx.req.get_body_file())
        }
    }
    location = /args {
        content_by_lua_block {
            ngx.req.read_body()
            local args = ngx.req.get_post_args()
            ngx.say(args.a, " ", args.b[1], args.b[2], " ", args.c)
        }
    }
    location = /none {
        content_by_lua_block {
            ngx.req.discard_body()
            ngx.say(ngx.req.get_body_data())
        }
    }
--- request eval
["POST /data\nhello body", "POST /args\na=x%20y&b=1&b=2&c", "POST /none\nabc"]
--- response_body eval
["hello body nil\n", "x y 12 true\n", "nil\n"]



=== a body larger than its buffer is in a file
--- config
    location = /t {
        client_body_buffer_size 1k;
        content_by_lua_block {
            ngx.req.read_body()
            local path = ngx.req.get_body_file()
            local file = assert(io.open(path))
            local text = file:read("*a")
            file:close()
            ngx.say(ngx.req.get_body_data(), " ", #text, " ", text:sub(1, 3), " ", text:sub(-3))
        }
    }
--- request eval
"POST /t\n" . "abc" x 2000 . "end"
--- response_body
nil 6003 abc end



=== a chunked body
--- config
    location = /t {
        content_by_lua_block {
            ngx.req.read_body()
            ngx.say(ngx.req.get_body_data(), " ", ngx.var.http_content_length)
        }
    }
--- request eval
"POST /t
3\r
abc\r
5;extension=1\r
defgh\r
0\r
\r
"
--- more_headers
Transfer-Encoding: chunked
--- response_body
abcdefgh nil



=== a body that is too large
--- config
    location = /t {
        client_max_body_size 10;
        content_by_lua_block {
            ngx.req.read_body()
            ngx.say("read")
        }
    }
--- request
POST /t
more than ten bytes
--- error_code: 413
--- response_body_like: 413 Request Entity Too Large
--- error_log
client intended to send too large body: 19 bytes



=== the body is replaced before it goes on
--- config
    location = /t {
        rewrite_by_lua_block {
            ngx.req.read_body()
            ngx.req.set_body_data(ngx.req.get_body_data():upper())
        }
        content_by_lua_block {
            ngx.say(ngx.req.get_body_data(), " ", ngx.var.http_content_length)
        }
    }
--- request
POST /t
shout
--- response_body
SHOUT 5



=== lua_need_request_body reads it before the code runs
--- config
    location = /t {
        lua_need_request_body on;
        content_by_lua_block { ngx.say(ngx.var.request_body) }
    }
--- request
POST /t
already there
--- response_body
already there



=== the method is changed for what comes after
--- config
    location = /t {
        rewrite_by_lua_block { ngx.req.set_method(ngx.HTTP_DELETE) }
        content_by_lua_block { ngx.say(ngx.req.get_method(), " ", ngx.var.request_method) }
    }
--- request
GET /t
--- response_body
DELETE DELETE



=== variables of the configuration are read and written, unknown ones are nil
--- config
    location = /t {
        set $a one;
        content_by_lua_block {
            ngx.var.a = ngx.var.a .. " and more"
            ngx.say(ngx.var.a, " ", ngx.var.unknown)
            ngx.say((select(2, pcall(function() ngx.var.unknown = 1 end))))
        }
    }
--- request
GET /t
--- response_body_like chop
^one and more nil
.*variable "unknown" not found for writing; maybe it is a built-in variable that is not changeable or you forgot to use "set \$unknown '';" in the config file to define it first
$
