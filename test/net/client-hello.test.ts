// What a TLS client asks for, from its first bytes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { HELLO_INCOMPLETE, HELLO_INVALID, parseClientHello } from '../../src/net/client-hello.ts';

async function helloOf(options: object): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [import('node:net').Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

test('a real one', async () => {
  const bytes = await helloOf({
    servername: 'a.example',
    ALPNProtocols: ['h2', 'http/1.1'],
    ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256',
    ecdhCurve: 'X25519:prime256v1',
  });
  const hello = parseClientHello(bytes);
  assert.ok(typeof hello === 'object');
  assert.equal(hello.serverName, 'a.example');
  assert.deepEqual(hello.protocols, ['h2', 'http/1.1']);
  assert.deepEqual(hello.ciphers, [0x1301, 0xc02f, 0x00ff]);
  assert.deepEqual(hello.groups, [29, 23]);
  assert.ok(hello.signatureAlgorithms.includes(0x0403));
  // Whatever the pieces that it comes in.
  for (let end = 0; end < bytes.length; end++) {
    assert.equal(parseClientHello(bytes.subarray(0, end)), HELLO_INCOMPLETE, `${end} bytes`);
  }
  // One message in several records.
  const message = bytes.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += 50) {
    const part = message.subarray(at, at + 50);
    records.push(Buffer.from([22, 3, 1, 0, part.length]), part);
  }
  assert.deepEqual(parseClientHello(Buffer.concat(records)), hello);
});

test('without a name', async () => {
  const hello = parseClientHello(await helloOf({ servername: '' }));
  assert.ok(typeof hello === 'object');
  assert.equal(hello.serverName, undefined);
  assert.deepEqual(hello.protocols, []);
});

test('something else', () => {
  for (const text of ['GET / HTTP/1.1\r\n', '\x16\x03\x01\x00\x00', '\x16\x03\x01\x00\x04\x02\x00\x00\x00']) {
    assert.equal(parseClientHello(Buffer.from(text, 'latin1')), HELLO_INVALID, JSON.stringify(text));
  }
  // Lengths that lead beyond the end.
  const hello = Buffer.from([22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0]);
  assert.equal(parseClientHello(hello), HELLO_INVALID);
});
