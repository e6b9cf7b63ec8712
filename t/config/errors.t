use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== an unknown directive
--- config
    no_such_directive on;
--- must_die: 1
--- error_log eval
qr/\[emerg\] .*unknown directive "no_such_directive" in .*nginx\.conf:\d+/



=== a directive in the wrong place
--- main_config
    location / { }
--- config
--- must_die: 1
--- error_log
"location" directive is not allowed here



=== wrong numbers of arguments
--- config
    location /t { return; }
--- must_die: 1
--- error_log
invalid number of arguments in "return" directive



=== a duplicate location
--- config
    location /a { return 200; }
    location /a { return 200; }
--- must_die: 1
--- error_log
duplicate location "/a"



=== a file that ends too early
--- config
    include $TEST_NGINX_HTML_DIR/open.conf;
--- user_files
>>> open.conf
location /a { return 200;
--- must_die: 1
--- error_log
unexpected end of file, expecting "}"



=== a Lua block that is not closed
--- config
    location /a { content_by_lua_block { ngx.say("[[") ngx.say([[ } }
--- must_die: 1
--- error_log
[emerg]



=== values that are none
--- config
    client_body_buffer_size many;
--- must_die: 1
--- error_log
"client_body_buffer_size" directive invalid value



=== a pattern that is none
--- config
    location ~ ( { return 200; }
--- must_die: 1
--- error_log
[emerg]
failed: missing



=== an unknown variable
--- config
    location /t { return 200 $no_such_variable; }
--- must_die: 1
--- error_log
unknown "no_such_variable" variable



=== a directive that nginx knows and tsresty does not yet is never skipped
--- config
    location /t { mp4; }
--- must_die: 1
--- error_log
"mp4" directive is not supported yet by tsresty (ngx_http_mp4_module)



=== include: files, patterns, a missing one
--- config
    include $TEST_NGINX_HTML_DIR/*.conf;
--- user_files
>>> a.conf
location = /a { return 200 "a\n"; }
>>> b.conf
location = /b { return 200 "b\n"; }
--- request eval
["GET /a", "GET /b"]
--- response_body eval
["a\n", "b\n"]



=== a missing include
--- config
    include $TEST_NGINX_HTML_DIR/none.conf;
--- must_die: 1
--- error_log
none.conf" failed (2: No such file or directory)



=== quotes, escapes, comments, Lua blocks with braces in strings and comments
--- config
    location = /t { # a comment with }
        set $a 'single "inside"';
        set $b "double 'inside' \"escaped\" $a";
        content_by_lua_block {
            -- a comment with }
            local s = "} in a string" --[[ } in a long comment ]]
            ngx.say(ngx.var.b, " ", s, [==[ } ]] ]==], '\'}')
        }
    }
--- request
GET /t
--- response_body
double 'inside' "escaped" single "inside" } in a string } ]] '}



=== the environment of handlers is what `env` lets through
--- main_config
    env TSRESTY_TEST_VALUE=given;
    env HOME;
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(os.getenv("TSRESTY_TEST_VALUE"), " ", os.getenv("HOME") ~= nil, " ", os.getenv("PATH"))
        }
    }
--- request
GET /t
--- response_body
given true nil
