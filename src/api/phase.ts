/**
 * In which phase user code runs, as bits, so that an API function can say in one mask where it may be called.
 * Values are ngx_lua's (NGX_HTTP_LUA_CONTEXT_*), which lua-resty-core and libraries know.
 */

export const IN_SET = 0x00001;
export const IN_REWRITE = 0x00002;
export const IN_ACCESS = 0x00004;
export const IN_CONTENT = 0x00008;
export const IN_LOG = 0x00010;
export const IN_HEADER_FILTER = 0x00020;
export const IN_BODY_FILTER = 0x00040;
export const IN_TIMER = 0x00080;
export const IN_INIT_WORKER = 0x00100;
export const IN_BALANCER = 0x00200;
export const IN_SSL_CERT = 0x00400;
export const IN_SSL_SESSION_STORE = 0x00800;
export const IN_SSL_SESSION_FETCH = 0x01000;
export const IN_EXIT_WORKER = 0x02000;
export const IN_SSL_CLIENT_HELLO = 0x04000;
export const IN_SERVER_REWRITE = 0x08000;
export const IN_PROXY_SSL_VERIFY = 0x10000;
export const IN_PRECONTENT = 0x20000;
export const IN_PROXY_SSL_CERT = 0x40000;
/** Of stream. Its bits are others in stream-lua-nginx-module; here one set serves both. */
export const IN_PREREAD = 0x100000;
/** init_by_lua runs without any context in ngx_lua; a bit of our own keeps the tests uniform. */
export const IN_INIT = 0x80000;

/** Phases in which a request's own processing may wait. */
export const YIELDABLE =
  IN_REWRITE |
  IN_SERVER_REWRITE |
  IN_ACCESS |
  IN_PRECONTENT |
  IN_CONTENT |
  IN_TIMER |
  IN_PROXY_SSL_CERT |
  IN_PROXY_SSL_VERIFY |
  IN_PREREAD |
  IN_SSL_CLIENT_HELLO |
  IN_SSL_CERT |
  IN_SSL_SESSION_FETCH;

/** By phase: the directive as error messages name it, and the name that ngx.get_phase() gives. */
const PHASES: ReadonlyMap<number, readonly [directive: string, name: string]> = new Map([
  [IN_INIT, ['init_by_lua*', 'init']],
  [IN_INIT_WORKER, ['init_worker_by_lua*', 'init_worker']],
  [IN_EXIT_WORKER, ['exit_worker_by_lua*', 'exit_worker']],
  [IN_SET, ['set_by_lua*', 'set']],
  [IN_SERVER_REWRITE, ['server_rewrite_by_lua*', 'server_rewrite']],
  [IN_REWRITE, ['rewrite_by_lua*', 'rewrite']],
  [IN_ACCESS, ['access_by_lua*', 'access']],
  [IN_PRECONTENT, ['precontent_by_lua*', 'precontent']],
  [IN_PREREAD, ['preread_by_lua*', 'preread']],
  [IN_CONTENT, ['content_by_lua*', 'content']],
  [IN_HEADER_FILTER, ['header_filter_by_lua*', 'header_filter']],
  [IN_BODY_FILTER, ['body_filter_by_lua*', 'body_filter']],
  [IN_LOG, ['log_by_lua*', 'log']],
  [IN_TIMER, ['ngx.timer', 'timer']],
  [IN_BALANCER, ['balancer_by_lua*', 'balancer']],
  [IN_SSL_CERT, ['ssl_certificate_by_lua*', 'ssl_cert']],
  [IN_SSL_SESSION_STORE, ['ssl_session_store_by_lua*', 'ssl_session_store']],
  [IN_SSL_SESSION_FETCH, ['ssl_session_fetch_by_lua*', 'ssl_session_fetch']],
  [IN_SSL_CLIENT_HELLO, ['ssl_client_hello_by_lua*', 'ssl_client_hello']],
  [IN_PROXY_SSL_CERT, ['proxy_ssl_certificate_by_lua*', 'proxy_ssl_cert']],
  [IN_PROXY_SSL_VERIFY, ['proxy_ssl_verify_by_lua*', 'proxy_ssl_verify']],
]);

/** `content_by_lua*`, for "API disabled in the context of ...". */
export function phaseDirective(phase: number): string {
  return PHASES.get(phase)?.[0] ?? '(unknown)';
}

/** `content`, for ngx.get_phase(). */
export function phaseName(phase: number): string {
  return PHASES.get(phase)?.[1] ?? '(unknown)';
}
