/**
 * DER, as far as certificates and OCSP need it: a cursor that checks every length before it reads, and a function that
 * encodes. ITU-T X.690; lengths are definite and of four bytes at most, tags of one byte.
 */

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const NULL = 0x05;
export const OID = 0x06;
export const ENUMERATED = 0x0a;
export const SEQUENCE = 0x30;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;

/** The tag of a context: constructed, or primitive. */
export function context(n: number, constructed = true): number {
  return (constructed ? 0xa0 : 0x80) | n;
}

/** What is read is not DER, or not what it should be. */
export class DerError extends Error {}

/** One value. */
export interface DerValue {
  readonly tag: number;
  /** What is in it. */
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Values one behind the other. */
export class DerReader {
  private readonly bytes: Buffer;
  private pos = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.pos >= this.bytes.length;
  }

  /** The tag of the next value; -1 at the end. */
  get tag(): number {
    return this.bytes[this.pos] ?? -1;
  }

  /** The next value. @throws DerError  @param tag that it must have */
  next(tag?: number): DerValue {
    const { bytes, pos } = this;
    const found = bytes[pos];
    let length = bytes[pos + 1];
    if (found === undefined || length === undefined) throw new DerError('cut off');
    if (tag !== undefined && found !== tag) throw new DerError(`tag ${found} in place of ${tag}`);
    if ((found & 0x1f) === 0x1f) throw new DerError('long tag');
    let start = pos + 2;
    if (length >= 0x80) {
      const size = length - 0x80;
      if (size === 0 || size > 4 || start + size > bytes.length) throw new DerError('bad length');
      length = bytes.readUIntBE(start, size);
      start += size;
    }
    const end = start + length;
    if (end > bytes.length) throw new DerError('cut off');
    this.pos = end;
    return { tag: found, content: bytes.subarray(start, end), whole: bytes.subarray(pos, end) };
  }

  /** The next value if it has this tag. */
  optional(tag: number): DerValue | undefined {
    return this.tag === tag ? this.next(tag) : undefined;
  }

  /** A reader of what is in the next value. */
  enter(tag: number = SEQUENCE): DerReader {
    return new DerReader(this.next(tag).content);
  }

  /** Nothing may follow. */
  end(): void {
    if (!this.done) throw new DerError('something follows');
  }
}

/** A value. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const header = [tag];
  if (length < 0x80) header.push(length);
  else {
    const bytes: number[] = [];
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
    header.push(0x80 | bytes.length, ...bytes);
  }
  return Buffer.concat([Buffer.from(header), ...parts]);
}

/** The content of an object identifier, as `1.3.14.3.2.26`. */
export function oidText(content: Uint8Array): string {
  const out: number[] = [];
  let n = 0;
  for (const byte of content) {
    n = n * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (out.length > 0) out.push(n);
    else out.push(Math.min(Math.floor(n / 40), 2), n - Math.min(Math.floor(n / 40), 2) * 40);
    n = 0;
  }
  return out.join('.');
}

/** The content of an object identifier. */
export function oid(text: string): Buffer {
  const [a = 0, b = 0, ...rest] = text.split('.').map(Number);
  const out: number[] = [];
  for (const n of [a * 40 + b, ...rest]) {
    const bytes = [n & 0x7f];
    for (let left = Math.floor(n / 128); left > 0; left = Math.floor(left / 128)) bytes.unshift((left & 0x7f) | 0x80);
    out.push(...bytes);
  }
  return encode(OID, Buffer.from(out));
}

/** The bytes of a BIT STRING that has whole ones. @throws DerError */
export function bitString({ content }: DerValue): Buffer {
  if (content.length === 0 || content[0] !== 0) throw new DerError('bits that are no bytes');
  return content.subarray(1);
}

/** Seconds since 1970 of a GeneralizedTime in UTC; fractions are left out. @throws DerError */
export function generalizedTime({ content }: DerValue): number {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(content.toString('latin1'));
  if (found === null) throw new DerError('bad time');
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second);
  if (month < 1 || month > 12 || time.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) {
    throw new DerError('bad time');
  }
  return time.getTime() / 1000;
}
