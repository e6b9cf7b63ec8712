// Connections to backends over TLS: who may share them and their sessions, tunnels, bodies, and what -t refuses.
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hasNginx, RealNginx } from '../../nginx.ts';
import { loadHttp, TestServer } from '../../test-server.ts';
import { closeBackends, FILES, pki, tlsBackend } from './tls-backends.ts';

let port = 0;
let server: TestServer;
const VERIFY = 'proxy_ssl_verify on; proxy_ssl_trusted_certificate %DIR%/root.crt; proxy_ssl_name backend.example;';

before(async () => {
  port = await tlsBackend(['good'], { requestCert: true, rejectUnauthorized: false, ca: pki.pem('root.crt') });
  const expired = await tlsBackend(['expired']);
  const old = await tlsBackend(['good'], { maxVersion: 'TLSv1.2' });
  const to = (path: string) => `proxy_pass https://kept${path};`;
  server = new TestServer(
    `
    proxy_temp_path %DIR%/p;
    upstream kept { server 127.0.0.1:${port}; keepalive 8; }
    upstream resumed { server 127.0.0.1:${port}; keepalive 0; }
    upstream resumed12 { server 127.0.0.1:${old}; keepalive 0; }
    upstream bad { server 127.0.0.1:${expired}; keepalive 0; }
    server { listen 127.0.0.1:1;
      client_max_body_size 10m; client_body_buffer_size 4m;
      location /changing/a { ${to('/changing')} }
      location /changing/same { ${to('/changing')} }
      location /changing/verified { ${to('/changing')} ${VERIFY} }
      location /changing/named { ${to('/changing')} proxy_ssl_server_name on; proxy_ssl_name $arg_n; }
      location /changing/certificate { ${to('/changing')} proxy_ssl_certificate %DIR%/client.crt;
        proxy_ssl_certificate_key %DIR%/client.key; }
      location /changing/variable { ${to('/changing')} proxy_ssl_certificate %DIR%/$arg_n.crt;
        proxy_ssl_certificate_key %DIR%/$arg_n.key; proxy_ssl_certificate_cache max=4 valid=1h; proxy_ssl_session_reuse off; }
      location /changing/uncached { ${to('/changing')} proxy_ssl_certificate %DIR%/$arg_n.crt;
        proxy_ssl_certificate_key %DIR%/$arg_n.key; proxy_ssl_session_reuse off; }
      location /resumed { proxy_pass https://resumed/changing; }
      location /resumed/verified { proxy_pass https://resumed/changing; ${VERIFY} }
      location /resumed/off { proxy_pass https://resumed/changing; proxy_ssl_session_reuse off; }
      location /resumed12 { proxy_pass https://resumed12/changing; }
      location /bad { proxy_pass https://bad; }
      location /bad/verified { proxy_pass https://bad; ${VERIFY} }
      location /upgrade { proxy_pass https://kept; proxy_set_header Connection upgrade; proxy_set_header Upgrade x; }
      location /size { proxy_pass https://kept; }
      location /unbuffered { proxy_pass https://kept; proxy_request_buffering off; proxy_buffering off; }
      location /time { proxy_pass https://kept/; add_header X-Times "$upstream_connect_time"; }
    }`,
    FILES,
  );
});
after(() => {
  server?.close();
  closeBackends();
});

const number = (body: string): string => /n=(\d+)/.exec(body)?.[1] as string;

describe('connections that are kept', () => {
  it('serve requests of locations with the same settings', async () => {
    const first = await server.body('/changing/a');
    assert.equal(number(await server.body('/changing/a')), number(first));
    assert.equal(number(await server.body('/changing/same')), number(first));
  });

  it('serve no request that wants a certificate verified, which nobody has looked at', async () => {
    const first = number(await server.body('/changing/a'));
    const verified = number(await server.body('/changing/verified'));
    assert.notEqual(verified, first);
    assert.equal(number(await server.body('/changing/verified')), verified);
    assert.equal(number(await server.body('/changing/a')), first);
  });

  it('are told apart by the name that is sent', async () => {
    const a = await server.body('/changing/named?n=a.example');
    const b = await server.body('/changing/named?n=b.example');
    assert.match(a, /^sni=a\.example /);
    assert.match(b, /^sni=b\.example /);
    assert.equal(await server.body('/changing/named?n=a.example'), a);
  });

  it('are told apart by the certificate that was shown', async () => {
    assert.match(await server.body('/changing/a'), /client=- /);
    assert.match(await server.body('/changing/certificate'), /client=client /);
    assert.match(await server.body('/changing/variable?n=client'), /client=client /);
    assert.match(await server.body('/changing/variable?n=client2'), /client=client2 /);
    assert.match(await server.body('/changing/a'), /client=- /);
  });
});

describe('sessions', () => {
  it('are resumed by the same location, with TLS 1.2 and 1.3', async () => {
    for (const uri of ['/resumed', '/resumed12']) {
      assert.match(await server.body(uri), /reused=false/);
      assert.match(await server.body(uri), /reused=true/);
      assert.match(await server.body(uri), /reused=true/);
    }
  });

  it('are not resumed by others, or when that is switched off', async () => {
    await server.body('/resumed');
    assert.match(await server.body('/resumed/verified'), /reused=false/);
    assert.match(await server.body('/resumed/verified'), /reused=true/);
    await server.body('/resumed/off');
    assert.match(await server.body('/resumed/off'), /reused=false/);
  });

  it('of backends with a bad certificate do not make it good', async () => {
    for (let i = 0; i < 3; i++) {
      assert.equal((await server.get('/bad')).status, 200);
      assert.equal((await server.get('/bad/verified')).status, 502);
    }
  });
});

describe('certificates whose names have variables', () => {
  it('are read again without a cache, and not before its time with one', async () => {
    for (const name of ['crt', 'key']) {
      writeFileSync(join(server.dir, `now.${name}`), FILES[`client.${name}`] as string, 'latin1');
    }
    assert.match(await server.body('/changing/variable?n=now'), /client=client /);
    assert.match(await server.body('/changing/uncached?n=now'), /client=client /);
    for (const name of ['crt', 'key']) renameSync(join(server.dir, `client2.${name}`), join(server.dir, `now.${name}`));
    // Kept connections were made with the former one.
    server.http.cycle.hooks.drain.forEach((hook) => {
      hook();
    });
    assert.match(await server.body('/changing/variable?n=now'), /client=client /);
    assert.match(await server.body('/changing/uncached?n=now'), /client=client2 /);
  });
});

describe('bytes over TLS', () => {
  it('large responses and requests come whole', async () => {
    assert.equal((await server.body('/size3000000')).length, 3_000_000);
    const text = 'y'.repeat(2_000_000);
    for (const uri of ['/size', '/unbuffered']) {
      const raw = await server.send(
        `POST ${uri} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
      assert.match(raw, /length=2000000/);
    }
  });

  it('go through a tunnel', async () => {
    const socket = connect(server.port, '127.0.0.1');
    let received = '';
    socket.on('data', (data) => {
      received += data.toString('latin1');
      if (received.endsWith('\r\n\r\n')) socket.write('hello');
      if (received.endsWith('HELLO')) socket.end();
    });
    socket.write('GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    assert.match(received, /^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*\r\n\r\nHELLO$/);
  });

  it('go out when the handshake is done, which is part of connecting', async () => {
    const { headers } = await server.get('/time');
    assert.match(headers['x-times'] as string, /^\d\.\d\d\d$/);
  });
});

describe('configurations that cannot work', () => {
  const PASS = 'proxy_pass https://127.0.0.1:1;';
  const refused: Readonly<Record<string, readonly [string, string]>> = {
    'no trusted certificate': [`${PASS} proxy_ssl_verify on;`, 'no proxy_ssl_trusted_certificate for proxy_ssl_verify'],
    'no key': [
      `${PASS} proxy_ssl_certificate %DIR%/client.crt;`,
      'no "proxy_ssl_certificate_key" is defined for certificate "%DIR%/client.crt"',
    ],
    'the wrong key': [
      `${PASS} proxy_ssl_certificate %DIR%/client.crt; proxy_ssl_certificate_key %DIR%/client2.key;`,
      'SSL_CTX_use_PrivateKey("%DIR%/client2.key") failed ' +
        '(SSL: error:05800074:x509 certificate routines::key values mismatch)',
    ],
    'no such authorities': [
      `${PASS} proxy_ssl_verify on; proxy_ssl_trusted_certificate none.crt;`,
      'cannot load certificate "%DIR%/none.crt": BIO_new_file() failed (SSL: error:80000002:system library::No such ' +
        'file or directory:calling fopen(%DIR%/none.crt, r) error:10000080:BIO routines::no such file)',
    ],
    'no such ciphers': [
      `${PASS} proxy_ssl_ciphers NONE;`,
      'SSL_CTX_set_cipher_list("NONE") failed (SSL: error:0A0000B9:SSL routines::no cipher match)',
    ],
    'no such protocol': [`${PASS} proxy_ssl_protocols TLSv9;`, 'invalid value "TLSv9" in %DIR%/nginx.conf:3'],
    'no such passwords': [
      `${PASS} proxy_ssl_password_file none;`,
      'open() "%DIR%/none" failed (2: No such file or directory) in %DIR%/nginx.conf:3',
    ],
    'a URI in a named location': [
      '} location @x { proxy_pass https://127.0.0.1:1/x;',
      '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, or ' +
        'inside "if" statement, or inside "limit_except" block in %DIR%/nginx.conf:3',
    ],
  };
  for (const [name, [conf, message]] of Object.entries(refused)) {
    it(`${name}, as nginx says it`, { skip: !hasNginx && 'nginx is not installed' }, async () => {
      const block = `server { listen 127.0.0.1:1; location / { ${conf} } }`;
      let own = '';
      try {
        new TestServer(block, FILES).close();
      } catch (e) {
        own = (e as Error).message.replaceAll(/\/tmp\/tsresty-http-\w+/g, '%DIR%');
      }
      assert.equal(own, message);
      await assert.rejects(RealNginx.start(block, FILES), (e: Error) => {
        const text = e.message
          .replaceAll(/\/tmp\/tsresty-nginx-\w+/g, '%DIR%')
          .replace(/nginx\.conf:\d+/, 'nginx.conf:3');
        // This text is another one since nginx 1.27.
        if (name === 'no such authorities') return text.includes('/none.crt") failed (SSL: ');
        return text.includes('[emerg] ') && text.includes(message);
      });
    });
  }

  it('what is not used is not loaded', () => {
    loadHttp('proxy_ssl_verify on; server { location / { proxy_pass http://127.0.0.1:1; } }');
    loadHttp('proxy_ssl_certificate none.crt; server { location / { return 200; } }');
  });

  it('the cache of certificates wants a size', () => {
    const conf = (args: string) => `proxy_ssl_certificate_cache ${args}; server { listen 1; }`;
    assert.throws(() => loadHttp(conf('valid=1m')), /"proxy_ssl_certificate_cache" must have the "max" parameter/);
    assert.throws(() => loadHttp(conf('max=0')), /invalid parameter "max=0"/);
    assert.throws(() => loadHttp(conf('size=3')), /invalid parameter "size=3"/);
    loadHttp(conf('off'));
    loadHttp(conf('max=3 inactive=5s valid=1m'));
  });
});
