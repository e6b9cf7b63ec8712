/**
 * Sessions that are kept here and found by their id, as opposed to those that clients keep in tickets. nginx:
 * ngx_ssl_session_cache(), ngx_ssl_new_session(), ngx_ssl_get_cached_session() (src/event/ngx_event_openssl.c).
 */
import { firstIdentity, offersTls13, presentsTicket, takesTickets } from '../../../net/client-hello.ts';
import { PROTOCOL_TLS1_3 } from '../../ssl/context.ts';
import type { SslServer } from './conf.ts';
import type { TlsConnection } from './handshake.ts';

/** Sessions by id. Ids are latin1 byte strings, sessions are in DER. */
export interface SessionCache {
  find(id: string): Buffer | undefined;
  store(id: string, session: Buffer): void;
}

/** OpenSSL's ids of sessions, which it also gives to clients of TLS 1.3 when there are no tickets. */
const ID_LENGTH = 32;

/** Whether the handshake will be one of TLS 1.3. */
export function agreesOnTls13(tls: TlsConnection, conf: SslServer): boolean {
  return ((tls.decisions.protocols ?? conf.protocols) & PROTOCOL_TLS1_3) !== 0 && offersTls13(tls.hello);
}

/**
 * The id of the session that the client wants to go on with, when it is one that is found by its id. TLS 1.3 has such
 * only without tickets.
 *
 * @param conf of the server that the client asked for
 */
export function sessionIdOf(
  tls: TlsConnection,
  conf: SslServer,
): { readonly id: Buffer; readonly tls13: boolean } | undefined {
  const { hello } = tls;
  if (agreesOnTls13(tls, conf)) {
    const id = conf.sessionTickets ? undefined : firstIdentity(hello);
    return id?.length === ID_LENGTH ? { id, tls13: true } : undefined;
  }
  if (hello.sessionId.length === 0 || (conf.sessionTickets && presentsTicket(hello))) return undefined;
  return { id: hello.sessionId, tls13: false };
}

/** @param conf of the server whose caches count: the default server */
export function findSession(conf: SslServer, id: Buffer): Buffer | undefined {
  const key = id.toString('latin1');
  for (const cache of conf.sessions ?? []) {
    const session = cache.find(key);
    if (session !== undefined) return session;
  }
  return undefined;
}

/**
 * What becomes of a new session; undefined when nothing does, or when the client will get a ticket instead.
 *
 * @param conf of the server that the client asked for
 * @param keeper the configuration that says where sessions are kept
 */
export function sessionHook(
  tls: TlsConnection,
  conf: SslServer,
  keeper: SslServer,
): ((id: Buffer, session: Buffer) => void) | undefined {
  const store = keeper.code?.sessionStore;
  const { sessions } = keeper;
  if (store === undefined && sessions === undefined) return undefined;
  const tls13 = agreesOnTls13(tls, conf);
  if (conf.sessionTickets && (tls13 || takesTickets(tls.hello))) return undefined;
  // As in ngx_lua: code instead of the cache, and not for TLS 1.3.
  if (store !== undefined && !tls13) {
    return (id, session) => {
      tls.decisions.sessionId = id;
      tls.decisions.sessionData = session;
      store(tls);
    };
  }
  if (sessions === undefined) return undefined;
  return (id, session) => {
    const key = id.toString('latin1');
    for (const cache of sessions) cache.store(key, session);
  };
}
