/**
 * Benchmarks of the Lua engine against LuaJIT: `node --import tsx bench/lua/run.ts [NAME...]`.
 *
 * Each program returns a function, which is called 24 times; shown are the first call (with compilation), the
 * median and the best of the second half, and LuaJIT's best, in milliseconds. The engine is bundled first: tsx adds
 * calls to every function, which cost up to four times.
 */
export {};
