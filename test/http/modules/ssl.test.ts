// HTTPS by real requests. Certificates are made by the openssl command; what is answered is compared with nginx where
// that is installed.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { loadHttp, TestServer } from '../test-server.ts';

const NGINX = '/usr/sbin/nginx';
const hasNginx = existsSync(NGINX);

const pki = mkdtempSync(join(tmpdir(), 'tsresty-pki-'));
after(() => rmSync(pki, { recursive: true, force: true }));

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: pki, stdio: 'pipe' });
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function authority(name: string): void {
  openssl(
    'req',
    '-x509',
    ...EC,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.crt`,
    '-days',
    '30',
    '-subj',
    `/CN=${name}`,
  );
}

/** A certificate signed by another one. */
function signed(name: string, subject: string, by: string, isAuthority = false): void {
  openssl('req', ...EC, '-utf8', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
  writeFileSync(join(pki, 'ext'), `basicConstraints=CA:${isAuthority ? 'TRUE' : 'FALSE'}\n`);
  const from = ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial', '-extfile', 'ext'];
  openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, '-days', '30', ...from);
}

authority('root');
authority('other');
signed('a', '/CN=a.example', 'root');
signed('b', '/CN=b.example', 'root');
const SUBJECT = '/C=DE/O=Müller, Söhne \\+ Co \\/ Co/OU=#1 "unit"/CN=client+UID=7/emailAddress=c@example.com';
signed('client', SUBJECT, 'root');
signed('stranger', '/CN=stranger', 'other');
signed('middle', '/CN=middle', 'root', true);
signed('middle2', '/CN=middle2', 'middle', true);
signed('deep', '/CN=deep', 'middle2');
openssl('ec', '-in', 'a.key', '-aes128', '-passout', 'pass:second', '-out', 'locked.key');

function pem(...names: string[]): string {
  return names.map((name) => readFileSync(join(pki, name), 'latin1')).join('');
}

const FILES = Object.fromEntries(
  ['root.crt', 'other.crt', 'a.crt', 'a.key', 'b.crt', 'b.key', 'locked.key'].map((name) => [name, pem(name)]),
);

/** What of a TLS client a test is about, and the request that it sends. */
interface Client extends ConnectionOptions {
  readonly text?: string;
}

function client(options: Client): Client {
  return { rejectUnauthorized: false, servername: 'a.example', ...options };
}

/** Sends a request and gathers what comes until the server closes; an error's text instead. */
async function ask(port: number, options: Client = {}): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', ...client(options) });
  return gather(socket, options.text ?? 'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
}

async function gather(socket: TLSSocket, text: string): Promise<string> {
  let received = '';
  socket.setTimeout(5000, () => socket.destroy(new Error(`no end after: ${received}`)));
  socket.on('data', (data: Buffer) => {
    received += data.toString('latin1');
  });
  socket.on('error', (e: NodeJS.ErrnoException) => {
    received += `<${e.code}>`;
  });
  socket.on('secureConnect', () => socket.write(text, 'latin1'));
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

async function body(port: number, options: Client = {}): Promise<string> {
  const answer = await ask(port, options);
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}

const PAIR = 'ssl_certificate %DIR%/a.crt; ssl_certificate_key %DIR%/a.key;';

function serve(block: string): TestServer {
  const server = new TestServer(block, FILES);
  after(() => server.close());
  return server;
}

const stopNginx: (() => Promise<void>)[] = [];
after(async () => {
  for (const stop of stopNginx) await stop();
});

/** nginx with the same http block, when it is installed. */
async function serveNginx(block: string): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'tsresty-nginx-'));
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  taken.close();
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(dir, name), text, 'latin1');
  const own = `error_log ${dir}/e.log info; access_log off; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p;
    fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;`;
  const inside = block.replaceAll('127.0.0.1:1 ', `127.0.0.1:${port} `).replaceAll('%DIR%', dir);
  writeFileSync(
    join(dir, 'nginx.conf'),
    `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/e.log; events {}\nhttp { ${own}\n${inside} }\n`,
    'latin1',
  );
  const nginx: ChildProcess = spawn(NGINX, ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'e.log')]);
  stopNginx.push(async () => {
    nginx.kill();
    await once(nginx, 'exit');
    rmSync(dir, { recursive: true, force: true });
  });
  for (let i = 0; i < 100; i++) {
    const probe = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    probe.destroy();
    if (open) return port;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nginx does not listen: ${readFileSync(join(dir, 'e.log'), 'latin1')}`);
}

describe('requests over TLS', () => {
  const server = serve(`
    ${PAIR}
    server {
      listen 127.0.0.1:1 ssl; server_name a.example;
      location / { return 200 "$scheme $https $server_name $ssl_server_name $ssl_protocol $ssl_alpn_protocol"; }
      location /cipher { return 200 "$ssl_cipher $ssl_client_verify [$ssl_client_s_dn][$ssl_early_data]"; }
      location /big { alias %DIR%/big; }
      location /echo { client_max_body_size 10m; client_body_buffer_size 4m; echo_read_request_body; echo -n $request_length; }
    }
    server {
      listen 127.0.0.1:1 ssl; server_name b.example *.b.example;
      ssl_certificate %DIR%/b.crt; ssl_certificate_key %DIR%/b.key; ssl_protocols TLSv1.2;
      location / { return 200 "$server_name $ssl_protocol"; }
    }`);
  writeFileSync(join(server.dir, 'big'), 'x'.repeat(3_000_000));

  it('knows that it is HTTPS, and what the client asked for', async () => {
    assert.equal(
      await body(server.port, { ALPNProtocols: ['h2', 'http/1.1'] }),
      'https on a.example a.example TLSv1.3 http/1.1',
    );
    const options = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const;
    const text = 'GET /cipher HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n';
    assert.equal(await body(server.port, { ...options, text }), 'ECDHE-ECDSA-AES128-GCM-SHA256 NONE [][]');
  });

  it('answers by the server that the client names, with its certificate and protocols', async () => {
    for (const [servername, name, protocol] of [
      ['a.example', 'a.example', 'TLSv1.3'],
      ['b.example', 'b.example', 'TLSv1.2'],
      ['x.B.example', 'b.example', 'TLSv1.2'],
      ['unknown.example', 'a.example', 'TLSv1.3'],
    ] as const) {
      const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false, servername });
      await once(socket, 'secureConnect');
      assert.equal(socket.getPeerCertificate().subject.CN, name);
      assert.equal(socket.getProtocol(), protocol);
      socket.destroy();
    }
  });

  it('lets the Host field choose another server', async () => {
    const text = 'GET / HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n';
    assert.equal(await body(server.port, { text }), 'b.example TLSv1.3');
  });

  it('sends large files and takes large bodies', async () => {
    const text = 'GET /big HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n';
    assert.equal((await body(server.port, { text })).length, 3_000_000);
    const head = 'POST /echo HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n';
    const answer = await body(server.port, { text: head + 'y'.repeat(2_000_000) });
    assert.equal(answer, `7\r\n${head.length + 2_000_000}\r\n0\r\n\r\n`);
  });

  it('keeps connections, and answers requests that come together', async () => {
    const one = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
    const last = 'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n';
    const answers = await ask(server.port, { text: one + one + last });
    assert.equal(answers.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
    const requested = request({
      port: server.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      servername: 'b.example',
    });
    requested.end();
    const [response] = (await once(requested, 'response')) as [import('node:http').IncomingMessage];
    assert.equal(response.statusCode, 200);
    response.resume();
  });

  it('ends with close_notify, not with a bare FIN', async () => {
    // openssl reports the alert with -msg.
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-msg', '-ign_eof']);
    let out = '';
    client.stdout.on('data', (data: Buffer) => {
      out += data.toString('latin1');
    });
    client.stdin.write('GET / HTTP/1.0\r\n\r\n');
    await once(client, 'exit');
    assert.match(out, /Alert.*\n\s+01 00/);
  });

  it('refuses plain HTTP on the port', async () => {
    const answer = await server.send('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /<title>400 The plain HTTP request was sent to HTTPS port<\/title>/);
    assert.match(
      server.log.join('\n'),
      /client sent plain HTTP request to HTTPS port while reading client request headers, client: 127\.0\.0\.1/,
    );
  });

  it('logs handshakes that fail', async () => {
    server.log.length = 0;
    await ask(server.port, { ALPNProtocols: ['foo'] });
    await ask(server.port, { servername: 'b.example', minVersion: 'TLSv1.3' });
    const broken = connect(server.port, '127.0.0.1');
    broken.end(Buffer.from('160301ffff0100', 'hex'));
    await once(broken.resume(), 'close');
    const short = connect(server.port, '127.0.0.1');
    short.end(Buffer.from('16', 'hex'));
    await once(short.resume(), 'close');
    const where = ' while SSL handshaking, client: 127.0.0.1, server: 127.0.0.1:1';
    assert.deepEqual(server.log, [
      `SSL_do_handshake() failed (SSL: error:0A0000EB:SSL routines::no application protocol)${where}`,
      `SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol)${where}`,
      server.log[2],
      `peer closed connection in SSL handshake${where}`,
    ]);
    assert.match(server.log[2] as string, /^SSL_do_handshake\(\) failed \(SSL: error:0A[0-9A-F]{6}:SSL routines::/);
  });
});

describe('sessions', () => {
  const reused = 'location / { return 200 $ssl_session_reused; }';

  async function twice(port: number, options: Client = {}): Promise<string> {
    let session: Buffer | undefined;
    const socket = connectTls({ port, host: '127.0.0.1', ...client(options) });
    socket.on('session', (ticket) => {
      session = ticket;
    });
    const text = 'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n';
    const first = await gather(socket, text);
    return first.slice(-1) + (await ask(port, { ...options, session })).slice(-1);
  }

  it('are resumed by tickets', async () => {
    const { port } = serve(`${PAIR} server { listen 127.0.0.1:1 ssl; ssl_session_cache shared:SSL:1m; ${reused} }`);
    assert.equal(await twice(port), '.r');
    assert.equal(await twice(port, { maxVersion: 'TLSv1.2' }), '.r');
  });

  it('are not without tickets', async () => {
    const { port } = serve(`${PAIR} server { listen 127.0.0.1:1 ssl; ssl_session_tickets off; ${reused} }`);
    assert.equal(await twice(port, { maxVersion: 'TLSv1.2' }), '..');
  });
});

describe('the time for a handshake', () => {
  const server = serve(`${PAIR} client_header_timeout 50ms; server { listen 127.0.0.1:1 ssl; }`);

  it('is client_header_timeout', async () => {
    const silent = connect(server.port, '127.0.0.1');
    await once(silent.resume(), 'close');
    const slow = connect(server.port, '127.0.0.1');
    slow.write(Buffer.from('1603010200', 'hex'));
    await once(slow.resume(), 'close');
    const line = 'client timed out (110: Connection timed out) while SSL handshaking, client: 127.0.0.1';
    assert.deepEqual(server.log, [`${line}, server: 127.0.0.1:1`, `${line}, server: 127.0.0.1:1`]);
  });
});

describe('ssl_reject_handshake', () => {
  const server = serve(`
    server { listen 127.0.0.1:1 ssl; ssl_reject_handshake on; }
    server { listen 127.0.0.1:1 ssl; server_name a.example; ${PAIR} location / { return 200 a; } }`);

  it('sends the alert unrecognized_name', async () => {
    assert.equal(await body(server.port), 'a');
    assert.match(await ask(server.port, { servername: 'x.example' }), /^<ERR_SSL_TLSV1_UNRECOGNIZED_NAME>/);
    assert.match(server.log.join('\n'), /^handshake rejected while SSL handshaking, client: 127\.0\.0\.1, server: /m);
  });
});

const CLIENT_BLOCK = `
  ${PAIR} ssl_client_certificate %DIR%/root.crt;
  server { listen 127.0.0.1:1 ssl; server_name a.example; ssl_verify_client optional; location / { return 200
    "$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_s_dn_legacy|$ssl_client_i_dn_legacy|$ssl_client_serial|$ssl_client_fingerprint|$ssl_client_v_start|$ssl_client_v_end|$ssl_client_v_remain|$ssl_client_escaped_cert|$ssl_client_raw_cert|$ssl_client_cert"; } }
  server { listen 127.0.0.1:1 ssl; server_name on.example; ssl_verify_client on; location / { return 200 $ssl_client_verify; } }
  server { listen 127.0.0.1:1 ssl; server_name noca.example; ssl_verify_client optional_no_ca; location / { return 200 $ssl_client_verify; } }
  server { listen 127.0.0.1:1 ssl; server_name deep.example; ssl_verify_client on; ssl_verify_depth 2; location / { return 200 $ssl_client_verify; } }`;

/** By RFC 2253 and in the old form. */
const GOOD = new RegExp(
  String.raw`\r\n\r\nSUCCESS\|emailAddress=c@example\.com,UID=7\+CN=client,OU=\\#1 \\"unit\\",O=M\\C3\\BCller\\, S\\C3\\B6hne \\\+ Co / Co,C=DE` +
    String.raw`\|CN=root\|/C=DE/O=M\\xC3\\xBCller, S\\xC3\\xB6hne \\\+ Co \\/ Co/OU=#1 "unit"/CN=client\+UID=7/emailAddress=c@example\.com\|/CN=root\|`,
);

describe('client certificates', () => {
  const server = serve(CLIENT_BLOCK);
  const ports: number[] = [server.port];
  const cases: readonly { name: string; host: string; who?: readonly string[]; expected: RegExp }[] = [
    { name: 'none, optional', host: 'a.example', expected: /\r\n\r\nNONE\|\|\|/ },
    { name: 'a good one, optional', host: 'a.example', who: ['client'], expected: GOOD },
    { name: 'none, on', host: 'on.example', expected: /<title>400 No required SSL certificate was sent</ },
    { name: 'a good one, on', host: 'on.example', who: ['client'], expected: /\r\n\r\nSUCCESS$/ },
    { name: 'a bad one, on', host: 'on.example', who: ['stranger'], expected: /400 The SSL certificate error</ },
    {
      name: 'a bad one, optional_no_ca',
      host: 'noca.example',
      who: ['stranger'],
      expected: /\r\n\r\nFAILED:unable to /,
    },
    { name: 'a long chain', host: 'on.example', who: ['deep', 'middle2', 'middle'], expected: /400 The SSL cert/ },
    { name: 'a long chain, deeper', host: 'deep.example', who: ['deep', 'middle2', 'middle'], expected: /\nSUCCESS$/ },
  ];

  it('have nginx for comparison, where it is installed', { skip: !hasNginx }, async () => {
    ports.push(await serveNginx(CLIENT_BLOCK));
  });

  for (const { name, host, who, expected } of cases) {
    it(name, async () => {
      const shown =
        who === undefined ? {} : { cert: pem(...who.map((one) => `${one}.crt`)), key: pem(`${who[0]}.key`) };
      const answers: string[] = [];
      for (const port of ports) {
        const text = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
        answers.push(await ask(port, { servername: host, text, ...shown }));
      }
      assert.match(answers[0] as string, expected);
      const strip = (answer: string): string =>
        answer
          .replace(/^(Server|Date|Content-Length): .*\r\n/gm, '')
          .replace(/<center>(nginx|tsresty)[^<]*<\/center>/, '');
      for (const answer of answers) assert.equal(strip(answers[0] as string), strip(answer));
    });
  }

  it('are not to be had by asking for another server', async () => {
    const text = 'GET / HTTP/1.1\r\nHost: on.example\r\nConnection: close\r\n\r\n';
    assert.match(await ask(server.port, { text }), /^HTTP\/1\.1 421 Misdirected Request\r\n/);
    const log = server.log.join('\n');
    assert.match(log, /client attempted to request the server name different from the one that was negotiated while/);
    assert.match(log, /client sent no required SSL certificate while reading client request headers, client: /);
    assert.match(
      log,
      /client SSL certificate verify error: \(2[01]:unable to .*\) while reading client request headers/,
    );
    assert.match(
      log,
      /client SSL certificate verify error: \(20:unable to get local issuer certificate\) while reading/,
    );
  });
});

describe('certificates whose names have variables', () => {
  const block = `
  map $ssl_server_name $pair { a.example a; b.example b; default none; }
  server { listen 127.0.0.1:1 ssl; server_name a.example b.example c.example; ssl_certificate %DIR%/$pair.crt;
    ssl_certificate_key $pair.key; location / { return 200 "$ssl_server_name $remote_addr"; } }`;
  const server = new TestServer(block, FILES);
  after(() => server.close());

  async function shown(port: number, servername: string): Promise<string> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, servername });
    const end = once(socket, 'secureConnect').then(
      () => String(socket.getPeerCertificate().subject.CN),
      (e: NodeJS.ErrnoException) => String(e.code),
    );
    const result = await end;
    socket.destroy();
    return result;
  }

  it('are chosen in the handshake, as nginx does', async () => {
    const ports = [server.port];
    if (hasNginx) ports.push(await serveNginx(block));
    for (const port of ports) {
      assert.equal(await shown(port, 'a.example'), 'a.example');
      assert.equal(await shown(port, 'b.example'), 'b.example');
      assert.equal(await shown(port, 'c.example'), 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR');
      const answer = await body(port, {
        servername: 'b.example',
        text: 'GET / HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n',
      });
      assert.equal(answer, 'b.example 127.0.0.1');
    }
    const log = server.log.join('\n');
    assert.match(
      log,
      /cannot load certificate ".*none\.crt": BIO_new_file\(\) failed \(SSL: .*\) while SSL handshaking, client: 127\.0\.0\.1/,
    );
    assert.match(log, /SSL_do_handshake\(\) failed \(SSL: error:0A000179:SSL routines::cert cb error\) while SSL/);
  });

  it('are read again without a cache, and not before its time with one', async () => {
    const pairs = (cache: string) => `server { listen 127.0.0.1:1 ssl; ssl_certificate %DIR%/$ssl_server_name.crt;
      ssl_certificate_key %DIR%/$ssl_server_name.key; ${cache} }`;
    for (const [cache, expected] of [
      ['', 'b.example'],
      ['ssl_certificate_cache max=3 valid=1h;', 'a.example'],
    ] as const) {
      const one = new TestServer(pairs(cache), FILES);
      try {
        assert.equal(await shown(one.port, 'a'), 'a.example');
        for (const kind of ['crt', 'key']) writeFileSync(join(one.dir, `a.${kind}`), FILES[`b.${kind}`] as string);
        assert.equal(await shown(one.port, 'a'), expected);
      } finally {
        one.close();
      }
    }
  });
});

describe('ssl_stapling_file', () => {
  it('is given to clients that ask, as nginx does', async () => {
    openssl('ocsp', '-issuer', 'root.crt', '-cert', 'a.crt', '-reqout', 'ocsp.req');
    writeFileSync(join(pki, 'index.txt'), '');
    const responder = ['-index', 'index.txt', '-CA', 'root.crt', '-rsigner', 'root.crt', '-rkey', 'root.key'];
    openssl('ocsp', ...responder, '-reqin', 'ocsp.req', '-respout', 'ocsp.der', '-ndays', '30');
    const block = `server { listen 127.0.0.1:1 ssl; ${PAIR} ssl_stapling on; ssl_stapling_file ${pki}/ocsp.der;
      location / { return 200 ok; } }`;
    const server = new TestServer(block, FILES);
    try {
      const ports = [server.port];
      if (hasNginx) ports.push(await serveNginx(block));
      for (const port of ports) {
        for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
          const options = { ...client({ port, host: '127.0.0.1' }), requestOCSP: true, maxVersion };
          const socket = connectTls(options);
          const [response] = (await once(socket, 'OCSPResponse')) as [Buffer];
          assert.deepEqual(response, readFileSync(join(pki, 'ocsp.der')));
          socket.destroy();
        }
        assert.equal(await body(port), 'ok');
      }
    } finally {
      server.close();
    }
  });
});

describe('keys behind a password', () => {
  it('are read with one of ssl_password_file', async () => {
    const server = new TestServer(
      `ssl_password_file %DIR%/pass; server { listen 127.0.0.1:1 ssl; ssl_certificate %DIR%/a.crt;
       ssl_certificate_key %DIR%/locked.key; location / { return 200 ok; } }`,
      { ...FILES, pass: 'first\r\n\nsecond\n' },
    );
    after(() => server.close());
    assert.equal(await body(server.port), 'ok');
  });
});

describe('configurations that cannot work', () => {
  const good = `ssl_certificate ${pki}/a.crt; ssl_certificate_key ${pki}/a.key;`;
  const server = (inside: string): string => `server { listen 127.0.0.1:1 ssl; ${inside} }`;
  writeFileSync(join(pki, 'empty'), '');
  writeFileSync(join(pki, 'short'), 'x');

  /** Those whose message is nginx's own, also of the older one that may be installed. */
  const same: Readonly<Record<string, string>> = {
    'no key': server(`ssl_certificate ${pki}/a.crt;`),
    'no certificate': server(''),
    'no such certificate': server(`ssl_certificate ${pki}/none; ssl_certificate_key ${pki}/a.key;`),
    'no such key': server(`ssl_certificate ${pki}/a.crt; ssl_certificate_key ${pki}/none;`),
    'an empty certificate': server(`ssl_certificate ${pki}/empty; ssl_certificate_key ${pki}/a.key;`),
    'an empty key': server(`ssl_certificate ${pki}/a.crt; ssl_certificate_key ${pki}/empty;`),
    'the wrong key': server(`ssl_certificate ${pki}/a.crt; ssl_certificate_key ${pki}/b.key;`),
    'no such ciphers': server(`${good} ssl_ciphers nonsense;`),
    'no such protocol': server(`${good} ssl_protocols TLSv9;`),
    'no such DH parameters': server(`${good} ssl_dhparam ${pki}/none;`),
    'no such passwords': server(`${good} ssl_password_file ${pki}/none;`),
    'a short ticket key': server(`${good} ssl_session_ticket_key ${pki}/short;`),
    'a small session cache': server(`${good} ssl_session_cache shared:a:1k;`),
    'a wrong session cache': server(`${good} ssl_session_cache shared:a;`),
    'a wrong verification': server(`${good} ssl_verify_client maybe;`),
    'a value twice': server(`${good} ssl_dhparam a; ssl_dhparam b;`),
  };

  function nginxSays(block: string): string {
    const dir = mkdtempSync(join(tmpdir(), 'tsresty-nginx-'));
    mkdirSync(join(dir, 'logs'));
    writeFileSync(join(dir, 'nginx.conf'), `events {}\nhttp {\n${block}\n}\n`);
    const { stderr } = spawnSync(NGINX, ['-t', '-p', dir, '-c', join(dir, 'nginx.conf'), '-e', 'stderr']);
    rmSync(dir, { recursive: true });
    return /\[emerg\](?: \d+#\d+:)? (.*)/.exec(String(stderr))?.[1]?.replaceAll(dir, 'DIR') ?? String(stderr);
  }

  function weSay(block: string): string {
    try {
      loadHttp(block);
    } catch (e) {
      return (e as Error).message.replace(/\/\S*tsresty-http-\w+/, 'DIR');
    }
    return 'fine';
  }

  for (const [name, block] of Object.entries(same)) {
    it(`${name}, as nginx says it`, { skip: !hasNginx }, () => {
      assert.equal(weSay(block), nginxSays(block));
    });
  }

  const own: Readonly<Record<string, readonly [string, RegExp]>> = {
    'no authority': [
      server(`${good} ssl_verify_client on;`),
      /^no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client$/,
    ],
    'no such CRL': [
      server(`${good} ssl_crl ${pki}/none;`),
      /^cannot load CRL ".*\/none": BIO_new_file\(\) failed \(SSL: error:80000002:system library::No such file or dir/,
    ],
    'an empty CRL': [
      server(`${good} ssl_crl ${pki}/empty;`),
      /^cannot load CRL ".*\/empty": PEM_read_bio_X509_CRL\(\) failed \(SSL: error:0480006C:PEM routines::no start line/,
    ],
    'no such authority': [
      server(`${good} ssl_verify_client on; ssl_client_certificate ${pki}/none;`),
      /^cannot load certificate ".*\/none": BIO_new_file\(\) failed \(SSL: error:80000002:system library::/,
    ],
    'no such curve': [server(`${good} ssl_ecdh_curve nonsense;`), /^SSL_CTX_set1_curves_list\("nonsense"\) failed/],
    'no OCSP response': [
      server(`${good} ssl_stapling on; ssl_stapling_file ${pki}/root.crt;`),
      /^d2i_OCSP_RESPONSE_bio\(".*\/root\.crt"\) failed$/,
    ],
    'a command that Node cannot give': [
      server(`${good} ssl_conf_command VerifyCAFile x;`),
      /^SSL_CONF_cmd\("VerifyCAFile", "x"\) is not supported by tsresty$/,
    ],
    'a variable that Node cannot tell': [
      server(`${good} return 200 $ssl_curve;`),
      /^the "ssl_curve" variable is not supported by tsresty: Node\.js does not tell its value$/,
    ],
    'ssl on': [server(`${good} ssl on;`), /^unknown directive "ssl" in /],
    http2: [server(`${good} http2 on;`), /http2.*not supported/],
  };
  for (const [name, [block, message]] of Object.entries(own)) {
    it(name, () => {
      assert.match(weSay(block), message);
    });
  }

  it('warn of what is ignored', () => {
    const warnings: string[] = [];
    loadHttp(server(`${good} ssl_early_data on; ssl_session_tickets off; ssl_session_cache builtin;`), warnings);
    assert.deepEqual(warnings, ['"ssl_early_data" is not supported on this platform, ignored']);
  });

  it('take the commands that Node can give', () => {
    const commands = 'ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_conf_command Options PrioritizeChaCha;';
    assert.equal(weSay(server(`${good} ${commands} ssl_ecdh_curve X25519:prime256v1;`)), 'fine');
  });
});
