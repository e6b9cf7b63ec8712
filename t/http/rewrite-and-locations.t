use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== return: texts, codes, redirects
--- config
    location = /text { return 200 "text for $arg_name\n"; }
    location = /code { return 403; }
    location = /moved { return 301 /there$is_args$args; }
    location = /url { return https://example.com/; }
    location = /close { return 444; }
--- request eval
["GET /text?name=x", "GET /code", "GET /moved?a=b", "GET /url"]
--- error_code eval
[200, 403, 301, 302]
--- response_headers eval
["Content-Length: 11", "", "Location: http://localhost:\$ServerPort/there?a=b", "Location: https://example.com/"]
--- response_body_like eval
["^text for x\n\$", "403 Forbidden", "301 Moved", "302 Found"]



=== rewrite: last, break, redirect, captures, arguments
--- config
    rewrite ^/old/(.*)$ /new/$1?from=old last;
    location /new/ { return 200 "$uri $args\n"; }
    location /break/ {
        rewrite ^/break/(.*)$ /new/$1 break;
        return 200 "not reached";
    }
    location /redirect/ { rewrite ^/redirect/(?<rest>.*)$ /new/$rest redirect; }
    location /drop/ { rewrite ^/drop/(.*)$ /new/$1? last; }
--- user_files
>>> new/file
the file
--- request eval
["GET /old/x?a=1", "GET /break/file", "GET /redirect/y?a=1", "GET /drop/z?a=1"]
--- error_code eval
[200, 200, 302, 200]
--- response_headers eval
["", "", "Location: http://localhost:\$ServerPort/new/y?a=1", ""]
--- response_body_like eval
["^/new/x from=old&a=1\n\$", "^the file\n\$", "302 Found", "^/new/z \n\$"]



=== if: equality, patterns, files, emptiness
--- config
    location /t {
        set $found "";
        if ($arg_a = one) { set $found "${found}equal "; }
        if ($arg_a != one) { set $found "${found}unequal "; }
        if ($arg_b ~ ^(\d+)$) { set $found "${found}number $1 "; }
        if ($arg_b !~* ABC) { set $found "${found}no-abc "; }
        if ($arg_c) { set $found "${found}c "; }
        if (-f $TEST_NGINX_HTML_DIR/file) { set $found "${found}file "; }
        if (!-e $TEST_NGINX_HTML_DIR/none) { set $found "${found}none"; }
        return 200 "$found\n";
    }
--- user_files
>>> file
x
--- request eval
["GET /t?a=one&b=12", "GET /t?a=two&b=xabc&c=0"]
--- response_body eval
["equal number 12 no-abc file none\n", "unequal file none\n"]



=== a loop of rewrites is stopped
--- config
    location /once { rewrite ^ /again last; }
    location /again { rewrite ^ /once last; }
--- request
GET /once
--- error_code: 500
--- error_log
rewrite or internal redirection cycle



=== error_page: page, other status, named location, by code from a variable's redirect
--- config
    error_page 404 /missing.html;
    error_page 403 =200 /missing.html;
    error_page 410 @gone;
    location = /forbidden { return 403; }
    location = /gone { return 410; }
    location @gone { return 200 "gone: $uri\n"; }
--- user_files
>>> missing.html
our own page
--- request eval
["GET /none", "GET /forbidden", "GET /gone"]
--- error_code eval
[404, 200, 410]
--- response_body eval
["our own page\n", "our own page\n", "gone: /gone\n"]



=== locations: exact, longest prefix, ^~, patterns in order, nested, case
--- config
    location = /a { return 200 "exact\n"; }
    location /a { return 200 "prefix\n"; }
    location /a/long { return 200 "longer\n"; }
    location ^~ /static/ { return 200 "no patterns\n"; }
    location ~ \.(png|jpg)$ { return 200 "image $1\n"; }
    location ~* \.PNG$ { return 200 "any case\n"; }
    location /outer/ {
        location /outer/inner { return 200 "inner\n"; }
        return 200 "outer\n";
    }
--- request eval
["GET /a", "GET /ab", "GET /a/longer", "GET /static/x.png", "GET /x.png", "GET /x.Png", "GET /outer/x", "GET /outer/inner/x"]
--- response_body eval
["exact\n", "prefix\n", "longer\n", "no patterns\n", "image png\n", "any case\n", "outer\n", "inner\n"]



=== map: values, patterns, default, hostnames
--- http_config
    map $arg_x $y {
        default other;
        one 1;
        ~^t(.*)$ "t and $1";
        ~*BIG big;
    }
    map $http_host $site {
        hostnames;
        default none;
        example.com main;
        *.example.com sub;
    }
--- config
    location /t { return 200 "$y $site\n"; }
--- request eval
["GET /t?x=one", "GET /t?x=two", "GET /t?x=bigger", "GET /t"]
--- more_headers eval
["Host: example.com", "Host: a.example.com", "Host: x", "Host: www.b.example.com"]
--- response_body eval
["1 main\n", "t and wo sub\n", "big none\n", "other sub\n"]



=== allow and deny, in order
--- config
    location = /in { allow 127.0.0.0/8; deny all; return 200 "no phases between\n"; }
    location /deny { root $TEST_NGINX_HTML_DIR; deny 127.0.0.1; }
    location /allow { root $TEST_NGINX_HTML_DIR; allow 127.0.0.1; deny all; }
--- user_files
>>> allow
allowed
>>> deny
x
--- request eval
["GET /in", "GET /allow", "GET /deny"]
--- error_code eval
[200, 200, 403]
--- response_body_like eval
["no phases", "^allowed\$", "403 Forbidden"]



=== a denied client is in the log
--- config
    location /deny { root $TEST_NGINX_HTML_DIR; deny 127.0.0.1; }
--- request
GET /deny
--- error_code: 403
--- response_body_like: 403 Forbidden
--- error_log
access forbidden by rule



=== add_header, expires
--- config
    location /t {
        add_header X-A "a $status";
        add_header X-B always always;
        expires 1h;
        return 200 "ok\n";
    }
    location /none { add_header X-A a; add_header X-B b always; return 404; }
--- request eval
["GET /t", "GET /none"]
--- error_code eval
[200, 404]
--- response_headers eval
["X-A: a 200\nX-B: always\nCache-Control: max-age=3600", "!X-A\nX-B: b"]



=== server names: exact, wildcard, pattern, default
--- http_config
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1; server_name one.test; location / { return 200 "one\n"; } }
    server { listen $TEST_NGINX_SERVER_PORT; server_name one.test; location / { return 200 "one\n"; } }
    server { listen $TEST_NGINX_SERVER_PORT; server_name *.two.test; location / { return 200 "two\n"; } }
    server { listen $TEST_NGINX_SERVER_PORT; server_name ~^(?<name>\w+)\.three\.test$; location / { return 200 "three $name\n"; } }
    server { listen $TEST_NGINX_SERVER_PORT default_server; location / { return 200 "default\n"; } }
--- config
    location = /t { return 200 "localhost\n"; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["Host: one.test", "Host: a.two.test", "Host: x.three.test", "Host: nobody.test", "Host: localhost"]
--- response_body eval
["one\n", "two\n", "three x\n", "default\n", "localhost\n"]



=== the access log in a format of one's own, and off
--- http_config
    log_format own escape=json '{"request":"$request","status":$status,"agent":"$http_user_agent"}';
--- config
    access_log logs/access.log own;
    location = /quiet { access_log off; return 204; }
    location = /t { return 200 "ok\n"; }
--- request eval
["GET /t", "GET /quiet"]
--- more_headers
User-Agent: a "quoted" one
--- error_code eval
[200, 204]
--- access_log
{"request":"GET /t HTTP/1.1","status":200,"agent":"a \"quoted\" one"}
--- no_access_log
GET /quiet
