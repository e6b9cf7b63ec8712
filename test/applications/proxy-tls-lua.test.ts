// Lua in handshakes with backends, in the built server: which certificate is shown, and whether the backend's is good.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeBackends, FILES, pki, tlsBackend } from '../http/modules/proxy/tls-backends.ts';
import { freePort, GLOBALS, RunningServer, root } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'proxy-tls-lua-'));
let server: RunningServer | undefined;
let port = 0;
let backends: Readonly<Record<string, number>> = {};

/** `set_cert` with the files of a name. */
const SHOW = `
  local function show(name)
    local ssl, cert = require "ngx.ssl", require "ngx.ssl.proxysslcert"
    local function read(file) return io.open("${folder}/" .. file):read("*a") end
    assert(cert.set_cert(assert(ssl.parse_pem_cert(read(name .. ".crt")))))
    assert(cert.set_priv_key(assert(ssl.parse_pem_priv_key(read(name .. ".key")))))
  end`;

function location(path: string, to: string, certificate: string, verify = '', more = ''): string {
  const code = certificate === '' ? '' : `proxy_ssl_certificate_by_lua_block { ${certificate} }`;
  const judge = verify === '' ? '' : `proxy_ssl_verify_by_lua_block { ${verify} }`;
  return `location = ${path} { proxy_pass https://127.0.0.1:${backends[to]}; proxy_ssl_name backend.example;
    ${more} ${code} ${judge} }\n`;
}

const CHECK = 'proxy_ssl_verify on; proxy_ssl_trusted_certificate root.crt;';
const OWN = 'proxy_ssl_certificate client.crt; proxy_ssl_certificate_key client.key;';
const RESULT = 'local v = require "ngx.ssl.proxysslverify"';

before(async () => {
  const asks = { requestCert: true, rejectUnauthorized: false, ca: pki.pem('root.crt') };
  const old = { maxVersion: 'TLSv1.2' } as const;
  backends = {
    plain: await tlsBackend(['good']),
    asking: await tlsBackend(['good'], asks),
    asking12: await tlsBackend(['good'], { ...asks, ...old }),
    again: await tlsBackend(['good'], asks),
    impatient: await tlsBackend(['good'], { ...asks, handshakeTimeout: 100 }),
    stranger: await tlsBackend(['stranger']),
    stranger12: await tlsBackend(['stranger'], old),
    good12: await tlsBackend(['good'], old),
  };
  port = await freePort();
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text, 'latin1');
  writeFileSync(join(folder, 'code.lua'), 'ngx.log(ngx.WARN, "from a file in ", ngx.get_phase())');
  mkdirSync(join(folder, 'logs'));
  const one = 'proxy_next_upstream_tries 1;';
  const locations = [
    location('/logs/plain', 'plain', 'ngx.log(ngx.WARN, "handler runs")'),
    location('/logs/asking', 'asking', 'ngx.log(ngx.WARN, "handler runs")', '', OWN),
    location('/large', 'again', 'ngx.log(ngx.WARN, "handler runs")', '', `${OWN} client_max_body_size 0;`).replace(
      '= ',
      '',
    ),
    location('/show', 'asking', `${SHOW} ngx.sleep(0.02) show("client2")`, '', OWN),
    location('/show12', 'asking12', `${SHOW} show("client2")`),
    location(
      '/der',
      'asking',
      `local ssl, cert = require "ngx.ssl", require "ngx.ssl.proxysslcert"
       local function read(file) return io.open("${folder}/" .. file):read("*a") end
       assert(cert.clear_certs())
       assert(cert.set_der_cert(ssl.cert_pem_to_der(read("client.crt"))))
       assert(cert.set_der_priv_key(ssl.priv_key_pem_to_der(read("client.key"))))`,
    ),
    location('/clear', 'asking', 'assert(require "ngx.ssl.proxysslcert".clear_certs())', '', OWN),
    location(
      '/bad',
      'asking',
      `${SHOW} show("client2")
       local ssl, cert = require "ngx.ssl", require "ngx.ssl.proxysslcert"
       local other = assert(ssl.parse_pem_priv_key(io.open("${folder}/client.key"):read("*a")))
       ngx.log(ngx.WARN, "bad: ", table.concat({ select(2, cert.set_priv_key(other)), select(2, cert.set_cert(nil)),
         select(2, cert.set_priv_key(ngx.null)), select(2, cert.set_der_cert("x")),
         select(2, cert.set_der_priv_key("")) }, ", "))`,
    ),
    location(
      '/version',
      'again',
      'ngx.log(ngx.WARN, "version ", require "ngx.proxyssl".get_tls1_version_str(), " ", ngx.get_phase())',
      '',
      'proxy_ssl_session_reuse off;',
    ),
    location('/error', 'asking', 'error("oh no")', '', one),
    location('/exit', 'asking', 'ngx.sleep(0.01) ngx.exit(ngx.ERROR)', '', one),
    location('/exit-ok', 'asking', 'ngx.exit(ngx.OK)', '', OWN),
    location('/leaving', 'impatient', 'ngx.sleep(0.4) ngx.log(ngx.WARN, "still here")', '', one),
    location('/slow', 'asking', 'ngx.sleep(5) ngx.log(ngx.WARN, "never")', '', `${one} proxy_connect_timeout 150ms;`),
    location('/client-leaves', 'asking', 'ngx.log(ngx.WARN, "waits") ngx.sleep(5) ngx.log(ngx.WARN, "never")'),
    `location = /file { proxy_pass https://127.0.0.1:${backends['asking']}; ${OWN}
       proxy_ssl_certificate_by_lua_file code.lua; proxy_ssl_verify_by_lua_file code.lua; }`,
    `location = /syntax { proxy_pass https://127.0.0.1:${backends['asking']}; ${one}
       proxy_ssl_certificate_by_lua_block { oh no } }`,
    `location = /outside { content_by_lua_block {
       ngx.say(require "ngx.proxyssl".get_tls1_version())
       ngx.say(require "ngx.ssl.proxysslcert".clear_certs())
       ngx.say(select(2, pcall(require "ngx.ssl.proxysslverify".get_verify_result)))
     } }`,

    location('/verify', 'plain', '', `${RESULT} ngx.log(ngx.WARN, "result ", v.get_verify_result())`, CHECK),
    location('/revoked', 'plain', '', `${RESULT} ngx.sleep(0.01) v.set_verify_result(23)`, CHECK + one),
    location(
      '/forgive',
      'stranger12',
      '',
      `${RESULT} ngx.log(ngx.WARN, "result ", v.get_verify_result())
      v.set_verify_result(0)`,
      CHECK + one,
    ),
    location('/forgive-not', 'stranger12', '', 'ngx.log(ngx.WARN, "not forgiven")', CHECK + one),
    location(
      '/judge',
      'stranger',
      '',
      `${RESULT} ngx.log(ngx.WARN, "result ", v.get_verify_result(), " ",
      type(v.get_verify_cert()))`,
      'lua_upstream_skip_openssl_default_verify on;',
    ),
    location('/verify-error', 'plain', '', 'error("oh no")', CHECK + one),
    location('/verify-exit', 'plain', '', 'ngx.sleep(0.01) ngx.exit(ngx.ERROR)', CHECK + one),
    location('/verify-kept', 'good12', '', 'ngx.log(ngx.WARN, "judged")', CHECK),
    location('/both', 'asking12', `${SHOW} show("client2")`, 'ngx.log(ngx.WARN, "judged")', CHECK),
    location('/peer', 'stranger', '', '', `${one} proxy_ssl_conf_command VerifyMode Peer;`),
    location('/peer-not', 'stranger', '', '', `${one} proxy_ssl_conf_command VerifyMode -Peer;`),
  ];
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; error_log logs/error.log info; pid logs/pid; events {}
    http { access_log off; server { listen 127.0.0.1:${port}; proxy_next_upstream off; ${locations.join('')} } }`,
  );
  server = await RunningServer.start(folder, ['-p', folder, '-c', 'nginx.conf', '-g', GLOBALS], port);
});
after(async () => {
  await server?.stop();
  closeBackends();
  rmSync(folder, { recursive: true, force: true });
});

function log(): string {
  return readFileSync(join(folder, 'logs/error.log'), 'latin1');
}

/** The answer, and what was logged meanwhile. */
async function get(path: string): Promise<{ status: number; body: string; logged: string }> {
  const before = log().length;
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const body = await response.text();
  return { status: response.status, body, logged: log().slice(before) };
}

async function served(path: string, client: string): Promise<string> {
  const { status, body, logged } = await get(path);
  assert.equal(status, 200, logged);
  assert.match(body, new RegExp(`client=${client} `));
  return logged;
}

async function failed(path: string, status: number, ...patterns: RegExp[]): Promise<void> {
  const answer = await get(path);
  assert.equal(answer.status, status, answer.logged);
  for (const pattern of patterns) assert.match(answer.logged, pattern);
}

describe('proxy_ssl_certificate_by_lua', () => {
  it('runs when the backend asks, and only then', async () => {
    assert.doesNotMatch(await served('/logs/plain', '-'), /handler runs/);
    assert.match(await served('/logs/asking', 'client'), /handler runs while loading proxy ssl certificate by lua, /);
  });
  for (const path of ['/show', '/show12']) {
    it(`${path}: shows what is chosen, also by later connections`, async () => {
      await served(path, 'client2');
      await served(path, 'client2');
    });
  }
  it('does not stand in the way of large bodies', async () => {
    const { body, logged } = await get('/large/size3000000');
    assert.match(logged, /handler runs/);
    assert.equal(body, 'x'.repeat(3000000));
    const sent = await fetch(`http://127.0.0.1:${port}/large/`, { method: 'POST', body: 'y'.repeat(2000000) });
    assert.match(await sent.text(), /client=client length=2000000$/);
  });
  it('takes DER', async () => void (await served('/der', 'client')));
  it('shows none when all are cleared', async () => void (await served('/clear', '-')));
  it('says what is wrong with keys and certificates', async () => {
    assert.match(
      await served('/bad', 'client2'),
      /bad: SSL_use_PrivateKey\(\) failed, invalid certificate chain, invalid private key, d2i_X509_bio\(\) failed, d2i_PrivateKey_bio\(\) failed/,
    );
  });
  it('knows the protocol', async () => {
    assert.match(await served('/version', '-'), /version TLSv1.3 proxy_ssl_cert while/);
    assert.match(await served('/version', '-'), /version TLSv1.3 proxy_ssl_cert while/);
  });
  it('fails the handshake with an error', () =>
    failed(
      '/error',
      502,
      /runtime error: proxy_ssl_certificate_by_lua\(nginx.conf:\d+\):1: oh no/,
      /SSL_do_handshake\(\) failed \(SSL: error:0A0000EA:SSL routines::callback failed\) while proxy pass SSL handshaking/,
    ));
  it('fails it with code that cannot be loaded', () => failed('/syntax', 502, /failed to load inlined Lua code/));
  it('fails it by ngx.exit(ngx.ERROR)', () => failed('/exit', 502, /callback failed/));
  it('goes on after ngx.exit(ngx.OK)', async () => void (await served('/exit-ok', 'client')));
  it('notices afterwards that the backend has left', () =>
    failed('/leaving', 502, /still here/, /(peer|prematurely) closed connection/));
  it('counts as a part of proxy_connect_timeout', async () => {
    await failed(
      '/slow',
      504,
      /upstream timed out \(110: Connection timed out\) while loading proxy ssl certificate by lua/,
    );
  });
  it('ends with its client', async () => {
    const started = log().length;
    const asked = request({ port, path: '/client-leaves' });
    asked.on('error', () => {});
    asked.end();
    while (!log().slice(started).includes('waits')) await sleep(10);
    asked.destroy();
    while (!log().slice(started).includes('prematurely closed connection')) await sleep(10);
    assert.doesNotMatch(log(), /never/);
  });
  it('may be in a file, like the other', async () => {
    const logged = await served('/file', 'client');
    assert.match(logged, /from a file in proxy_ssl_cert while/);
    assert.match(logged, /from a file in proxy_ssl_verify while/);
  });
  it('has an API that says when there is no handshake', async () => {
    const { body } = await get('/outside');
    assert.equal(body, 'nilbad request\nnilbad request\nAPI disabled in the current context\n');
  });
});

describe('proxy_ssl_verify_by_lua', () => {
  it('knows what OpenSSL found out', async () => {
    assert.match(await served('/verify', '-'), /result 0 while loading proxy ssl verify by lua/);
  });
  it('may find fault', () =>
    failed('/revoked', 502, /upstream SSL certificate verify error: \(23:certificate revoked\)/));
  it('may forgive, for its own location only', async () => {
    assert.match(await served('/forgive', '-'), /result 21/);
    await failed('/forgive-not', 502, /not forgiven/, /upstream SSL certificate verify error: \(21:/);
    // No session was kept: it is asked again.
    assert.match(await served('/forgive', '-'), /result 21/);
  });
  it('may judge alone', async () => assert.match(await served('/judge', '-'), /result 0 cdata/));
  for (const path of ['/verify-error', '/verify-exit']) {
    it(`${path}: fails the handshake`, () =>
      failed(
        path,
        502,
        /\[crit\].*SSL_do_handshake\(\) failed \(SSL: error:0A000086:SSL routines::certificate verify failed\)/,
      ));
  }
  it('is not asked about a session that is resumed', async () => {
    assert.match(await served('/verify-kept', '-'), /judged/);
    assert.doesNotMatch(await served('/verify-kept', '-'), /judged/);
  });
  it('runs besides the other', async () => assert.match(await served('/both', 'client2'), /judged/));
});

describe('VerifyMode', () => {
  it('Peer refuses strangers', () => failed('/peer', 502, /error:0A000086:SSL routines::certificate verify failed/));
  it('without Peer nobody minds', async () => void (await served('/peer-not', '-')));
});

describe('configurations', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      'location / { proxy_pass http://127.0.0.1:1; proxy_ssl_certificate_by_lua_block { } }',
      /\[emerg\] proxy_ssl_certificate_by_lua\* should be used with proxy_pass https url/,
    ],
    [
      'location / { proxy_ssl_verify_by_lua_block { } }',
      /\[emerg\] proxy_ssl_verify_by_lua\* should be used with proxy_pass https url/,
    ],
    ['proxy_ssl_verify_by_lua_block { }', /"proxy_ssl_verify_by_lua_block" directive is not allowed here/],
    [
      'location / { proxy_pass https://127.0.0.1:1; proxy_ssl_verify_by_lua_block { } proxy_ssl_verify_by_lua_file x; }',
      /"proxy_ssl_verify_by_lua_file" directive is duplicate/,
    ],
    [
      'location / { proxy_pass https://127.0.0.1:1; proxy_ssl_conf_command VerifyMode Never; }',
      /SSL_CONF_cmd\("VerifyMode", "Never"\) failed/,
    ],
    [
      'listen 127.0.0.1:1 ssl; ssl_certificate client.crt; ssl_certificate_key client.key; ssl_conf_command VerifyMode Peer;',
      /SSL_CONF_cmd\("VerifyMode", "Peer"\) is not supported by tsresty/,
    ],
  ];
  for (const [block, expected] of cases) {
    it(`refuses ${block.slice(0, 70)}`, () => {
      writeFileSync(join(folder, 'bad.conf'), `events {} http { server { ${block} } }`);
      const args = [join(root, 'bin/tsresty'), '-t', '-p', folder, '-c', 'bad.conf'];
      const { stderr, status } = spawnSync(process.execPath, args, { encoding: 'latin1' });
      assert.equal(status, 1);
      assert.match(stderr, expected);
    });
  }
});
