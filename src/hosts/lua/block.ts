/** The Lua module's configuration of a block, http or stream: the two have a module each. */
import type { Block } from '../../conf/block.ts';
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import type { LuaMain, LuaSettings } from './conf.ts';
import { luaModule } from './module.ts';
import { streamLuaModule } from './stream/module.ts';

/** What the block itself says. */
export function luaMainOf(block: Block): LuaMain {
  return (block.subsystem === 'stream' ? streamLuaModule : luaModule).mainOf(block.confs);
}

/** The same while the configuration is read. */
export function luaMainIn(cf: ConfContext): LuaMain {
  return (inStream(cf) ? streamLuaModule : luaModule).mainOf(cf.confs as ConfStack);
}

/** True when the directive being read stands in the stream block. */
export function inStream(cf: ConfContext): boolean {
  return cf.context.startsWith('stream');
}

/** The settings that apply to some code, by the configurations of its location or stream server. */
export function luaSettingsOf(block: Block | undefined, locConf: readonly unknown[]): LuaSettings {
  return locConf[(block?.subsystem === 'stream' ? streamLuaModule : luaModule).index] as LuaSettings;
}
