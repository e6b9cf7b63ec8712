// The functions behind ngx.re.match, find, gmatch, sub and gsub, over byte strings and knowing neither Lua nor requests:
// where searches begin and go on, what counts as an error, and the error texts (ngx_lua manual; lua-resty-core's
// lib/resty/core/regex.lua). A caller adapts values: it reads captures off the Regex right after a match.
import { RegexCache } from './cache.ts';
import { compileErrorText, RC, RegexError } from './errors.ts';
import { parseOptions } from './options.ts';
import type { Regex } from './regex.ts';
import { expandTemplate, parseTemplate, TEMPLATE_FAILED, type Template, TemplateError } from './template.ts';

/** Templates kept parsed. */
const MAX_TEMPLATES = 1000;
/** What ngx_lua's buffer for compile errors holds. */
const MAX_ERROR = 255;

/** Makes the replacement of one match from the captures the regex holds while it is called. */
export type Replacer = (regex: Regex, dupNames: boolean) => string;

/**
 * The value of a named capture in the last match, as ngx.re.match puts it into its table: its text, or false when
 * unset; with the D letter the list of texts of the set groups of that name, or undefined when there are none. Undefined
 * too for groups that DFA mode leaves out.
 */
export function namedCapture(
  regex: Regex,
  numbers: readonly number[],
  dupNames: boolean,
): string | false | string[] | undefined {
  if (!dupNames) {
    const last = numbers[numbers.length - 1]!;
    return last > regex.captureCount ? undefined : (regex.group(last) ?? false);
  }
  let list: string[] | undefined;
  for (const number of numbers) {
    const text = number > regex.captureCount ? undefined : regex.group(number);
    if (text === undefined) continue;
    if (list === undefined) list = [text];
    else list.push(text);
  }
  return list;
}

function execFailed(rc: number): string {
  return 'pcre_exec() failed: ' + rc;
}

/** The iterator of ngx.re.gmatch. */
export class Gmatch {
  readonly regex: Regex;
  readonly dupNames: boolean;
  /** The error that ended the iteration, or undefined. */
  error: string | undefined = undefined;
  private readonly subject: string;
  private pos = 0;

  constructor(subject: string, regex: Regex, dupNames: boolean) {
    this.subject = subject;
    this.regex = regex;
    this.dupNames = dupNames;
  }

  /** Finds the next match, for `regex` to tell; false at the end or after an error, which is told once. */
  next(): boolean {
    this.error = undefined;
    if (this.pos < 0) return false;
    const { regex, subject } = this;
    const rc = regex.match(subject, this.pos);
    if (rc < 0) {
      this.pos = -1;
      if (rc !== RC.NOMATCH) this.error = execFailed(rc);
      return false;
    }
    // After an empty match the search goes on one byte further, even in UTF mode.
    this.pos = regex.end === regex.start ? regex.end + 1 : regex.end;
    if (this.pos > subject.length) this.pos = -1;
    return true;
  }
}

/** The five functions with what they share: the cache and the settings of one server. */
export class RegexFunctions {
  /** The last call's error, undefined when there was none. */
  error: string | undefined = undefined;
  /** Results of `find`: the first and last byte, counted from 1, or -1 when the group is unset. */
  from = -1;
  to = -1;
  /** Results of `sub`: how many were replaced. */
  count = 0;
  /** The option letters' D in the last call. */
  dupNames = false;
  private readonly cache: RegexCache;
  private readonly templates = new Map<string, Template>();
  private readonly logError: (text: string) => void;

  /** `logError` writes to the error log at level error; see RegexCache for the limits. */
  constructor(maxEntries: number, matchLimit: number, logError: (text: string) => void) {
    this.cache = new RegexCache(maxEntries, matchLimit);
    this.logError = logError;
  }

  /** Whether no pattern has been kept yet (resty.core.regex.is_regex_cache_empty). */
  get isCacheEmpty(): boolean {
    return this.cache.isEmpty;
  }

  /**
   * ngx.re.opt("jit_stack_size", bytes). Throws an Error with ngx_lua's text once patterns have been kept.
   */
  setJitStackSize(bytes: number): void {
    if (!this.cache.isEmpty) {
      throw new Error('changing jit stack size is not allowed when some regexs have already been compiled and cached');
    }
    this.cache.setJitStackSize(bytes);
  }

  /**
   * Compiles, or gives null with `error` set. Throws an Error for unknown option letters: ngx.re raises those.
   */
  compile(pattern: string, letters = ''): Regex | null {
    this.error = undefined;
    const { regex, once, dupNames } = parseOptions(letters);
    this.dupNames = dupNames;
    try {
      return this.cache.get(pattern, letters, regex, once);
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      const text = compileErrorText(pattern, error).slice(0, MAX_ERROR);
      // It passes through a C string there.
      this.error = text.split('\0', 1)[0]!;
      return null;
    }
  }

  /**
   * ngx.re.match: the regex holding the captures, or null for no match (or an error, then `error` is set). `pos` is
   * ctx.pos, from 1 (0 and less mean the start); the next one is `regex.end + 1`.
   */
  match(subject: string, pattern: string, letters = '', pos = 1): Regex | null {
    const regex = this.compile(pattern, letters);
    if (regex === null) return null;
    const rc = regex.match(subject, pos > 1 ? pos - 1 : 0);
    if (rc >= 0) return regex;
    if (rc !== RC.NOMATCH) this.error = execFailed(rc);
    return null;
  }

  /**
   * ngx.re.find: as `match`, with `from` and `to` of group `nth` (negative: the whole match). An unset group leaves them
   * at -1 and still returns the regex, whose `end + 1` is the next ctx.pos.
   */
  find(subject: string, pattern: string, letters = '', pos = 1, nth = 0): Regex | null {
    const regex = this.compile(pattern, letters);
    this.from = this.to = -1;
    if (regex === null) return null;
    const start = pos > 1 ? pos - 1 : 0;
    const rc = nth > 0 ? regex.exec(subject, start) : regex.match(subject, start);
    if (rc < 0) {
      if (rc !== RC.NOMATCH) this.error = execFailed(rc);
      return null;
    }
    if (nth <= 0) {
      this.from = regex.start + 1;
      this.to = regex.end;
    } else if (nth > regex.captureCount) {
      this.error = 'nth out of bound';
    } else if (nth < rc && regex.ovector[nth * 2]! >= 0) {
      this.from = regex.ovector[nth * 2]! + 1;
      this.to = regex.ovector[nth * 2 + 1]!;
    }
    return regex;
  }

  /** ngx.re.gmatch: the iterator, or null with `error` set. */
  gmatch(subject: string, pattern: string, letters = ''): Gmatch | null {
    const regex = this.compile(pattern, letters);
    return regex === null ? null : new Gmatch(subject, regex, this.dupNames);
  }

  /**
   * ngx.re.sub, or gsub when `global`: the new text, with `count` set, or null with `error` set. A replacement that is
   * a string is a template.
   */
  sub(subject: string, pattern: string, replacement: string | Replacer, letters = '', global = false): string | null {
    this.count = 0;
    const regex = this.compile(pattern, letters);
    if (regex === null) return null;
    const { dupNames } = this;
    let template: Template | null = null;
    if (typeof replacement === 'string') {
      template = this.template(replacement);
      if (template === null) return null;
    }
    let out = '';
    let copied = 0;
    let count = 0;
    for (let pos = 0; ; ) {
      const rc = regex.match(subject, pos);
      if (rc === RC.NOMATCH) break;
      if (rc < 0) {
        this.error = execFailed(rc);
        return null;
      }
      count++;
      // The replacement may itself use this very regex, so its result is taken first.
      const { start, end } = regex;
      const piece = template !== null ? expandTemplate(template, regex) : (replacement as Replacer)(regex, dupNames);
      if (start > copied) out += subject.slice(copied, start);
      out += piece;
      copied = end;
      pos = end === start ? end + 1 : end;
      if (!global || pos > subject.length) break;
    }
    this.error = undefined;
    this.count = count;
    if (count === 0) return subject;
    return copied < subject.length ? out + subject.slice(copied) : out;
  }

  private template(source: string): Template | null {
    const known = this.templates.get(source);
    if (known !== undefined) return known;
    try {
      const template = parseTemplate(source);
      if (this.templates.size >= MAX_TEMPLATES) this.templates.delete(this.templates.keys().next().value!);
      this.templates.set(source, template);
      return template;
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.logError(error.message);
      this.error = TEMPLATE_FAILED;
      return null;
    }
  }
}
