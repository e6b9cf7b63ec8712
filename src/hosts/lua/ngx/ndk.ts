/** The ndk table: ndk.set_var.DIRECTIVE(value). lua-resty-core: resty.core.ndk. */
import { addSetVarLookup, setVarFunction } from '../../../api/ndk.ts';
import { findSetVar } from '../../../http/modules/rewrite/set-var.ts';
import { type LuaState, LuaTable, type LuaValue, throwError, toText } from '../../../lua/index.ts';

addSetVarLookup((name) => {
  const fn = findSetVar(name);
  return fn === undefined ? undefined : (r, value) => fn.run(r, [value]);
});

export function installNdk(state: LuaState): void {
  const setVar = new LuaTable();
  setVar.metatable = LuaTable.fromObject({
    __index: (_t: LuaValue, name: LuaValue) => {
      const fn = setVarFunction(toText(name));
      return (value: LuaValue) => fn(toText(value));
    },
    __newindex: () => throwError('not allowed'),
  });
  const ndk = LuaTable.fromObject({ set_var: setVar });
  state.globals.setStr('ndk', ndk);
  state.loaded.setStr('ndk', ndk);
}
