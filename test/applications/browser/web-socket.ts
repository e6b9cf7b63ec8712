/** The server's side of a WebSocket, as much as a test needs: RFC 6455 without extensions. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = length;
  else if (length < 65536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

function closeFrame(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return frame(CLOSE, payload);
}

/**
 * Accepts an upgrade and gives back what comes; the text `close CODE REASON` makes it close the connection.
 *
 * @param closed told of the code and reason with which the client closes
 */
export function echo(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  closed: (code: number, reason: string) => void,
): void {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let pieces: Buffer[] = [];
  let size = 0;
  let message: Buffer[] = [];
  let kind = 0;
  let closing = false;
  /** The first bytes of what has come, or undefined when there are not as many. */
  const peek = (count: number): Buffer | undefined => {
    if (size < count) return undefined;
    const [first] = pieces;
    if (first !== undefined && first.length >= count) return first;
    pieces = [Buffer.concat(pieces)];
    return pieces[0];
  };
  const take = (): boolean => {
    let bytes = peek(2);
    if (bytes === undefined) return false;
    const short = (bytes[1] as number) & 0x7f;
    const start = (short < 126 ? 2 : short === 126 ? 4 : 10) + 4;
    bytes = peek(start);
    if (bytes === undefined) return false;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (size < start + length) return false;
    bytes = peek(start + length) as Buffer;
    const first = bytes[0] as number;
    const mask = bytes.subarray(start - 4, start);
    const payload = Buffer.from(bytes.subarray(start, start + length));
    for (let i = 0; i < length; i++) payload[i] = (payload[i] as number) ^ (mask[i & 3] as number);
    pieces[0] = bytes.subarray(start + length);
    size -= start + length;
    received(first & 0x0f, (first & 0x80) !== 0, payload);
    return true;
  };
  const received = (opcode: number, last: boolean, payload: Buffer): void => {
    if (opcode === PING) socket.write(frame(PONG, payload));
    else if (opcode === CLOSE) {
      closed(payload.length >= 2 ? payload.readUInt16BE() : 1005, payload.subarray(2).toString());
      if (!closing) socket.write(frame(CLOSE, payload));
      socket.end();
    } else if (opcode <= BINARY) {
      if (opcode !== 0) kind = opcode;
      message.push(payload);
      if (!last) return;
      const whole = Buffer.concat(message);
      message = [];
      const asked = kind === TEXT ? /^close (\d+) (.*)$/.exec(whole.toString()) : null;
      if (asked === null) socket.write(frame(kind, whole));
      else {
        closing = true;
        socket.write(closeFrame(Number(asked[1]), asked[2] as string));
      }
    }
  };
  const onData = (piece: Buffer): void => {
    pieces.push(piece);
    size += piece.length;
    while (take());
  };
  socket.on('data', onData);
  socket.on('error', () => {});
  if (head.length > 0) onData(head);
}
