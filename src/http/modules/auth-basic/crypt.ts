/**
 * Hashes of passwords as .htpasswd files hold them: apr1, {PLAIN}, {SHA} and {SSHA} here, everything else (DES, bcrypt,
 * SHA-512, yescrypt, ...) by the system's crypt(3). nginx: src/core/ngx_crypt.c.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { errnoName, errnoSuffix } from '../../../log/errno.ts';

/** The hash could not be made; `message` is for error.log. */
export class CryptError extends Error {}

/**
 * The hash of a password by the method and the salt of another hash: the same as that one when the passwords are.
 *
 * @param key the password; it ends at its first zero byte, as C strings do
 * @throws CryptError when the system's crypt(3) refuses the salt or cannot be called
 */
export function crypt(key: string, salt: string): string {
  const zero = key.indexOf('\0');
  const password = Buffer.from(zero < 0 ? key : key.slice(0, zero), 'latin1');
  if (salt.startsWith('$apr1$')) return apr1(password, salt);
  if (salt.startsWith('{PLAIN}')) return `{PLAIN}${password.toString('latin1')}`;
  if (salt.startsWith('{SSHA}')) return ssha(password, salt);
  if (salt.startsWith('{SHA}')) return `{SHA}${createHash('sha1').update(password).digest('base64')}`;
  return systemCrypt(password, salt);
}

/** `{SSHA}` and base64 of the digest, 20 bytes, with the salt behind it. */
function ssha(password: Buffer, salt: string): string {
  const encoded = salt.slice(6);
  const valid = /^[A-Za-z0-9+/]*(=|$)/.test(encoded) && encoded.replace(/=.*/, '').length % 4 !== 1;
  const known = valid ? Buffer.from(encoded.replace(/=.*/, ''), 'base64') : Buffer.alloc(0);
  const bare = known.subarray(Math.min(20, known.length));
  const digest = createHash('sha1').update(password).update(bare).digest();
  return `{SSHA}${Buffer.concat([digest, bare]).toString('base64')}`;
}

const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const MAGIC = Buffer.from('$apr1$');
const ROUNDS = 1000;

function md5(parts: readonly Buffer[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Six bits a digit, the lowest first. */
function digits(value: number, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += DIGITS[(value >> (6 * i)) & 63];
  return text;
}

/** Apache's variant of the MD5 crypt that came with FreeBSD: a thousand rounds in an order of their own. */
function apr1(password: Buffer, hash: string): string {
  const text = hash.slice(MAGIC.length).slice(0, 8).split('$', 1)[0] as string;
  const salt = Buffer.from(text, 'latin1');
  const inner = md5([password, salt, password]);
  const first: Buffer[] = [password, MAGIC, salt];
  for (let left = password.length; left > 0; left -= 16) first.push(inner.subarray(0, Math.min(16, left)));
  // For each bit of the password's length a zero byte or the password's first one.
  const zero = Buffer.from([0]);
  for (let length = password.length; length > 0; length >>= 1) {
    first.push((length & 1) === 1 ? zero : password.subarray(0, 1));
  }
  let state = md5(first);
  for (let round = 0; round < ROUNDS; round++) {
    const odd = (round & 1) === 1;
    const parts = [odd ? password : state];
    if (round % 3 !== 0) parts.push(salt);
    if (round % 7 !== 0) parts.push(password);
    parts.push(odd ? state : password);
    state = md5(parts);
  }
  let out = `$apr1$${text}$`;
  for (let i = 0; i < 5; i++) {
    const last = i === 4 ? 5 : i + 12;
    out += digits(((state[i] as number) << 16) | ((state[i + 6] as number) << 8) | (state[last] as number), 4);
  }
  return out + digits(state[11] as number, 2);
}

interface SystemCrypt {
  crypt(key: string | Buffer, salt: string | Buffer): string | null;
  errno(): number;
}

let system: SystemCrypt | undefined;

/** Linux has crypt(3) in a library of its own, whose number differs; elsewhere it is in the C library. */
const LIBRARIES = process.platform === 'linux' ? ['libcrypt.so.1', 'libcrypt.so.2', 'libcrypt.so'] : [null];

function loadSystemCrypt(): SystemCrypt {
  let koffi: typeof import('koffi');
  try {
    koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  } catch (e) {
    throw new CryptError(
      `crypt() cannot be called: the native call library "koffi" cannot be loaded: ${(e as Error).message}`,
    );
  }
  let reason = '';
  for (const name of LIBRARIES) {
    try {
      const call = koffi.load(name).func('const char *crypt(const void *key, const void *salt)');
      return { crypt: call as unknown as SystemCrypt['crypt'], errno: () => koffi.errno() };
    } catch (e) {
      reason = (e as Error).message;
    }
  }
  throw new CryptError(`crypt() cannot be called: ${reason}`);
}

function cString(text: string | Buffer): Buffer {
  return Buffer.concat([typeof text === 'string' ? Buffer.from(text, 'latin1') : text, Buffer.from([0])]);
}

function systemCrypt(password: Buffer, salt: string): string {
  system ??= loadSystemCrypt();
  const hash = system.crypt(cString(password), cString(salt));
  if (hash !== null) return hash;
  const number = system.errno();
  throw new CryptError(`crypt_r() failed${errnoSuffix(errnoName(number) ?? String(number))}`);
}
