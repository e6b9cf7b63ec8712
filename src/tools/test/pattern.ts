/** Perl's patterns, on the server's own PCRE. */
import { Regex } from '../../regex/regex.ts';

const cache = new Map<string, Regex>();

/**
 * A pattern as Perl compiles it.
 *
 * @param source may hold other patterns as Perl writes them into one: `(?^i:...)`
 * @param flags those of `imsx` count
 * @throws RegexError
 */
export function pattern(source: string, flags: string): Regex {
  const key = `${flags}/${source}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const inlined = source.replace(/\(\?\^([imsx]*):/g, (_all, on: string) => {
    const off = [...'imsx'].filter((flag) => !on.includes(flag)).join('');
    return `(?${on}${off === '' ? '' : `-${off}`}:`;
  });
  const regex = new Regex(inlined, {
    caseless: flags.includes('i'),
    multiline: flags.includes('m'),
    dotall: flags.includes('s'),
    extended: flags.includes('x'),
  });
  cache.set(key, regex);
  return regex;
}

/** Whether a pattern is found in a text. A match that needs too many steps counts as none. */
export const matches = (regex: Regex, subject: string): boolean => regex.match(subject) >= 0;
