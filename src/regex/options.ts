// The option letters of ngx.re.* and what they mean to the compiler (ngx_lua manual, ngx.re.match).

/** How to compile a pattern. All default to off; patterns are byte strings. */
export interface RegexOptions {
  /** i, ~* */
  caseless?: boolean;
  /** m: ^ and $ match at line ends. */
  multiline?: boolean;
  /** s: the dot matches a newline. */
  dotall?: boolean;
  /** x: white space and # comments are ignored. */
  extended?: boolean;
  /** a: the match begins where the search begins. */
  anchored?: boolean;
  /** $ matches at the very end only, never before a final newline. */
  dollarEndOnly?: boolean;
  /** u: pattern and subject are UTF-8. */
  utf?: boolean;
  /** U: the subject's UTF-8 is not checked. */
  noUtfCheck?: boolean;
  /** D: groups may share a name. */
  dupNames?: boolean;
  ungreedy?: boolean;
  /** j: the same matches, but the limits of the match and of the stack are those of PCRE2's JIT code. */
  jit?: boolean;
  /** ngx.re.opt("jit_stack_size"), in bytes; 0 for the 32 KB of PCRE2. */
  jitStackSize?: number;
  /** d: the longest of the leftmost matches, without captures (pcre2_dfa_match). */
  dfa?: boolean;
  /** J: \uhhhh, empty classes, and unset groups that match as empty. */
  javascriptCompat?: boolean;
  /** lua_regex_match_limit; 0 for PCRE2's default of ten million. */
  matchLimit?: number;
}

/** Option letters, parsed. */
export interface ParsedOptions {
  regex: RegexOptions;
  /** o: keep the compiled pattern. */
  once: boolean;
  /** D: named captures become lists. */
  dupNames: boolean;
}

const parsed = new Map<string, ParsedOptions>();

/**
 * Reads option letters such as "jo". Throws an Error with lua-resty-core's text for a letter that is none; the result
 * is shared between calls, do not change it.
 */
export function parseOptions(letters: string): ParsedOptions {
  const known = parsed.get(letters);
  if (known !== undefined) return known;
  const regex: RegexOptions = {};
  let once = false;
  for (const letter of letters) {
    switch (letter) {
      case 'a':
        regex.anchored = true;
        break;
      case 'd':
        regex.dfa = true;
        break;
      case 'D':
        regex.dupNames = true;
        break;
      case 'i':
        regex.caseless = true;
        break;
      case 'j':
        regex.jit = true;
        break;
      case 'J':
        regex.javascriptCompat = true;
        break;
      case 'm':
        regex.multiline = true;
        break;
      case 'o':
        once = true;
        break;
      case 's':
        regex.dotall = true;
        break;
      case 'u':
        regex.utf = true;
        break;
      case 'U':
        regex.utf = true;
        regex.noUtfCheck = true;
        break;
      case 'x':
        regex.extended = true;
        break;
      default:
        throw new Error(`unknown flag "${letter}" (flags "${letters}")`);
    }
  }
  const result: ParsedOptions = { regex, once, dupNames: regex.dupNames === true };
  // The letters come from programs, so there are few; a program that makes them up must not fill the memory.
  if (parsed.size < 1000) parsed.set(letters, result);
  return result;
}
