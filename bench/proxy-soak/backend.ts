/**
 * A backend of the soak, a process of its own: answers each request with its mark, and fails as a request asks
 * (`/location/action/mark?size=N&body=N`) or as its parent tells it to by a message. Arguments: port, name.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { BodyCheck, bodyOf } from './pattern.ts';

/** How the backend is at present, for actions that leave it the choice. */
export type Mood = 'well' | 'slow' | 'resetting';

const port = Number(process.argv[2]);
const name = process.argv[3] ?? '';
let mood: Mood = 'well';
process.on('message', (message: Mood) => {
  mood = message;
});
process.on('disconnect', () => process.exit(0));

let turn = 0;

/** The requested body arrives, and is compared. False when the connection broke. */
async function readBody(request: IncomingMessage, check: BodyCheck): Promise<boolean> {
  try {
    for await (const chunk of request) check.take(chunk as Buffer);
    return true;
  } catch {
    return false;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://backend');
  const [, , action = '', mark = ''] = url.pathname.split('/');
  const size = Number(url.searchParams.get('size') ?? 0);
  const socket = request.socket;
  const check = new BodyCheck(mark, Number(url.searchParams.get('body') ?? 0));
  const ill = action === 'any' && mood !== 'well' && ++turn % 2 === 0;
  if (ill && mood === 'resetting' && turn % 6 === 0) {
    socket.resetAndDestroy();
    return;
  }
  if (action === 'early') {
    // Answers without having read the body, and closes.
    response.writeHead(413, { 'X-Mark': mark, Connection: 'close', 'Content-Length': 0 }).end();
    return;
  }
  if (!(await readBody(request, check))) return;
  if (ill && mood === 'slow') await delay(turn % 8 === 0 ? 2500 : 20 * (turn % 10));
  if (ill && mood === 'resetting' && turn % 6 === 2) {
    socket.resetAndDestroy();
    return;
  }
  const head: Record<string, string | number> = {
    'X-Mark': mark,
    'X-Field': String(request.headers['x-mark']),
    'X-Body': check.complete ? 'right' : `wrong at ${check.seen}`,
    'X-Backend': name,
  };
  if (fail(action, mark, size, head, socket)) return;
  if (action === 'busy' && name === 'steady-0') {
    response.writeHead(503, { ...head, 'Content-Length': 0 }).end();
    return;
  }
  const body = bodyOf(mark, size);
  const pieces = turn % 3 === 0 || action === 'chunked';
  if (!pieces) head['Content-Length'] = size;
  response.writeHead(200, head);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  if (ill && mood === 'resetting' && turn % 6 === 4 && size > 0) {
    response.write(body.subarray(0, size >> 1), () => socket.resetAndDestroy());
    return;
  }
  if (!pieces) {
    response.end(body);
    return;
  }
  const third = Math.ceil(size / 3);
  for (let at = 0; at < size; at += third) {
    const free = response.write(body.subarray(at, at + third));
    if (!free && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        response.once('drain', resolve);
        response.once('close', resolve);
      });
    }
  }
  response.end();
}

/** Failures that a request asks for, written past node:http. True when the action is one of them. */
function fail(
  action: string,
  mark: string,
  size: number,
  head: Readonly<Record<string, string | number>>,
  socket: Socket,
): boolean {
  const fields = Object.entries(head)
    .map(([field, value]) => `${field}: ${value}\r\n`)
    .join('');
  const begin = `HTTP/1.1 200 OK\r\n${fields}`;
  const body = bodyOf(mark, size).toString('latin1');
  switch (action) {
    case 'drop':
      socket.destroy();
      return true;
    case 'reset':
      socket.resetAndDestroy();
      return true;
    case 'hang':
      return true;
    case 'garbage':
      socket.end('HTTP/1.1 200 OK\r\nX Bad Name\0: x\r\n\r\n');
      return true;
    case 'half-head':
      socket.end(begin);
      return true;
    case 'cut':
      socket.end(`${begin}Content-Length: ${size + 10}\r\n\r\n${body}`);
      return true;
    case 'cut-chunk':
      socket.end(`${begin}Transfer-Encoding: chunked\r\n\r\n${(size + 10).toString(16)}\r\n${body}`);
      return true;
    case 'excess':
      // What comes behind the response must reach nobody.
      socket.write(`${begin}Content-Length: ${size}\r\n\r\n${body}HTTP/1.1 200 OK\r\nX-Mark: stolen\r\n\r\nstolen`);
      return true;
    case 'close-after':
      // No word of closing: the next request on this connection meets its end.
      socket.end(`${begin}Content-Length: ${size}\r\n\r\n${body}`);
      return true;
    case 'until-close':
      socket.end(`${begin}\r\n${body}`);
      return true;
    default:
      return false;
  }
}

const server = createServer((request, response) => {
  response.on('error', () => {});
  answer(request, response).catch((error: unknown) => {
    process.stderr.write(`backend ${name}: ${String(error)}\n`);
    process.exit(1);
  });
});
server.keepAliveTimeout = 0;
server.on('clientError', (_error, socket) => socket.destroy());
// An echo, with a mark of the path in front.
server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
  const mark = (request.url ?? '').split('/')[3] ?? '';
  socket.on('error', () => {});
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Mark: ${mark}\r\n\r\n`,
  );
  if (head.length > 0) socket.write(head);
  socket.pipe(socket);
});
server.listen(port, '127.0.0.1', () => process.send?.('listening'));
