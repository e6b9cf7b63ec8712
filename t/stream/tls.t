use Test::Nginx::Socket::Lua::Stream 'no_plan';
run_tests();
__DATA__

=== listen ssl without a certificate
--- stream_config
    server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 ssl; return x; }
--- must_die
--- error_log
no "ssl_certificate" is defined for the "listen ... ssl" directive in



=== a handshake with code in it, and a session behind it
--- stream_config
    lua_ssl_trusted_certificate $TEST_NGINX_HTML_DIR/test.crt;
    ssl_certificate $TEST_NGINX_HTML_DIR/test.crt;
    ssl_certificate_key $TEST_NGINX_HTML_DIR/test.key;
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 ssl;
        ssl_client_hello_by_lua_block { ngx.sleep(0.001) }
        ssl_certificate_by_lua_block {
            ngx.ctx.asked = require("ngx.ssl").server_name()
            ngx.sleep(0.001)
        }
        preread_by_lua_block { ngx.ctx.peeked = ngx.req.socket():peek(5) }
        return "$ssl_protocol $ssl_server_name $ssl_session_reused";
        log_by_lua_block { ngx.log(ngx.WARN, "asked for ", ngx.ctx.asked, ", sent ", ngx.ctx.peeked) }
    }
--- stream_server_config
    content_by_lua_block {
        local sock = ngx.socket.tcp()
        assert(sock:connect("127.0.0.1", $TEST_NGINX_RAND_PORT_1))
        local session = assert(sock:sslhandshake(nil, "test.example", true))
        assert(sock:send("hello"))
        ngx.say(type(session), " ", sock:receive("*a"))
    }
--- stream_response
userdata TLSv1.3 test.example .
--- error_log
asked for test.example, sent hello
--- no_error_log
[error]
--- user_files
>>> test.crt
-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIUPGD7gV8sOr9JIxfTA52RToqbWXgwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMdGVzdC5leGFtcGxlMCAXDTI2MTEyMTE4MzgzNVoYDzIxMjYx
MDI4MTgzODM1WjAXMRUwEwYDVQQDDAx0ZXN0LmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARKNAcTiPGFEhDEzx6HCXZOQNJtdIPzcLAvqOyP2MbFkSS7
I3Y0x5hlpgi8dy41rkZA8JLFmF8XlHfTqbSPcOhbo1MwUTAdBgNVHQ4EFgQU2awO
tUGk8FI6SBMp12MwCVkyaGcwHwYDVR0jBBgwFoAU2awOtUGk8FI6SBMp12MwCVky
aGcwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA194auAUz3GfG
Q3ESjsrzteMs3fabZ2xpWoUHeKnGZ3oCIApLJAdpB+W5BWxiAaYMpS+i6XJIZT0V
eQpY9gFvGJqx
-----END CERTIFICATE-----
>>> test.key
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgASZxG9rIXy+WfShs
mgPUx+u933lUqmNleJM4YIl9HP6hRANCAARKNAcTiPGFEhDEzx6HCXZOQNJtdIPz
cLAvqOyP2MbFkSS7I3Y0x5hlpgi8dy41rkZA8JLFmF8XlHfTqbSPcOhb
-----END PRIVATE KEY-----



=== plain bytes instead of a handshake
--- stream_config
    ssl_certificate $TEST_NGINX_HTML_DIR/test.crt;
    ssl_certificate_key $TEST_NGINX_HTML_DIR/test.key;
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 ssl;
        return secret;
        log_by_lua_block { ngx.log(ngx.WARN, "status ", ngx.status) }
    }
--- stream_server_config
    content_by_lua_block {
        local sock = ngx.socket.tcp()
        assert(sock:connect("127.0.0.1", $TEST_NGINX_RAND_PORT_1))
        assert(sock:send("hello there\n"))
        ngx.say(sock:receive())
    }
--- stream_response_unlike
secret
--- error_log
SSL_do_handshake() failed
status 500
--- user_files
>>> test.crt
-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIUPGD7gV8sOr9JIxfTA52RToqbWXgwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMdGVzdC5leGFtcGxlMCAXDTI2MTEyMTE4MzgzNVoYDzIxMjYx
MDI4MTgzODM1WjAXMRUwEwYDVQQDDAx0ZXN0LmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARKNAcTiPGFEhDEzx6HCXZOQNJtdIPzcLAvqOyP2MbFkSS7
I3Y0x5hlpgi8dy41rkZA8JLFmF8XlHfTqbSPcOhbo1MwUTAdBgNVHQ4EFgQU2awO
tUGk8FI6SBMp12MwCVkyaGcwHwYDVR0jBBgwFoAU2awOtUGk8FI6SBMp12MwCVky
aGcwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA194auAUz3GfG
Q3ESjsrzteMs3fabZ2xpWoUHeKnGZ3oCIApLJAdpB+W5BWxiAaYMpS+i6XJIZT0V
eQpY9gFvGJqx
-----END CERTIFICATE-----
>>> test.key
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgASZxG9rIXy+WfShs
mgPUx+u933lUqmNleJM4YIl9HP6hRANCAARKNAcTiPGFEhDEzx6HCXZOQNJtdIPz
cLAvqOyP2MbFkSS7I3Y0x5hlpgi8dy41rkZA8JLFmF8XlHfTqbSPcOhb
-----END PRIVATE KEY-----
