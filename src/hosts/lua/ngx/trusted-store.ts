/**
 * tcpsock:settrustedstore gets an X509_STORE that Lua code has made by calls of OpenSSL (lua-resty-openssl does that).
 * These calls reach the OpenSSL in Node, so that the store's certificates can be read by more of them; a connection
 * then trusts what was in the store at that time. Lookups of a store by folders, its CRLs and its flags stay behind.
 */
import { pointerOf, resultBlock, resultOffset } from '../../../lua/ffi/convert.ts';
import { CONST_VOID_PTR } from '../../../lua/ffi/ctype.ts';
import { addressOfPointer } from '../../../lua/ffi/memory.ts';
import { type NativeFunction, native } from '../../../lua/ffi/native.ts';
import type { LuaValue } from '../../../lua/index.ts';

interface OpenSsl {
  readonly allCertificates: NativeFunction;
  readonly count: NativeFunction;
  readonly at: NativeFunction;
  readonly freeAll: NativeFunction;
  readonly freeCertificate: bigint;
  readonly toDer: NativeFunction;
  readonly free: NativeFunction;
}

/** Undefined until it was looked for; null where Node does not show its OpenSSL, or an older one. */
let found: OpenSsl | null | undefined;

function look(): OpenSsl | null {
  const library = native()?.process;
  if (library === undefined) return null;
  try {
    return {
      allCertificates: library.func('X509_STORE_get1_all_certs', 'void *', ['void *']),
      count: library.func('OPENSSL_sk_num', 'int', ['void *']),
      at: library.func('OPENSSL_sk_value', 'void *', ['void *', 'int']),
      freeAll: library.func('OPENSSL_sk_pop_free', 'void', ['void *', 'void *']),
      freeCertificate: library.symbol('X509_free'),
      toDer: library.func('i2d_X509', 'int', ['void *', 'void *']),
      free: library.func('X509_free', 'void', ['void *']),
    };
  } catch {
    // No such function: that is the answer.
    return null;
  }
}

/** The certificates of a stack, in DER. */
function ofStack(openssl: OpenSsl, stack: unknown): Buffer[] {
  const out: Buffer[] = [];
  const n = openssl.count(stack) as number;
  for (let i = 0; i < n; i++) {
    const certificate = openssl.at(stack, i);
    const size = openssl.toDer(certificate, null) as number;
    if (size <= 0) continue;
    const bytes = Buffer.alloc(size);
    // i2d takes a pointer to a pointer, which it moves.
    const pointer = new BigUint64Array([(native()?.koffi.address(bytes.buffer) ?? 0n) + BigInt(bytes.byteOffset)]);
    if ((openssl.toDer(certificate, pointer) as number) === size) out.push(bytes);
  }
  return out;
}

/**
 * The certificates of the store that a pointer leads to, in PEM; undefined for NULL.
 *
 * @throws Error when OpenSSL cannot be called
 */
export function storeCertificates(pointer: LuaValue): string[] | undefined {
  pointerOf(CONST_VOID_PTR, pointer, false);
  const address = addressOfPointer(resultBlock, resultOffset);
  if (address === 0) return undefined;
  found ??= look();
  if (found === null) throw new Error('no OpenSSL functions');
  const stack = found.allCertificates(BigInt(address)) as bigint | null;
  if (stack === null || stack === 0n) return [];
  try {
    const { X509Certificate } = process.getBuiltinModule('node:crypto');
    return ofStack(found, stack).map((der) => new X509Certificate(der).toString());
  } finally {
    found.freeAll(stack, found.freeCertificate);
  }
}
