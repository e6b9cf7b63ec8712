/**
 * Where each function of the Lua API may be called. The groups are what a server with ngx_lua 0.10.23 was seen to allow when
 * each function was called in each phase, and what the manuals say of newer functions.
 */

export const PHASES = [
  'init',
  'init_worker',
  'exit_worker',
  'set',
  'server_rewrite',
  'rewrite',
  'access',
  'precontent',
  'content',
  'header_filter',
  'body_filter',
  'log',
  'timer',
  'balancer',
] as const;

export type Phase = (typeof PHASES)[number];

const WAITING: readonly Phase[] = ['server_rewrite', 'rewrite', 'access', 'precontent', 'content'];
const REQUEST: readonly Phase[] = ['set', ...WAITING, 'header_filter', 'body_filter', 'log', 'balancer'];

export interface Group {
  readonly phases: readonly Phase[];
  /** Lua expressions that fail with "API disabled" (or "no request") elsewhere. */
  readonly calls: readonly string[];
}

export const GROUPS: readonly Group[] = [
  {
    phases: PHASES,
    calls: [
      'ngx.log(ngx.DEBUG, "x")',
      'ngx.escape_uri("a")',
      'ngx.unescape_uri("a")',
      'ngx.encode_args({ a = 1 })',
      'ngx.decode_args("a=1")',
      'ngx.encode_base64("a")',
      'ngx.decode_base64("YQ==")',
      'ngx.decode_base64mime("YQ==")',
      'ngx.crc32_short("a")',
      'ngx.crc32_long("a")',
      'ngx.hmac_sha1("a", "b")',
      'ngx.md5("a")',
      'ngx.md5_bin("a")',
      'ngx.sha1_bin("a")',
      'ngx.quote_sql_str("a")',
      'ngx.today()',
      'ngx.time()',
      'ngx.now()',
      'ngx.update_time()',
      'ngx.localtime()',
      'ngx.utctime()',
      'ngx.cookie_time(1)',
      'ngx.http_time(1)',
      'ngx.parse_http_time("Thu, 18 Nov 2010 11:27:35 GMT")',
      'ngx.re.match("a", "a")',
      'ngx.re.find("a", "a")',
      'ngx.re.gmatch("a", "a")',
      'ngx.re.sub("a", "a", "b")',
      'ngx.re.gsub("a", "a", "b")',
      'ngx.shared.d:get("k")',
      'ngx.shared.d:get_stale("k")',
      'ngx.shared.d:set("k", 1)',
      'ngx.shared.d:safe_set("k", 1)',
      'ngx.shared.d:add("k", 1)',
      'ngx.shared.d:safe_add("k", 1)',
      'ngx.shared.d:replace("k", 1)',
      'ngx.shared.d:incr("k", 1)',
      'ngx.shared.d:ttl("k")',
      'ngx.shared.d:expire("k", 1)',
      'ngx.shared.d:delete("k")',
      'ngx.shared.d:lpush("l", 1)',
      'ngx.shared.d:rpush("l", 1)',
      'ngx.shared.d:llen("l")',
      'ngx.shared.d:lpop("l")',
      'ngx.shared.d:rpop("l")',
      'ngx.shared.d:get_keys()',
      'ngx.shared.d:capacity()',
      'ngx.shared.d:free_space()',
      'ngx.shared.d:flush_expired()',
      'ngx.get_phase()',
      'ngx.config.prefix()',
      'ngx.config.nginx_configure()',
      'ngx.worker.exiting()',
      'ngx.worker.pid()',
      'ngx.worker.pids()',
      'ngx.worker.count()',
      'ngx.worker.id()',
      'coroutine.running()',
      'ngx.timer.running_count()',
      'ngx.timer.pending_count()',
    ],
  },
  {
    phases: PHASES.filter((phase) => phase !== 'init'),
    calls: ['tostring(ngx.ctx)'],
  },
  {
    phases: PHASES.filter((phase) => phase !== 'init' && phase !== 'exit_worker'),
    calls: ['ngx.timer.at(0, function() end)'],
  },
  {
    phases: ['init', ...WAITING, 'header_filter', 'body_filter', 'timer'],
    calls: ['coroutine.create(function() end)', 'coroutine.wrap(function() end)'],
  },
  {
    phases: REQUEST,
    calls: [
      'tostring(ngx.var.uri)',
      'tostring(ngx.status)',
      'tostring(ngx.header.foo)',
      'tostring(ngx.headers_sent)',
      'tostring(ngx.is_subrequest)',
      'ngx.resp.get_headers()',
      'ngx.req.is_internal()',
      'ngx.req.http_version()',
      'ngx.req.raw_header()',
      'ngx.req.get_method()',
      'ngx.req.set_method(ngx.HTTP_GET)',
      'ngx.req.get_uri_args()',
      'ngx.req.set_uri_args("a=1")',
      'ngx.req.get_headers()',
      'ngx.req.set_header("X-A", "b")',
      'ngx.req.clear_header("X-A")',
      'ngx.req.get_body_data()',
      'ngx.req.get_body_file()',
    ],
  },
  { phases: ['set', 'body_filter'], calls: ['tostring(ngx.arg[1])'] },
  {
    phases: WAITING,
    calls: ['ngx.location.capture("/none")', 'ngx.location.capture_multi({ { "/none" } })', 'ngx.req.read_body()'],
  },
  {
    phases: [...WAITING, 'timer'],
    calls: [
      'ngx.sleep(0)',
      'ngx.socket.tcp()',
      'ngx.socket.udp()',
      'ngx.thread.spawn(function() end)',
      'ngx.run_worker_thread("none", "x", "y")',
    ],
  },
];

/** Functions that end the handler or the response where they are allowed, so that they are called elsewhere only. */
export const ENDING: readonly Group[] = [
  {
    phases: WAITING,
    calls: [
      'ngx.exec("/x")',
      'ngx.redirect("/x")',
      'ngx.print("x")',
      'ngx.say("x")',
      'ngx.send_headers()',
      'ngx.flush()',
    ],
  },
  { phases: [...WAITING, 'header_filter', 'timer', 'balancer'], calls: ['ngx.exit(0)'] },
];

/** What must be there, as Lua expressions. */
export const PRESENT: readonly string[] = [
  ...['OK', 'ERROR', 'AGAIN', 'DONE', 'DECLINED', 'null', 'HTTP_GET', 'HTTP_PATCH', 'HTTP_TRACE'].map(
    (n) => `ngx.${n}`,
  ),
  ...['HTTP_CONTINUE', 'HTTP_OK', 'HTTP_TOO_MANY_REQUESTS', 'HTTP_INSUFFICIENT_STORAGE', 'STDERR', 'DEBUG'].map(
    (n) => `ngx.${n}`,
  ),
  ...[
    'set_current_peer',
    'bind_to_local_addr',
    'enable_keepalive',
    'set_more_tries',
    'get_last_failure',
    'set_timeouts',
    'recreate_request',
    'set_upstream_tls',
  ].map((n) => `require("ngx.balancer").${n}`),
  ...['encode_base64url', 'decode_base64url'].map((n) => `require("ngx.base64").${n}`),
  ...['set_filter_level', 'get_logs', 'get_sys_filter_level', 'raw_log'].map((n) => `require("ngx.errlog").${n}`),
  ...[
    'pid',
    'kill',
    'shutdown',
    'wait',
    'write',
    'set_timeouts',
    'stdout_read_all',
    'stderr_read_line',
    'stdout_read_bytes',
    'stderr_read_any',
  ].map((n) => `require("ngx.pipe").spawn({ "true" }).${n}`),
  ...['type', 'enable_privileged_agent', 'signal_graceful_exit', 'get_master_pid'].map(
    (n) => `require("ngx.process").${n}`,
  ),
  ...['split', 'opt'].map((n) => `require("ngx.re").${n}`),
  'require("ngx.req").add_header',
  ...['add_header', 'set_status', 'bypass_if_checks'].map((n) => `require("ngx.resp").${n}`),
  ...['post', 'wait', 'count'].map((n) => `require("ngx.semaphore").new().${n}`),
  ...['monotonic_msec', 'monotonic_time'].map((n) => `require("resty.core.time").${n}`),
  'require("resty.core.ctx").get_ctx_table',
  ...[
    'bind',
    'connect',
    'getfd',
    'setclientcert',
    'settrustedstore',
    'sslhandshake',
    'send',
    'receive',
    'receiveany',
    'receiveuntil',
    'close',
    'settimeout',
    'settimeouts',
    'setoption',
    'setkeepalive',
    'getreusedtimes',
  ].map((n) => `ngx.socket.tcp().${n}`),
  ...['bind', 'setpeername', 'send', 'receive', 'close', 'settimeout'].map((n) => `ngx.socket.udp().${n}`),
];
