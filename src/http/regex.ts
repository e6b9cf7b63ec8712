/**
 * Regular expressions of the http configuration: locations, server names, `if`, `rewrite`, `map`. A match leaves its
 * captures in the request, and its named captures in variables. nginx: ngx_http_regex_compile(), ngx_http_regex_exec().
 */
import type { ConfContext } from '../conf/directive.ts';
import { LOG_ALERT } from '../log/log.ts';
import { compileErrorText, RC, RegexError } from '../regex/errors.ts';
import { compileRegex, type Regex } from '../regex/regex.ts';
import { DECLINED, ERROR, OK } from './codes.ts';
import { httpOf } from './cycle.ts';
import type { HttpRequest } from './request.ts';
import { addVariable, getVariableIndex } from './variables.ts';

/** A compiled expression. */
export class HttpRegex {
  /** As written. */
  readonly pattern: string;
  readonly #regex: Regex;
  /** Group number and variable's slot, in turn. */
  readonly #named: readonly number[];

  constructor(regex: Regex, named: readonly number[]) {
    this.pattern = regex.pattern;
    this.#regex = regex;
    this.#named = named;
  }

  /** Number of groups. */
  get groups(): number {
    return this.#regex.captureCount;
  }

  /**
   * Looks for the expression in `subject` and stores what it captured.
   * @returns OK, DECLINED when it does not match, ERROR (logged) when the search failed
   */
  exec(r: HttpRequest, subject: string): number {
    const regex = this.#regex;
    const rc = regex.match(subject);
    if (rc < 0) {
      if (rc === RC.NOMATCH) return DECLINED;
      r.log(LOG_ALERT, `pcre2_match() failed: ${rc} on "${subject}" using "${this.pattern}"`);
      return ERROR;
    }
    const captures: (string | undefined)[] = [];
    for (let i = 0; i < rc; i++) captures.push(regex.group(i));
    const named = this.#named;
    for (let i = 0; i < named.length; i += 2) {
      r.variables[named[i + 1] as number] = captures[named[i] as number] ?? '';
    }
    r.captures = captures;
    return OK;
  }

  /** Whether it matches, leaving nothing behind. False when the search failed. */
  test(subject: string): boolean {
    return this.#regex.match(subject) >= 0;
  }
}

/** Never set by itself: only a match gives the variable a value. */
function notFound(): null {
  return null;
}

/**
 * Compiles an expression and declares its named captures as variables.
 *
 * @throws ConfError with the reason when it cannot be compiled
 */
export function compileHttpRegex(cf: ConfContext, pattern: string, caseless: boolean): HttpRegex {
  let regex: Regex;
  try {
    regex = compileRegex(pattern, { caseless });
  } catch (e) {
    if (e instanceof RegexError) throw cf.error(compileErrorText(pattern, e));
    throw e;
  }
  const named: number[] = [];
  for (const [name, groups] of regex.names) {
    for (const group of groups) {
      const variable = addVariable(cf, { name, changeable: true });
      named.push(group, getVariableIndex(httpOf(cf), name));
      variable.get = notFound;
    }
  }
  return new HttpRegex(regex, named);
}
