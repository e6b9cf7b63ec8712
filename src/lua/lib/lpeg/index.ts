// The modules `lpeg` and `re` of a state.

import type { LuaTable } from '../../table.ts';
import { Lpeg } from './library.ts';

/** Makes both modules; they share their patterns. */
export function openLpeg(): { readonly lpeg: LuaTable } {
  const lpeg = new Lpeg();
  return { lpeg: lpeg.module };
}
