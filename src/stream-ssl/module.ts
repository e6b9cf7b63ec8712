/**
 * ngx_stream_ssl_module: TLS for the clients of stream. The handshake is http's (src/http/modules/ssl), which stream
 * itself does not know: so this module stands between the two, and shows stream's servers to it in the shape of http's.
 */
import type { ConfStack, Directive } from '../conf/directive.ts';
import { ConfError } from '../conf/error.ts';
import { hasVariables } from '../conf/script.ts';
import { msecSlot } from '../conf/slots.ts';
import type { VariableSpec } from '../conf/variables.ts';
import type { ListenGroup as HttpGroup, CoreServer as HttpServer } from '../http/core/conf.ts';
import { coreModule as httpCoreModule } from '../http/core/module.ts';
import { type SslServer, VERIFY_OFF, VERIFY_ON, VERIFY_OPTIONAL_NO_CA } from '../http/modules/ssl/conf.ts';
import { TlsConnection } from '../http/modules/ssl/handshake.ts';
import { sslModule } from '../http/modules/ssl/module.ts';
import { LOG_INFO } from '../log/log.ts';
import { latin1Slice } from '../net/latin1.ts';
import { isUntrustedOnly } from '../net/openssl-error.ts';
import { DONE, OK, STREAM_BAD_REQUEST, STREAM_INTERNAL_SERVER_ERROR } from '../stream/codes.ts';
import type { ListenGroup } from '../stream/core/conf.ts';
import { coreModule } from '../stream/core/module.ts';
import { continuePhase } from '../stream/engine.ts';
import { finalizeSession } from '../stream/finalize.ts';
import { streamModule } from '../stream/module.ts';
import type { StreamSession } from '../stream/session.ts';

/** What http's module says about its servers, and how long a handshake may take. */
interface StreamSslServer extends SslServer {
  /** Milliseconds. */
  handshakeTimeout: number;
}

/** Directives of http's module that mean the same here. */
const SHARED: ReadonlySet<string> = new Set([
  'ssl_certificate',
  'ssl_certificate_key',
  'ssl_password_file',
  'ssl_dhparam',
  'ssl_ecdh_curve',
  'ssl_protocols',
  'ssl_ciphers',
  'ssl_verify_client',
  'ssl_verify_depth',
  'ssl_client_certificate',
  'ssl_trusted_certificate',
  'ssl_prefer_server_ciphers',
  'ssl_session_tickets',
  'ssl_session_timeout',
  'ssl_crl',
  'ssl_conf_command',
]);

// biome-ignore lint/suspicious/noExplicitAny: as http's module declares them
function shared(directive: Directive<any>): Directive<any> {
  return {
    ...directive,
    contexts: ['stream', 'stream server'],
    set(cf, conf, args) {
      if (directive.name.startsWith('ssl_certificate') && hasVariables(args[0] as string)) {
        return 'with variables is not supported yet by tsresty in stream';
      }
      return directive.set(cf, conf as never, args);
    },
  };
}

/** A session's TLS, which stream keeps for user code without knowing what it is. */
function tlsOf(s: StreamSession): TlsConnection | undefined {
  return s.tls as TlsConnection | undefined;
}

function variable(name: string, value: (tls: TlsConnection) => string | undefined): VariableSpec<StreamSession> {
  return {
    name,
    get(s) {
      const tls = tlsOf(s);
      return tls === undefined ? null : (value(tls) ?? null);
    },
  };
}

export const streamSslModule = streamModule<object, StreamSslServer>({
  name: 'ngx_stream_ssl_module',
  directives: [
    ...(sslModule.directives ?? []).filter(({ name }) => SHARED.has(name)).map(shared),
    msecSlot<StreamSslServer>(
      'ssl_handshake_timeout',
      ['stream', 'stream server'],
      'server',
      'handshakeTimeout',
      60000,
      'How long a handshake may take.',
    ),
  ],
  variables: [
    variable('ssl_protocol', (tls) => tls.protocol),
    variable('ssl_cipher', (tls) => tls.cipher),
    variable('ssl_server_name', (tls) => tls.hello.serverName),
    variable('ssl_session_reused', (tls) => (tls.reused ? 'r' : '.')),
  ],
  createServer: () => sslModule.createServer?.() as StreamSslServer,
  mergeServer(parent, conf, cf) {
    // What http's module has beside and stream's has not keeps its default.
    for (const { slot } of sslModule.directives ?? []) {
      if (slot === undefined) continue;
      const fields = conf as unknown as Record<string, unknown>;
      if (fields[slot.field] === undefined) fields[slot.field] = slot.default;
    }
    sslModule.mergeServer?.(parent, conf, cf);
  },
  postconfiguration(stream) {
    for (const server of coreModule.mainOf(stream.confs).servers) {
      if (!server.listenSsl || streamSslModule.serverOf(server.confs).certificates !== undefined) continue;
      throw new ConfError(
        `no "ssl_certificate" is defined for the "listen ... ssl" directive in ${server.file}:${server.line}`,
      );
    }
    stream.handlers.ssl.push(sslHandler);
  },
});

const shapes = new WeakMap<ListenGroup, HttpGroup>();

/**
 * The group as http's handshake sees one. It asks for http's TLS settings of the server, and for the core module's, whose
 * names are the same in both; user code in a handshake finds stream's settings at stream's indexes.
 */
function shapeOf(group: ListenGroup): HttpGroup {
  let shape = shapes.get(group);
  if (shape !== undefined) return shape;
  const { server } = group;
  if (httpCoreModule.index !== coreModule.index)
    throw new Error('the core modules of http and stream are not in one place');
  const own: unknown[] = server.tlsConfs.slice();
  own[sslModule.index] = streamSslModule.serverOf(server.confs);
  const confs: ConfStack = { main: server.confs.main, server: own, location: server.confs.server };
  const shaped = {
    confs,
    serverName: '',
    clientHeaderTimeout: streamSslModule.serverOf(server.confs).handshakeTimeout,
  } as unknown as HttpServer;
  shape = {
    where: group.where,
    ssl: true,
    http2: false,
    proxyProtocol: false,
    defaultServer: shaped,
    servers: [shaped],
    findServer: () => shaped,
    matchServer: () => undefined,
  };
  shapes.set(group, shape);
  return shape;
}

/** The handler of the ssl phase: the handshake. nginx: ngx_stream_ssl_handler(). */
function sslHandler(s: StreamSession): number {
  if (!s.group.ssl || tlsOf(s) !== undefined) return OK;
  s.action = 'SSL handshaking';
  const tls = new TlsConnection(
    s.socket,
    s.stream,
    shapeOf(s.group),
    s.connectionNumber,
    (socket, from, secure, bytes) => {
      if (!secure) {
        s.log(LOG_INFO, 'SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number)');
        finalizeSession(s, STREAM_INTERNAL_SERVER_ERROR);
        return;
      }
      s.secure(socket, bytes === undefined ? '' : latin1Slice(bytes, 0, bytes.length));
      continuePhase(s, checkCertificate(s, from));
    },
  );
  tls.onLeave = () => {
    // Whether it has failed is known when it has been said that it has not.
    process.nextTick(() => {
      if (!s.secured) finalizeSession(s, STREAM_INTERNAL_SERVER_ERROR);
    });
  };
  // A session that ends before takes its handshake with it.
  s.addCleanup(() => {
    if (!s.secured) tls.abort();
  });
  s.tls = tls;
  return DONE;
}

/** Whether the client's certificate is what it has to be. */
function checkCertificate(s: StreamSession, tls: TlsConnection): number {
  const { verify } = streamSslModule.server(s);
  if (verify === VERIFY_OFF) return OK;
  const error = tls.verifyError;
  if (error !== undefined && (verify !== VERIFY_OPTIONAL_NO_CA || !isUntrustedOnly(error))) {
    s.log(LOG_INFO, `client SSL certificate verify error: (${error.number}:${error.text})`);
    return STREAM_BAD_REQUEST;
  }
  if (verify === VERIFY_ON && tls.peerCertificate === undefined) {
    s.log(LOG_INFO, 'client sent no required SSL certificate');
    return STREAM_BAD_REQUEST;
  }
  return OK;
}
