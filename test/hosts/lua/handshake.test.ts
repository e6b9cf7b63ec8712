// Lua in handshakes: ssl_client_hello_by_lua, ssl_certificate_by_lua, ssl_session_fetch_by_lua, ssl_session_store_by_lua,
// by real handshakes with a real server of two workers.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionOptions, connect } from 'node:tls';
import { Pki } from '../../http/pki.ts';
import { freePort, GLOBALS, RunningServer } from '../../support/server.ts';

const pki = new Pki();
const folder = pki.dir;
let server: RunningServer | undefined;
let port = 0;

pki.root('root');
pki.signed('own', '/CN=own', 'root');
pki.signed('chosen', '/CN=chosen', 'root');
pki.signed('client', '/CN=client', 'root');
pki.openssl(
  'req',
  '-x509',
  '-newkey',
  'rsa:2048',
  '-nodes',
  '-keyout',
  'rsa.key',
  '-out',
  'rsa.crt',
  '-subj',
  '/CN=rsa',
);
mkdirSync(join(folder, 'logs'));

/** By server name: what stands in the server's block. `log` writes a line that tests look for. */
const SERVERS: Readonly<Record<string, string>> = {
  pem: `ssl_certificate_by_lua_block {
      local ssl = require 'ngx.ssl'
      assert(ssl.clear_certs())
      ngx.sleep(0.01)
      assert(ssl.set_cert(assert(ssl.parse_pem_cert(file('chosen.crt')))))
      assert(ssl.set_priv_key(assert(ssl.parse_pem_priv_key(file('chosen.key')))))
      log('pem ', ngx.get_phase(), ' ', ssl.server_name(), ' ', ssl.get_tls1_version_str(), ' ', #ssl.get_client_random())
    }`,
  der: `ssl_certificate_by_lua_block {
      local ssl = require 'ngx.ssl'
      assert(ssl.set_der_cert(ssl.cert_pem_to_der(file('rsa.crt'))))
      assert(ssl.set_der_priv_key(ssl.priv_key_pem_to_der(file('rsa.key'))))
    }`,
  bare: `ssl_certificate_by_lua_block { assert(require 'ngx.ssl'.clear_certs()) }`,
  waits: `ssl_certificate_by_lua_block {
      local sock = ngx.socket.tcp()
      assert(sock:connect('127.0.0.1', %PLAIN%))
      assert(sock:send('GET / HTTP/1.0\\r\\n\\r\\n'))
      local line = assert(sock:receive('*l'))
      local ok, value = ngx.thread.wait(ngx.thread.spawn(function() ngx.sleep(0.01) return 'thread' end))
      log('waits ', line, ' ', value, ' ', coroutine.wrap(function() coroutine.yield('co') end)())
    }`,
  error: `ssl_certificate_by_lua_block { local t = nil; t.x = 1 }`,
  late: `ssl_certificate_by_lua_block { ngx.sleep(0.01) error('too late') }`,
  refuses: `ssl_certificate_by_lua_block { ngx.exit(ngx.ERROR) }`,
  status: `ssl_certificate_by_lua_block { ngx.sleep(0.01) ngx.exit(403) }`,
  accepts: `ssl_certificate_by_lua_block { ngx.exit(ngx.OK) error('not here') }`,
  broken: `ssl_certificate_by_lua_file broken.lua;`,
  garbage: `ssl_certificate_by_lua_block {
      local ssl = require 'ngx.ssl'
      log('garbage ', ssl.set_der_cert('rubbish'))
      log('garbage ', ssl.set_der_priv_key('rubbish'))
      log('garbage ', ssl.parse_pem_cert('rubbish'))
      log('garbage ', ssl.parse_pem_priv_key('rubbish'))
      log('garbage ', ssl.cert_pem_to_der('-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n'))
      log('garbage ', ssl.set_priv_key(assert(ssl.parse_pem_priv_key(file('chosen.key')))))
      log('garbage ', pcall(ssl.set_cert, 'no pointer'))
    }`,
  verifies: `ssl_certificate_by_lua_block {
      local ssl = require 'ngx.ssl'
      assert(ssl.verify_client(assert(ssl.parse_pem_cert(file('root.crt'))), 1))
    }
    location / { return 200 "$ssl_client_verify $ssl_client_s_dn"; }`,
  disabled: `ssl_certificate_by_lua_block {
      for _, f in ipairs { function() ngx.say('x') end, function() return ngx.var.host end, ngx.req.get_method,
          function() ngx.location.capture('/') end, require 'ngx.ssl.clienthello'.get_client_hello_ciphers } do
        log('disabled ', (select(2, pcall(f)):gsub('^ssl_certificate_by_lua%(.-%):%d+: ', '')))
      end
    }`,
  ctx: `ssl_client_hello_by_lua_block { ngx.ctx.a = 'hello' }
    ssl_certificate_by_lua_block { ngx.ctx.b = ngx.ctx.a .. ' certificate' }
    location / { content_by_lua_block { ngx.ctx.c = 1 ngx.say(ngx.ctx.b) } }`,
  sleeps: `ssl_certificate_by_lua_block { log('sleeps') ngx.sleep(0.2) log('slept') }`,
  'sleeps-long': `ssl_certificate_by_lua_block { log('sleeps long') ngx.sleep(1) log('never') }`,
  missing: '',
  hello: `ssl_client_hello_by_lua_block {
      local hello = require 'ngx.ssl.clienthello'
      log('hello ', ngx.get_phase(), ' ', hello.get_client_hello_server_name(), ' ', #hello.get_client_hello_ext(0), ' ',
        #hello.get_client_hello_ciphers() > 3, ' ', hello.get_client_hello_ext_present()[1] ~= nil, ' ',
        table.concat(hello.get_supported_versions() or {}, ','))
      ngx.sleep(0.01)
      log('hello ', select(2, hello.set_protocols({ 'TLSv7' })), ' ', hello.set_protocols({ 'TLSv1.2' }))
    }`,
  'hello-error': `ssl_client_hello_by_lua_block { ngx.sleep(0.01) error('no hello') }`,
  'hello-refuses': `ssl_client_hello_by_lua_block { ngx.exit(ngx.ERROR) }`,
  'hello-disabled': `ssl_client_hello_by_lua_block { log('hello-disabled ', select(2, pcall(ngx.exec, '/x'))) }`,
  'hello-sleeps': `ssl_client_hello_by_lua_block { log('hello-sleeps') ngx.sleep(0.2) log('hello-slept') }`,
};

before(async () => {
  port = await freePort();
  const plain = await freePort();
  writeFileSync(join(folder, 'broken.lua'), 'this is = no Lua');
  const blocks = Object.entries(SERVERS).map(([name, inside]) => {
    const location = inside.includes('location /') ? '' : 'location / { return 200 $ssl_session_reused; }';
    return `server { listen 127.0.0.1:${port} ssl; server_name ${name}; ${inside.replace('%PLAIN%', String(plain))} ${location} }`;
  });
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${GLOBALS} worker_processes 2; error_log logs/error.log info; pid logs/pid; events {}
    http {
      access_log off; lua_shared_dict sessions 1m;
      ssl_certificate own.crt; ssl_certificate_key own.key; ssl_session_tickets off; ssl_session_cache shared:S:1m;
      ssl_verify_depth 1; client_header_timeout 600ms;
      init_by_lua_block {
        function file(name)
          local f = assert(io.open('${folder}/' .. name))
          local text = f:read('*a')
          f:close()
          return text
        end
        function log(...) ngx.log(ngx.NOTICE, ...) end
      }
      server { listen 127.0.0.1:${plain}; return 200; }
      server {
        listen 127.0.0.1:${port} ssl default_server;
        ssl_client_hello_by_lua_block { }
        ssl_certificate_by_lua_block { }
        location / { return 200 $ssl_session_reused; }
      }
      ${blocks.map((block) => (/ssl_client_hello/.test(block) || /server_name missing/.test(block) ? block : block.replace('server_name', 'ssl_client_hello_by_lua_block {} server_name'))).join('\n')}
    }`,
  );
  server = await RunningServer.start(folder, ['-p', folder, '-c', 'nginx.conf'], port);
});

after(async () => {
  await server?.stop();
  pki.remove();
});

interface Visit {
  /** The body of the answer, or `<CODE>` of an error. */
  readonly body: string;
  /** CN of the server's certificate. */
  readonly certificate: string | undefined;
  readonly protocol: string | null;
  readonly session: Buffer | undefined;
}

async function visit(servername: string, options: ConnectionOptions = {}, to = port, path = '/'): Promise<Visit> {
  const socket = connect({ port: to, host: '127.0.0.1', rejectUnauthorized: false, servername, ...options });
  let received = '';
  let session: Buffer | undefined;
  let certificate: string | undefined;
  let protocol: string | null = null;
  socket.setTimeout(5000, () => socket.destroy(new Error(`no end after: ${received}`)));
  socket.on('session', (made) => {
    session = made;
  });
  socket.on('data', (data: Buffer) => {
    received += data.toString('latin1');
  });
  socket.on('error', (e: NodeJS.ErrnoException) => {
    received += `\r\n\r\n<${e.code}>`;
  });
  socket.on('secureConnect', () => {
    certificate = socket.getPeerCertificate().subject?.CN as string | undefined;
    protocol = socket.getProtocol();
    socket.write(`GET ${path} HTTP/1.0\r\nHost: ${servername}\r\n\r\n`);
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return { body: received.slice(received.indexOf('\r\n\r\n') + 4), certificate, protocol, session };
}

function logged(): string[] {
  return readFileSync(join(folder, 'logs/error.log'), 'latin1').split('\n');
}

/** Waits for a line of error.log. */
async function line(pattern: RegExp): Promise<string> {
  for (let i = 0; i < 200; i++) {
    const found = logged().find((text) => pattern.test(text));
    if (found !== undefined) return found;
    await delay(20);
  }
  throw new Error(`no line ${pattern} in\n${logged().join('\n')}`);
}

/** What lines of `log` with this beginning say. */
function said(name: string): string[] {
  return logged().flatMap((text) => new RegExp(`: ${name} (.*), context: `).exec(text)?.[1] ?? []);
}

const ALERT = '<ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR>';

describe('ssl_certificate_by_lua', () => {
  it('chooses certificates', async () => {
    const { body, certificate } = await visit('pem');
    assert.deepEqual([body, certificate], ['.', 'chosen']);
    await line(
      /: pem ssl_cert pem TLSv1\.3 32, context: ssl_certificate_by_lua\*, client: 127\.0\.0\.1, server: 127\.0\.0\.1:/,
    );
    assert.equal((await visit('pem', { maxVersion: 'TLSv1.2' })).certificate, 'chosen');
  });

  it('adds a certificate of another kind of key', async () => {
    assert.equal((await visit('der', { sigalgs: 'rsa_pss_rsae_sha256' })).certificate, 'rsa');
    assert.equal((await visit('der', { sigalgs: 'ecdsa_secp256r1_sha256' })).certificate, 'own');
  });

  it('may leave none', async () => {
    assert.match((await visit('bare')).body, /^<ERR_SSL_.*HANDSHAKE_FAILURE>$/);
  });

  it('waits for sockets, threads and coroutines', async () => {
    assert.deepEqual((await visit('waits')).body, '.');
    assert.deepEqual(said('waits'), ['HTTP/1.1 200 OK thread co']);
  });

  for (const [name, message] of [
    [
      'error',
      /lua entry thread aborted: runtime error: ssl_certificate_by_lua\(nginx\.conf:\d+\):1: attempt to index local 't'/,
    ],
    ['late', /lua entry thread aborted: runtime error: ssl_certificate_by_lua\(nginx\.conf:\d+\):1: too late/],
  ] as const) {
    it(`fails by an error: ${name}`, async () => {
      assert.equal((await visit(name)).body, ALERT);
      await line(message);
      await line(
        /\[info\] .*SSL_do_handshake\(\) failed \(SSL: error:0A000179:SSL routines::cert cb error\) while SSL handshaking/,
      );
    });
  }

  it('ends by ngx.exit', async () => {
    assert.equal((await visit('refuses')).body, ALERT);
    assert.equal((await visit('status')).body, ALERT);
    assert.equal((await visit('accepts')).body, '.');
  });

  it('that cannot be loaded decides nothing', async () => {
    assert.equal((await visit('broken')).body, '.');
    await line(/failed to load external Lua file ".*\/broken\.lua": .*broken\.lua:1: '=' expected near 'is'/);
  });

  it('is told of garbage', async () => {
    assert.equal((await visit('garbage')).certificate, 'own');
    assert.deepEqual(said('garbage'), [
      'nild2i_X509_bio() failed',
      'nild2i_PrivateKey_bio() failed',
      'nilPEM_read_bio_X509_AUX() failed',
      'nilPEM_read_bio_PrivateKey() failed',
      'nilPEM_read_bio_X509_AUX() failed',
      'nilSSL_use_PrivateKey() failed',
      'falsebad certificate: no pointer to certificates',
    ]);
  });

  it('verifies clients', async () => {
    const own = { cert: pki.pem('client.crt'), key: pki.pem('client.key') };
    assert.equal((await visit('verifies', own)).body, 'SUCCESS CN=client');
    assert.equal((await visit('verifies')).body, 'NONE ');
    const stranger = { cert: pki.pem('rsa.crt'), key: pki.pem('rsa.key') };
    assert.match((await visit('verifies', stranger)).body, /^FAILED:self[- ]signed certificate CN=rsa$/);
  });

  it('has no request', async () => {
    assert.equal((await visit('disabled')).body, '.');
    const elsewhere = 'API disabled in the context of ssl_certificate_by_lua*';
    const here = 'API disabled in the current context';
    assert.deepEqual(said('disabled'), [elsewhere, here, here, elsewhere, here]);
  });

  it('shares ngx.ctx with what comes before and after', async () => {
    assert.equal((await visit('ctx')).body, 'hello certificate\n');
  });

  it('is missed where the default server has it', async () => {
    assert.equal((await visit('missing')).body, ALERT);
    await line(/\[alert\] .*no ssl_client_hello_by_lua\* defined in server missing/);
  });

  it('runs to its end for a client that left', async () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, servername: 'sleeps' });
    socket.on('error', () => {});
    await line(/: sleeps, context/);
    socket.destroy();
    await line(/: slept, context/);
    assert.equal((await visit('pem')).certificate, 'chosen');
  });

  it('is given up when the time is over', async () => {
    const { body } = await visit('sleeps-long');
    assert.equal(body, '<ECONNRESET>');
    await line(/client timed out \(110: Connection timed out\) while loading SSL certificate by lua/);
    await delay(600);
    assert.equal(
      logged().some((text) => text.includes('never')),
      false,
    );
  });
});

describe('ssl_client_hello_by_lua', () => {
  it('reads the first message and chooses protocols', async () => {
    const { body, protocol } = await visit('hello');
    assert.deepEqual([body, protocol], ['.', 'TLSv1.2']);
    assert.deepEqual(said('hello'), [
      'ssl_client_hello hello 10 true true TLSv1.2,TLSv1.3',
      'invalid protocols failed true',
    ]);
    assert.match((await visit('hello', { minVersion: 'TLSv1.3' })).body, /^<ERR_SSL_.*PROTOCOL_VERSION>$/);
  });

  it('fails by an error and by ngx.exit', async () => {
    assert.equal((await visit('hello-error')).body, ALERT);
    await line(/lua entry thread aborted: runtime error: ssl_client_hello_by_lua\(nginx\.conf:\d+\):1: no hello/);
    await line(
      /SSL_do_handshake\(\) failed \(SSL: error:0A0000EA:SSL routines::callback failed\) while SSL handshaking/,
    );
    assert.equal((await visit('hello-refuses')).body, ALERT);
  });

  it('has no request', async () => {
    assert.equal((await visit('hello-disabled')).body, '.');
    assert.deepEqual(said('hello-disabled'), ['API disabled in the context of ssl_client_hello_by_lua*']);
  });

  it('runs to its end for a client that left', async () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, servername: 'hello-sleeps' });
    socket.on('error', () => {});
    await line(/: hello-sleeps, context/);
    socket.destroy();
    await line(/: hello-slept, context/);
    await line(/peer closed connection in SSL handshake/);
  });

  it('does not run for what is no TLS', async () => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.end('\x16\x03\x01\x00\x05hello');
    await new Promise((resolve) => socket.resume().once('close', resolve));
    assert.equal((await visit('hello')).protocol, 'TLSv1.2');
  });
});

describe('a shared session cache', () => {
  it('outlives a reload, for all workers', async () => {
    const options = { maxVersion: 'TLSv1.2' } as const;
    const { session } = await visit('accepts', options);
    process.kill(Number(readFileSync(join(folder, 'logs/pid'), 'latin1')), 'SIGHUP');
    await line(/gracefully shutting down/);
    for (let i = 0; i < 5; i++) assert.equal((await visit('accepts', { ...options, session })).body, 'r');
  });
});

describe('ssl_session_store_by_lua and ssl_session_fetch_by_lua', () => {
  let own: RunningServer | undefined;
  let at = 0;
  const dir = join(folder, 'sessions');

  before(async () => {
    at = await freePort();
    mkdirSync(join(dir, 'logs'), { recursive: true });
    writeFileSync(
      join(dir, 'nginx.conf'),
      `${GLOBALS} worker_processes 2; error_log logs/error.log info; pid logs/pid; events {}
      http {
        access_log off; lua_shared_dict sessions 1m;
        ssl_certificate ../own.crt; ssl_certificate_key ../own.key; ssl_session_tickets off;
        init_by_lua_block { function log(...) ngx.log(ngx.NOTICE, ...) end }
        ssl_session_store_by_lua_block {
          local session = require 'ngx.ssl.session'
          local id = assert(session.get_session_id())
          ngx.shared.sessions:set(id, assert(session.get_serialized_session()))
          log('store ', ngx.get_phase(), ' ', #id)
          log('store ', select(2, pcall(ngx.sleep, 0)))
          log('store ', select(2, pcall(ngx.socket.tcp)))
          error('after all')
        }
        ssl_session_fetch_by_lua_block {
          local session = require 'ngx.ssl.session'
          local id = assert(session.get_session_id())
          log('fetch ', ngx.get_phase(), ' ', #id)
          ngx.sleep(0.01)
          if ngx.shared.sessions:get('mode') == 'garbage' then
            log('fetch ', select(2, session.set_serialized_session('rubbish')))
          elseif ngx.shared.sessions:get('mode') == 'error' then
            error('no session')
          else
            assert(session.set_serialized_session(ngx.shared.sessions:get(id)))
          end
        }
        server { listen 127.0.0.1:${at} ssl;
          location /mode { content_by_lua_block { ngx.shared.sessions:set('mode', ngx.var.args) } }
          location / { return 200 $ssl_session_reused; } }
      }`,
    );
    own = await RunningServer.start(dir, ['-p', dir, '-c', 'nginx.conf'], at);
  });

  after(() => own?.stop());

  const options = { maxVersion: 'TLSv1.2' } as const;
  const read = (): string => readFileSync(join(dir, 'logs/error.log'), 'latin1');

  it('keep sessions, for all workers', async () => {
    const first = await visit('x', options, at);
    assert.equal(first.body, '.');
    for (let i = 0; i < 5; i++) assert.equal((await visit('x', { ...options, session: first.session }, at)).body, 'r');
    const text = read();
    assert.match(
      text,
      /: store ssl_session_store 64, context: ssl_session_store_by_lua\*, client: 127\.0\.0\.1, server: /,
    );
    assert.match(text, /: store API disabled in the context of ssl_session_store_by_lua\*, context/);
    assert.match(
      text,
      /failed to run session_store_by_lua\*: ssl_session_store_by_lua\(nginx\.conf:\d+\):8: after all\nstack traceback:/,
    );
    assert.match(text, /: fetch ssl_session_fetch 64, context: ssl_session_fetch_by_lua\*, client: /);
  });

  it('let the handshake go on when there is no session to be had', async () => {
    const { session } = await visit('x', options, at);
    for (const mode of ['garbage', 'error']) {
      await visit('x', {}, at, `/mode?${mode}`);
      assert.equal((await visit('x', { ...options, session }, at)).body, '.');
    }
    assert.match(read(), /: fetch failed to de-serialize session, context/);
    assert.match(
      read(),
      /lua entry thread aborted: runtime error: ssl_session_fetch_by_lua\(nginx\.conf:\d+\):9: no session/,
    );
  });

  it('are not asked about TLS 1.3', async () => {
    const before = read().length;
    const { session } = await visit('x', {}, at);
    assert.equal((await visit('x', { session }, at)).body, '.');
    assert.doesNotMatch(read().slice(before), /store|fetch/);
  });
});
