// What tostring shows of library functions: LuaJIT numbers those that its interpreter knows, "function: builtin#29".
// Programs tell LuaJIT from other Lua implementations by that text.

import { LuaTable } from '../table.ts';

/** The functions of each library in LuaJIT's order, from the number of the first; "-" is one without a name. */
const NUMBERED: Readonly<Record<string, readonly [number, string]>> = {
  _G: [
    2,
    'assert type next pairs - ipairs getmetatable setmetatable getfenv setfenv rawget rawset rawequal rawlen unpack ' +
      'select tonumber tostring error pcall xpcall loadfile load loadstring dofile gcinfo collectgarbage newproxy print',
  ],
  coroutine: [31, 'status running isyieldable create yield resume - wrap'],
  math: [
    41,
    'abs floor ceil sqrt log10 exp sin cos tan asin acos atan sinh cosh tanh frexp modf log atan2 pow fmod ldexp min ' +
      'max random randomseed',
  ],
  bit: [67, 'tobit bnot bswap lshift rshift arshift rol ror band bor bxor tohex'],
  string: [79, 'byte char sub rep reverse lower upper dump find match - gmatch gsub format'],
  table: [93, 'maxn insert concat - - - - sort pack'],
  io: [113, 'open popen tmpfile close read write flush input output lines type'],
  os: [124, 'execute remove rename tmpname getenv exit clock date time difftime setlocale'],
  debug: [
    135,
    'getregistry getmetatable setmetatable getfenv setfenv getinfo getlocal setlocal getupvalue setupvalue upvalueid ' +
      'upvaluejoin getuservalue setuservalue sethook gethook debug traceback',
  ],
  jit: [153, 'on off flush status security attach'],
};

const numbers = new WeakMap<object, number>();

const WORDS = Object.entries(NUMBERED).map(([name, [first, list]]) => ({ name, first, words: list.split(' ') }));

/** Gives the functions of a state's libraries their numbers, or only those of one library. */
export function numberFunctions(state: { readonly loaded: LuaTable }, only?: string): void {
  for (const { name, first, words } of WORDS) {
    const library = only === undefined || only === name ? state.loaded.getStr(name) : undefined;
    if (!(library instanceof LuaTable)) continue;
    words.forEach((word, i) => {
      const f = library.getStr(word);
      if (typeof f === 'function') numbers.set(f, first + i);
    });
  }
}

/** "builtin#29" for a function that has a number. */
export function builtinName(f: object): string | undefined {
  const n = numbers.get(f);
  return n === undefined ? undefined : `builtin#${n}`;
}
