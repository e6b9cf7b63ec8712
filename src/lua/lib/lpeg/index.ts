// The modules `lpeg` and `re` of a state.

import { dynamic } from '../../coroutine.ts';
import type { LuaTable } from '../../table.ts';
import { Lpeg } from './library.ts';
import { openRe } from './re.ts';

/** Makes the module `lpeg` of a state, and the one of `re` that works on its patterns when that is asked for. */
export function openLpeg(): { readonly lpeg: LuaTable; re(): LuaTable } {
  const lpeg = new Lpeg();
  return {
    lpeg: lpeg.module,
    re() {
      const re = openRe(lpeg);
      // As the module written in Lua does under Lua 5.1.
      dynamic.current!.state.globals.setStr('re', re);
      return re;
    },
  };
}
