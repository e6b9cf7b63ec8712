use Test::Nginx::Socket::Lua::Stream 'no_plan';
run_tests();
__DATA__

=== return sends a value with variables
--- stream_server_config
    return "$remote_addr $protocol $server_port $status\n";
--- stream_response_like
^127\.0\.0\.1 TCP \d+ 000$
--- no_error_log
[error]



=== a server without a handler ends sessions
--- stream_server_config
    preread_timeout 1s;
--- stream_response
--- no_error_log
[error]



=== a server without listen
--- stream_config
    server { return x; }
--- must_die
--- error_log
no "listen" is defined for server



=== UDP is refused while it is not there
--- stream_config
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 udp; return x; }
--- must_die
--- error_log
is not supported yet by tsresty with "udp" in stream



=== access_log with a format and a condition
--- stream_config
    log_format own '$remote_addr [$protocol] $status $bytes_sent "$upstream_addr"';
    access_log logs/access.log own if=$bytes_sent;
--- stream_server_config
    return "hello\n";
--- stream_response
hello
--- access_log
127.0.0.1 [TCP] 200 6 "-"
