// TLS to backends by real requests: each situation has a location, and where nginx is installed, status, body and log
// are nginx's with the same configuration.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { LOG_LEVEL_NAMES } from '../../../../src/log/log.ts';
import { hasNginx, RealNginx } from '../../nginx.ts';
import { TestServer } from '../../test-server.ts';
import { closeBackends, FILES, hastyBackend, pki, rawBackend, tlsBackend } from './tls-backends.ts';

/** What a location says, and what a request to it gives. */
interface Situation {
  readonly conf: string;
  readonly status: number;
  /** The body, where it is the backend's. */
  readonly body?: string;
  /** Lines of the log from `warn` on, up to `, client:`; none by default. */
  readonly log?: readonly string[];
  /** nginx 1.22 does not know it, as later versions do. */
  readonly differs?: boolean;
  /** nginx 1.22 takes it for critical. */
  readonly critical?: boolean;
}

const WHILE = ' while SSL handshaking to upstream';
const VERIFY = 'proxy_ssl_verify on; proxy_ssl_trusted_certificate %DIR%/root.crt; proxy_ssl_name backend.example;';
const TOLD = (sni: string, client = '-', protocol = 'TLSv1.3') => `sni=${sni} ${protocol} client=${client} length=0`;
const BAD = (number: number, text: string) => [
  `error upstream SSL certificate verify error: (${number}:${text})${WHILE}`,
];
const NO_MATCH = (name: string) => [`error upstream SSL certificate does not match "${name}"${WHILE}`];
const CLOSED = [`error peer closed connection in SSL handshake${WHILE}`];
const TIMED_OUT = [`error upstream timed out (110: Connection timed out)${WHILE}`];
const PAIR = 'proxy_ssl_certificate %DIR%/client.crt; proxy_ssl_certificate_key %DIR%/client.key;';

let situations: Readonly<Record<string, Situation>> = {};
let server: TestServer;
let nginx: RealNginx | undefined;
let good = 0;

async function describeAll(): Promise<Record<string, Situation>> {
  good = await tlsBackend(['good']);
  const plainname = await tlsBackend(['plainname']);
  const wrong = await tlsBackend(['wrong']);
  const stranger = await tlsBackend(['stranger']);
  const expired = await tlsBackend(['expired']);
  const future = await tlsBackend(['future']);
  const revoked = await tlsBackend(['revoked']);
  const self = await tlsBackend(['self']);
  const deep1 = await tlsBackend(['deep1', 'middle']);
  const deep2 = await tlsBackend(['deep2', 'middle2', 'middle']);
  const partial = await tlsBackend(['deep1']);
  const wanting = await tlsBackend(['good'], { requestCert: true, rejectUnauthorized: false, ca: pki.pem('root.crt') });
  const strict = await tlsBackend(['good'], { requestCert: true, ca: pki.pem('root.crt') });
  const strict12 = await tlsBackend(['good'], { requestCert: true, ca: pki.pem('root.crt'), maxVersion: 'TLSv1.2' });
  const old = await tlsBackend(['good'], { maxVersion: 'TLSv1.2' });
  const recent = await tlsBackend(['good'], { minVersion: 'TLSv1.3' });
  const oneCipher = await tlsBackend(['good'], { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
  const http = await rawBackend((socket) => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
  const garbage = await rawBackend((socket) => socket.end('garbage that is no TLS at all, but long enough'));
  const closing = await rawBackend((socket) => socket.end());
  const hasty = await hastyBackend((socket) => socket.end());
  const resetting = await rawBackend((socket) => socket.resetAndDestroy());
  const alerting = await rawBackend((socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 40])));
  const unnamed = await rawBackend((socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 112])));
  const slow = await rawBackend(() => {});
  const halting = await rawBackend((socket) => void socket.write(Buffer.from([22, 3, 3, 0, 80, 2])));
  await tlsBackend(['good'], {}, `${pki.dir}/backend.sock`);
  const to = (port: number, path = '/') => `proxy_pass https://127.0.0.1:${port}${path};`;
  const two = (a: number, b: number) => `upstream two${a}x${b} { server 127.0.0.1:${a}; server 127.0.0.1:${b}; }`;
  blocks = [two(slow, good), two(garbage, good), two(expired, good), two(closing, slow)].join('\n');

  return {
    plain: { conf: to(good), status: 200, body: TOLD('-') },
    sni: {
      conf: `${to(good)} proxy_ssl_server_name on; proxy_ssl_name n.example;`,
      status: 200,
      body: TOLD('n.example'),
    },
    sni_port: {
      conf: `${to(good)} proxy_ssl_server_name on; proxy_ssl_name n.example:8443;`,
      status: 200,
      body: TOLD('n.example'),
    },
    sni_address: { conf: `${to(good)} proxy_ssl_server_name on;`, status: 200, body: TOLD('-') },
    sni_address6: {
      conf: `${to(good)} proxy_ssl_server_name on; proxy_ssl_name [::1]:8;`,
      status: 200,
      body: TOLD('-'),
    },
    sni_empty: { conf: `${to(good)} proxy_ssl_server_name on; proxy_ssl_name "";`, status: 200, body: TOLD('-') },
    sni_variable: {
      conf: `${to(good)} proxy_ssl_server_name on; proxy_ssl_name $host;`,
      status: 200,
      body: TOLD('localhost'),
    },
    sni_upstream: {
      conf: `proxy_pass https://named; proxy_ssl_server_name on;`,
      status: 200,
      body: TOLD('named'),
    },
    variable: {
      conf: `set $b 127.0.0.1:${good}; proxy_pass https://$b/x; proxy_ssl_server_name on; proxy_ssl_name v.example;`,
      status: 200,
      body: TOLD('v.example'),
    },
    variable_named: {
      conf: 'set $b named; proxy_pass https://$b/x; proxy_ssl_server_name on;',
      status: 200,
      body: TOLD('named'),
    },
    unix: { conf: `proxy_pass https://unix:${pki.dir}/backend.sock:/x;`, status: 200, body: TOLD('-') },
    upper: { conf: `proxy_pass HTTPS://127.0.0.1:${good};`, status: 200, body: TOLD('-') },
    body: { conf: to(good, '/size70000'), status: 200, body: 'x'.repeat(70000) },
    if: { conf: `if ($uri) { set $x 1; } ${to(good)}`, status: 200, body: TOLD('-') },
    if_own: { conf: `if ($uri) { proxy_pass https://127.0.0.1:${good}; }`, status: 200, body: TOLD('-') },

    verified: { conf: `${to(good)} ${VERIFY}`, status: 200, body: TOLD('-') },
    verified_wild: { conf: `${to(good)} ${VERIFY.replace('backend', 'a.wild')}`, status: 200, body: TOLD('-') },
    verified_case: { conf: `${to(good)} ${VERIFY.replace('backend', 'BACKEND')}`, status: 200, body: TOLD('-') },
    verified_port: { conf: `${to(good)} ${VERIFY.replace('.example', '.example:443')}`, status: 200, body: TOLD('-') },
    verified_cn: { conf: `${to(plainname)} ${VERIFY}`, status: 200, body: TOLD('-') },
    verified_crl: { conf: `${to(good)} ${VERIFY} proxy_ssl_crl %DIR%/root.crl;`, status: 200, body: TOLD('-') },
    verified_sni: {
      conf: `${to(good)} ${VERIFY} proxy_ssl_server_name on;`,
      status: 200,
      body: TOLD('backend.example'),
    },
    verified_self: {
      conf: `${to(self)} proxy_ssl_verify on; proxy_ssl_trusted_certificate %DIR%/self.crt; proxy_ssl_name self;`,
      status: 200,
      body: TOLD('-'),
    },
    verified_deep: { conf: `${to(deep1)} ${VERIFY}`, status: 200, body: TOLD('-') },
    verified_deep2: { conf: `${to(deep2)} ${VERIFY} proxy_ssl_verify_depth 2;`, status: 200, body: TOLD('-') },
    too_deep: { conf: `${to(deep2)} ${VERIFY}`, status: 502, log: BAD(20, 'unable to get local issuer certificate') },
    depth0: {
      conf: `${to(deep1)} ${VERIFY} proxy_ssl_verify_depth 0;`,
      status: 502,
      log: BAD(20, 'unable to get local issuer certificate'),
    },
    partial: {
      conf: `${to(partial)} ${VERIFY}`,
      status: 502,
      log: BAD(21, 'unable to verify the first certificate'),
    },
    wrong_name: { conf: `${to(wrong)} ${VERIFY}`, status: 502, log: NO_MATCH('backend.example') },
    wild_two: {
      conf: `${to(good)} ${VERIFY.replace('backend', 'a.b.wild')}`,
      status: 502,
      log: NO_MATCH('a.b.wild.example'),
    },
    address_name: {
      conf: `${to(good)} proxy_ssl_verify on; proxy_ssl_trusted_certificate %DIR%/root.crt;`,
      status: 502,
      log: NO_MATCH('127.0.0.1'),
    },
    empty_name: {
      conf: `${to(good)} proxy_ssl_verify on; proxy_ssl_trusted_certificate %DIR%/root.crt; proxy_ssl_name "";`,
      status: 502,
      log: NO_MATCH(''),
    },
    stranger: {
      conf: `${to(stranger)} ${VERIFY}`,
      status: 502,
      log: BAD(21, 'unable to verify the first certificate'),
    },
    self: { conf: `${to(self)} ${VERIFY}`, status: 502, log: BAD(18, 'self-signed certificate') },
    expired: { conf: `${to(expired)} ${VERIFY}`, status: 502, log: BAD(10, 'certificate has expired') },
    expired_off: { conf: to(expired), status: 200, body: TOLD('-') },
    future: { conf: `${to(future)} ${VERIFY}`, status: 502, log: BAD(9, 'certificate is not yet valid') },
    revoked: {
      conf: `${to(revoked)} ${VERIFY} proxy_ssl_crl %DIR%/root.crl;`,
      status: 502,
      log: BAD(23, 'certificate revoked'),
    },
    revoked_off: { conf: `${to(revoked)} ${VERIFY}`, status: 200, body: TOLD('-') },
    no_crl: {
      conf: `${to(deep1)} ${VERIFY} proxy_ssl_crl %DIR%/root.crl;`,
      status: 502,
      log: BAD(3, 'unable to get certificate CRL'),
    },

    client: { conf: `${to(wanting)} ${PAIR}`, status: 200, body: TOLD('-', 'client') },
    client_strict: { conf: `${to(strict)} ${PAIR}`, status: 200, body: TOLD('-', 'client') },
    client_none: { conf: to(wanting), status: 200, body: TOLD('-') },
    client_off: {
      conf: `${to(wanting)} proxy_ssl_certificate ""; proxy_ssl_certificate_key "";`,
      status: 200,
      body: TOLD('-'),
      differs: true,
    },
    client_locked: {
      conf: `${to(strict)} ${PAIR.replace('client.key', 'locked.key')} proxy_ssl_password_file %DIR%/passwords;`,
      status: 200,
      body: TOLD('-', 'client'),
    },
    client_variable: {
      conf: `${to(strict)} set $n client2; proxy_ssl_certificate %DIR%/$n.crt; proxy_ssl_certificate_key %DIR%/$n.key;`,
      status: 200,
      body: TOLD('-', 'client2'),
    },
    client_variable_locked: {
      conf: `${to(strict)} set $n client; proxy_ssl_certificate $n.crt; proxy_ssl_certificate_key %DIR%/locked.key;
        proxy_ssl_password_file %DIR%/passwords;`,
      status: 200,
      body: TOLD('-', 'client'),
    },
    client_variable_empty: {
      conf: `${to(wanting)} set $n ""; proxy_ssl_certificate $n; proxy_ssl_certificate_key $n;`,
      status: 200,
      body: TOLD('-'),
    },
    client_variable_missing: {
      conf: `${to(strict)} set $n no; proxy_ssl_certificate %DIR%/$n.crt; proxy_ssl_certificate_key %DIR%/$n.key;`,
      status: 500,
      log: [
        'error cannot load certificate "DIR/no.crt": BIO_new_file() failed (SSL: error:80000002:system library::' +
          'No such file or directory:calling fopen(DIR/no.crt, r) error:10000080:BIO routines::no such file) while connecting to upstream',
      ],
    },
    client_variable_mismatch: {
      conf: `${to(strict)} set $n client; proxy_ssl_certificate %DIR%/$n.crt; proxy_ssl_certificate_key %DIR%/\${n}2.key;`,
      status: 500,
      log: [
        'error SSL_use_PrivateKey("DIR/client2.key") failed (SSL: error:05800074:x509 certificate routines::' +
          'key values mismatch) while connecting to upstream',
      ],
    },
    client_refused12: {
      conf: to(strict12),
      status: 502,
      log: [
        'error SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert ' +
          `number 40)${WHILE}`,
      ],
    },
    client_refused13: {
      conf: to(strict),
      status: 502,
      log: [
        'error SSL_read() failed (SSL: error:0A00045C:SSL routines::tlsv13 alert certificate required:SSL alert ' +
          'number 116) while reading response header from upstream',
      ],
      critical: true,
    },

    old: { conf: to(old), status: 200, body: TOLD('-', '-', 'TLSv1.2') },
    own_old: { conf: `${to(good)} proxy_ssl_protocols TLSv1.2;`, status: 200, body: TOLD('-', '-', 'TLSv1.2') },
    own_only: {
      conf: `${to(good)} proxy_ssl_protocols TLSv1.2; proxy_ssl_conf_command MinProtocol TLSv1.2;`,
      status: 200,
      body: TOLD('-', '-', 'TLSv1.2'),
    },
    too_old: {
      conf: `${to(recent)} proxy_ssl_protocols TLSv1.2;`,
      status: 502,
      log: [
        'error SSL_do_handshake() failed (SSL: error:0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert ' +
          `number 70)${WHILE}`,
      ],
    },
    too_recent: {
      conf: `${to(old)} proxy_ssl_protocols TLSv1.3;`,
      status: 502,
      log: [
        'error SSL_do_handshake() failed (SSL: error:0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert ' +
          `number 70)${WHILE}`,
      ],
    },
    no_cipher: {
      conf: `${to(oneCipher)} proxy_ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;`,
      status: 502,
      log: [
        'error SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert ' +
          `number 40)${WHILE}`,
      ],
    },
    cipher: {
      conf: `${to(oneCipher)} proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;`,
      status: 200,
      body: TOLD('-', '-', 'TLSv1.2'),
    },

    http: {
      conf: to(http),
      status: 502,
      log: [`error SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)${WHILE}`],
    },
    garbage: {
      conf: to(garbage),
      status: 502,
      log: [`error SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)${WHILE}`],
    },
    closing: { conf: to(closing), status: 502, log: CLOSED },
    hasty: { conf: to(hasty), status: 502, log: CLOSED },
    resetting: {
      conf: to(resetting),
      status: 502,
      log: [`error peer closed connection in SSL handshake (104: Connection reset by peer)${WHILE}`],
    },
    alerting: {
      conf: to(alerting),
      status: 502,
      log: [
        'error SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert ' +
          `number 40)${WHILE}`,
      ],
    },
    unnamed: {
      conf: to(unnamed),
      status: 502,
      log: [
        'error SSL_do_handshake() failed (SSL: error:0A000458:SSL routines::tlsv1 unrecognized name:SSL alert ' +
          `number 112)${WHILE}`,
      ],
      critical: true,
    },
    refused: {
      conf: 'proxy_pass https://127.0.0.1:1/;',
      status: 502,
      log: ['error connect() failed (111: Connection refused) while connecting to upstream'],
    },
    slow: { conf: `${to(slow)} proxy_connect_timeout 300ms;`, status: 504, log: TIMED_OUT },
    halting: { conf: `${to(halting)} proxy_connect_timeout 300ms;`, status: 504, log: TIMED_OUT },

    next_slow: {
      conf: `proxy_pass https://two${slow}x${good}; proxy_connect_timeout 300ms;`,
      status: 200,
      body: TOLD('-'),
      log: TIMED_OUT,
    },
    next_garbage: {
      conf: `proxy_pass https://two${garbage}x${good};`,
      status: 200,
      body: TOLD('-'),
      log: [`error SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)${WHILE}`],
    },
    next_expired: {
      conf: `proxy_pass https://two${expired}x${good}; ${VERIFY}`,
      status: 200,
      body: TOLD('-'),
      log: BAD(10, 'certificate has expired'),
    },
    next_off: {
      conf: `proxy_pass https://two${closing}x${slow}; proxy_next_upstream off;`,
      status: 502,
      log: CLOSED,
    },
    cut: {
      conf: to(good, '/size100000/cut'),
      status: 200,
      body: 'x'.repeat(100000),
    },
  };
}

let blocks = '';

before(async () => {
  situations = await describeAll();
  const block = (all: readonly (readonly [string, Situation])[]): string => `
    proxy_temp_path %DIR%/p; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_ssl_protocols TLSv1.2 TLSv1.3;
    # nginx resumes sessions of other locations, whose settings were others.
    proxy_ssl_session_reuse off;
    ${blocks}
    upstream named { server 127.0.0.1:${good}; }
    server { listen 127.0.0.1:1; ${all.map(([name, { conf }]) => `location = /${name} { ${conf} }`).join('\n')} }`;
  const all = Object.entries(situations);
  server = new TestServer(block(all), FILES);
  const common = all.filter(([, { differs }]) => differs !== true);
  if (hasNginx) nginx = await RealNginx.start(block(common), FILES);
});
after(async () => {
  server?.close();
  await nginx?.stop();
  closeBackends();
});

/** A response of any server. */
async function ask(port: number, text: string): Promise<{ status: number; body: string }> {
  const raw = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setTimeout(5000, () => socket.destroy(new Error(`no end after: ${received}`)));
    socket.on('data', (data) => {
      received += data.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
    socket.write(text, 'latin1');
  });
  return { status: Number(raw.split(' ')[1]), body: raw.slice(raw.indexOf('\r\n\r\n') + 4) };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;

/** Lines from `warn` on without what depends on the connection. */
function worth(lines: readonly string[]): string[] {
  return lines
    .filter((line) => !/^(info|notice|debug) /.test(line) && !line.includes('temporarily disabled'))
    .map((line) => line.replace(/, client: .*/, ''));
}

function ownLog(from: number): string[] {
  return server.log
    .slice(from)
    .map((line, i) => `${LOG_LEVEL_NAMES[server.levels[from + i] as number]} ${line.replaceAll(server.dir, 'DIR')}`);
}

describe('situations', () => {
  it('are answered and logged as they should be, which is as nginx does', async () => {
    const wrong: unknown[] = [];
    for (const [name, { status, body, log, differs, critical }] of Object.entries(situations)) {
      const from = server.log.length;
      const answer = await ask(server.port, get(`/${name}`));
      const expected = { status, body: body ?? answer.body, log: [...(log ?? [])] };
      const seen = { ...answer, log: worth(ownLog(from)) };
      if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push({ name, seen, expected });
      if (nginx === undefined || differs === true) continue;
      const nginxFrom = nginx.log.length;
      const theirs = await ask(nginx.port, get(`/${name}`));
      let lines = worth(nginx.log.slice(nginxFrom));
      if (critical === true) lines = lines.map((line) => line.replace(/^crit /, 'error '));
      const nginxSeen = { ...theirs, body: body === undefined ? answer.body : theirs.body, log: lines };
      if (JSON.stringify(seen) !== JSON.stringify(nginxSeen)) wrong.push({ name, seen, nginx: nginxSeen });
    }
    assert.deepEqual(wrong, []);
    assert.ok(Object.keys(situations).length > 60);
  });

  it('are logged with the URL of the backend', async () => {
    const from = server.log.length;
    await ask(server.port, get('/expired'));
    assert.match(
      server.log[from] as string,
      /handshaking to upstream, client: 127\.0\.0\.1, server: , request: "GET \/expired HTTP\/1\.1", upstream: "https:\/\/127\.0\.0\.1:\d+\/", host: "localhost"/,
    );
  });
});
