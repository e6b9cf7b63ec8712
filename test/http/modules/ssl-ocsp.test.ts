// OCSP by real requests: what servers staple, and what they find out about certificates of clients. Responders are
// OpenSSL's own, and some that do not do what they should.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { freePort } from '../../support/server.ts';
import { OcspAuthority } from '../ocsp-authority.ts';
import { loadHttp, TestServer } from '../test-server.ts';

const authority = new OcspAuthority();
const { pki } = authority;
const sockets = new Set<Socket>();
/** What the responder does: answers with these bytes, or nothing. */
let act: (request: Buffer, socket: Socket) => Buffer | undefined = () => undefined;
/** Requests that came. */
const asked: string[] = [];
const responder = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    const text = data.toString('latin1');
    asked.push(text);
    const der = Buffer.from(decodeURIComponent((text.split(' ')[1] as string).split('/').pop() as string), 'base64');
    const answer = act(der, socket);
    if (answer !== undefined) socket.end(answer);
  });
});
let port = 0;
let real = 0;

const HEADER = 'HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n';
const http = (body: Buffer, header = HEADER): Buffer => Buffer.concat([Buffer.from(header, 'latin1'), body]);
const honest = (request: Buffer): Buffer => http(authority.answer('root', request));

before(async () => {
  responder.listen(0, '127.0.0.1');
  await once(responder, 'listening');
  port = (responder.address() as AddressInfo).port;
  real = await freePort();
  pki.root('root');
  pki.root('other');
  const url = `http://127.0.0.1:${port}/ask`;
  authority.issue('server', 'root', url);
  authority.issue('known', 'root', `http://127.0.0.1:${real}`);
  authority.issue('silent', 'root', '');
  authority.issue('named', 'root', `http://responder.example:${port}`);
  authority.issue('secure', 'root', 'https://127.0.0.1/');
  authority.issue('client', 'root', url);
  authority.issue('middle', 'root', url, ['basicConstraints=critical,CA:TRUE']);
  authority.issue('deep', 'middle', url);
  await authority.listen('root', real);
});
after(() => {
  responder.close();
  for (const socket of sockets) socket.destroy();
  authority.remove();
});

const NAMES = ['server', 'known', 'silent', 'named', 'secure'];

/** A server with a certificate; the folder has all certificates. */
function serve(name: string, more: string, chain = ''): TestServer {
  const files: Record<string, string> = { 'root.crt': pki.pem('root.crt'), 'other.crt': pki.pem('other.crt') };
  for (const one of NAMES) {
    files[`${one}.crt`] = pki.pem(`${one}.crt`) + (one === name && chain !== '' ? pki.pem(`${chain}.crt`) : '');
    files[`${one}.key`] = pki.pem(`${one}.key`);
  }
  asked.length = 0;
  return new TestServer(
    `server { listen 127.0.0.1:1 ssl; ssl_certificate ${name}.crt; ssl_certificate_key ${name}.key; ${more}
      location / { return 200 "$ssl_client_verify"; } }`,
    files,
  );
}

/** What a client that asks gets with the certificate. */
function staple(server: TestServer): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const options = { port: server.port, host: '127.0.0.1', requestOCSP: true, rejectUnauthorized: false };
    const socket = connect(options);
    let response: Buffer | null = null;
    socket.on('OCSPResponse', (found: Buffer | null) => {
      response = found;
    });
    socket.on('secureConnect', () => {
      socket.end();
      resolve(response ?? undefined);
    });
    socket.on('error', reject);
  });
}

/** What was logged, but for clients that leave without a request. */
function problems(server: TestServer): string[] {
  return server.log.filter((line) => !line.startsWith('client closed connection while waiting for request'));
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !condition(); i++) await sleep(10);
  assert.ok(condition());
}

const CHAIN = 'ssl_trusted_certificate root.crt;';

describe('ssl_stapling', () => {
  it('gives the first client nothing, and fetches a response for the next ones', async () => {
    act = honest;
    const server = serve('server', 'ssl_stapling on;', 'root');
    try {
      assert.equal(await staple(server), undefined);
      await until(() => asked.length === 1);
      let response: Buffer | undefined;
      for (let i = 0; i < 100 && response === undefined; i++) {
        await sleep(10);
        response = await staple(server);
      }
      assert.ok(response !== undefined);
      assert.deepEqual(await staple(server), response);
      assert.equal(asked.length, 1);
      assert.match(asked[0] as string, /^GET \/ask\/[A-Za-z0-9%]+ HTTP\/1\.0\r\nHost: 127\.0\.0\.1\r\n\r\n$/);
      assert.deepEqual(problems(server), []);
    } finally {
      server.close();
    }
  });

  it("takes OpenSSL's own responder, and verifies it", async () => {
    const server = serve('known', `ssl_stapling on; ssl_stapling_verify on; ${CHAIN}`);
    try {
      let response = await staple(server);
      for (let i = 0; i < 200 && response === undefined; i++) {
        await sleep(10);
        response = await staple(server);
      }
      assert.ok(response !== undefined, server.log.join('\n'));
    } finally {
      server.close();
    }
  });

  const bad: readonly (readonly [string, (request: Buffer, socket: Socket) => Buffer | undefined, RegExp])[] = [
    ['garbage', () => Buffer.from('garbage\r\n'), /^OCSP responder sent invalid response/],
    ['nothing', () => Buffer.alloc(0), /^OCSP responder prematurely closed connection/],
    ['half a header', () => Buffer.from('HTTP/1.0 200 OK\r\nContent-'), /^OCSP responder prematurely closed/],
    [
      'a page',
      () => Buffer.from('HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nhello'),
      /^OCSP responder sent invalid "Content-Type" header: "text\/html"/,
    ],
    ['no DER', () => http(Buffer.from('hello')), /^d2i_OCSP_RESPONSE\(\) failed/],
    ['a refusal', () => http(Buffer.from([0x30, 3, 0x0a, 1, 3])), /^OCSP response not successful \(3: trylater\)/],
    ['too much', () => http(Buffer.alloc(70000, 0x30)), /^d2i_OCSP_RESPONSE\(\) failed/],
    [
      'a reset',
      (_request, socket) => {
        socket.resetAndDestroy();
        return undefined;
      },
      /^recv\(\) failed \(104: Connection reset by peer\)/,
    ],
  ];
  for (const [what, does, expected] of bad) {
    it(`is not misled by ${what}`, async () => {
      act = does;
      const server = serve('server', 'ssl_stapling on;', 'root');
      try {
        assert.equal(await staple(server), undefined);
        await until(() => problems(server).length > 0);
        assert.match(problems(server)[0] as string, expected);
        assert.match(
          problems(server)[0] as string,
          / while requesting certificate status, responder: 127\.0\.0\.1, peer: 127\.0\.0\.1:\d+, certificate: ".*\/server\.crt"$/,
        );
        assert.equal(await staple(server), undefined);
        assert.equal(asked.length, 1);
      } finally {
        server.close();
      }
    });
  }

  it('does not staple what is revoked', async () => {
    act = honest;
    authority.say('server', 'revoked');
    const server = serve('server', 'ssl_stapling on;', 'root');
    try {
      await staple(server);
      await until(() => problems(server).length > 0);
      assert.match(
        problems(server)[0] as string,
        /^certificate status "revoked" in the OCSP response while requesting/,
      );
      assert.equal(await staple(server), undefined);
    } finally {
      server.close();
      authority.say('server', 'good');
    }
  });

  it('does not staple what is signed by somebody else', async () => {
    act = (request) => http(authority.answer('root', request, { signer: 'other' }));
    for (const [verify, expected] of [
      [
        'on',
        /OCSP_basic_verify\(\) failed \(SSL: error:13800065:OCSP routines::certificate verify error:Verify error: self-signed certificate\)/,
      ],
      ['off', undefined],
    ] as const) {
      const server = serve('server', `ssl_stapling on; ssl_stapling_verify ${verify}; ${CHAIN}`);
      try {
        await staple(server);
        if (expected === undefined) {
          let response: Buffer | undefined;
          for (let i = 0; i < 100 && response === undefined; i++) {
            await sleep(10);
            response = await staple(server);
          }
          assert.ok(response !== undefined);
        } else {
          await until(() => problems(server).length > 0);
          assert.match(problems(server)[0] as string, expected);
        }
      } finally {
        server.close();
      }
    }
  });

  it('is patient with a responder that hangs', async () => {
    act = () => undefined;
    const server = serve('server', 'ssl_stapling on;', 'root');
    try {
      assert.equal(await staple(server), undefined);
      await until(() => asked.length === 1);
      assert.equal(await staple(server), undefined);
      assert.equal(asked.length, 1);
      assert.deepEqual(problems(server), []);
    } finally {
      server.close();
    }
  });

  it('asks the responder that is named', async () => {
    act = honest;
    const server = serve('silent', `ssl_stapling on; ssl_stapling_responder http://127.0.0.1:${port}/there/; ${CHAIN}`);
    try {
      await staple(server);
      await until(() => asked.length === 1);
      assert.match(asked[0] as string, /^GET \/there\/[^/]+ HTTP\/1\.0\r\n/);
    } finally {
      server.close();
    }
  });

  it('is ignored with a warning where there is nobody to ask', () => {
    const cases: readonly (readonly [string, string, string])[] = [
      ['server', '', 'issuer certificate not found for certificate "DIR/server.crt"'],
      ['silent', CHAIN, 'no OCSP responder URL in the certificate "DIR/silent.crt"'],
      [
        'secure',
        CHAIN,
        'invalid URL prefix in OCSP responder "https://127.0.0.1/" in the certificate "DIR/secure.crt"',
      ],
      [
        'named',
        CHAIN,
        `host not found in OCSP responder "responder.example:${port}" in the certificate "DIR/named.crt"`,
      ],
      [
        'silent',
        `${CHAIN} ssl_stapling_responder "http://127.0.0.1/a b";`,
        'invalid character in OCSP responder "127.0.0.1/a?b" in the certificate "DIR/silent.crt"',
      ],
    ];
    for (const [name, more, expected] of cases) {
      const server = serve(name, `ssl_stapling on; ${more}`);
      assert.deepEqual(
        server.log.map((line) => line.replaceAll(server.dir, 'DIR')),
        [`"ssl_stapling" ignored, ${expected}`],
      );
      server.close();
    }
  });
});

describe('ssl_ocsp', () => {
  const VERIFY = 'ssl_verify_client on; ssl_client_certificate root.crt; ssl_verify_depth 3;';

  /** A request with a certificate. */
  function get(server: TestServer, name: string, chain = ''): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const cert = pki.pem(`${name}.crt`) + (chain === '' ? '' : pki.pem(`${chain}.crt`));
      const options = { port: server.port, host: '127.0.0.1', rejectUnauthorized: false, agent: false as const };
      const asking = httpsRequest({ ...options, cert, key: pki.pem(`${name}.key`) }, (response) => {
        let body = '';
        response.on('data', (data) => {
          body += data;
        });
        response.on('end', () => resolve({ status: response.statusCode as number, body }));
      });
      asking.on('error', reject);
      asking.end();
    });
  }

  it('lets in whose certificate is good', async () => {
    act = honest;
    const server = serve('server', `ssl_ocsp on; ${VERIFY}`);
    try {
      assert.deepEqual(await get(server, 'client'), { status: 200, body: 'SUCCESS' });
      assert.equal(asked.length, 1);
      assert.deepEqual(server.log, []);
    } finally {
      server.close();
    }
  });

  for (const verdict of ['revoked', 'unknown'] as const) {
    it(`keeps out whose certificate is ${verdict}`, async () => {
      act = honest;
      authority.say('client', verdict);
      const server = serve('server', `ssl_ocsp on; ${VERIFY} error_page 495 =200 /;`);
      try {
        const text = verdict === 'revoked' ? 'certificate revoked' : 'certificate status unknown';
        assert.deepEqual(await get(server, 'client'), { status: 200, body: `FAILED:${text}` });
        assert.match(server.log[0] as string, new RegExp(`^client SSL certificate verify error: ${text}`));
      } finally {
        server.close();
        authority.say('client', 'good');
      }
    });
  }

  it('keeps out whose certificate nobody can tell about', async () => {
    const cases: readonly (readonly [string, typeof act, RegExp])[] = [
      [
        'client',
        () => Buffer.from('garbage\r\n'),
        /^OCSP responder sent invalid response while requesting certificate status, responder: 127\.0\.0\.1, peer: /,
      ],
      ['client', () => http(Buffer.alloc(0), 'HTTP/1.1 500 Oops\r\n\r\n'), /^client SSL certificate verify error: /],
      ['client', (request) => http(authority.answer('root', request, { signer: 'other' })), /certificate verify error/],
      ['silent', honest, /^no OCSP responder URL in certificate/],
      ['secure', honest, /^invalid URL prefix in OCSP responder "https:\/\/127\.0\.0\.1\/" in certificate/],
      ['named', honest, /^no resolver defined to resolve responder\.example/],
    ];
    for (const [name, does, expected] of cases) {
      act = does;
      const server = serve('server', `ssl_ocsp on; ${VERIFY}`);
      try {
        const { status, body } = await get(server, name);
        assert.equal(status, 400);
        assert.match(body, /The SSL certificate error/);
        assert.match(server.log[0] as string, expected);
        assert.match(
          server.log.at(-1) as string,
          /^client SSL certificate verify error: certificate status request failed while reading client request/,
        );
      } finally {
        server.close();
      }
    }
  });

  it('looks responders up', async () => {
    act = honest;
    let code = 0;
    // Answers each question for an A record with 127.0.0.1, or with an error.
    const names = createSocket('udp4', (query, from) => {
      const question = query.subarray(12);
      const header = Buffer.from([
        query[0] as number,
        query[1] as number,
        0x81,
        0x80 | code,
        0,
        1,
        0,
        code === 0 ? 1 : 0,
        0,
        0,
        0,
        0,
      ]);
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
      names.send(Buffer.concat(code === 0 ? [header, question, record] : [header, question]), from.port, from.address);
    });
    names.bind(0, '127.0.0.1');
    await once(names, 'listening');
    const resolver = `resolver 127.0.0.1:${names.address().port} ipv6=off;`;
    try {
      let server = serve('server', `ssl_ocsp on; ${VERIFY} ${resolver}`);
      assert.deepEqual(await get(server, 'named'), { status: 200, body: 'SUCCESS' }, server.log.join('\n'));
      assert.match(asked[0] as string, /\r\nHost: responder\.example\r\n/);
      server.close();
      code = 3;
      server = serve('server', `ssl_ocsp on; ${VERIFY} ${resolver}`);
      assert.equal((await get(server, 'named')).status, 400);
      assert.match(
        server.log[0] as string,
        /^responder\.example could not be resolved \(3: Host not found\) while requesting certificate status, responder: responder\.example$/,
      );
      server.close();
    } finally {
      names.close();
    }
  });

  it('asks about the whole chain, or about the leaf', async () => {
    const both = (request: Buffer): Buffer => {
      for (const by of ['root', 'middle']) {
        const answer = authority.answer(by, request);
        // A responder does not know certificates of others.
        if (!answer.includes(Buffer.from([0x82, 0x00, 0x18]))) return http(answer);
      }
      return http(Buffer.alloc(0));
    };
    act = both;
    for (const [mode, requests] of [
      ['on', 2],
      ['leaf', 1],
    ] as const) {
      const server = serve('server', `ssl_ocsp ${mode}; ${VERIFY}`);
      try {
        assert.deepEqual(await get(server, 'deep', 'middle'), { status: 200, body: 'SUCCESS' }, server.log.join('\n'));
        assert.equal(asked.length, requests);
      } finally {
        server.close();
      }
    }
  });

  it('asks the responder that is named, once where answers are kept', async () => {
    act = honest;
    const named = `ssl_ocsp_responder http://127.0.0.1:${port}; ssl_ocsp_cache shared:ocsp:64k;`;
    const server = serve('server', `ssl_ocsp on; ${named} ${VERIFY}`);
    try {
      for (let i = 0; i < 3; i++) assert.equal((await get(server, 'silent')).status, 200);
      assert.equal(asked.length, 1);
      assert.match(asked[0] as string, /^GET \/[^/]+ HTTP\/1\.0\r\n/);
      authority.say('client', 'revoked');
      for (let i = 0; i < 2; i++) assert.equal((await get(server, 'client')).status, 400);
      assert.equal(asked.length, 2);
    } finally {
      server.close();
      authority.say('client', 'good');
    }
  });

  it('waits for a responder as long as for a client', async () => {
    act = () => undefined;
    const server = serve('server', `ssl_ocsp on; client_header_timeout 200ms; ${VERIFY}`);
    try {
      await assert.rejects(get(server, 'client'));
      assert.match(
        server.log.at(-1) as string,
        /^client timed out \(110: Connection timed out\) while SSL handshaking/,
      );
    } finally {
      server.close();
    }
  });

  it('asks nobody about clients without a certificate, or with a bad one', async () => {
    act = honest;
    const server = serve('server', 'ssl_ocsp on; ssl_verify_client optional; ssl_client_certificate other.crt;');
    try {
      assert.equal((await get(server, 'client')).status, 400);
      assert.equal(asked.length, 0);
    } finally {
      server.close();
    }
  });

  it('refuses what cannot be', () => {
    const server = (more: string): string =>
      `server { listen 127.0.0.1:1 ssl; ssl_certificate ${authority.path('server.crt')};
        ssl_certificate_key ${authority.path('server.key')}; ssl_ocsp on; ${more} }`;
    for (const [more, expected] of [
      ['ssl_verify_client optional_no_ca;', /^"ssl_ocsp" is incompatible with "ssl_verify_client optional_no_ca"$/],
      ['ssl_ocsp_responder ftp://x;', /^invalid URL prefix in OCSP responder "ftp:\/\/x" in "ssl_ocsp_responder"$/],
      ['ssl_ocsp_responder http://x:0;', /^invalid port in OCSP responder "x:0" in "ssl_ocsp_responder"$/],
      ['ssl_ocsp_cache x;', /^invalid OCSP cache "x"/],
      ['ssl_ocsp_cache shared::8m;', /^invalid OCSP cache "shared::8m"/],
      ['ssl_ocsp_cache shared:x:1k;', /^OCSP cache "shared:x:1k" is too small/],
      ['ssl_ocsp leaf;', /"ssl_ocsp" directive is duplicate/],
    ] as const) {
      assert.throws(
        () => loadHttp(server(more)),
        (e) => e instanceof Error && expected.test(e.message),
        more,
      );
    }
  });
});
