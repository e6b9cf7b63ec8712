/**
 * Lua in the handshakes of clients: ssl_client_hello_by_lua, ssl_certificate_by_lua, ssl_session_fetch_by_lua and
 * ssl_session_store_by_lua. There is no request yet; ngx_lua makes a false one, here a context has a connection instead.
 * ngx_lua: ngx_http_lua_ssl_client_helloby.c, _ssl_certby.c, _ssl_session_fetchby.c, _ssl_session_storeby.c.
 */
import { ApiContext } from '../../api/context.ts';
import { IN_SSL_CERT, IN_SSL_CLIENT_HELLO, IN_SSL_SESSION_FETCH, IN_SSL_SESSION_STORE } from '../../api/phase.ts';
import type { ConfContext } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { AGAIN, DONE, ERROR, HTTP_SPECIAL_RESPONSE } from '../../http/codes.ts';
import type { HandshakeCode, HandshakeStep, SslServer } from '../../http/modules/ssl/conf.ts';
import type { TlsConnection } from '../../http/modules/ssl/handshake.ts';
import { LOG_ALERT, LOG_DEBUG, LOG_ERR } from '../../log/log.ts';
import type { LuaFunction } from '../../lua/index.ts';
import { LoadFailure, type LuaCode } from './code.ts';
import type { LuaServer } from './conf.ts';
import { luaModule } from './module.ts';
import { callProtected, finalizeThreads, LuaRun, runPosted, startEntry } from './run.ts';
import { sharedState } from './vm.ts';

/** Code fields of a server that are for handshakes. */
type Field = 'sslClientHello' | 'sslCertificate' | 'sslSessionFetch' | 'sslSessionStore';

const HANDSHAKE_FIELDS: readonly Field[] = ['sslClientHello', 'sslCertificate', 'sslSessionFetch', 'sslSessionStore'];

/** As ngx_lua, lua_code_cache off does not reach handshakes. */
function newRun(tls: TlsConnection, phase: number): LuaRun {
  const ctx = ApiContext.ofHandshake(tls, phase);
  return new LuaRun(ctx, sharedState(tls.http));
}

/** The code's function; undefined, logged, when it cannot be loaded. */
function load(run: LuaRun, code: LuaCode): LuaFunction | undefined {
  try {
    return code.load(run.state, undefined, true);
  } catch (error) {
    if (!(error instanceof LoadFailure)) throw error;
    run.ctx.log(LOG_ERR, error.message);
    return undefined;
  }
}

function nothing(): void {}

/** The code of the server that the client asked for; the caller's is the one whose settings brought us here. */
function codeOf(tls: TlsConnection, field: Field, directive: string): LuaCode | undefined {
  const code = luaModule.serverOf(tls.server.confs)[field];
  if (code === undefined) {
    tls.log(LOG_ALERT, `no ${directive}* defined in server ${tls.server.serverName}`);
  }
  return code;
}

/**
 * Code that may wait.
 *
 * @param what the handler's name in debug lines, as ngx_lua has it
 * @param callback of OpenSSL's, its name there
 */
function waitingStep(
  field: Field,
  phase: number,
  directive: string,
  what: string,
  callback: string,
  mark = '',
): HandshakeStep {
  return (tls, ended) => {
    tls.log(LOG_DEBUG, `${what}: connection reusable: 0`);
    const code = codeOf(tls, field, directive);
    if (code === undefined) {
      ended(false);
      return nothing;
    }
    const run = newRun(tls, phase);
    const closure = load(run, code);
    if (closure === undefined) {
      // As in ngx_lua: what cannot be loaded decides nothing.
      ended(true);
      return nothing;
    }
    let waited = false;
    const end = (rc: number): void => {
      finalizeThreads(run);
      run.ctx.end();
      const ok = rc !== ERROR && rc < HTTP_SPECIAL_RESPONSE;
      const value = waited ? '' : `handler return value: ${rc}, `;
      tls.log(LOG_DEBUG, `${directive}${mark}: ${value}${callback} exit code: ${ok ? 1 : 0}`);
      ended(ok);
    };
    run.onEnd = end;
    let rc = startEntry(run, closure);
    if (rc === AGAIN) rc = runPosted(run);
    if (rc !== AGAIN && rc !== DONE) {
      end(rc);
      return nothing;
    }
    waited = true;
    return () => {
      tls.log(LOG_DEBUG, `${directive}${mark}: ${callback} aborted`);
      run.onEnd = undefined;
      finalizeThreads(run);
      run.ctx.end();
    };
  };
}

const clientHello: HandshakeStep = waitingStep(
  'sslClientHello',
  IN_SSL_CLIENT_HELLO,
  'ssl_client_hello_by_lua',
  'ssl client hello',
  'client hello cb',
);
const certificate: HandshakeStep = waitingStep(
  'sslCertificate',
  IN_SSL_CERT,
  'ssl_certificate_by_lua',
  'ssl cert',
  'cert cb',
);
const sessionFetch: HandshakeStep = waitingStep(
  'sslSessionFetch',
  IN_SSL_SESSION_FETCH,
  'ssl_session_fetch_by_lua',
  'ssl session fetch',
  'sess get cb',
  '*',
);

/** ssl_session_store_by_lua does not wait. */
function sessionStore(tls: TlsConnection): void {
  tls.log(LOG_DEBUG, 'ssl session store: connection reusable: 0');
  const code = codeOf(tls, 'sslSessionStore', 'ssl_session_store_by_lua');
  if (code === undefined) return;
  const run = newRun(tls, IN_SSL_SESSION_STORE);
  const closure = load(run, code);
  if (closure === undefined) return;
  const result = callProtected(run, closure, []);
  if (!result.ok) run.ctx.log(LOG_ERR, `failed to run session_store_by_lua*: ${result.message}`);
  run.ctx.end();
  const value = result.ok ? 0 : ERROR;
  tls.log(LOG_DEBUG, `ssl_session_store_by_lua*: handler return value: ${value}, sess new cb exit code: 0`);
}

/**
 * Has a server's handshakes run its Lua code. For mergeServer, behind that of the TLS module.
 *
 * @throws ConfError
 */
export function mergeHandshakeCode(_cf: ConfContext, parent: LuaServer, conf: LuaServer, ssl: SslServer): void {
  for (const field of HANDSHAKE_FIELDS) conf[field] ??= parent[field];
  const { sslClientHello, sslCertificate, sslSessionFetch, sslSessionStore } = conf;
  const configured = ssl.context !== undefined || ssl.rejectHandshake;
  if ((sslClientHello !== undefined || sslCertificate !== undefined) && !configured) {
    throw new ConfError('no ssl configured for the server');
  }
  if (!HANDSHAKE_FIELDS.some((field) => conf[field] !== undefined)) return;
  const code: HandshakeCode = {
    clientHello: sslClientHello && clientHello,
    certificate: sslCertificate && certificate,
    sessionFetch: sslSessionFetch && sessionFetch,
    sessionStore: sslSessionStore && sessionStore,
  };
  ssl.code = code;
}
