/**
 * What a server answers to a ClientHello, read as far as the question whether it wants a certificate of the client's:
 * OpenSSL asks for one in the middle of its work then, which Node does not pass on to clients. Messages of TLS 1.2 are
 * plain text; those of TLS 1.3 are encrypted by keys that OpenSSL tells (keylog) once it has the ServerHello.
 *
 * RFC 5246 section 7.4; RFC 8446 sections 4.1.3, 4.3.2, 5.2 and 7.3.
 */

const RECORD_CHANGE_CIPHER_SPEC = 20;
const RECORD_HANDSHAKE = 22;
const RECORD_APPLICATION_DATA = 23;
const RECORD_HEADER = 5;
const LOOKED_AT: ReadonlySet<number> = new Set([RECORD_CHANGE_CIPHER_SPEC, RECORD_HANDSHAKE, RECORD_APPLICATION_DATA]);

const SERVER_HELLO = 2;
const ENCRYPTED_EXTENSIONS = 8;
const CERTIFICATE = 11;
const SERVER_KEY_EXCHANGE = 12;
const CERTIFICATE_REQUEST = 13;
const CERTIFICATE_STATUS = 22;

const EXTENSION_SUPPORTED_VERSIONS = 43;
const TLS_1_3 = 0x0304;

/** A ServerHello with this as its random is a HelloRetryRequest. RFC 8446 section 4.1.3. */
const RETRY_RANDOM = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';

/** More than a flight may have: OpenSSL takes 100 KiB of certificates. */
const MOST_BYTES = 262144;

const VERSION_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0301, 'TLSv1'],
  [0x0302, 'TLSv1.1'],
  [0x0303, 'TLSv1.2'],
  [TLS_1_3, 'TLSv1.3'],
]);

interface Suite {
  readonly algorithm: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly keyLength: number;
  readonly hash: 'sha256' | 'sha384';
}

/** The cipher suites of TLS 1.3 that OpenSSL has by default. */
const SUITES: ReadonlyMap<number, Suite> = new Map([
  [0x1301, { algorithm: 'aes-128-gcm', keyLength: 16, hash: 'sha256' }],
  [0x1302, { algorithm: 'aes-256-gcm', keyLength: 32, hash: 'sha384' }],
  [0x1303, { algorithm: 'chacha20-poly1305', keyLength: 32, hash: 'sha256' }],
]);

/** What is known: not enough yet, a certificate is wanted, or none is, so that nothing more is to be looked at. */
export type FlightState = 'reading' | 'wanted' | 'done';

/** Bytes of a server, from its first one. What was looked at is handed out; the record that asks is not. */
export class ServerFlight {
  state: FlightState = 'reading';
  /** `TLSv1.3` and the like, once the ServerHello is here; '' before. */
  protocol = '';
  private pending: Buffer = Buffer.alloc(0);
  private messages: Buffer = Buffer.alloc(0);
  private taken = 0;
  private suite: Suite | undefined = undefined;
  private encrypted = false;
  /** A HelloRetryRequest was the last. */
  private retried = false;
  private secret: Buffer | undefined = undefined;
  private key: Buffer | undefined = undefined;
  private iv: Buffer = Buffer.alloc(0);
  private sequence = 0;

  /** Adds bytes. Returns those that OpenSSL may have now; empty for none. */
  add(bytes: Buffer): Buffer {
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
    return this.advance();
  }

  /** A line of the key log. Returns what OpenSSL may have now. */
  addSecret(line: string): Buffer {
    const [, secret] = /^SERVER_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]+ ([0-9a-f]+)\s*$/i.exec(line) ?? [];
    if (secret === undefined || this.secret !== undefined) return Buffer.alloc(0);
    this.secret = Buffer.from(secret, 'hex');
    return this.advance();
  }

  /** All that is left. */
  rest(): Buffer {
    const { pending } = this;
    this.pending = Buffer.alloc(0);
    return pending;
  }

  private advance(): Buffer {
    let pos = 0;
    while (this.state === 'reading') {
      if (this.pending.length < pos + RECORD_HEADER) break;
      const type = this.pending[pos] as number;
      const end = pos + RECORD_HEADER + this.pending.readUInt16BE(pos + 3);
      if (!LOOKED_AT.has(type)) {
        this.state = 'done';
        break;
      }
      if (this.pending.length < end) break;
      if (type === RECORD_APPLICATION_DATA && this.encrypted && this.secret === undefined) break;
      this.record(type, this.pending.subarray(pos, end));
      if ((this.state as FlightState) === 'wanted') break;
      this.taken += end - pos;
      pos = end;
      // Whoever sends so much has something else in mind; OpenSSL will say what is wrong with it.
      if (this.taken > MOST_BYTES) this.state = 'done';
    }
    if (this.state === 'done') return this.rest();
    const out = this.pending.subarray(0, pos);
    this.pending = this.pending.subarray(pos);
    return out;
  }

  private record(type: number, record: Buffer): void {
    const payload = record.subarray(RECORD_HEADER);
    if (type === RECORD_HANDSHAKE && !this.encrypted) this.handshake(payload);
    else if (type === RECORD_APPLICATION_DATA && this.encrypted) this.protectedRecord(record, payload);
    // In TLS 1.3 it means nothing; before, it ends what is readable: a session is resumed.
    else if (!(type === RECORD_CHANGE_CIPHER_SPEC && (this.encrypted || this.retried))) this.state = 'done';
  }

  private protectedRecord(record: Buffer, payload: Buffer): void {
    const plain = this.decrypt(record.subarray(0, RECORD_HEADER), payload);
    // What we cannot read may ask for a certificate: better to have one ready.
    if (plain === undefined) {
      this.state = 'wanted';
      return;
    }
    let end = plain.length;
    while (end > 0 && plain[end - 1] === 0) end--;
    if (plain[end - 1] === RECORD_HANDSHAKE) this.handshake(plain.subarray(0, end - 1));
    else this.state = 'done';
  }

  private handshake(payload: Buffer): void {
    let rest = this.messages.length === 0 ? payload : Buffer.concat([this.messages, payload]);
    while (this.state === 'reading' && rest.length >= 4) {
      const end = 4 + rest.readUIntBE(1, 3);
      if (rest.length < end) break;
      this.message(rest[0] as number, rest.subarray(4, end));
      rest = rest.subarray(end);
      // What follows the ServerHello in its record is an error that OpenSSL reports.
      if (this.encrypted && this.secret === undefined) break;
    }
    this.messages = rest.length === 0 ? rest : Buffer.from(rest);
  }

  private message(type: number, body: Buffer): void {
    if (type === SERVER_HELLO) this.serverHello(body);
    else if (type === CERTIFICATE_REQUEST) this.state = 'wanted';
    else if (this.encrypted ? type !== ENCRYPTED_EXTENSIONS : !BEFORE_REQUEST.has(type)) this.state = 'done';
  }

  private serverHello(body: Buffer): void {
    const hello = parseServerHello(body);
    if (hello === undefined) {
      this.state = 'done';
      return;
    }
    this.retried = hello.retry;
    if (hello.retry) return;
    this.protocol = VERSION_NAMES.get(hello.version) ?? '';
    if (hello.version !== TLS_1_3) return;
    this.encrypted = true;
    this.suite = SUITES.get(hello.suite);
    if (this.suite === undefined) this.state = 'wanted';
  }

  private decrypt(header: Buffer, payload: Buffer): Buffer | undefined {
    const { suite, secret } = this;
    if (suite === undefined || secret === undefined || payload.length < 17) return undefined;
    const { createDecipheriv } = process.getBuiltinModule('node:crypto');
    if (this.key === undefined) {
      this.key = expandLabel(suite.hash, secret, 'key', suite.keyLength);
      this.iv = expandLabel(suite.hash, secret, 'iv', 12);
    }
    const nonce = Buffer.from(this.iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.sequence++) >>> 0, 8);
    // One name for two kinds of modes; all of them take a tag.
    const decipher = createDecipheriv(suite.algorithm as 'aes-128-gcm', this.key, nonce, { authTagLength: 16 });
    decipher.setAAD(header);
    decipher.setAuthTag(payload.subarray(payload.length - 16));
    try {
      return Buffer.concat([decipher.update(payload.subarray(0, payload.length - 16)), decipher.final()]);
    } catch {
      // Not what the keys are for: OpenSSL will say so.
      return undefined;
    }
  }
}

/** Messages of TLS 1.2 that may precede a CertificateRequest. */
const BEFORE_REQUEST: ReadonlySet<number> = new Set([CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_STATUS]);

/** HKDF-Expand-Label with an empty context, for no more bytes than the hash has. RFC 8446 section 7.1. */
function expandLabel(hash: 'sha256' | 'sha384', secret: Buffer, label: string, length: number): Buffer {
  const { createHmac } = process.getBuiltinModule('node:crypto');
  const name = Buffer.from(`tls13 ${label}`, 'latin1');
  const info = Buffer.concat([Buffer.from([length >> 8, length & 0xff, name.length]), name, Buffer.from([0, 1])]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}

interface ServerHello {
  readonly version: number;
  readonly suite: number;
  readonly retry: boolean;
}

function parseServerHello(body: Buffer): ServerHello | undefined {
  if (body.length < 35) return undefined;
  let version = body.readUInt16BE(0);
  const retry = body.toString('hex', 2, 34) === RETRY_RANDOM;
  let pos = 35 + (body[34] as number);
  if (body.length < pos + 3) return undefined;
  const suite = body.readUInt16BE(pos);
  pos += 3;
  if (body.length === pos) return { version, suite, retry };
  if (body.length < pos + 2 || body.length !== pos + 2 + body.readUInt16BE(pos)) return undefined;
  for (pos += 2; pos < body.length; ) {
    if (body.length < pos + 4) return undefined;
    const type = body.readUInt16BE(pos);
    const length = body.readUInt16BE(pos + 2);
    pos += 4;
    if (body.length < pos + length) return undefined;
    if (type === EXTENSION_SUPPORTED_VERSIONS && length === 2) version = body.readUInt16BE(pos);
    pos += length;
  }
  return { version, suite, retry };
}
