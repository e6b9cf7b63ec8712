/**
 * TLS on cosockets as Lua sees it: sslhandshake and what belongs to it. Sessions, certificates and keys are pointers,
 * as in lua-resty-core (lib/resty/core/socket.lua), behind which our own objects stand.
 */
import { CertificateChain, PrivateKey } from '../../../api/certificates.ts';
import { type ApiContext, requireContext } from '../../../api/context.ts';
import type { TcpCosocket } from '../../../api/socket/tcp.ts';
import { type Handshaken, type HandshakeWish, TlsSession } from '../../../api/socket/tls.ts';
import type { CertificatePair } from '../../../http/ssl/files.ts';
import { LOG_DEBUG } from '../../../log/log.ts';
import { CData } from '../../../lua/ffi/cdata.ts';
import { nullPointer, opaqueObject, opaquePointer } from '../../../lua/ffi/opaque.ts';
import { addFinalizer } from '../../../lua/gc/finalizer.ts';
import {
  currentState,
  LuaError,
  type LuaResult,
  type LuaState,
  type LuaTable,
  type LuaValue,
  NULL,
  ret2,
  throwError,
  Userdata,
} from '../../../lua/index.ts';
import { park } from '../run.ts';
import { checkTable, isTrue, typeName } from './args.ts';
import { storeCertificates } from './trusted-store.ts';

// Where lua-resty-core keeps the two in a socket's table.
const CERTIFICATE = 6;
const KEY = 7;

/** How the socket of a table is found: `connectedSocket` of socket.ts. */
type SocketFinder = (self: LuaValue) => TcpCosocket;

/** A session for Lua in stream, where it is no pointer. */
class SessionHandle extends Userdata {
  readonly session: TlsSession | undefined;

  constructor(session: TlsSession | undefined) {
    super();
    this.session = session;
  }
}

/** A session for Lua. Its end is told to who debugs. */
function sessionPointer(session: TlsSession | undefined, ctx: ApiContext, state: LuaState): LuaValue {
  if (ctx.block?.subsystem === 'stream') return new SessionHandle(session);
  if (session === undefined) return nullPointer();
  const pointer = opaquePointer(session);
  if (ctx.debugging) {
    const log = ctx.block?.cycle.log;
    const line = `lua ssl free session: ${session}`;
    addFinalizer(pointer, () => log?.write(LOG_DEBUG, line), state, true);
  }
  return pointer;
}

function setClientCert(self: LuaValue, certificate: LuaValue, key: LuaValue): LuaResult {
  const table = checkTable(self, 1, 'setclientcert');
  if (!isTrue(certificate) && !isTrue(key)) {
    table.setInt(CERTIFICATE, undefined);
    table.setInt(KEY, undefined);
    return true;
  }
  if (!isTrue(certificate) || !isTrue(key)) {
    return ret2(undefined, 'client certificate must be supplied with corresponding private key');
  }
  if (!(certificate instanceof CData)) {
    return ret2(undefined, `bad cert arg: cdata expected, got ${typeName(certificate)}`);
  }
  if (!(key instanceof CData)) return ret2(undefined, `bad pkey arg: cdata expected, got ${typeName(key)}`);
  table.setInt(CERTIFICATE, certificate);
  table.setInt(KEY, key);
  return true;
}

const STORE = 10;

function setTrustedStore(connected: SocketFinder, self: LuaValue, store: LuaValue): LuaResult {
  if (store !== undefined && store !== NULL && !(store instanceof CData)) {
    return ret2(undefined, `bad store arg: cdata expected, got ${typeName(store)}`);
  }
  const socket = connected(self);
  const error = trustStore(socket, store);
  if (error !== undefined) return ret2(undefined, error);
  (self as LuaTable).setInt(STORE, store);
  return true;
}

/** @param store a pointer to an X509_STORE; NULL or nil for none. Returns an error text, or undefined. */
export function trustStore(socket: TcpCosocket, store: LuaValue): string | undefined {
  let authorities: readonly string[] | undefined;
  try {
    authorities = store === undefined || store === NULL ? undefined : storeCertificates(store);
  } catch (e) {
    if (e instanceof LuaError) throw e;
    return `tcpsock:settrustedstore is not supported by this Node.js: ${(e as Error).message}`;
  }
  return socket.setTrustedStore(authorities);
}

/** What setclientcert has left in the table; an error text for pointers to something else. */
function clientPair(table: LuaTable): CertificatePair | undefined | string {
  const certificate = table.getInt(CERTIFICATE);
  const key = table.getInt(KEY);
  if (certificate === undefined) return undefined;
  const chain = opaqueObject(certificate);
  const own = opaqueObject(key);
  if (!(chain instanceof CertificateChain)) return 'invalid client certificate chain';
  if (!(own instanceof PrivateKey)) return 'ssl set client private key failed';
  return { certificate: chain.pem, key: own.pem, passphrase: undefined };
}

/** The methods. */
export function tlsMethods(connected: SocketFinder): Readonly<Record<string, LuaValue>> {
  function sslHandshake(
    self: LuaValue,
    reused: LuaValue,
    serverName: LuaValue,
    verify: LuaValue,
    requestStatus: LuaValue,
  ): LuaResult {
    const n = arguments.length;
    if (self === undefined || n > 5) {
      throwError(`ngx.socket sslhandshake: expecting 1 ~ 5 arguments (including the object), but seen ${n}`);
    }
    const socket = connected(self);
    const pair = clientPair(self as LuaTable);
    if (typeof pair === 'string') return ret2(undefined, pair);
    const session = reused instanceof SessionHandle ? reused.session : opaqueObject(reused);
    const wish: HandshakeWish = {
      session: session instanceof TlsSession ? session : undefined,
      wantSession: reused !== false,
      serverName: typeof serverName === 'string' ? serverName : undefined,
      verify: isTrue(verify),
      requestStatus: isTrue(requestStatus),
      pair,
    };
    const ctx = requireContext();
    const state = currentState();
    const values = ({ error, session: own }: Handshaken): LuaValue[] => {
      if (error !== undefined) return [undefined, error];
      if (reused === false) return [true];
      return [sessionPointer(own, ctx, state)];
    };
    const result = socket.sslHandshake(wish);
    if ('start' in result) return park(result, values);
    // A connection that has TLS already gives back what was brought.
    if (result.session !== undefined && result.session === wish.session) return reused;
    const [first, second] = values(result);
    return second === undefined ? first : ret2(first, second);
  }

  function getSslSession(self: LuaValue): LuaResult {
    const session = connected(self).resumableSession();
    if (typeof session === 'string') return ret2(undefined, session);
    return sessionPointer(session, requireContext(), currentState());
  }

  function getSslPointer(self: LuaValue): LuaResult {
    const stream = connected(self).tlsStream();
    return typeof stream === 'string' ? ret2(undefined, stream) : opaquePointer(stream);
  }

  function getSslCtx(self: LuaValue): LuaResult {
    const stream = connected(self).tlsStream();
    if (stream === 'no ssl connection') return ret2(undefined, 'no ssl context');
    return typeof stream === 'string' ? ret2(undefined, stream) : opaquePointer(stream);
  }

  return {
    sslhandshake: sslHandshake,
    setclientcert: setClientCert,
    settrustedstore: (self: LuaValue, store: LuaValue) => setTrustedStore(connected, self, store),
    getsslsession: getSslSession,
    getsslpointer: getSslPointer,
    getsslctx: getSslCtx,
  };
}
