/**
 * The functions of ngx_lua's executable that ngx.ssl is made of, for libraries that declare them for themselves and call
 * them by ffi.C. What they do is in src/api/tls.ts. The request that they are given is not looked at, other than for
 * being one: it is always that of the running code. ngx_lua: ngx_http_lua_ffi_ssl_* (ngx_http_lua_ssl_certby.c).
 */
import {
  CertificateChain,
  chainToDer,
  keyToDer,
  PrivateKey,
  parseDerCertificates,
  parseDerKey,
  parsePemCertificates,
  parsePemKey,
} from '../../../api/certificates.ts';
import {
  clearCertificates,
  clientRandom,
  clientTls,
  isGrease,
  SERVER_RANDOM_UNKNOWN,
  sessionMasterKey,
  setCertificate,
  setDerCertificate,
  setDerPrivateKey,
  setPrivateKey,
  sharedCiphers,
  verifyClient,
} from '../../../api/tls.ts';
import { TlsConnection } from '../../../http/modules/ssl/handshake.ts';
import { CData, cdataOperations } from '../../../lua/ffi/cdata.ts';
import { writeMemory } from '../../../lua/ffi/host.ts';
import { isNull, nullPointer, opaqueObject, opaquePointer } from '../../../lua/ffi/opaque.ts';
import { defineCFunction, type HostFunction, type LuaResult, type LuaValue } from '../../../lua/index.ts';

const OK = 0;
const ERROR = -1;

/** C strings of error texts, which are few and stay where they are. */
const texts = new Map<string, CData>();

/** A `char *` to a text with a zero byte. */
function cString(text: string): CData {
  let bytes = texts.get(text);
  if (bytes === undefined) {
    bytes = cdataOperations.newBytes(text.length + 1);
    writeMemory(bytes, `${text}\0`);
    texts.set(text, bytes);
  }
  return bytes;
}

/** `*err = text`, and the result that says so. */
function failed(err: LuaValue, text: string): number {
  if (err instanceof CData) cdataOperations.setIndex(err, 0, cString(text));
  return ERROR;
}

function number(value: LuaValue): number {
  if (typeof value === 'number') return value;
  return value instanceof CData ? (cdataOperations.toNumber(value) ?? 0) : 0;
}

/** `size` bytes at a pointer, or of a string. */
function bytesAt(pointer: LuaValue, size: LuaValue): string {
  return cdataOperations.bytesAt(pointer, number(size));
}

/** Up to the first zero byte; undefined for NULL. */
function textAt(pointer: LuaValue): string | undefined {
  return isNull(pointer) ? undefined : cdataOperations.bytesAt(pointer);
}

/** Works on the client's TLS; an error text becomes `*err` and -1. `at` is where the arguments have `err`. */
function onClient(
  at: number,
  work: (tls: TlsConnection, args: LuaValue[]) => string | undefined | number,
): HostFunction {
  return (...args) => {
    const tls = isNull(args[0]) ? 'bad request' : clientTls();
    if (typeof tls === 'string') return failed(args[at], tls);
    const result = work(tls, args);
    return typeof result === 'string' ? failed(args[at], result) : (result ?? OK);
  };
}

/** Reads certificates or a key; a pointer that is NULL after an error. */
function parsed(object: CertificateChain | PrivateKey | string, err: LuaValue): LuaResult {
  if (typeof object !== 'string') return opaquePointer(object);
  failed(err, object);
  return nullPointer();
}

/** Writes DER to memory that the caller says is large enough. Its length is the result. */
function written(der: string, to: LuaValue): number {
  writeMemory(to, der);
  return der.length;
}

/** `*outlen = SSL_get_...(ssl, out, *outlen)`: with a length of 0 how many bytes there are. */
function give(bytes: Buffer, out: LuaValue, outlen: LuaValue): undefined {
  const pointer = outlen as CData;
  const room = number(cdataOperations.index(pointer, 0) as LuaValue);
  if (room > 0) writeMemory(out, bytes.subarray(0, room).toString('latin1'));
  cdataOperations.setIndex(pointer, 0, room === 0 ? bytes.length : Math.min(room, bytes.length));
  return undefined;
}

function chainAt(pointer: LuaValue): CertificateChain | undefined {
  const object = opaqueObject(pointer);
  return object instanceof CertificateChain ? object : undefined;
}

const FUNCTIONS: Readonly<Record<string, HostFunction>> = {
  cert_pem_to_der: (pem, length, der, err) => {
    const chain = parsePemCertificates(bytesAt(pem, length));
    return typeof chain === 'string' ? failed(err, chain) : written(chainToDer(chain), der);
  },
  priv_key_pem_to_der: (pem, length, passphrase, der, err) => {
    const key = parsePemKey(bytesAt(pem, length), textAt(passphrase));
    return typeof key === 'string' ? failed(err, key) : written(keyToDer(key), der);
  },
  parse_pem_cert: (pem, length, err) => parsed(parsePemCertificates(bytesAt(pem, length)), err),
  parse_der_cert: (der, length, err) => parsed(parseDerCertificates(bytesAt(der, length)), err),
  parse_pem_priv_key: (pem, length, err) => parsed(parsePemKey(bytesAt(pem, length)), err),
  parse_der_priv_key: (der, length, err) => parsed(parseDerKey(bytesAt(der, length)), err),
  // The garbage collector does it.
  free_cert: () => undefined,
  free_priv_key: () => undefined,
  ssl_clear_certs: onClient(1, (tls) => {
    clearCertificates(tls);
    return undefined;
  }),
  ssl_set_der_certificate: onClient(3, (tls, [, der, length]) => setDerCertificate(tls, bytesAt(der, length))),
  ssl_set_der_private_key: onClient(3, (tls, [, der, length]) => setDerPrivateKey(tls, bytesAt(der, length))),
  set_cert: onClient(2, (tls, [, pointer]) => {
    const chain = chainAt(pointer);
    return chain === undefined ? 'invalid certificate chain' : setCertificate(tls, chain);
  }),
  set_priv_key: onClient(2, (tls, [, pointer]) => {
    const key = opaqueObject(pointer);
    return key instanceof PrivateKey ? setPrivateKey(tls, key) : 'invalid private key';
  }),
  ssl_verify_client: onClient(4, (tls, [, authorities, trusted, depth]) =>
    verifyClient(tls, chainAt(authorities), number(depth), chainAt(trusted)),
  ),
  ssl_client_random: onClient(3, (tls, [, out, outlen]) => give(clientRandom(tls), out, outlen)),
  ssl_server_random: onClient(3, () => SERVER_RANDOM_UNKNOWN),
  ssl_session_master_key: onClient(3, (tls, [, out, outlen]) => give(sessionMasterKey(tls), out, outlen)),
  req_shared_ssl_ciphers: onClient(4, (tls, [, out, count, filterGrease]) => {
    const counter = count as CData;
    const shared = sharedCiphers(tls, number(cdataOperations.index(counter, 0) as LuaValue));
    if (typeof shared === 'string') {
      cdataOperations.setIndex(counter, 0, 0);
      return shared;
    }
    const kept = number(filterGrease) === 0 ? shared : shared.filter((one) => !isGrease(one));
    for (const [i, one] of kept.entries()) cdataOperations.setIndex(out as CData, i, one);
    cdataOperations.setIndex(counter, 0, kept.length);
    return undefined;
  }),
  get_req_ssl_pointer: (r, err) => {
    const tls = isNull(r) ? 'bad request' : clientTls();
    if (typeof tls !== 'string') return opaquePointer(tls);
    failed(err, tls);
    return nullPointer();
  },
};

/** OpenSSL's, for the pointers of get_req_ssl_pointer, which are none of OpenSSL's. */
function getServerName(pointer: LuaValue): LuaResult {
  const tls = opaqueObject(pointer);
  const name = tls instanceof TlsConnection ? tls.hello.serverName : undefined;
  if (name === undefined) return nullPointer();
  // The caller has it for as long as it keeps the pointer.
  const bytes = cdataOperations.newBytes(name.length + 1);
  writeMemory(bytes, `${name}\0`);
  return bytes;
}

function sessionReused(pointer: LuaValue): LuaResult {
  const ssl = opaqueObject(pointer) as { isSessionReused?: () => boolean } | undefined;
  return ssl?.isSessionReused?.() === true ? 1 : 0;
}

/** Makes them known, once a process. */
export function defineTlsFunctions(): void {
  for (const [name, fn] of Object.entries(FUNCTIONS)) defineCFunction(`ngx_http_lua_ffi_${name}`, fn);
  defineCFunction('SSL_get_servername', getServerName);
  defineCFunction('SSL_session_reused', sessionReused);
}
