/**
 * DNS messages as the resolver needs them: one question for A, AAAA or SRV out, its answer in. RFC 1035 section 4,
 * RFC 2782.
 */

export const TYPE_A = 1;
export const TYPE_CNAME = 5;
export const TYPE_AAAA = 28;
export const TYPE_SRV = 33;
export const TYPE_DNAME = 39;

/** Where a service is to be found. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  /** The least is tried first. */
  readonly priority: number;
  /** At least 1. */
  readonly weight: number;
}

/** An answer that belongs to a question. */
export interface DnsAnswer {
  readonly id: number;
  /** Response code: 0 no error, 1 format error, 2 server failure, 3 no such name, 4 unimplemented, 5 refused. */
  readonly code: number;
  /** Cut off for want of room: to be asked again over TCP. */
  readonly truncated: boolean;
  /** Type asked for; 0 when an error answer has no question. */
  readonly type: number;
  /** Name asked for, in lower case; '' when an error answer has no question. */
  readonly name: string;
  readonly addresses: readonly string[];
  /** Of an SRV question, by priority. */
  readonly services: readonly SrvRecord[];
  /** Target of the last CNAME, when no address came with it. */
  readonly cname: string | undefined;
  /** Least time to live of all records, in seconds. */
  readonly ttl: number;
}

/** The bytes of a recursive query; undefined for a name that no DNS name can be (empty or long labels). */
export function encodeQuery(id: number, name: string, type: number): Buffer | undefined {
  const labels = name.split('.');
  let length = 1;
  for (const label of labels) {
    if (label === '' || label.length > 63) return undefined;
    length += 1 + label.length;
  }
  if (length > 255) return undefined;
  const b = Buffer.alloc(12 + length + 4);
  b.writeUInt16BE(id, 0);
  b.writeUInt16BE(0x0100, 2);
  b.writeUInt16BE(1, 4);
  let at = 12;
  for (const label of labels) {
    b[at++] = label.length;
    at += b.write(label, at, 'latin1');
  }
  at++;
  b.writeUInt16BE(type, at);
  b.writeUInt16BE(1, at + 2);
  return b;
}

/** The message cannot be used; `message` is nginx's. */
export class DnsMessageError extends Error {}

/**
 * Reads an answer. Records of other types than the one asked for are passed over.
 * @throws DnsMessageError
 */
export function decodeAnswer(b: Buffer): DnsAnswer {
  if (b.length < 12) throw new DnsMessageError('short DNS response');
  const id = b.readUInt16BE(0);
  const flags = b.readUInt16BE(2);
  const code = flags & 0xf;
  const truncated = (flags & 0x0200) !== 0;
  // A response to a standard query, with none of the reserved bits.
  if ((flags & 0xf870) !== 0x8000) {
    const hex = flags.toString(16).toUpperCase().padStart(4, '0');
    throw new DnsMessageError(`invalid UDP DNS response ${id} fl:${hex}`);
  }
  if (code === 1 || code > 5) {
    return { id, code, truncated, type: 0, name: '', addresses: [], services: [], cname: undefined, ttl: 0 };
  }
  if (b.readUInt16BE(4) !== 1) throw new DnsMessageError('invalid number of questions in DNS response');
  const question = readName(b, 12);
  if (question.name === '') throw new DnsMessageError('zero-length domain name in DNS response');
  let at = question.next;
  if (at + 4 > b.length) throw new DnsMessageError('short DNS response');
  const type = b.readUInt16BE(at);
  const dnsClass = b.readUInt16BE(at + 2);
  at += 4;
  if (dnsClass !== 1) throw new DnsMessageError(`unknown query class ${dnsClass} in DNS response`);
  const addresses: string[] = [];
  const services: SrvRecord[] = [];
  let cname: string | undefined;
  let ttl = 0xffffffff;
  const answers = truncated || code !== 0 ? 0 : b.readUInt16BE(6);
  for (let i = 0; i < answers; i++) {
    at = skipName(b, at);
    if (at + 10 > b.length) throw new DnsMessageError('short DNS response');
    const recordType = b.readUInt16BE(at);
    // Times with the top bit set count as zero: RFC 2181 section 8.
    const recordTtl = b.readInt32BE(at + 4);
    const size = b.readUInt16BE(at + 8);
    at += 10;
    if (at + size > b.length) throw new DnsMessageError('short DNS response');
    ttl = Math.min(ttl, Math.max(recordTtl, 0));
    if (recordType === TYPE_CNAME) {
      cname = readName(b, at).name;
    } else if (recordType === type) {
      if (type === TYPE_A) {
        if (size !== 4) throw new DnsMessageError('invalid A record in DNS response');
        addresses.push(`${b[at]}.${b[at + 1]}.${b[at + 2]}.${b[at + 3]}`);
      } else if (type === TYPE_AAAA) {
        if (size !== 16) throw new DnsMessageError('invalid AAAA record in DNS response');
        addresses.push(inet6Text(b, at));
      } else if (type === TYPE_SRV) {
        if (size < 7) throw new DnsMessageError('invalid SRV record in DNS response');
        const { name } = readName(b, at + 6);
        const weight = Math.max(1, b.readUInt16BE(at + 2));
        services.push({ name, port: b.readUInt16BE(at + 4), priority: b.readUInt16BE(at), weight });
      }
    }
    at += size;
  }
  services.sort((x, y) => x.priority - y.priority);
  return { id, code, truncated, type, name: question.name, addresses, services, cname, ttl };
}

/** A name, its compression followed. `next` is where it ends in the message itself. */
function readName(b: Buffer, start: number): { name: string; next: number } {
  const labels: string[] = [];
  let at = start;
  let next = -1;
  // Pointers may form a loop.
  for (let jumps = 0; ; ) {
    const n = b[at];
    if (n === undefined) throw new DnsMessageError('short DNS response');
    if ((n & 0xc0) === 0xc0) {
      const low = b[at + 1];
      if (low === undefined) throw new DnsMessageError('short DNS response');
      if (next < 0) next = at + 2;
      at = ((n & 0x3f) << 8) | low;
      if (++jumps > 128) throw new DnsMessageError('compression pointers loop in DNS response');
      continue;
    }
    if (n === 0) break;
    if (at + 1 + n > b.length) throw new DnsMessageError('short DNS response');
    labels.push(b.toString('latin1', at + 1, at + 1 + n));
    at += 1 + n;
  }
  return { name: labels.join('.').toLowerCase(), next: next < 0 ? at + 1 : next };
}

function skipName(b: Buffer, start: number): number {
  for (let at = start; at < b.length; ) {
    const n = b[at] as number;
    if ((n & 0xc0) !== 0) return at + 2;
    if (n === 0) return at + 1;
    at += 1 + n;
  }
  throw new DnsMessageError('short DNS response');
}

/** 16 bytes as inet_ntop(3) prints them: the longest run of zeros shortened. RFC 5952. */
function inet6Text(b: Buffer, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(b.readUInt16BE(at + i));
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > bestLength) {
      best = i;
      bestLength = n;
    }
    if (n > 0) i += n - 1;
  }
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((g) => g.toString(16))
      .join(':');
  return best < 0 ? text(0, 8) : `${text(0, best)}::${text(best + bestLength, 8)}`;
}
