/**
 * Strings of the configuration with `$variables` and regex captures in them: how they are taken apart, the same in http
 * and stream. nginx: ngx_http_script_compile() (src/http/ngx_http_script.c).
 */
import type { ConfContext } from './directive.ts';

/** One part of a compiled string. `args` marks the `?` that divides a rewrite's replacement. */
export type ScriptPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly index: number }
  | { readonly kind: 'capture'; readonly n: number }
  | { readonly kind: 'args' };

function isNameChar(ch: number): boolean {
  return (ch >= 0x61 && ch <= 0x7a) || (ch >= 0x41 && ch <= 0x5a) || (ch >= 0x30 && ch <= 0x39) || ch === 0x5f;
}

/** How many `$` there are: whether a string has to be compiled at all. nginx: ngx_http_script_variables_count(). */
export function hasVariables(text: string): boolean {
  return text.includes('$');
}

/**
 * Splits a string into its parts. nginx: ngx_http_script_compile().
 *
 * @param indexOf gives the slot of a variable
 * @param splitArgs the first `?` becomes an `args` part
 * @throws ConfError for names that are none
 */
export function parseScript(
  cf: ConfContext,
  text: string,
  indexOf: (name: string) => number,
  splitArgs = false,
): ScriptPart[] {
  const parts: ScriptPart[] = [];
  let pending = splitArgs;
  let i = 0;
  while (i < text.length) {
    if (text[i] === '$') {
      i++;
      if (i === text.length) throw cf.error('invalid variable name');
      const digit = text.charCodeAt(i) - 0x30;
      if (digit >= 1 && digit <= 9) {
        parts.push({ kind: 'capture', n: digit });
        i++;
        continue;
      }
      const bracket = text[i] === '{';
      if (bracket && ++i === text.length) throw cf.error('invalid variable name');
      const start = i;
      while (i < text.length && isNameChar(text.charCodeAt(i))) i++;
      const name = text.slice(start, i);
      if (bracket) {
        if (text[i] !== '}') throw cf.error(`the closing bracket in "${name}" variable is missing`);
        i++;
      }
      if (name === '') throw cf.error('invalid variable name');
      parts.push({ kind: 'variable', index: indexOf(name) });
      continue;
    }
    if (pending && text[i] === '?') {
      pending = false;
      parts.push({ kind: 'args' });
      i++;
      continue;
    }
    let end = text.indexOf('$', i);
    if (end < 0) end = text.length;
    if (pending) {
      const mark = text.indexOf('?', i);
      if (mark >= 0 && mark < end) end = mark;
    }
    parts.push({ kind: 'text', text: text.slice(i, end) });
    i = end;
  }
  return parts;
}
