/** The directives of ngx_http_lua_module: which code runs where, and the settings of the API. */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { flagSlot, msecSlot, numSlot, sizeSlot, strSlot } from '../../conf/slots.ts';
import { coreModule } from '../../http/core/module.ts';
import { compileComplexValue } from '../../http/script.ts';
import { MAX_ERROR_LINE } from '../../log/error-log.ts';
import { setBalancerKeepalive, useLuaBalancer } from './balancer.ts';
import { chunkName, FileCode, InlineCode, type LuaCode } from './code.ts';
import type { LuaLocation, LuaMain, LuaServer } from './conf.ts';
import { described } from './directive-docs.ts';
import { luaContent, luaModule } from './module.ts';
import { addSetStep } from './set-by-lua.ts';
import { addSharedDict } from './shared-dict.ts';
import { luaSslDirectives } from './ssl-directives.ts';

const HTTP: readonly ContextName[] = ['http'];
const ALL: readonly ContextName[] = ['http', 'server', 'location', 'if in location'];
const SET: readonly ContextName[] = ['server', 'if in server', 'location', 'if in location'];
const LOCATIONS: readonly ContextName[] = ['location', 'if in location'];

/** The three forms of a handler directive: block, inline string, file. */
type Form = 'block' | 'inline' | 'file';

/** The code that a directive names. `tag` begins its chunk name. */
export function codeOf(cf: ConfContext, form: Form, tag: string, argument: string | undefined): LuaCode {
  if (form === 'file') return new FileCode(compileComplexValue(cf, argument as string), cf.cycle.prefix);
  const source = form === 'block' ? cf.luaSource?.code : argument;
  const line = form === 'block' ? (cf.luaSource?.line ?? cf.line) : cf.line;
  return new InlineCode(source as string, chunkName(tag, cf.file, line, cf.cycle.confPrefix));
}

type Field<C> = { [K in keyof C]-?: C[K] extends LuaCode | undefined ? K : never }[keyof C] & string;

/** Declares the forms of one handler directive that exist. */
function handler<C extends object>(
  name: string,
  contexts: readonly ContextName[],
  level: 'main' | 'server' | 'location',
  field: Field<C>,
  forms: readonly Form[],
  doc: string,
): Directive<C>[] {
  return forms.map((form) => {
    const suffix = form === 'inline' ? '' : `_${form}`;
    return {
      name: `${name}${suffix}`,
      contexts,
      args: form === 'block' ? 0 : 1,
      ...(form === 'block' ? { block: 'lua' as const } : {}),
      level,
      doc,
      set(cf, conf, args) {
        const target = conf as Record<string, LuaCode | undefined>;
        if (target[field] !== undefined) return 'is duplicate';
        if (form !== 'block' && args[0] === '') return `invalid location config: no runnable Lua code`;
        target[field] = codeOf(cf, form, name, args[0]);
        if (cf.confs !== undefined) luaModule.mainOf(cf.confs).uses.add(field);
        if (field === 'balancer') useLuaBalancer(cf, target[field] as LuaCode);
        if (field === 'content' && cf.confs !== undefined) coreModule.locationOf(cf.confs).handler = luaContent;
        return undefined;
      },
    };
  });
}

const THREE: readonly Form[] = ['block', 'inline', 'file'];
const TWO: readonly Form[] = ['block', 'file'];

function setForms(): Directive<LuaLocation>[] {
  return THREE.map((form) => ({
    name: form === 'inline' ? 'set_by_lua' : `set_by_lua_${form}`,
    contexts: SET,
    args: form === 'block' ? 1 : { min: 2 },
    ...(form === 'block' ? { block: 'lua' as const } : {}),
    level: 'location',
    doc: 'Sets a variable to what the Lua code returns.',
    set: (cf, _conf, args) => {
      return addSetStep(cf, codeOf(cf, form, 'set_by_lua', args[1]), args[0] as string, args.slice(2));
    },
  }));
}

/** A directive whose value is only checked: what it tunes does not exist here, which -t says. */
function withoutEffect(name: string, args: 1 | 'flag', why: string): Directive<LuaMain> {
  return {
    name,
    contexts: HTTP,
    args,
    level: 'main',
    doc: why,
    set(cf, _conf, values) {
      if (args === 1 && !/^\d+$/.test(values[0] as string)) return 'invalid number';
      cf.log('info', `"${name}" has no effect: ${why}`);
      return undefined;
    },
  };
}

const loadRestyCore = flagSlot<LuaMain>('lua_load_resty_core', HTTP, 'main', 'loadRestyCore', true);
const captureErrorLogSize = sizeSlot<LuaMain>('lua_capture_error_log', HTTP, 'main', 'captureErrorLogSize', 0);

const main: Directive<LuaMain>[] = [
  ...handler<LuaMain>('init_by_lua', HTTP, 'main', 'initCode', THREE, 'Runs when the configuration is loaded.'),
  ...handler<LuaMain>('init_worker_by_lua', HTTP, 'main', 'initWorkerCode', THREE, 'Runs when a worker starts.'),
  ...handler<LuaMain>('exit_worker_by_lua', HTTP, 'main', 'exitWorkerCode', TWO, 'Runs when a worker exits.'),
  strSlot<LuaMain>('lua_package_path', HTTP, 'main', 'packagePath', undefined),
  strSlot<LuaMain>('lua_package_cpath', HTTP, 'main', 'packageCpath', undefined),
  numSlot<LuaMain>('lua_max_pending_timers', HTTP, 'main', 'maxPendingTimers', 1024),
  numSlot<LuaMain>('lua_max_running_timers', HTTP, 'main', 'maxRunningTimers', 256),
  numSlot<LuaMain>('lua_regex_cache_max_entries', HTTP, 'main', 'regexCacheMaxEntries', 1024),
  numSlot<LuaMain>('lua_regex_match_limit', HTTP, 'main', 'regexMatchLimit', 0),
  flagSlot<LuaMain>('rewrite_by_lua_no_postpone', HTTP, 'main', 'rewriteNoPostpone', false),
  flagSlot<LuaMain>('access_by_lua_no_postpone', HTTP, 'main', 'accessNoPostpone', false),
  flagSlot<LuaMain>('precontent_by_lua_no_postpone', HTTP, 'main', 'precontentNoPostpone', false),
  {
    ...captureErrorLogSize,
    set(cf, conf, args) {
      const wrong = captureErrorLogSize.set(cf, conf, args);
      if (wrong !== undefined || conf.captureErrorLogSize < MAX_ERROR_LINE) {
        const least = wrong === undefined ? `, minimum size is ${MAX_ERROR_LINE}` : '';
        throw cf.error(`invalid capture error log size "${args[0]}"${least}`);
      }
      return undefined;
    },
  },
  {
    ...loadRestyCore,
    set(cf, conf, args) {
      cf.warn('lua_load_resty_core is deprecated (the lua-resty-core library is required since ngx_lua v0.10.16)');
      return loadRestyCore.set(cf, conf, args);
    },
  },
  numSlot<LuaMain>('lua_worker_thread_vm_pool_size', HTTP, 'main', 'workerThreadVmPoolSize', 10),
  withoutEffect('lua_sa_restart', 'flag', 'system calls are restarted by the runtime'),
  withoutEffect('lua_thread_cache_max_entries', 1, 'light threads need no cache'),
  withoutEffect('lua_malloc_trim', 1, 'the garbage collector returns memory by itself'),
  {
    name: 'lua_shared_dict',
    contexts: HTTP,
    args: 2,
    level: 'main',
    doc: 'Declares a dictionary in memory that all workers share.',
    set: (cf, conf, args) => addSharedDict(cf, conf, args[0] as string, args[1] as string),
  },
];

const server: Directive<LuaServer>[] = [
  ...handler<LuaServer>(
    'server_rewrite_by_lua',
    ['http', 'server'],
    'server',
    'serverRewrite',
    TWO,
    'Runs in the server rewrite phase.',
  ),
  ...handler<LuaServer>(
    'ssl_client_hello_by_lua',
    ['http', 'server'],
    'server',
    'sslClientHello',
    TWO,
    "Runs when a TLS client's first message has come.",
  ),
  ...handler<LuaServer>(
    'ssl_certificate_by_lua',
    ['http', 'server'],
    'server',
    'sslCertificate',
    TWO,
    'Chooses the certificate for a TLS client.',
  ),
  ...handler<LuaServer>(
    'ssl_session_fetch_by_lua',
    HTTP,
    'server',
    'sslSessionFetch',
    TWO,
    'Finds the session that a client of TLS 1.2 or older wants to go on with.',
  ),
  ...handler<LuaServer>(
    'ssl_session_store_by_lua',
    HTTP,
    'server',
    'sslSessionStore',
    TWO,
    'Keeps the new session of a client of TLS 1.2 or older.',
  ),
  ...handler<LuaServer>(
    'balancer_by_lua',
    ['upstream'],
    'server',
    'balancer',
    TWO,
    'Chooses the server of an upstream block for each attempt.',
  ),
  {
    name: 'balancer_keepalive',
    contexts: ['upstream'],
    args: 1,
    level: 'server',
    doc: 'How many idle connections balancer_by_lua keeps.',
    defaultText: '32',
    set: (cf, _conf, args) => setBalancerKeepalive(cf, args[0] as string),
  },
];

const codeCache = flagSlot<LuaLocation>('lua_code_cache', ALL, 'location', 'codeCache', true);

const location: Directive<LuaLocation>[] = [
  ...setForms(),
  ...handler<LuaLocation>('rewrite_by_lua', ALL, 'location', 'rewrite', THREE, 'Runs in the rewrite phase.'),
  ...handler<LuaLocation>('access_by_lua', ALL, 'location', 'access', THREE, 'Runs in the access phase.'),
  ...handler<LuaLocation>('precontent_by_lua', ALL, 'location', 'precontent', TWO, 'Runs before the content phase.'),
  ...handler<LuaLocation>('content_by_lua', LOCATIONS, 'location', 'content', THREE, 'Generates the response.'),
  ...handler<LuaLocation>('header_filter_by_lua', ALL, 'location', 'headerFilter', THREE, 'Changes the header.'),
  ...handler<LuaLocation>('body_filter_by_lua', ALL, 'location', 'bodyFilter', THREE, 'Changes the body.'),
  ...handler<LuaLocation>('log_by_lua', ALL, 'location', 'log', THREE, 'Runs in the log phase.'),
  ...handler<LuaLocation>(
    'proxy_ssl_certificate_by_lua',
    ['location'],
    'location',
    'proxySslCertificate',
    TWO,
    'Runs when a backend asks for a certificate, which it may choose.',
  ),
  ...handler<LuaLocation>(
    'proxy_ssl_verify_by_lua',
    ['location'],
    'location',
    'proxySslVerify',
    TWO,
    "Runs when a backend's certificate is to be verified.",
  ),
  flagSlot<LuaLocation>(
    'lua_upstream_skip_openssl_default_verify',
    LOCATIONS,
    'location',
    'skipDefaultVerify',
    false,
    "Whether proxy_ssl_verify_by_lua alone judges backends' certificates.",
  ),
  {
    ...codeCache,
    set(cf, conf, args) {
      const wrong = codeCache.set(cf, conf, args);
      if (wrong === undefined && !conf.codeCache) {
        cf.log('alert', 'lua_code_cache is off; this will hurt performance');
      }
      return wrong;
    },
  },
  flagSlot<LuaLocation>('lua_need_request_body', ALL, 'location', 'needRequestBody', false),
  flagSlot<LuaLocation>('lua_transform_underscores_in_response_headers', ALL, 'location', 'transformUnderscores', true),
  flagSlot<LuaLocation>('lua_socket_log_errors', ALL, 'location', 'socketLogErrors', true),
  msecSlot<LuaLocation>('lua_socket_connect_timeout', ALL, 'location', 'socketConnectTimeout', 60000),
  msecSlot<LuaLocation>('lua_socket_send_timeout', ALL, 'location', 'socketSendTimeout', 60000),
  msecSlot<LuaLocation>('lua_socket_read_timeout', ALL, 'location', 'socketReadTimeout', 60000),
  msecSlot<LuaLocation>('lua_socket_keepalive_timeout', ALL, 'location', 'socketKeepaliveTimeout', 60000),
  sizeSlot<LuaLocation>('lua_socket_buffer_size', ALL, 'location', 'socketBufferSize', 4096),
  numSlot<LuaLocation>('lua_socket_pool_size', ALL, 'location', 'socketPoolSize', 30),
  sizeSlot<LuaLocation>('lua_socket_send_lowat', ALL, 'location', 'socketSendLowat', 0),
  flagSlot<LuaLocation>('lua_http10_buffering', ALL, 'location', 'http10Buffering', true),
  flagSlot<LuaLocation>('lua_check_client_abort', ALL, 'location', 'checkClientAbort', false),
  flagSlot<LuaLocation>('lua_use_default_type', ALL, 'location', 'useDefaultType', true),
  ...luaSslDirectives,
];

export const luaDirectives = [...described(main), ...described(server), ...described(location)];
