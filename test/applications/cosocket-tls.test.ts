// Cosockets that speak TLS, in the built server, against backends with good and bad certificates.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer } from 'node:tls';
import { closeBackends, FILES, hastyBackend, pki, rawBackend, tlsBackend } from '../http/modules/proxy/tls-backends.ts';
import { freePort, GLOBALS, RunningServer } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'cosocket-tls-'));
let server: RunningServer | undefined;
let port = 0;
/** Ports of backends by name. */
let backends: Readonly<Record<string, number>> = {};

before(async () => {
  const clients = { requestCert: true, rejectUnauthorized: false, ca: pki.pem('root.crt') };
  backends = {
    good: await tlsBackend(['good'], clients),
    old: await tlsBackend(['good'], { maxVersion: 'TLSv1.2' }),
    expired: await tlsBackend(['expired']),
    stranger: await tlsBackend(['stranger']),
    self: await tlsBackend(['self']),
    deep2: await tlsBackend(['deep2', 'middle2', 'middle']),
    strict: await tlsBackend(['good'], { requestCert: true, ca: pki.pem('root.crt') }),
    closing: await rawBackend((socket) => socket.end()),
    hasty: await hastyBackend((socket) => socket.end()),
    http: await rawBackend((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    slow: await rawBackend(() => {}),
  };
  await tlsBackend(['good'], {}, join(pki.dir, 'cosocket.sock'));
  port = await freePort();
  const lua = (code: string) => `content_by_lua_block {
    local sock = ngx.socket.tcp()
    sock:settimeouts(300, 1000, 1000)
    local function connect(to) assert(sock:connect("127.0.0.1", to or ngx.var.arg_to, { pool = ngx.var.uri })) end
    local function ask(path)
      assert(sock:send("GET " .. (path or "/changing") .. " HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"))
      local length
      repeat
        local line = assert(sock:receive())
        length = length or line:match("^Content%-Length: (%d+)")
      until line == ""
      return sock:receive(tonumber(length))
    end
    ${code}
  }`;
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text, 'latin1');
  mkdirSync(join(folder, 'logs'));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; error_log logs/error.log debug; pid logs/pid; events {}
    http { access_log off; lua_ssl_trusted_certificate root.crt;
    server { listen 127.0.0.1:${port};
      location /handshake { ${lua(`
        connect()
        local session, err = sock:sslhandshake(nil, ngx.var.arg_name, ngx.var.arg_verify == "1")
        ngx.say(type(session), " ", err)
        if session then ngx.say(ask("/")) end`)} }
      location /depth/handshake { lua_ssl_verify_depth 2; ${lua(`
        connect()
        ngx.say(select(2, sock:sslhandshake(nil, "backend.example", true)))`)} }
      location /quiet/handshake { lua_socket_log_errors off; ${lua(`
        connect()
        ngx.say(select(2, sock:sslhandshake(nil, "backend.example", true)))`)} }
      location /crl { lua_ssl_crl root.crl; ${lua(`
        connect()
        ngx.say(select(2, sock:sslhandshake(nil, "backend.example", true)))`)} }
      location /certificate { lua_ssl_certificate client.crt; lua_ssl_certificate_key client.key; ${lua(`
        connect()
        ngx.say(type(sock:sslhandshake()), " ", ask("/"))`)} }
      location /setclientcert { ${lua(`
        local ssl = require "ngx.ssl"
        local function read(name) return io.open("${folder}/" .. name):read("*a") end
        local certificate = assert(ssl.parse_pem_cert(read("client2.crt")))
        local key = assert(ssl.parse_pem_priv_key(read("client2.key")))
        connect()
        assert(sock:setclientcert(certificate, key))
        ngx.say(type(sock:sslhandshake()), " ", ask("/"))
        sock:close()
        local der = assert(ssl.cert_pem_to_der(read("client.crt")))
        local der_key = assert(ssl.priv_key_pem_to_der(read("locked.key"), "second"))
        connect()
        assert(sock:setclientcert(ssl.parse_der_cert(der), ssl.parse_der_priv_key(der_key)))
        ngx.say(type(sock:sslhandshake()), " ", ask("/"))
        sock:close()
        connect()
        assert(sock:setclientcert(certificate, ssl.parse_der_priv_key(der_key)))
        ngx.say(sock:sslhandshake())
        connect()
        assert(sock:setclientcert(nil, nil))
        ngx.say(type(sock:sslhandshake()), " ", ask("/"))
        ngx.say(sock:setclientcert(certificate, nil))
        ngx.say(sock:setclientcert("x", key))
        ngx.say(ssl.parse_pem_cert("x"))
        ngx.say(ssl.parse_der_cert("x"))
        ngx.say(ssl.parse_pem_priv_key("x"))
        ngx.say(ssl.parse_der_priv_key("x"))
        ngx.say(ssl.priv_key_pem_to_der(read("locked.key"), "no"))`)} }
      location /sessions { lua_ssl_protocols TLSv1.2; ${lua(`
        connect()
        local session = sock:sslhandshake(nil, "backend.example", true)
        ngx.say(type(session), " ", ask():match("reused=.*"))
        ngx.say(type(sock:getsslsession()))
        sock:close()
        connect()
        session = sock:sslhandshake(session, "backend.example", true)
        ngx.say(type(session), " ", ask():match("reused=.*"))
        sock:close()
        connect()
        ngx.say(sock:sslhandshake(session, "another.example", true))
        connect()
        ngx.say(tostring(sock:sslhandshake(false)))
        ngx.say(tostring(sock:sslhandshake(false)))
        local again = sock:sslhandshake()
        ngx.say(type(again), " ", sock:sslhandshake(again) == again)`)} }
      location /later { ${lua(`
        connect()
        sock:sslhandshake(nil, "backend.example", true)
        ngx.say(sock:getsslsession())
        ask("/")
        local session = assert(sock:getsslsession())
        sock:close()
        connect()
        sock:sslhandshake(session, "backend.example", true)
        ngx.say(ask():match("reused=.*"))`)} }
      location /pool { ${lua(`
        for i = 1, 3 do
          connect()
          ngx.say(sock:getreusedtimes(), " ", type(sock:sslhandshake(nil, "backend.example", true)), " ", (ask():gsub(".*n=", "n=")))
          assert(sock:setkeepalive())
        end`)} }
      location /closed { ${lua(`
        connect()
        ngx.say(type(sock:sslhandshake()), " ", sock:close())`)} }
      location /unix { ${lua(`
        assert(sock:connect("unix:${join(pki.dir, 'cosocket.sock')}"))
        ngx.say(type(sock:sslhandshake(nil, "backend.example", true)), " ", ask("/size300000") == ("x"):rep(300000))
        ngx.say(type(sock:getsslpointer()), " ", type(sock:getsslctx()), " ", type(sock:getfd()))
        ngx.say(require "ngx.ssl".ssl_session_reused(sock:getsslpointer()))`)} }
      location /states { ${lua(`
        ngx.say(select(2, pcall(sock.sslhandshake, sock)):match("socket is.*"))
        connect()
        ngx.say(sock:getsslpointer())
        ngx.say(sock:getsslctx())
        ngx.say(sock:getsslsession())
        sock:close()
        ngx.say(sock:sslhandshake())
        connect()
        local thread = ngx.thread.spawn(function() return sock:sslhandshake() end)
        ngx.say(sock:send("x"))
        ngx.say(sock:sslhandshake())
        local ok, session = ngx.thread.wait(thread)
        ngx.say(ok, " ", type(session))`)} }
      location /store { ${lua(`
        local ffi = require "ffi"
        ffi.cdef[[ typedef struct x509_store_st X509_STORE; typedef struct x509_st X509; typedef struct bio_st BIO;
          X509_STORE *X509_STORE_new(void); int X509_STORE_add_cert(X509_STORE *store, X509 *certificate);
          void X509_STORE_free(X509_STORE *store); BIO *BIO_new_mem_buf(const void *bytes, int size);
          int BIO_free(BIO *bio); void X509_free(X509 *certificate);
          X509 *PEM_read_bio_X509(BIO *bio, X509 **certificate, void *callback, void *data); ]]
        local function store(name)
          local pem = io.open("${folder}/" .. name):read("*a")
          local bio = ffi.C.BIO_new_mem_buf(pem, #pem)
          local certificate = ffi.C.PEM_read_bio_X509(bio, nil, nil, nil)
          local made = ffi.gc(ffi.C.X509_STORE_new(), ffi.C.X509_STORE_free)
          ffi.C.X509_STORE_add_cert(made, certificate)
          ffi.C.X509_free(certificate)
          ffi.C.BIO_free(bio)
          return made
        end
        connect()
        ngx.say(sock:settrustedstore(store("other.crt")))
        ngx.say(select(2, sock:sslhandshake(nil, "backend.example", true)))
        connect()
        assert(sock:settrustedstore(store("other.crt")))
        assert(sock:settrustedstore(nil))
        ngx.say(type(sock:sslhandshake(nil, "backend.example", true)))
        ngx.say(sock:settrustedstore(store("other.crt")))
        sock:close()
        ngx.say(sock:settrustedstore(store("root.crt")))
        ngx.say(sock:settrustedstore("x"))
        connect(ngx.var.arg_other)
        assert(sock:settrustedstore(store("other.crt")))
        ngx.say(type(sock:sslhandshake(nil, "backend.example", true)))`)} }
      location /keylog { lua_ssl_key_log logs/keys; ${lua(`
        connect()
        ngx.say(type(sock:sslhandshake()))`)} }
    } }`,
  );
  server = await RunningServer.start(folder, ['-p', folder, '-c', 'nginx.conf', '-g', GLOBALS], port);
});
after(async () => {
  await server?.stop();
  closeBackends();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(path: string, to: string): Promise<string> {
  const separator = path.includes('?') ? '&' : '?';
  const response = await fetch(`http://127.0.0.1:${port}${path}${separator}to=${backends[to]}`);
  const text = await response.text();
  assert.equal(response.status, 200, text + log());
  return text;
}

function log(): string {
  return readFileSync(join(folder, 'logs/error.log'), 'latin1');
}

const VERIFIED = '/handshake?verify=1&name=backend.example';

describe('settrustedstore', () => {
  it('trusts the certificates of a store for one handshake', async () => {
    assert.deepEqual((await ask(`/store?other=${backends['stranger']}`, 'good')).split('\n'), [
      'true',
      // The backend sends its authority's certificate, too.
      '19: self-signed certificate in certificate chain',
      'cdata',
      'nilssl handshake already done; trusted store cannot be changed on an established TLS connection',
      'nilclosed',
      'nilbad store arg: cdata expected, got string',
      'cdata',
      '',
    ]);
  });
});

describe('sslhandshake', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['/handshake', 'good', 'cdata nil\nsni=- TLSv1.3 client=- length=0\n'],
    ['/handshake?name=n.example', 'good', 'cdata nil\nsni=n.example TLSv1.3 client=- length=0\n'],
    ['/handshake', 'old', 'cdata nil\nsni=- TLSv1.2 client=- length=0\n'],
    [VERIFIED, 'good', 'cdata nil\nsni=backend.example TLSv1.3 client=- length=0\n'],
    ['/handshake?verify=1', 'good', 'cdata nil\nsni=- TLSv1.3 client=- length=0\n'],
    ['/handshake?verify=1&name=x.example', 'good', 'nil certificate host mismatch\n'],
    [VERIFIED, 'expired', 'nil 10: certificate has expired\n'],
    [VERIFIED, 'stranger', 'nil 21: unable to verify the first certificate\n'],
    [VERIFIED, 'self', 'nil 18: self-signed certificate\n'],
    [VERIFIED, 'deep2', 'nil 20: unable to get local issuer certificate\n'],
    ['/depth/handshake', 'deep2', '\n'],
    ['/handshake', 'self', 'cdata nil\nsni=- TLSv1.3 client=- length=0\n'],
    ['/handshake', 'closing', 'nil handshake failed\n'],
    ['/handshake', 'hasty', 'nil handshake failed\n'],
    ['/handshake', 'http', 'nil handshake failed\n'],
    ['/handshake', 'slow', 'nil timeout\n'],
    ['/crl', 'deep2', '3: unable to get certificate CRL\n'],
    ['/certificate', 'strict', 'cdata sni=- TLSv1.3 client=client length=0\n'],
  ];
  for (const [path, to, expected] of cases) {
    it(`${path} to ${to}`, async () => assert.equal(await ask(path, to), expected));
  }

  it('logs what went wrong, unless it shall not', async () => {
    const before = log().length;
    for (const to of ['expired', 'closing', 'http']) await ask(VERIFIED, to);
    await ask('/handshake?verify=1&name=x.example', 'good');
    const lines = log().slice(before);
    assert.match(lines, /\[error\] .*lua ssl certificate verify error: \(10: certificate has expired\), /);
    assert.match(lines, /\[error\] .*peer closed connection in SSL handshake, /);
    assert.match(
      lines,
      /\[error\] .*SSL_do_handshake\(\) failed \(SSL: error:0A00010B:SSL routines::wrong version number\), /,
    );
    assert.match(lines, /\[error\] .*lua ssl certificate does not match host "x\.example", /);
    const quiet = log().length;
    await ask('/quiet/handshake', 'expired');
    assert.doesNotMatch(log().slice(quiet), /\[error\]/);
  });

  it('says what it cannot do now', async () => {
    assert.equal(
      await ask('/states', 'good'),
      'socket is never created nor connected\nnilno ssl connection\nnilno ssl context\nnilno session\nnilclosed\n' +
        'nilsocket busy connecting\nnilsocket busy connecting\ntrue cdata\n',
    );
  });

  it('works on unix sockets, for long answers', async () => {
    assert.equal(await ask('/unix', 'good'), 'cdata true\ncdata cdata number\nfalse\n');
  });

  it('writes keys for those who look at packets', async () => {
    assert.equal(await ask('/keylog', 'good'), 'cdata\n');
    assert.match(
      readFileSync(join(folder, 'logs/keys'), 'latin1'),
      /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+$/m,
    );
  });
});

describe('sessions of cosockets', () => {
  it('are resumed, and remember the certificate', async () => {
    assert.equal(
      await ask('/sessions', 'old'),
      'cdata reused=false\ncdata\ncdata reused=true\nnilcertificate host mismatch\ntrue\ntrue\ncdata true\n',
    );
  });

  it('can be had later with TLS 1.3', async () => {
    assert.equal(await ask('/later', 'good'), 'nilnot resumable\nreused=true\n');
  });

  it('stay with connections of a pool', async () => {
    const lines = (await ask('/pool', 'good')).split('\n');
    const [, first] = /^0 cdata (n=\d+) reused=false$/.exec(lines[0] as string) ?? [];
    assert.deepEqual(lines.slice(1, 3), [`1 cdata ${first} reused=false`, `2 cdata ${first} reused=false`]);
  });
});

describe('setclientcert', () => {
  it('takes certificates and keys of ngx.ssl', async () => {
    assert.equal(
      await ask('/setclientcert', 'good'),
      'cdata sni=- TLSv1.3 client=client2 length=0\ncdata sni=- TLSv1.3 client=client length=0\n' +
        'nilssl set client private key failed\ncdata sni=- TLSv1.3 client=- length=0\n' +
        'nilclient certificate must be supplied with corresponding private key\n' +
        'nilbad cert arg: cdata expected, got string\nnilPEM_read_bio_X509_AUX() failed\nnild2i_X509_bio() failed\n' +
        'nilPEM_read_bio_PrivateKey() failed\nnild2i_PrivateKey_bio() failed\nnilPEM_read_bio_PrivateKey() failed\n',
    );
  });
});

describe('close', () => {
  it('right after the handshake lets that come to its end on the other side', async () => {
    const seen = new Promise<string>((resolve) => {
      const peer = createServer({ cert: pki.pem('good.crt'), key: pki.pem('good.key') });
      peer.on('tlsClientError', (error) => resolve(`error: ${error.message}`));
      peer.on('secureConnection', (socket) => {
        socket.on('error', (error) => resolve(`error: ${error.message}`));
        socket.on('end', () => resolve('an end')).resume();
      });
      peer.listen(0, '127.0.0.1', async () => {
        const { port: to } = peer.address() as { port: number };
        const response = await fetch(`http://127.0.0.1:${port}/closed?to=${to}`);
        assert.equal(await response.text(), 'cdata 1\n');
        peer.close();
      });
    });
    assert.equal(await seen, 'an end');
  });
});
