/** The directives of ngx_http_lua_module: which code runs where, and the settings of the API. */
import type { ConfStack, ContextName, Directive } from '../../conf/directive.ts';
import { flagSlot, numSlot } from '../../conf/slots.ts';
import { coreModule } from '../../http/core/module.ts';
import { setBalancerKeepalive, useLuaBalancer } from './balancer.ts';
import type { LuaLocation, LuaMain, LuaServer } from './conf.ts';
import { described } from './directive-docs.ts';
import { luaContent } from './module.ts';
import { addSetStep } from './set-by-lua.ts';
import {
  blockDirectives,
  codeOf,
  handler,
  settingsDirectives,
  THREE,
  TWO,
  withoutEffect,
} from './shared-directives.ts';

const HTTP: readonly ContextName[] = ['http'];
const ALL: readonly ContextName[] = ['http', 'server', 'location', 'if in location'];
const SET: readonly ContextName[] = ['server', 'if in server', 'location', 'if in location'];
const LOCATIONS: readonly ContextName[] = ['location', 'if in location'];

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

const main: Directive<LuaMain>[] = [
  ...blockDirectives,
  ...handler<LuaMain>('exit_worker_by_lua', HTTP, 'main', 'exitWorkerCode', TWO, 'Runs when a worker exits.'),
  flagSlot<LuaMain>('rewrite_by_lua_no_postpone', HTTP, 'main', 'rewriteNoPostpone', false),
  flagSlot<LuaMain>('access_by_lua_no_postpone', HTTP, 'main', 'accessNoPostpone', false),
  flagSlot<LuaMain>('precontent_by_lua_no_postpone', HTTP, 'main', 'precontentNoPostpone', false),
  numSlot<LuaMain>('lua_worker_thread_vm_pool_size', HTTP, 'main', 'workerThreadVmPoolSize', 10),
  withoutEffect('lua_thread_cache_max_entries', 1, 'light threads need no cache'),
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
    useLuaBalancer,
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

const location: Directive<LuaLocation>[] = [
  ...setForms(),
  ...handler<LuaLocation>('rewrite_by_lua', ALL, 'location', 'rewrite', THREE, 'Runs in the rewrite phase.'),
  ...handler<LuaLocation>('access_by_lua', ALL, 'location', 'access', THREE, 'Runs in the access phase.'),
  ...handler<LuaLocation>('precontent_by_lua', ALL, 'location', 'precontent', TWO, 'Runs before the content phase.'),
  ...handler<LuaLocation>(
    'content_by_lua',
    LOCATIONS,
    'location',
    'content',
    THREE,
    'Generates the response.',
    (cf) => {
      coreModule.locationOf(cf.confs as ConfStack).handler = luaContent;
    },
  ),
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
  flagSlot<LuaLocation>('lua_need_request_body', ALL, 'location', 'needRequestBody', false),
  flagSlot<LuaLocation>('lua_transform_underscores_in_response_headers', ALL, 'location', 'transformUnderscores', true),
  flagSlot<LuaLocation>('lua_http10_buffering', ALL, 'location', 'http10Buffering', true),
  flagSlot<LuaLocation>('lua_use_default_type', ALL, 'location', 'useDefaultType', true),
  ...settingsDirectives,
];

export const luaDirectives = [...described(main), ...described(server), ...described(location)];
