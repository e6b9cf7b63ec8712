// Compiled patterns of ngx.re.* with the o letter: kept up to lua_regex_cache_max_entries, the longest unused making
// room. One cache serves all the functions, since a template or callback does not change how a pattern compiles.
import type { RegexOptions } from './options.ts';
import { compileRegex, type Regex } from './regex.ts';

/** Bytes. */
const MIN_JIT_STACK = 32 * 1024;

interface Entry {
  readonly letters: string;
  readonly pattern: string;
  readonly regex: Regex;
}

/** Compiles patterns, keeping those asked for "once". */
export class RegexCache {
  private readonly maxEntries: number;
  private readonly matchLimit: number;
  private jitStackSize = 0;
  /** By letters, then by pattern: a key made of both would be hashed anew at each call. */
  private readonly byLetters = new Map<string, Map<string, Entry>>();
  /** All of them, the longest unused first once the cache is full. */
  private readonly order = new Set<Entry>();
  /** The entry found last: loops ask for one pattern again and again. */
  private last: Entry | undefined = undefined;
  private readonly optionsByLetters = new Map<string, RegexOptions>();

  /**
   * `maxEntries`: lua_regex_cache_max_entries (1024 by default there, 0 keeps nothing). `matchLimit`:
   * lua_regex_match_limit (0: PCRE2's default).
   */
  constructor(maxEntries: number, matchLimit: number) {
    this.maxEntries = maxEntries;
    this.matchLimit = matchLimit;
  }

  /** The compiled pattern for option letters already parsed into `options`. Throws RegexError. */
  get(pattern: string, letters: string, options: RegexOptions, once: boolean): Regex {
    if (!once || this.maxEntries <= 0) return compileRegex(pattern, this.withLimits(letters, options));
    const { last, order } = this;
    if (last !== undefined && last.pattern === pattern && last.letters === letters) return last.regex;
    let patterns = this.byLetters.get(letters);
    const known = patterns?.get(pattern);
    if (known !== undefined) {
      // A Set keeps the order of insertion: taking an entry out and in again makes it the youngest. That is only paid
      // for once the cache is full; until then the order is that of the first use.
      if (order.size >= this.maxEntries) {
        order.delete(known);
        order.add(known);
      }
      this.last = known;
      return known.regex;
    }
    const regex = compileRegex(pattern, this.withLimits(letters, options));
    if (order.size >= this.maxEntries) this.drop(order.values().next().value!);
    if (patterns === undefined || !this.byLetters.has(letters)) this.byLetters.set(letters, (patterns = new Map()));
    const entry = { letters, pattern, regex };
    patterns.set(pattern, entry);
    order.add(entry);
    this.last = entry;
    return regex;
  }

  private drop(entry: Entry): void {
    this.order.delete(entry);
    const patterns = this.byLetters.get(entry.letters)!;
    patterns.delete(entry.pattern);
    if (patterns.size === 0) this.byLetters.delete(entry.letters);
    if (this.last === entry) this.last = undefined;
  }

  /** Whether nothing has been kept yet. */
  get isEmpty(): boolean {
    return this.order.size === 0;
  }

  /** ngx.re.opt("jit_stack_size"), in bytes; for patterns compiled from now on. At least 32 KB, as in ngx_lua. */
  setJitStackSize(bytes: number): void {
    this.jitStackSize = Math.max(bytes, MIN_JIT_STACK);
    this.optionsByLetters.clear();
  }

  private withLimits(letters: string, options: RegexOptions): RegexOptions {
    if (options.dfa || (this.matchLimit <= 0 && this.jitStackSize === 0)) return options;
    let limited = this.optionsByLetters.get(letters);
    if (limited === undefined) {
      limited = { ...options, matchLimit: this.matchLimit, jitStackSize: this.jitStackSize };
      if (this.optionsByLetters.size < 1000) this.optionsByLetters.set(letters, limited);
    }
    return limited;
  }
}
