/**
 * The first message of a TLS client, read before OpenSSL sees it. It names the server that the client wants (SNI), on
 * which everything else depends: certificate, protocols, ciphers, whether a client certificate is asked for. Node
 * offers a choice of the certificate alone once the handshake runs; knowing the name first, a connection is begun with
 * all settings of its server, and whoever chooses the certificate may take its time.
 *
 * RFC 8446, sections 4.1.2 (ClientHello) and 5.1 (records); RFC 6066, section 3 (server_name).
 */

/** What a ClientHello says, as far as servers look at it. */
export interface ClientHello {
  /** As sent; undefined without the extension. A latin1 byte string. */
  readonly serverName: string | undefined;
  /** Offered by ALPN, in the client's order. */
  readonly protocols: readonly string[];
  /** Numbers of the cipher suites offered, in the client's order. */
  readonly ciphers: readonly number[];
  /** Numbers of the groups for the key exchange. */
  readonly groups: readonly number[];
  /** Numbers of the signature algorithms. */
  readonly signatureAlgorithms: readonly number[];
  /** 32 bytes. */
  readonly random: Buffer;
  /** Of an earlier session; empty for none. Clients of TLS 1.3 send one that means nothing. */
  readonly sessionId: Buffer;
  /** All extensions as they were sent, in the client's order. */
  readonly extensions: readonly HelloExtension[];
}

/** One extension. RFC 8446, section 4.2. */
export interface HelloExtension {
  readonly type: number;
  readonly data: Buffer;
}

/** What an extension carries; undefined when the client did not send it. */
export function helloExtension(hello: ClientHello, type: number): Buffer | undefined {
  return hello.extensions.find((extension) => extension.type === type)?.data;
}

const EMPTY: Buffer = Buffer.alloc(0);

/** Of a client that has not said anything yet. */
export const EMPTY_HELLO: ClientHello = {
  serverName: undefined,
  protocols: [],
  ciphers: [],
  groups: [],
  signatureAlgorithms: [],
  random: EMPTY,
  sessionId: EMPTY,
  extensions: [],
};

/** Nothing can be said yet: more bytes are needed. */
export const HELLO_INCOMPLETE = 'incomplete';
/** It is no ClientHello: OpenSSL finds the words for what is wrong. */
export const HELLO_INVALID = 'invalid';

const CONTENT_HANDSHAKE = 22;
const CLIENT_HELLO = 1;
/** Largest ClientHello that is waited for; OpenSSL takes as much. */
const LONGEST = 131396;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_GROUPS = 10;
const EXTENSION_SIGNATURE_ALGORITHMS = 13;
const EXTENSION_ALPN = 16;
const EXTENSION_TICKET = 35;
const EXTENSION_PRE_SHARED_KEY = 41;
const EXTENSION_VERSIONS = 43;

const TLS_1_3 = 0x0304;

/** Runs over bytes; a read beyond the end throws RangeError. */
class Reader {
  readonly bytes: Buffer;
  pos = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.pos;
  }

  uint(size: number): number {
    const value = this.bytes.readUIntBE(this.pos, size);
    this.pos += size;
    return value;
  }

  /** A part that is preceded by its length in `size` bytes. */
  part(size: number): Reader {
    return new Reader(this.take(this.uint(size)));
  }

  take(length: number): Buffer {
    if (length > this.left) throw new RangeError('beyond the end');
    this.pos += length;
    return this.bytes.subarray(this.pos - length, this.pos);
  }

  text(): string {
    return this.bytes.toString('latin1');
  }

  uint16s(): number[] {
    const numbers: number[] = [];
    while (this.left > 0) numbers.push(this.uint(2));
    return numbers;
  }
}

/** Parses what a client has sent so far. */
export function parseClientHello(bytes: Buffer): ClientHello | typeof HELLO_INCOMPLETE | typeof HELLO_INVALID {
  const message = handshakeMessage(bytes);
  if (typeof message === 'string') return message;
  try {
    return readHello(new Reader(message));
  } catch (e) {
    if (e instanceof RangeError) return HELLO_INVALID;
    throw e;
  }
}

/** The first handshake message without its header, put together from the records that carry it. */
function handshakeMessage(bytes: Buffer): Buffer | typeof HELLO_INCOMPLETE | typeof HELLO_INVALID {
  const fragments: Buffer[] = [];
  let have = 0;
  let pos = 0;
  for (;;) {
    if (pos < bytes.length && bytes[pos] !== CONTENT_HANDSHAKE) return HELLO_INVALID;
    if (pos + 5 > bytes.length) return HELLO_INCOMPLETE;
    const length = bytes.readUInt16BE(pos + 3);
    if (length === 0 || length > 16384) return HELLO_INVALID;
    fragments.push(bytes.subarray(pos + 5, Math.min(pos + 5 + length, bytes.length)));
    pos += 5 + length;
    have += (fragments[fragments.length - 1] as Buffer).length;
    if (have >= 4) {
      const message = fragments.length === 1 ? (fragments[0] as Buffer) : Buffer.concat(fragments);
      const size = message.readUIntBE(1, 3);
      if (message[0] !== CLIENT_HELLO || size > LONGEST) return HELLO_INVALID;
      if (have >= 4 + size) return message.subarray(4, 4 + size);
    }
    if (pos > bytes.length) return HELLO_INCOMPLETE;
  }
}

/** Whether the client speaks TLS 1.3. RFC 8446, section 4.2.1. */
export function offersTls13(hello: ClientHello): boolean {
  const data = helloExtension(hello, EXTENSION_VERSIONS);
  if (data === undefined) return false;
  for (let pos = 1; pos + 1 < data.length; pos += 2) if (data.readUInt16BE(pos) === TLS_1_3) return true;
  return false;
}

/** A client of TLS 1.2 or older takes session tickets. RFC 5077, section 3.2. */
export function takesTickets(hello: ClientHello): boolean {
  return helloExtension(hello, EXTENSION_TICKET) !== undefined;
}

/** A client of TLS 1.2 or older presents a ticket. */
export function presentsTicket(hello: ClientHello): boolean {
  return (helloExtension(hello, EXTENSION_TICKET)?.length ?? 0) > 0;
}

/** The first identity of a pre-shared key that a client of TLS 1.3 presents. RFC 8446, section 4.2.11. */
export function firstIdentity(hello: ClientHello): Buffer | undefined {
  const data = helloExtension(hello, EXTENSION_PRE_SHARED_KEY);
  if (data === undefined) return undefined;
  try {
    return new Reader(data).part(2).part(2).bytes;
  } catch (e) {
    if (e instanceof RangeError) return undefined;
    throw e;
  }
}

function readHello(reader: Reader): ClientHello {
  reader.take(2);
  const random = reader.take(32);
  const sessionId = reader.part(1).bytes;
  const ciphers = reader.part(2).uint16s();
  reader.part(1);
  let serverName: string | undefined;
  const protocols: string[] = [];
  let groups: number[] = [];
  let signatureAlgorithms: number[] = [];
  const extensions: HelloExtension[] = [];
  const list = reader.left > 0 ? reader.part(2) : reader;
  while (list.left > 0) {
    const type = list.uint(2);
    const data = list.part(2);
    extensions.push({ type, data: data.bytes });
    switch (type) {
      case EXTENSION_SERVER_NAME: {
        const names = data.part(2);
        // Type 0 is a host name, and there is no other.
        if (names.left > 0 && names.uint(1) === 0) serverName = names.part(2).text();
        break;
      }
      case EXTENSION_ALPN: {
        const names = data.part(2);
        while (names.left > 0) protocols.push(names.part(1).text());
        break;
      }
      case EXTENSION_GROUPS:
        groups = data.part(2).uint16s();
        break;
      case EXTENSION_SIGNATURE_ALGORITHMS:
        signatureAlgorithms = data.part(2).uint16s();
        break;
    }
  }
  return { serverName, protocols, ciphers, groups, signatureAlgorithms, random, sessionId, extensions };
}
