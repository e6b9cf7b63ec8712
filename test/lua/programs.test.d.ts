/**
 * Runs the programs of programs/ and compares what they print with LuaJIT: the one that is installed, or else its
 * stored output. `UPDATE=1` stores LuaJIT's output anew. Programs in programs52/ use what only a LuaJIT built with
 * LUAJIT_ENABLE_LUA52COMPAT has, as OpenResty's: their expected output is written by hand.
 */
export {};
