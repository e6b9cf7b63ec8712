/** Backends with certificates of all kinds, and some that do not speak TLS as they should. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { Pki } from '../../pki.ts';

export const pki = new Pki();
pki.root('root');
pki.root('other');
pki.root('self');
pki.signed('good', '/CN=Backend', 'root', { names: ['backend.example', '*.wild.example'] });
pki.signed('plainname', '/CN=backend.example', 'root');
pki.signed('wrong', '/CN=x', 'root', { names: ['another.example'] });
pki.signed('stranger', '/CN=x', 'other', { names: ['backend.example'] });
const YEAR = { names: ['backend.example'], from: '20200101000000Z', until: '20210101000000Z' };
pki.signed('expired', '/CN=expired', 'root', YEAR);
pki.signed('future', '/CN=future', 'root', { ...YEAR, from: '20990101000000Z', until: '20991231000000Z' });
pki.signed('revoked', '/CN=revoked', 'root', { ...YEAR, until: '20991231000000Z' });
pki.signed('middle', '/CN=middle', 'root', { authority: true });
pki.signed('middle2', '/CN=middle2', 'middle', { authority: true });
pki.signed('deep1', '/CN=deep1', 'middle', { names: ['backend.example'] });
pki.signed('deep2', '/CN=deep2', 'middle2', { names: ['backend.example'] });
pki.signed('client', '/CN=client', 'root');
pki.signed('client2', '/CN=client2', 'root');
pki.revoke('root', 'root', 'revoked');
pki.openssl('ec', '-in', 'client.key', '-aes128', '-passout', 'pass:second', '-out', 'locked.key');

/** For the folder of a server. */
export const FILES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['root.crt', 'other.crt', 'self.crt', 'middle.crt', 'root.crl', 'client.crt', 'client.key', 'locked.key'].map(
      (name) => [name, pki.pem(name)],
    ),
  ),
  'client2.crt': pki.pem('client2.crt'),
  'client2.key': pki.pem('client2.key'),
  passwords: 'first\nsecond\n',
};

const sockets = new Set<Socket>();
const servers: Server[] = [];

async function listen(server: Server, where: number | string = 0): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    if (typeof where === 'string') server.listen(where, resolve);
    else server.listen(where, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo | string;
  return typeof address === 'string' ? 0 : address.port;
}

/** A backend that tells what it sees of the connection. Requests are read until their empty line. */
export async function tlsBackend(names: readonly string[], options: TlsOptions = {}, where?: string): Promise<number> {
  const [own, ...chain] = names as [string, ...string[]];
  let connections = 0;
  const server = createTlsServer({
    cert: pki.pem(`${own}.crt`, ...chain.map((name) => `${name}.crt`)),
    key: pki.pem(`${own}.key`),
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (socket) => serve(socket, ++connections));
  return listen(server, where);
}

function serve(socket: TLSSocket, connection: number): void {
  let text = '';
  let upgraded = false;
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    if (upgraded) {
      socket.write(data.toString('latin1').toUpperCase(), 'latin1');
      return;
    }
    text += data.toString('latin1');
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const head = text.slice(0, end);
      const body = text.slice(end + 4, end + 4 + length);
      text = text.slice(end + 4 + length);
      if (/^upgrade:/im.test(head)) {
        upgraded = true;
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
        return;
      }
      answer(socket, head, body, connection);
    }
  });
}

function answer(socket: TLSSocket, head: string, body: string, connection: number): void {
  const path = head.split(' ')[1] as string;
  const size = Number(/\/size(\d+)/.exec(path)?.[1] ?? -1);
  const subject = socket.getPeerCertificate().subject?.CN ?? '-';
  const sni = (socket as { servername?: string | false }).servername || '-';
  const facts = `sni=${sni} ${socket.getProtocol()} client=${subject} length=${body.length}`;
  const changing = path.includes('/changing') ? ` n=${connection} reused=${socket.isSessionReused()}` : '';
  const text = size < 0 ? facts + changing : 'x'.repeat(size);
  const close = path.includes('/close');
  socket.write(`HTTP/1.1 200 OK\r\n${close ? '' : `Content-Length: ${text.length}\r\n`}\r\n${text}`);
  if (close) socket.end();
  if (path.includes('/cut')) socket.destroy();
}

/** A backend that does something else with the first bytes. */
export function rawBackend(act: (socket: Socket, first: Buffer) => void): Promise<number> {
  return listen(createServer((socket) => socket.once('data', (first) => act(socket, first))));
}

/** One that acts when the connection stands. */
export function hastyBackend(act: (socket: Socket) => void): Promise<number> {
  return listen(createServer({ pauseOnConnect: false }, act));
}

export function closeBackends(): void {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
  pki.remove();
}
