/**
 * The modules ngx.ssl.clienthello and ngx.ssl.session. lua-resty-core: lib/ngx/ssl/clienthello.lua, session.lua.
 */
import {
  clientHello as clientHelloTls,
  clientTls,
  helloCiphers,
  helloExtensionData,
  helloExtensionTypes,
  helloServerName,
  helloVersions,
  serializedSession,
  sessionIdText,
  setProtocols,
  setSerializedSession,
} from '../../../api/tls.ts';
import {
  PROTOCOL_SSL2,
  PROTOCOL_SSL3,
  PROTOCOL_TLS1,
  PROTOCOL_TLS1_1,
  PROTOCOL_TLS1_2,
  PROTOCOL_TLS1_3,
} from '../../../http/ssl/context.ts';
import { type LuaResult, LuaTable, type LuaValue, ret2 } from '../../../lua/index.ts';
import { checkInteger, checkString, checkTable } from '../ngx/args.ts';
import { CORE_VERSION, done, type ModuleLoader, moduleTable } from './module.ts';

function serverName(): LuaResult {
  const { name, error } = helloServerName(clientHelloTls());
  return error === undefined ? name : ret2(undefined, error);
}

const EXTENSIONS_FAILED = 'failed SSL_client_hello_get1_extensions_present()';

/** The module gives no reason for a client without extensions. */
function extensionTypes(): LuaResult {
  const types = helloExtensionTypes(clientHelloTls());
  return types.length === 0 ? ret2(undefined, EXTENSIONS_FAILED) : LuaTable.fromArray(types);
}

function ciphers(): LuaResult {
  return LuaTable.fromArray(helloCiphers(clientHelloTls()));
}

function extension(type: LuaValue): LuaResult {
  return helloExtensionData(clientHelloTls(), checkInteger(type, 1, 'get_client_hello_ext'));
}

function supportedVersions(): LuaResult {
  const versions = helloVersions(clientHelloTls());
  return versions === undefined ? undefined : LuaTable.fromArray(versions);
}

const PROTOCOLS: Readonly<Record<string, number>> = {
  SSLv2: PROTOCOL_SSL2,
  SSLv3: PROTOCOL_SSL3,
  TLSv1: PROTOCOL_TLS1,
  'TLSv1.1': PROTOCOL_TLS1_1,
  'TLSv1.2': PROTOCOL_TLS1_2,
  'TLSv1.3': PROTOCOL_TLS1_3,
};

function chooseProtocols(names: LuaValue): LuaResult {
  const tls = clientHelloTls();
  const table = checkTable(names, 1, 'set_protocols');
  let protocols = 0;
  for (let i = 1; ; i++) {
    const name = table.getInt(i);
    if (name === undefined) break;
    const bit = typeof name === 'string' ? PROTOCOLS[name] : undefined;
    if (bit === undefined) return ret2(undefined, 'invalid protocols failed');
    protocols |= bit;
  }
  setProtocols(tls, protocols);
  return true;
}

export const clientHello: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    get_client_hello_server_name: serverName,
    get_client_hello_ext_present: extensionTypes,
    get_client_hello_ciphers: ciphers,
    get_client_hello_ext: extension,
    get_supported_versions: supportedVersions,
    set_protocols: chooseProtocols,
  });

function getSerializedSession(): LuaResult {
  const tls = clientTls();
  if (typeof tls === 'string') return ret2(undefined, tls);
  const session = serializedSession(tls);
  if (typeof session === 'string') return ret2(undefined, session);
  // What the module's buffer takes.
  return session.length > 4096 ? ret2(undefined, 'session too big to serialize') : session.toString('latin1');
}

function getSessionId(): LuaResult {
  const tls = clientTls();
  if (typeof tls === 'string') return ret2(undefined, tls);
  return sessionIdText(tls) ?? ret2(undefined, 'uninitialized session id len in lua context');
}

function setSession(session: LuaValue): LuaResult {
  const tls = clientTls();
  if (typeof tls === 'string') return ret2(undefined, tls);
  return done(setSerializedSession(tls, checkString(session, 1, 'set_serialized_session')));
}

export const sslSession: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    get_serialized_session: getSerializedSession,
    get_session_id: getSessionId,
    set_serialized_session: setSession,
  });
