use Test::Nginx::Socket 'no_plan';
run_tests();
__DATA__

=== files: type, length, date, entity tag; HEAD; 304
--- http_config
    types { text/html html; text/css css; }
--- config
    location = /x.css { root $TEST_NGINX_HTML_DIR; }
--- user_files
>>> x.css 201901110352.16
a { b: c }
--- request eval
["GET /x.css", "HEAD /x.css"]
--- response_headers_like eval
["Content-Type: text/css\nContent-Length: 11\nLast-Modified: .*Jan 2019.*\nETag: \"[0-9a-f]+-b\"\nAccept-Ranges: bytes",
"Content-Length: 11"]
--- response_body eval
["a { b: c }\n", ""]



=== conditional requests
--- user_files
>>> a.txt 201901110352.16
text
--- config
--- request eval
["GET /a.txt", "GET /a.txt", "GET /a.txt"]
--- more_headers eval
["If-Modified-Since: Wed, 01 Jan 2031 00:00:00 GMT", "If-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT", "If-None-Match: *"]
--- error_code eval
[200, 200, 304]
--- response_body eval
["text\n", "text\n", ""]



=== ranges: from, to, last, several, unsatisfiable
--- user_files
>>> a.txt
0123456789
--- config
--- request eval
["GET /a.txt", "GET /a.txt", "GET /a.txt", "GET /a.txt"]
--- more_headers eval
["Range: bytes=2-4", "Range: bytes=-3", "Range: bytes=20-", "Range: bytes=0-0,9-9"]
--- error_code eval
[206, 206, 416, 206]
--- response_body_like eval
["^234\$", "^89\n\$", "416 Requested Range Not Satisfiable",
"--[0-9]+\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/11\r\n\r\n0\r\n--[0-9]+\r\n.*Content-Range: bytes 9-9/11\r\n\r\n9\r\n"]



=== index files, directories without slash, missing and forbidden files
--- config
    location /d/ { root $TEST_NGINX_HTML_DIR; index missing.html start.html; }
    location /e/ { root $TEST_NGINX_HTML_DIR; index none.html; }
--- user_files
>>> d/start.html
start
>>> e/file
x
--- request eval
["GET /d/", "GET /d", "GET /e/", "GET /none", "POST /d/start.html\nx"]
--- error_code eval
[200, 301, 403, 404, 405]
--- response_headers eval
["Content-Length: 6", "Location: http://localhost:\$ServerPort/d/", "", "", ""]



=== missing and forbidden files are in the log
--- config
    location /e/ { root $TEST_NGINX_HTML_DIR; index none.html; }
--- user_files
>>> e/file
x
--- request eval
["GET /e/", "GET /none"]
--- error_code eval
[403, 404]
--- error_log eval
qr{directory index of "\S+/html/e/" is forbidden|open\(\) "\S+/html/none" failed \(2: No such file or directory\)}



=== alias, root with variables, try_files
--- config
    location /a/ { alias $TEST_NGINX_HTML_DIR/other/; }
    location ~ ^/b/(\w+)/(.+)$ { alias $TEST_NGINX_HTML_DIR/$1/$2; }
    location /try/ {
        root $TEST_NGINX_HTML_DIR;
        try_files $uri $uri.txt /other/fallback.txt =404;
    }
    location /code/ { try_files $uri =410; }
    location /named/ { try_files $uri @named; }
    location @named { return 200 "named $uri\n"; }
--- user_files
>>> other/x.txt
other
>>> other/fallback.txt
fallback
>>> try/y.txt
tried
--- request eval
["GET /a/x.txt", "GET /b/other/x.txt", "GET /try/y", "GET /try/z", "GET /code/z", "GET /named/z"]
--- error_code eval
[200, 200, 200, 200, 410, 200]
--- response_body_like eval
["^other\$", "^other\$", "^tried\$", "^fallback\$", "410 Gone", "^named /named/z\$"]



=== paths cannot leave the root
--- config
--- user_files
>>> a.txt
text
--- request eval
["GET /x/../a.txt", "GET /../../etc/passwd", "GET /%2e%2e/%2e%2e/etc/passwd"]
--- error_code eval
[200, 400, 400]
