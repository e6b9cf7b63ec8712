/** The directives of ngx_stream_lua_module: which code runs where; the settings are http's, in stream's places. */
import type { ConfStack, ContextName, Directive } from '../../../conf/directive.ts';
import { flagSlot } from '../../../conf/slots.ts';
import { coreModule } from '../../../stream/core/module.ts';
import { addVariable, getVariableIndex } from '../../../stream/variables.ts';
import type { LuaMain, LuaStreamServer } from '../conf.ts';
import { described } from '../directive-docs.ts';
import { blockDirectives, handler, settingsDirectives, THREE, TWO } from '../shared-directives.ts';
import { useSessionBalancer } from './balancer.ts';
import { luaContent } from './handlers.ts';

const STREAM: readonly ContextName[] = ['stream'];
const SERVER: readonly ContextName[] = ['stream server'];
const BOTH: readonly ContextName[] = ['stream', 'stream server'];

/** A directive of http where stream has it: in the stream block, and in servers if http has it in servers. */
// biome-ignore lint/suspicious/noExplicitAny: they write to objects of two levels
function moved(directive: Directive<any>): Directive<any> {
  const everywhere = directive.contexts.includes('server');
  return { ...directive, contexts: everywhere ? BOTH : STREAM, level: everywhere ? 'server' : 'main' };
}

/** `lua_add_variable $name`: a variable that user code sets. */
const addVariableDirective: Directive<LuaMain> = {
  name: 'lua_add_variable',
  contexts: STREAM,
  args: 1,
  level: 'main',
  doc: 'Declares a variable that user code sets, `nil` until then.',
  set(cf, _conf, args) {
    const text = args[0] as string;
    if (!text.startsWith('$')) throw cf.error(`invalid variable name "${text}"`);
    const variable = addVariable(cf, { name: text.slice(1), changeable: true, weak: true });
    variable.get ??= () => null;
    getVariableIndex(cf, text.slice(1));
    return undefined;
  },
};

// biome-ignore lint/suspicious/noExplicitAny: they write to objects of two levels
export const streamLuaDirectives: readonly Directive<any>[] = described<any>([
  ...[...blockDirectives, ...settingsDirectives].map(moved),
  addVariableDirective,
  flagSlot<LuaMain>(
    'preread_by_lua_no_postpone',
    STREAM,
    'main',
    'prereadNoPostpone',
    false,
    'Runs preread_by_lua in its place among the handlers of the phase, not behind them.',
  ),
  ...handler<LuaStreamServer>('preread_by_lua', BOTH, 'server', 'preread', TWO, 'Runs in the preread phase.'),
  ...handler<LuaStreamServer>('content_by_lua', SERVER, 'server', 'content', THREE, 'Serves the session.', (cf) => {
    coreModule.serverOf(cf.confs as ConfStack).handler = luaContent;
  }),
  ...handler<LuaStreamServer>(
    'balancer_by_lua',
    ['stream upstream'],
    'server',
    'balancer',
    TWO,
    'Chooses the server of an upstream block for each attempt.',
    useSessionBalancer,
  ),
  ...handler<LuaStreamServer>(
    'ssl_client_hello_by_lua',
    BOTH,
    'server',
    'sslClientHello',
    TWO,
    "Runs when a TLS client's first message has come.",
  ),
  ...handler<LuaStreamServer>(
    'ssl_certificate_by_lua',
    BOTH,
    'server',
    'sslCertificate',
    TWO,
    'Chooses the certificate for a TLS client.',
  ),
  ...handler<LuaStreamServer>('log_by_lua', BOTH, 'server', 'log', TWO, 'Runs in the log phase.'),
]);
