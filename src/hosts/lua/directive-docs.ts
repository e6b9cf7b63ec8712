/** What those directives of ngx_http_lua_module are for that are plain values; for the reference pages. */
import type { Directive } from '../../conf/directive.ts';

const DOCS: Readonly<Record<string, string>> = {
  lua_package_path: 'Where `require` looks for Lua modules; `;;` stands for the default.',
  lua_package_cpath: 'Where `require` would look for modules in C, which cannot be loaded.',
  lua_max_pending_timers: 'Most timers of a worker that wait.',
  lua_max_running_timers: 'Most timers of a worker that run.',
  lua_regex_cache_max_entries: 'Most regular expressions of a worker that are kept compiled (option o).',
  lua_regex_match_limit: 'Most steps that a regular expression may take; 0: the default of PCRE.',
  rewrite_by_lua_no_postpone: 'Runs rewrite_by_lua in its place among the handlers of the phase, not behind them.',
  access_by_lua_no_postpone: 'Runs access_by_lua in its place among the handlers of the phase, not behind them.',
  precontent_by_lua_no_postpone:
    'Runs precontent_by_lua in its place among the handlers of the phase, not behind them.',
  lua_capture_error_log: 'How many bytes of log lines ngx.errlog keeps for get_logs.',
  lua_load_resty_core: 'Deprecated: what lua-resty-core offers is always there.',
  lua_worker_thread_vm_pool_size: 'Most states of ngx.run_worker_thread that are kept.',
  lua_code_cache:
    'Whether Lua files are read once. Off: each request has a state of its own, with the files as they are.',
  lua_need_request_body: 'Reads the request body before Lua code runs.',
  lua_transform_underscores_in_response_headers: 'Whether `_` in names of ngx.header stands for `-`.',
  lua_socket_log_errors: 'Whether failures of sockets are logged besides being returned.',
  lua_socket_connect_timeout: 'How long a socket may take to connect.',
  lua_socket_send_timeout: 'How long may pass between two writes of a socket.',
  lua_socket_read_timeout: 'How long may pass between two reads of a socket.',
  lua_socket_keepalive_timeout: 'How long a socket waits in a pool; 0: for ever.',
  lua_socket_buffer_size: 'Bytes of the buffer that sockets read into.',
  lua_socket_pool_size: 'Most idle connections of a pool.',
  lua_socket_send_lowat: 'Accepted; has no effect on Linux.',
  lua_http10_buffering: 'Whether answers to HTTP/1.0 clients are gathered, for their Content-Length.',
  lua_check_client_abort: 'Whether it is noticed that a client leaves: ngx.on_abort.',
  lua_use_default_type: 'Whether answers get the type of default_type.',
};

/** The directives with their descriptions. */
export function described<C>(directives: readonly Directive<C>[]): Directive<C>[] {
  return directives.map((directive) => {
    const doc = directive.doc ?? DOCS[directive.name];
    return doc === undefined ? directive : { ...directive, doc };
  });
}
