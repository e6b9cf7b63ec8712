/** ssl_client_hello_by_lua and ssl_certificate_by_lua in stream: the handshake is http's, and so is the code for it. */
import type { ConfContext, ConfStack } from '../../../conf/directive.ts';
import { coreModule } from '../../../stream/core/module.ts';
import { streamSslModule } from '../../../stream-ssl/module.ts';
import type { LuaServer, LuaStreamServer } from '../conf.ts';
import { mergeHandshakeCode } from '../handshake.ts';
import { luaModule } from '../module.ts';

/** Has a server's handshakes run its Lua code. Behind the merging of the TLS module. */
export function mergeSessionHandshake(cf: ConfContext, parent: LuaStreamServer, conf: LuaStreamServer): void {
  const confs = cf.confs as ConfStack;
  mergeHandshakeCode(cf, parent as unknown as LuaServer, conf as unknown as LuaServer, streamSslModule.serverOf(confs));
  // Where the code of a handshake looks for what the server says.
  const core = coreModule.serverOf(confs);
  if (luaModule.index >= 0) core.tlsConfs[luaModule.index] = conf;
}
