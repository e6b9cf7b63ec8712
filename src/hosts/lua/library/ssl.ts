/**
 * The module ngx.ssl as far as it is about certificates, keys and the client's connection: what tcpsock:setclientcert
 * needs. lua-resty-core: lib/ngx/ssl.lua; ngx_lua: ngx_http_lua_ssl_certby.c.
 */
import type { KeyObject } from 'node:crypto';
import { current } from '../../../api/context.ts';
import type { TlsConnection } from '../../../http/modules/ssl/handshake.ts';
import type { CData } from '../../../lua/ffi/cdata.ts';
import { opaqueObject, opaquePointer } from '../../../lua/ffi/opaque.ts';
import { type LuaResult, type LuaValue, ret2, throwError } from '../../../lua/index.ts';
import { checkString } from '../ngx/args.ts';
import { CertificateChain, PrivateKey } from '../ngx/socket-tls.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

const CERTIFICATE = /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END \1?CERTIFICATE-----/g;

/** The certificates of a PEM text, in DER; an error text. */
function certificatesOf(pem: string): Buffer[] | string {
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  const found = pem.match(CERTIFICATE) ?? [];
  if (found.length === 0) return 'PEM_read_bio_X509_AUX() failed';
  const out: Buffer[] = [];
  for (const text of found) {
    try {
      out.push(new X509Certificate(text).raw);
    } catch {
      // ngx_lua gives the name of the call and throws OpenSSL's reasons away.
      return out.length === 0 ? 'PEM_read_bio_X509_AUX() failed' : 'PEM_read_bio_X509() failed';
    }
  }
  return out;
}

/** A private key; undefined when it is none, or the password is wrong. */
function keyOf(text: string | Buffer, passphrase?: string): KeyObject | undefined {
  const { createPrivateKey } = process.getBuiltinModule('node:crypto');
  const protection = passphrase === undefined ? {} : { passphrase: Buffer.from(passphrase, 'latin1') };
  if (typeof text === 'string') {
    try {
      return createPrivateKey({ key: text, format: 'pem', ...protection });
    } catch {
      return undefined;
    }
  }
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: text, format: 'der', type });
    } catch {
      // DER does not say which of the kinds it is.
    }
  }
  return undefined;
}

/** A key as OpenSSL writes it by itself (i2d_PrivateKey): by its algorithm's own format where there is one. */
function keyToDer(key: KeyObject): Buffer {
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8';
  return key.export({ format: 'der', type });
}

function chainPointer(certificates: readonly Buffer[]): CData {
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  return opaquePointer(new CertificateChain(certificates.map((der) => new X509Certificate(der).toString()).join('')));
}

function keyPointer(key: KeyObject): CData {
  return opaquePointer(new PrivateKey(key.export({ format: 'pem', type: 'pkcs8' }) as string));
}

function certPemToDer(pem: LuaValue): LuaResult {
  const certificates = certificatesOf(checkString(pem, 1, 'cert_pem_to_der'));
  if (typeof certificates === 'string') return ret2(undefined, certificates);
  return Buffer.concat(certificates).toString('latin1');
}

function privKeyPemToDer(pem: LuaValue, passphrase: LuaValue): LuaResult {
  const password = passphrase === undefined ? undefined : checkString(passphrase, 2, 'priv_key_pem_to_der');
  const key = keyOf(checkString(pem, 1, 'priv_key_pem_to_der'), password);
  return key === undefined ? ret2(undefined, 'PEM_read_bio_PrivateKey() failed') : keyToDer(key).toString('latin1');
}

function parsePemCert(pem: LuaValue): LuaResult {
  const certificates = certificatesOf(checkString(pem, 1, 'parse_pem_cert'));
  return typeof certificates === 'string' ? ret2(undefined, certificates) : chainPointer(certificates);
}

/** Certificates one behind the other. */
function parseDerCert(der: LuaValue): LuaResult {
  const bytes = Buffer.from(checkString(der, 1, 'parse_der_cert'), 'latin1');
  if (bytes.length === 0) return ret2(undefined, 'invalid argument');
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  const out: Buffer[] = [];
  for (let pos = 0; pos < bytes.length; ) {
    try {
      const { raw } = new X509Certificate(bytes.subarray(pos));
      out.push(raw);
      pos += raw.length;
    } catch {
      return ret2(undefined, out.length === 0 ? 'd2i_X509_bio() failed' : 'd2i_X509_bio() failed in rest of chain');
    }
  }
  return chainPointer(out);
}

function parsePemPrivKey(pem: LuaValue): LuaResult {
  const key = keyOf(checkString(pem, 1, 'parse_pem_priv_key'));
  return key === undefined ? ret2(undefined, 'PEM_read_bio_PrivateKey() failed') : keyPointer(key);
}

function parseDerPrivKey(der: LuaValue): LuaResult {
  const bytes = Buffer.from(checkString(der, 1, 'parse_der_priv_key'), 'latin1');
  if (bytes.length === 0) return ret2(undefined, 'invalid argument');
  const key = keyOf(bytes);
  return key === undefined ? ret2(undefined, 'd2i_PrivateKey_bio() failed') : keyPointer(key);
}

/** The TLS of the client's connection. */
function clientTls(): TlsConnection | undefined {
  if (current?.r === undefined) throwError('no request found');
  return current.r.connection.tls;
}

function serverName(): LuaResult {
  const tls = clientTls();
  return tls === undefined ? ret2(undefined, 'bad ssl conn') : tls.hello.serverName;
}

const VERSIONS: Readonly<Record<string, number>> = {
  SSLv3: 0x300,
  TLSv1: 0x301,
  'TLSv1.1': 0x302,
  'TLSv1.2': 0x303,
  'TLSv1.3': 0x304,
};

function getTls1Version(): LuaResult {
  const tls = clientTls();
  return tls === undefined ? ret2(undefined, 'bad ssl conn') : VERSIONS[tls.protocol];
}

function getTls1VersionStr(): LuaResult {
  const tls = clientTls();
  return tls === undefined ? ret2(undefined, 'bad ssl conn') : tls.protocol;
}

/** Of a connection whose pointer was asked for: tcpsock:getsslpointer, get_req_ssl_pointer. */
function sslSessionReused(ssl: LuaValue): LuaResult {
  const stream = opaqueObject(ssl) as { isSessionReused?: () => boolean } | undefined;
  return stream?.isSessionReused === undefined ? ret2(undefined, 'bad ssl') : stream.isSessionReused();
}

function getReqSslPointer(): LuaResult {
  const tls = clientTls();
  return tls === undefined ? ret2(undefined, 'bad ssl conn') : opaquePointer(tls.session);
}

/** What belongs to phases that there are none of yet. */
const UNSUPPORTED = [
  'clear_certs',
  'set_der_cert',
  'set_der_priv_key',
  'set_cert',
  'set_priv_key',
  'verify_client',
  'raw_server_addr',
  'raw_client_addr',
  'server_port',
  'export_keying_material',
  'export_keying_material_early',
  'get_upstream_ssl_pointer',
  'get_client_random',
  'get_server_random',
  'get_session_master_key',
  'get_req_shared_ssl_ciphers',
];

export const ssl: ModuleLoader = () => {
  const module = moduleTable({
    version: CORE_VERSION,
    cert_pem_to_der: certPemToDer,
    priv_key_pem_to_der: privKeyPemToDer,
    parse_pem_cert: parsePemCert,
    parse_der_cert: parseDerCert,
    parse_pem_priv_key: parsePemPrivKey,
    parse_der_priv_key: parseDerPrivKey,
    server_name: serverName,
    get_tls1_version: getTls1Version,
    get_tls1_version_str: getTls1VersionStr,
    ssl_session_reused: sslSessionReused,
    get_req_ssl_pointer: getReqSslPointer,
    SSL3_VERSION: VERSIONS['SSLv3'],
    TLS1_VERSION: VERSIONS['TLSv1'],
    TLS1_1_VERSION: VERSIONS['TLSv1.1'],
    TLS1_2_VERSION: VERSIONS['TLSv1.2'],
    TLS1_3_VERSION: VERSIONS['TLSv1.3'],
  });
  for (const name of UNSUPPORTED) {
    module.setStr(name, (): LuaResult => throwError(`ngx.ssl.${name} is not supported yet`));
  }
  return module;
};
