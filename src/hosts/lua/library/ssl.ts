/**
 * The module ngx.ssl: certificates, keys and the client's connection. What it does is in src/api/tls.ts and
 * certificates.ts. lua-resty-core: lib/ngx/ssl.lua.
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
import { backendSession } from '../../../api/proxy-ssl.ts';
import {
  clearCertificates,
  clientRandom,
  clientTls,
  exportKeyingMaterial,
  isGrease,
  type RawAddress,
  rawClientAddress,
  rawServerAddress,
  SERVER_RANDOM_UNKNOWN,
  serverPort,
  sessionMasterKey,
  setCertificate,
  setDerCertificate,
  setDerPrivateKey,
  setPrivateKey,
  sharedCiphers,
  TLS_VERSIONS,
  tlsVersion,
  tlsVersionName,
  verifyClient,
} from '../../../api/tls.ts';
import type { TlsConnection } from '../../../http/modules/ssl/handshake.ts';
import { isNull, opaqueObject, opaquePointer } from '../../../lua/ffi/opaque.ts';
import { type LuaResult, LuaTable, type LuaValue, ret2, ret3, throwError } from '../../../lua/index.ts';
import { checkInteger, checkString } from '../ngx/args.ts';
import { CORE_VERSION, done, type ModuleLoader, moduleTable } from './module.ts';

/** A function about the client's TLS. */
function ofClient(answer: (tls: TlsConnection, ...args: LuaValue[]) => LuaResult): (...args: LuaValue[]) => LuaResult {
  return (...args) => {
    const tls = clientTls();
    return typeof tls === 'string' ? ret2(undefined, tls) : answer(tls, ...args);
  };
}

// Certificates and keys as texts and as pointers.

function pointer(object: CertificateChain | PrivateKey | string): LuaResult {
  return typeof object === 'string' ? ret2(undefined, object) : opaquePointer(object);
}

function certPemToDer(pem: LuaValue): LuaResult {
  const chain = parsePemCertificates(checkString(pem, 1, 'cert_pem_to_der'));
  return typeof chain === 'string' ? ret2(undefined, chain) : chainToDer(chain);
}

function privKeyPemToDer(pem: LuaValue, passphrase: LuaValue): LuaResult {
  const password = passphrase === undefined ? undefined : checkString(passphrase, 2, 'priv_key_pem_to_der');
  const key = parsePemKey(checkString(pem, 1, 'priv_key_pem_to_der'), password);
  return typeof key === 'string' ? ret2(undefined, key) : keyToDer(key);
}

/** NULL and nil are no chain; anything else but a chain is an error of the caller's. */
function chainOf(value: LuaValue): CertificateChain | undefined {
  if (isNull(value)) return undefined;
  const object = opaqueObject(value);
  return object instanceof CertificateChain ? object : throwError('bad certificate: no pointer to certificates');
}

const clearCerts = ofClient((tls) => {
  clearCertificates(tls);
  return true;
});

const setDerCert = ofClient((tls, der) => done(setDerCertificate(tls, checkString(der, 1, 'set_der_cert'))));

const setDerPrivKey = ofClient((tls, der) => done(setDerPrivateKey(tls, checkString(der, 1, 'set_der_priv_key'))));

const setCert = ofClient((tls, certificate) => {
  const chain = chainOf(certificate);
  return done(chain === undefined ? 'invalid certificate chain' : setCertificate(tls, chain));
});

const setPrivKey = ofClient((tls, value) => {
  const key = opaqueObject(value);
  return done(key instanceof PrivateKey ? setPrivateKey(tls, key) : 'invalid private key');
});

const verify = ofClient((tls, authorities, depth, trusted) => {
  const most = depth === undefined || depth === false ? -1 : checkInteger(depth, 2, 'verify_client');
  return done(verifyClient(tls, chainOf(authorities), most, chainOf(trusted)));
});

// The connection.

function address(find: (tls: TlsConnection) => RawAddress): () => LuaResult {
  return () => {
    const tls = clientTls();
    if (typeof tls === 'string') return ret3(undefined, undefined, tls);
    const { bytes, family } = find(tls);
    return ret2(bytes, family);
  };
}

const port = ofClient((tls) => {
  const found = serverPort(tls);
  return typeof found === 'number' ? found : ret2(undefined, found);
});

/** Bytes as lua-resty-core gives them: their number for a length of 0. */
function bytesFor(outlen: LuaValue, bytes: Buffer, standard: number, name: string): LuaValue {
  const length = outlen === undefined ? standard : checkInteger(outlen, 1, name);
  return length === 0 ? bytes.length : bytes.subarray(0, length).toString('latin1');
}

const RANDOM_LENGTH = 32;
const MASTER_KEY_LENGTH = 48;

/** Its length is known; Node does not tell the bytes. */
const serverRandom = ofClient((_tls, outlen) => {
  if (outlen !== undefined && checkInteger(outlen, 1, 'get_server_random') === 0) return RANDOM_LENGTH;
  return ret2(undefined, SERVER_RANDOM_UNKNOWN);
});

const masterKey = ofClient((tls, outlen) => {
  return bytesFor(outlen, sessionMasterKey(tls), MASTER_KEY_LENGTH, 'get_session_master_key');
});

const exportMaterial = ofClient((tls, length, label, context) => {
  const material = exportKeyingMaterial(
    tls,
    checkInteger(length, 1, 'export_keying_material'),
    checkString(label, 2, 'export_keying_material'),
    context === undefined || context === false ? undefined : checkString(context, 3, 'export_keying_material'),
  );
  return typeof material === 'string' ? ret2(undefined, material) : material.toString('latin1');
});

/** No early data is ever taken. */
const exportEarlyMaterial = ofClient(() => ret2(undefined, 'SSL_export_keying_material_early() failed'));

/** What lua-resty-core has room for. */
const MOST_CIPHERS = 255;

const sharedSslCiphers = ofClient((tls, filterGrease) => {
  const shared = sharedCiphers(tls, MOST_CIPHERS);
  if (typeof shared === 'string') return ret2(undefined, shared);
  return LuaTable.fromArray(filterGrease === false ? shared : shared.filter((number) => !isGrease(number)));
});

/** Of a connection whose pointer was asked for: tcpsock:getsslpointer, get_req_ssl_pointer. */
function sslSessionReused(ssl: LuaValue): LuaResult {
  const stream = opaqueObject(ssl) as { isSessionReused?: () => boolean } | undefined;
  return stream?.isSessionReused === undefined ? ret2(undefined, 'bad ssl') : stream.isSessionReused();
}

function upstreamPointer(): LuaResult {
  const session = backendSession();
  return typeof session === 'string' ? ret2(undefined, session) : opaquePointer(session);
}

export const ssl: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    cert_pem_to_der: certPemToDer,
    priv_key_pem_to_der: privKeyPemToDer,
    parse_pem_cert: (pem: LuaValue) => pointer(parsePemCertificates(checkString(pem, 1, 'parse_pem_cert'))),
    parse_der_cert: (der: LuaValue) => pointer(parseDerCertificates(checkString(der, 1, 'parse_der_cert'))),
    parse_pem_priv_key: (pem: LuaValue) => pointer(parsePemKey(checkString(pem, 1, 'parse_pem_priv_key'))),
    parse_der_priv_key: (der: LuaValue) => pointer(parseDerKey(checkString(der, 1, 'parse_der_priv_key'))),
    clear_certs: clearCerts,
    set_der_cert: setDerCert,
    set_der_priv_key: setDerPrivKey,
    set_cert: setCert,
    set_priv_key: setPrivKey,
    verify_client: verify,
    server_name: ofClient(({ hello }) => (hello.serverName === '' ? undefined : hello.serverName)),
    server_port: port,
    raw_server_addr: address(rawServerAddress),
    raw_client_addr: address(rawClientAddress),
    get_tls1_version: ofClient(tlsVersion),
    get_tls1_version_str: ofClient(tlsVersionName),
    get_client_random: ofClient((tls, outlen) =>
      bytesFor(outlen, clientRandom(tls), RANDOM_LENGTH, 'get_client_random'),
    ),
    get_server_random: serverRandom,
    get_session_master_key: masterKey,
    export_keying_material: exportMaterial,
    export_keying_material_early: exportEarlyMaterial,
    get_req_shared_ssl_ciphers: sharedSslCiphers,
    ssl_session_reused: sslSessionReused,
    get_upstream_ssl_pointer: upstreamPointer,
    get_req_ssl_pointer: ofClient((tls) => opaquePointer(tls)),
    SSL3_VERSION: TLS_VERSIONS['SSLv3'],
    TLS1_VERSION: TLS_VERSIONS['TLSv1'],
    TLS1_1_VERSION: TLS_VERSIONS['TLSv1.1'],
    TLS1_2_VERSION: TLS_VERSIONS['TLSv1.2'],
    TLS1_3_VERSION: TLS_VERSIONS['TLSv1.3'],
  });
