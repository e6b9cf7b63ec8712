/**
 * The modules ngx.proxyssl, ngx.ssl.proxysslcert and ngx.ssl.proxysslverify: TLS to backends. lua-resty-core:
 * lib/ngx/proxyssl.lua, lib/ngx/ssl/proxysslcert.lua, lib/ngx/ssl/proxysslverify.lua.
 */
import { CertificateChain, PrivateKey, parseDerCertificates, parseDerKey } from '../../../api/certificates.ts';
import {
  backendProtocol,
  clearCertificates,
  getVerifyCertificate,
  getVerifyResult,
  setVerifyResult,
  showCertificate,
  useKey,
} from '../../../api/proxy-ssl.ts';
import { TLS_VERSIONS } from '../../../api/tls.ts';
import { opaqueObject, opaquePointer } from '../../../lua/ffi/opaque.ts';
import { type LuaResult, type LuaValue, ret2 } from '../../../lua/index.ts';
import { checkInteger, checkString } from '../ngx/args.ts';
import { CORE_VERSION, done, type ModuleLoader, moduleTable } from './module.ts';

function getTls1Version(): LuaResult {
  const found = backendProtocol();
  return typeof found === 'string' ? ret2(undefined, found) : TLS_VERSIONS[found.protocol];
}

function getTls1VersionStr(): LuaResult {
  const found = backendProtocol();
  if (typeof found === 'string') return ret2(undefined, found);
  return TLS_VERSIONS[found.protocol] === undefined ? ret2(undefined, 'unknown version') : found.protocol;
}

/** ngx.proxyssl */
export const proxyssl: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    get_tls1_version: getTls1Version,
    get_tls1_version_str: getTls1VersionStr,
    SSL3_VERSION: TLS_VERSIONS['SSLv3'],
    TLS1_VERSION: TLS_VERSIONS['TLSv1'],
    TLS1_1_VERSION: TLS_VERSIONS['TLSv1.1'],
    TLS1_2_VERSION: TLS_VERSIONS['TLSv1.2'],
    TLS1_3_VERSION: TLS_VERSIONS['TLSv1.3'],
  });

function setDerCert(der: LuaValue): LuaResult {
  const chain = parseDerCertificates(checkString(der, 1, 'set_der_cert'));
  return typeof chain === 'string' ? ret2(undefined, 'd2i_X509_bio() failed') : done(showCertificate(chain));
}

function setDerPrivKey(der: LuaValue): LuaResult {
  const key = parseDerKey(checkString(der, 1, 'set_der_priv_key'));
  return typeof key === 'string' ? ret2(undefined, 'd2i_PrivateKey_bio() failed') : done(useKey(key));
}

function setCert(pointer: LuaValue): LuaResult {
  const chain = opaqueObject(pointer);
  if (!(chain instanceof CertificateChain)) return ret2(undefined, 'invalid certificate chain');
  return done(showCertificate(chain));
}

function setPrivKey(pointer: LuaValue): LuaResult {
  const key = opaqueObject(pointer);
  return key instanceof PrivateKey ? done(useKey(key)) : ret2(undefined, 'invalid private key');
}

/** ngx.ssl.proxysslcert */
export const proxysslcert: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    clear_certs: () => done(clearCertificates()),
    set_der_cert: setDerCert,
    set_der_priv_key: setDerPrivKey,
    set_cert: setCert,
    set_priv_key: setPrivKey,
  });

function getResult(): LuaResult {
  const result = getVerifyResult();
  return typeof result === 'string' ? ret2(undefined, result) : result;
}

function getCert(): LuaResult {
  const certificate = getVerifyCertificate();
  if (typeof certificate === 'string') return ret2(undefined, certificate);
  return opaquePointer(CertificateChain.of([certificate]));
}

/** ngx.ssl.proxysslverify */
export const proxysslverify: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    set_verify_result: (result: LuaValue): LuaResult =>
      done(setVerifyResult(checkInteger(result, 1, 'set_verify_result'))),
    get_verify_result: getResult,
    get_verify_cert: getCert,
  });
