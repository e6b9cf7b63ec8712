/** Symbols of nginx's executable that Lua libraries declare for themselves and find in ffi.C. */
import { currentState, defineCVariable, type LuaValue } from '../../../lua/index.ts';

/** An array of C strings, which stays alive with the function that was made with it. */
const STRINGS = `
  local ffi = require 'ffi'
  local texts = { ... }
  local array = ffi.new('char *[?]', #texts + 1)
  local kept = { array }
  for i, text in ipairs(texts) do
    local bytes = ffi.new('char[?]', #text + 1, text)
    kept[#kept + 1] = bytes
    array[i - 1] = bytes
  end
  return array, kept
`;

/** What keeps the strings alive. */
const kept: LuaValue[] = [];

function strings(texts: readonly string[]): LuaValue {
  const state = currentState();
  const result = state.newThread(state.load(STRINGS, '=strings')).resume([...texts]);
  if (result.status !== 'done') return undefined;
  kept.push(result.values[1]);
  return result.values[0];
}

/** `char **ngx_argv`: how the server was started. */
function serverArguments(): string[] {
  return process.argv.slice(1).map((text) => Buffer.from(text).toString('latin1'));
}

/** Makes them known, once a process. */
export function defineSymbols(): void {
  defineCVariable('ngx_argv', () => strings(serverArguments()));
}
