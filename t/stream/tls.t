use Test::Nginx::Socket::Lua::Stream 'no_plan';
run_tests();
__DATA__

=== listen ssl without a certificate
--- stream_config
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 ssl; return x; }
--- must_die
--- error_log
no "ssl_certificate" is defined for the "listen ... ssl" directive in
