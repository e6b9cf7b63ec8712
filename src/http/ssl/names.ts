/**
 * Names in certificates as OpenSSL prints them: Node's own form of a subject loses what these say. A small reader of
 * DER finds them in the certificate. RFC 5280, section 4.1; RFC 2253; X509_NAME_print_ex(3), X509_NAME_oneline(3).
 */
import { context, encode, OCTET_STRING, oidText, SEQUENCE } from '../../net/der.ts';

/** One element of DER. */
interface Element {
  readonly tag: number;
  /** Where the element and its contents begin, and where both end. */
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

function elementAt(bytes: Uint8Array, pos: number): Element {
  const from = pos;
  const tag = bytes[pos++] ?? 0;
  let length = bytes[pos++] ?? 0;
  if (length >= 0x80) {
    let count = length & 0x7f;
    length = 0;
    while (count-- > 0) length = length * 256 + (bytes[pos++] ?? 0);
  }
  return { tag, from, start: pos, end: Math.min(pos + length, bytes.length) };
}

function children(bytes: Uint8Array, parent: Element): Element[] {
  const found: Element[] = [];
  for (let pos = parent.start; pos < parent.end; ) {
    const child = elementAt(bytes, pos);
    found.push(child);
    pos = child.end;
  }
  return found;
}

/** One attribute of a name: `CN=...`. */
interface Attribute {
  readonly oid: string;
  readonly value: Element;
}

/** The attributes of a name, in the sets that they stand in. */
function nameOf(certificate: Uint8Array, which: 'issuer' | 'subject'): Attribute[][] {
  const [tbs] = children(certificate, elementAt(certificate, 0));
  if (tbs === undefined) return [];
  // Version (tagged), serial number, algorithm, issuer, validity, subject.
  const sequences = children(certificate, tbs).filter(({ tag }) => tag === SEQUENCE);
  const name = sequences[which === 'issuer' ? 1 : 3];
  if (name === undefined) return [];
  return children(certificate, name).map((set) =>
    children(certificate, set).map((pair) => {
      const [oid, value] = children(certificate, pair) as [Element, Element];
      return { oid: oidText(certificate.subarray(oid.start, oid.end)), value };
    }),
  );
}

/** OpenSSL's short names of attributes. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.13': 'description',
  '2.5.4.15': 'businessCategory',
  '2.5.4.16': 'postalAddress',
  '2.5.4.17': 'postalCode',
  '2.5.4.18': 'postOfficeBox',
  '2.5.4.20': 'telephoneNumber',
  '2.5.4.41': 'name',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.44': 'generationQualifier',
  '2.5.4.45': 'x500UniqueIdentifier',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.3': 'mail',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '1.2.840.113549.1.9.2': 'unstructuredName',
  '1.3.6.1.4.1.311.60.2.1.1': 'jurisdictionL',
  '1.3.6.1.4.1.311.60.2.1.2': 'jurisdictionST',
  '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionC',
};

const UTF8_STRING = 12;
const UNIVERSAL_STRING = 28;
const BMP_STRING = 30;
/** Types of strings with one byte for a character. */
const BYTE_STRINGS = new Set([18, 19, 20, 21, 22, 23, 24, 25, 26, 27]);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

/** A value as UTF-8 bytes; undefined when it is no string. */
function utf8Of(certificate: Uint8Array, { tag, start, end }: Element): Buffer | undefined {
  const bytes = Buffer.from(certificate.subarray(start, end));
  if (tag === UTF8_STRING) return bytes;
  if (BYTE_STRINGS.has(tag)) return Buffer.from(bytes.toString('latin1'), 'utf8');
  if (tag === BMP_STRING && bytes.length % 2 === 0) return Buffer.from(bytes.swap16().toString('utf16le'), 'utf8');
  if (tag !== UNIVERSAL_STRING || bytes.length % 4 !== 0) return undefined;
  let text = '';
  for (let i = 0; i < bytes.length; i += 4) text += String.fromCodePoint(Math.min(bytes.readUInt32BE(i), 0x10ffff));
  return Buffer.from(text, 'utf8');
}

/** A value by RFC 2253: bytes beyond ASCII and control characters as `\XX`, special characters behind a backslash. */
function escapeValue(bytes: Buffer): string {
  let out = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    const char = String.fromCharCode(byte);
    const isOuterSpace = char === ' ' && (i === 0 || i === bytes.length - 1);
    if (byte < 0x20 || byte >= 0x7f) out += `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    else if (isOuterSpace || (char === '#' && i === 0) || ',+"\\<>;'.includes(char)) out += `\\${char}`;
    else out += char;
  }
  return out;
}

/** A name by RFC 2253: `CN=client,O=Example,C=DE`. Takes a certificate in DER. */
export function distinguishedName(certificate: Uint8Array, which: 'issuer' | 'subject'): string {
  return nameOf(certificate, which)
    .toReversed()
    .map((set) =>
      set
        .toReversed()
        .map(({ oid, value }) => {
          const short = SHORT_NAMES[oid];
          const text = short === undefined ? undefined : utf8Of(certificate, value);
          // What is not known is shown as it is encoded.
          if (text === undefined) return `${short ?? oid}=#${hex(certificate.subarray(value.from, value.end))}`;
          return `${short}=${escapeValue(text)}`;
        })
        .join('+'),
    )
    .join(',');
}

/** A name in OpenSSL's old form: `/C=DE/O=Example/CN=client`, bytes beyond printable ASCII as `\xXX`. */
export function legacyName(certificate: Uint8Array, which: 'issuer' | 'subject'): string {
  return nameOf(certificate, which)
    .map((set) => '/' + set.map(({ oid, value }) => `${SHORT_NAMES[oid] ?? oid}=${legacyValue(value)}`).join('+'))
    .join('');

  function legacyValue({ start, end }: Element): string {
    let text = '';
    for (const byte of certificate.subarray(start, end)) {
      const char = String.fromCharCode(byte);
      if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
      else text += char === '/' || char === '+' ? `\\${char}` : char;
    }
    return text;
  }
}

/** Of the peer's certificate in a session. OpenSSL: SSL_SESSION_ASN1. */
const PEER = context(3);

/** The peer's certificate in a session as OpenSSL stores sessions, in DER; undefined when there is none. */
export function sessionCertificate(session: Uint8Array): Uint8Array | undefined {
  const peer = children(session, elementAt(session, 0)).find(({ tag }) => tag === PEER);
  return peer === undefined ? undefined : session.subarray(peer.start, peer.end);
}

/** The session without the peer's certificate, which OpenSSL takes long to read again. */
export function withoutCertificate(session: Buffer): Buffer {
  const whole = elementAt(session, 0);
  const peer = children(session, whole).find(({ tag }) => tag === PEER);
  if (peer === undefined) return session;
  return encode(SEQUENCE, session.subarray(whole.start, peer.from), session.subarray(peer.end, whole.end));
}

/** The ID in a session as OpenSSL stores sessions (i2d_SSL_SESSION), in hexadecimal. */
export function sessionId(session: Uint8Array): string {
  // Version, protocol, cipher, session ID.
  const id = children(session, elementAt(session, 0))[3];
  return id === undefined ? '' : Buffer.from(session.subarray(id.start, id.end)).toString('hex');
}

/**
 * The master key in a session as OpenSSL stores sessions; of TLS 1.3 the secret for resumption. Empty when the bytes
 * are no session.
 */
export function masterKey(session: Uint8Array): Uint8Array {
  const whole = elementAt(session, 0);
  const length = session.length - whole.start;
  // Cut off, or longer than it says: elementAt() does not go beyond the end.
  if (whole.tag !== SEQUENCE || whole.end !== session.length || length <= 0) return new Uint8Array(0);
  const key = children(session, whole)[4];
  if (key === undefined || key.tag !== OCTET_STRING) return new Uint8Array(0);
  return session.subarray(key.start, key.end);
}
