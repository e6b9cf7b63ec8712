/** Addresses and networks as directives name them: `10.0.0.0/8`, `::1`. nginx: ngx_ptocidr (src/core/ngx_inet.c). */

/** A network: the first `bits` of an address of 4 or 16 bytes. */
export interface Cidr {
  /** 4 or 16 bytes; those beyond `bits` are zero. */
  readonly address: readonly number[];
  readonly bits: number;
  /** The text had bits set beyond the network: worth a warning. */
  readonly lowBits: boolean;
}

function parseInet(text: string): number[] | undefined {
  if (!/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  return bytes.every((b) => b <= 255) ? bytes : undefined;
}

function parseInet6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half, i): number[] | undefined => {
    if (half === '') return [];
    const bytes: number[] = [];
    const parts = half.split(':');
    for (const [n, part] of parts.entries()) {
      if (part.includes('.')) {
        const inet = parseInet(part);
        if (inet === undefined || n !== parts.length - 1 || i !== halves.length - 1) return undefined;
        bytes.push(...inet);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
        const value = Number.parseInt(part, 16);
        bytes.push(value >> 8, value & 255);
      }
    }
    return bytes;
  });
  const [head, tail] = groups;
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 14) return undefined;
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

/** The bytes of a numeric IPv4 or IPv6 address; undefined when it is none. */
export function parseAddress(text: string): number[] | undefined {
  return parseInet(text) ?? (text.includes(':') ? parseInet6(text) : undefined);
}

/** A network or a single address; undefined when it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const bytes = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  const max = bytes.length * 8;
  let bits = max;
  if (slash !== -1) {
    const number = text.slice(slash + 1);
    if (!/^[0-9]{1,9}$/.test(number)) return undefined;
    bits = Number(number);
    if (bits > max) return undefined;
  }
  const address = bytes.map((byte, i) => byte & (0xff << Math.max(0, 8 - Math.max(0, bits - i * 8))) & 0xff);
  return { address, bits, lowBits: address.some((byte, i) => byte !== bytes[i]) };
}

/** True when the network holds the address given by its bytes. */
export function cidrContains(cidr: Cidr, address: readonly number[]): boolean {
  if (address.length !== cidr.address.length) return false;
  const whole = cidr.bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== cidr.address[i]) return false;
  const rest = cidr.bits & 7;
  return rest === 0 || ((address[whole]! ^ cidr.address[whole]!) & (0xff << (8 - rest)) & 0xff) === 0;
}
