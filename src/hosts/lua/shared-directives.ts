/**
 * Directives that the Lua modules of http and stream have in common, as http declares them: stream/directives.ts puts
 * them where stream has them. And how a directive that names code is declared.
 */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { flagSlot, msecSlot, numSlot, sizeSlot, strSlot } from '../../conf/slots.ts';
import { compileComplexValue } from '../../http/script.ts';
import { MAX_ERROR_LINE } from '../../log/error-log.ts';
import { compileStreamValue } from '../../stream/script.ts';
import { inStream, luaMainIn } from './block.ts';
import { chunkName, FileCode, InlineCode, type LuaCode } from './code.ts';
import type { LuaMain, LuaSettings } from './conf.ts';
import { addSharedDict } from './shared-dict.ts';
import { luaSslDirectives } from './ssl-directives.ts';

const HTTP: readonly ContextName[] = ['http'];
const ALL: readonly ContextName[] = ['http', 'server', 'location', 'if in location'];

/** The three forms of a handler directive: block, inline string, file. */
export type Form = 'block' | 'inline' | 'file';

const BARE: ReadonlySet<string> = new Set([
  'init_by_lua',
  'init_worker_by_lua',
  'balancer_by_lua',
  'ssl_certificate_by_lua',
]);

/** The code that a directive names. `tag` begins its chunk name. */
export function codeOf(cf: ConfContext, form: Form, tag: string, argument: string | undefined): LuaCode {
  if (form === 'file') {
    const compile = inStream(cf) ? compileStreamValue : compileComplexValue;
    return new FileCode(compile(cf, argument as string), cf.cycle.prefix);
  }
  const source = form === 'block' ? cf.luaSource?.code : argument;
  const line = form === 'block' ? (cf.luaSource?.line ?? cf.line) : cf.line;
  // stream-lua names some code without its place.
  const bare = inStream(cf) && BARE.has(tag);
  return new InlineCode(source as string, bare ? `=${tag}` : chunkName(tag, cf.file, line, cf.cycle.confPrefix));
}

type Field<C> = { [K in keyof C]-?: C[K] extends LuaCode | undefined ? K : never }[keyof C] & string;

/** Declares the forms of one handler directive that exist. */
export function handler<C extends object>(
  name: string,
  contexts: readonly ContextName[],
  level: 'main' | 'server' | 'location',
  field: Field<C>,
  forms: readonly Form[],
  doc: string,
  then?: (cf: ConfContext, code: LuaCode) => void,
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
        luaMainIn(cf).uses.add(field);
        then?.(cf, target[field] as LuaCode);
        return undefined;
      },
    };
  });
}

export const THREE: readonly Form[] = ['block', 'inline', 'file'];
export const TWO: readonly Form[] = ['block', 'file'];

/** A directive whose value is only checked: what it tunes does not exist here, which -t says. */
export function withoutEffect(name: string, args: 1 | 'flag', why: string): Directive<LuaMain> {
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

/** Of the block itself, the same in stream. */
export const blockDirectives: readonly Directive<LuaMain>[] = [
  ...handler<LuaMain>('init_by_lua', HTTP, 'main', 'initCode', THREE, 'Runs when the configuration is loaded.'),
  ...handler<LuaMain>('init_worker_by_lua', HTTP, 'main', 'initWorkerCode', THREE, 'Runs when a worker starts.'),
  strSlot<LuaMain>('lua_package_path', HTTP, 'main', 'packagePath', undefined),
  strSlot<LuaMain>('lua_package_cpath', HTTP, 'main', 'packageCpath', undefined),
  numSlot<LuaMain>('lua_max_pending_timers', HTTP, 'main', 'maxPendingTimers', 1024),
  numSlot<LuaMain>('lua_max_running_timers', HTTP, 'main', 'maxRunningTimers', 256),
  numSlot<LuaMain>('lua_regex_cache_max_entries', HTTP, 'main', 'regexCacheMaxEntries', 1024),
  numSlot<LuaMain>('lua_regex_match_limit', HTTP, 'main', 'regexMatchLimit', 0),
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
  withoutEffect('lua_sa_restart', 'flag', 'system calls are restarted by the runtime'),
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

const codeCache = flagSlot<LuaSettings>('lua_code_cache', ALL, 'location', 'codeCache', true);

/** Of all places where user code runs, the same in stream. */
export const settingsDirectives: readonly Directive<LuaSettings>[] = [
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
  flagSlot<LuaSettings>('lua_socket_log_errors', ALL, 'location', 'socketLogErrors', true),
  msecSlot<LuaSettings>('lua_socket_connect_timeout', ALL, 'location', 'socketConnectTimeout', 60000),
  msecSlot<LuaSettings>('lua_socket_send_timeout', ALL, 'location', 'socketSendTimeout', 60000),
  msecSlot<LuaSettings>('lua_socket_read_timeout', ALL, 'location', 'socketReadTimeout', 60000),
  msecSlot<LuaSettings>('lua_socket_keepalive_timeout', ALL, 'location', 'socketKeepaliveTimeout', 60000),
  sizeSlot<LuaSettings>('lua_socket_buffer_size', ALL, 'location', 'socketBufferSize', 4096),
  numSlot<LuaSettings>('lua_socket_pool_size', ALL, 'location', 'socketPoolSize', 30),
  sizeSlot<LuaSettings>('lua_socket_send_lowat', ALL, 'location', 'socketSendLowat', 0),
  flagSlot<LuaSettings>('lua_check_client_abort', ALL, 'location', 'checkClientAbort', false),
  ...luaSslDirectives,
];
