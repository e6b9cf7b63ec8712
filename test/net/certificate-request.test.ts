// A client's handshake that waits where the server asks for a certificate, against Node's own TLS server.
import assert from 'node:assert/strict';
import type { AddressInfo, Socket as NetSocket } from 'node:net';
import { after, describe, it } from 'node:test';
import { createSecureContext, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { connectTcp } from '../../src/net/connect.ts';
import { ServerFlight } from '../../src/net/server-flight.ts';
import type { Socket } from '../../src/net/socket.ts';
import { ClientHandshake, type ClientHandshakeOwner, type TlsClientOptions } from '../../src/net/tls-client.ts';
import { Pki } from '../http/pki.ts';

const pki = new Pki();
pki.root('root');
pki.signed('server', '/CN=server', 'root', { names: ['server'] });
pki.signed('client', '/CN=client', 'root');
const pair = (name: string) => ({ cert: pki.pem(`${name}.crt`), key: pki.pem(`${name}.key`) });

const servers: Server[] = [];
const sockets: NetSocket[] = [];
after(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
  pki.remove();
});

/** Its answer is the name in the client's certificate, or `nobody`. */
async function listen(options: TlsOptions): Promise<number> {
  const server = createServer({ ...pair('server'), ca: pki.pem('root.crt'), rejectUnauthorized: false, ...options });
  server.on('secureConnection', (socket) => {
    const peer = socket.getPeerCertificate();
    socket.end(String(peer.subject?.CN ?? 'nobody'));
  });
  server.on('tlsClientError', () => {});
  server.on('connection', (socket) => sockets.push(socket));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Outcome {
  readonly asked: string[];
  readonly answer: string;
  readonly session: Buffer | undefined;
}

/** Connects; `show` decides about the certificate. */
function handshake(port: number, show: 'client' | 'nothing', options: Partial<TlsClientOptions> = {}) {
  return new Promise<Outcome>((resolve, reject) => {
    const asked: string[] = [];
    let answer = '';
    let session: Buffer | undefined;
    let tls: ClientHandshake;
    const owner: ClientHandshakeOwner = {
      onSecure(secure: Socket, _stream: TLSSocket) {
        secure.owner = {
          onData: (buffer, start, end) => void (answer += buffer.toString('latin1', start, end)),
          onEnd: () => resolve({ asked, answer, session }),
          onError: (code) => reject(new Error(code)),
          onDrain() {},
          onClose() {},
        };
        secure.resume();
      },
      onHandshakeEnd: () => reject(new Error('end')),
      onHandshakeError: reject,
    };
    const socket = connectTcp(
      { address: '127.0.0.1', port },
      {
        onConnect() {
          tls = new ClientHandshake(
            socket,
            {
              context: createSecureContext(show === 'client' ? pair('client') : {}),
              serverName: 'server',
              session: undefined,
              onSession: (bytes) => {
                session = bytes;
              },
              onCertificateRequest: (protocol) => {
                asked.push(protocol);
                // Later, as user code that waits would.
                setTimeout(() => tls.goOn(), 5);
              },
              ...options,
            },
            owner,
          );
        },
        onData() {},
        onEnd() {},
        onError: (code) => reject(new Error(code)),
        onDrain() {},
        onClose() {},
      },
    );
  });
}

const SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const KINDS: readonly (readonly [string, TlsOptions])[] = [
  ['TLSv1.2', { maxVersion: 'TLSv1.2' }],
  ...SUITES.map((ciphers) => ['TLSv1.3', { ciphers, minVersion: 'TLSv1.3' }] as const),
];

describe('a handshake that waits for the certificate', () => {
  for (const [protocol, options] of KINDS) {
    const name = `${protocol} ${options.ciphers ?? ''}`;
    it(`${name}: shows it when asked`, async () => {
      const port = await listen({ ...options, requestCert: true });
      const { asked, answer } = await handshake(port, 'client');
      assert.deepEqual({ asked, answer }, { asked: [protocol], answer: 'client' });
    });
    it(`${name}: may show none`, async () => {
      const port = await listen({ ...options, requestCert: true });
      const { asked, answer } = await handshake(port, 'nothing');
      assert.deepEqual({ asked, answer }, { asked: [protocol], answer: 'nobody' });
    });
    it(`${name}: is not asked by a server that wants none`, async () => {
      const { asked, answer } = await handshake(await listen(options), 'client');
      assert.deepEqual({ asked, answer }, { asked: [], answer: 'nobody' });
    });
    it(`${name}: is not asked for a resumed session`, async () => {
      const port = await listen({ ...options, requestCert: true });
      const { session } = await handshake(port, 'client');
      const { asked } = await handshake(port, 'client', { session });
      assert.deepEqual(asked, []);
    });
  }

  it('goes through a HelloRetryRequest', async () => {
    const port = await listen({ requestCert: true, ecdhCurve: 'secp384r1', minVersion: 'TLSv1.3' });
    const { asked, answer } = await handshake(port, 'client');
    assert.deepEqual({ asked, answer }, { asked: ['TLSv1.3'], answer: 'client' });
  });
});

describe('ServerFlight', () => {
  const hello = (version: number, rest: number[] = []) => {
    const body = [version >> 8, version & 255, ...new Array(32).fill(7), 0, 0xc0, 0x2f, 0, ...rest];
    const message = [2, 0, 0, body.length, ...body];
    return Buffer.from([22, 3, 3, 0, message.length, ...message]);
  };
  const record = (type: number, ...bytes: number[]) => Buffer.from([type, 3, 3, 0, bytes.length, ...bytes]);

  it('holds the record back that asks, byte for byte', () => {
    const all = Buffer.concat([hello(0x0303), record(22, 11, 0, 0, 0), record(22, 13, 0, 0, 0, 14, 0, 0, 0)]);
    const flight = new ServerFlight();
    let out = '';
    for (const byte of all) out += flight.add(Buffer.from([byte])).toString('latin1');
    assert.equal(flight.state, 'wanted');
    assert.equal(flight.protocol, 'TLSv1.2');
    assert.equal(out + flight.rest().toString('latin1'), all.toString('latin1'));
    assert.equal(out.length, all.length - 13);
  });

  it('reads messages over several records', () => {
    const flight = new ServerFlight();
    flight.add(
      Buffer.concat([hello(0x0303), record(22, 11, 0, 0, 4, 1), record(22, 2, 3, 4, 13, 0), record(22, 0, 0)]),
    );
    assert.equal(flight.state, 'wanted');
  });

  for (const [what, bytes] of Object.entries({
    'an alert': record(21, 2, 40),
    'an end without a request': Buffer.concat([hello(0x0303), record(22, 14, 0, 0, 0)]),
    'a resumed session': Buffer.concat([hello(0x0303), record(20, 1)]),
    'plain text': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n' + ' '.repeat(20000), 'latin1'),
    'a short ServerHello': record(22, 2, 0, 0, 2, 3, 3),
    'extensions that end too late': hello(0x0303, [0, 9, 0, 43, 0, 2]),
    'encrypted records without a secret to come': Buffer.concat([hello(0x0303), record(23, 1, 2, 3)]),
  })) {
    it(`lets pass ${what}`, () => {
      const flight = new ServerFlight();
      assert.equal(flight.add(bytes).toString('latin1'), bytes.toString('latin1'));
      assert.equal(flight.state, 'done');
    });
  }

  it('asks to be safe when records cannot be read', () => {
    const flight = new ServerFlight();
    const versions = [0, 6, 0, 43, 0, 2, 3, 4];
    const first = hello(0x0303, versions);
    first.writeUInt16BE(0x1301, 5 + 4 + 35);
    assert.equal(flight.add(Buffer.concat([first, record(23, ...new Array(40).fill(1))])).length, first.length);
    assert.equal(flight.state, 'reading');
    flight.addSecret(`SERVER_HANDSHAKE_TRAFFIC_SECRET ${'00'.repeat(32)} ${'11'.repeat(32)}\n`);
    assert.equal(flight.state, 'wanted');
    assert.equal(flight.protocol, 'TLSv1.3');
  });
});
