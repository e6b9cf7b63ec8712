/**
 * `log_format`: what a line of an access log is made of, the same in http and stream. nginx:
 * ngx_http_log_compile_format(), ngx_stream_log_compile_format().
 */
import type { ConfContext } from './directive.ts';
import type { VariableValue } from './variables.ts';

/** How values are made fit for a line. */
export type LogEscape = 'default' | 'json' | 'none';

/** A part of a line: fixed text, something of the request or session, or a variable by its slot. */
export type LogPart<R> = string | number | ((r: R) => string);

/** A named format. */
export interface LogFormat<R> {
  readonly name: string;
  readonly escape: LogEscape;
  readonly parts: readonly LogPart<R>[];
}

/** Where a format's values come from. */
export interface LogSource<R> {
  /** What a log asks the request or session directly, so that no stale value is written. */
  readonly own: Readonly<Record<string, (r: R) => string>>;
  /** The slot of a variable. */
  indexOf(cf: ConfContext, name: string): number;
}

/** Bytes that could break a line: control characters, quotes, backslashes, and all beyond ASCII. */
const UNSAFE = /[\x00-\x1f"\\\x7f-\xff]/;
const UNSAFE_ALL = /[\x00-\x1f"\\\x7f-\xff]/g;
const JSON_UNSAFE = /[\x00-\x1f"\\]/;
const JSON_UNSAFE_ALL = /[\x00-\x1f"\\]/g;
const JSON_SHORT: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '"': '\\"',
  '\\': '\\\\',
};

function hex(ch: string, width: number): string {
  return ch.charCodeAt(0).toString(16).toUpperCase().padStart(width, '0');
}

/** For the text formats. */
function escapeDefault(value: string): string {
  return UNSAFE.test(value) ? value.replace(UNSAFE_ALL, (ch) => `\\x${hex(ch, 2)}`) : value;
}

/** As in a JSON string. nginx: ngx_escape_json(). */
function escapeJson(value: string): string {
  if (!JSON_UNSAFE.test(value)) return value;
  return value.replace(JSON_UNSAFE_ALL, (ch) => JSON_SHORT[ch] ?? `\\u${hex(ch, 4)}`);
}

/**
 * Compiles a format from its words, which are joined as they are.
 *
 * @throws ConfError when a name is none
 */
export function compileLogFormat<R>(
  cf: ConfContext,
  name: string,
  words: readonly string[],
  source: LogSource<R>,
): LogFormat<R> {
  let escaping: LogEscape = 'default';
  let rest = words;
  const first = words[0];
  if (first?.startsWith('escape=')) {
    const kind = first.slice(7);
    if (kind !== 'default' && kind !== 'json' && kind !== 'none') {
      throw cf.error(`unknown log format escaping "${kind}"`);
    }
    escaping = kind;
    rest = words.slice(1);
  }
  const parts: LogPart<R>[] = [];
  for (const word of rest) compileWord(cf, word, parts, source);
  return { name, escape: escaping, parts };
}

const NAME = /[A-Za-z0-9_]*/y;

function compileWord<R>(cf: ConfContext, word: string, parts: LogPart<R>[], source: LogSource<R>): void {
  let i = 0;
  while (i < word.length) {
    if (word[i] !== '$') {
      const end = word.indexOf('$', i);
      const text = end < 0 ? word.slice(i) : word.slice(i, end);
      parts.push(text);
      i += text.length;
      continue;
    }
    const invalid = `invalid parameter "${word.slice(i)}"`;
    i++;
    const bracket = word[i] === '{';
    if (bracket) i++;
    if (i === word.length) throw cf.error(invalid);
    NAME.lastIndex = i;
    const name = (NAME.exec(word) as RegExpExecArray)[0];
    i += name.length;
    if (bracket) {
      if (word[i] !== '}') throw cf.error(`the closing bracket in "${name}" variable is missing`);
      i++;
    }
    if (name === '') throw cf.error(invalid);
    parts.push(Object.hasOwn(source.own, name) ? (source.own[name] as LogPart<R>) : source.indexOf(cf, name));
  }
}

/**
 * A line, without its line feed.
 *
 * @param valueIn gives the value of a variable's slot
 */
export function formatLine<R>(
  r: R,
  { parts, escape: escaping }: LogFormat<R>,
  valueIn: (r: R, index: number) => VariableValue,
): string {
  let line = '';
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as LogPart<R>;
    if (typeof part === 'string') line += part;
    else if (typeof part === 'function') line += part(r);
    else {
      const value = valueIn(r, part);
      if (value !== null) {
        line += escaping === 'default' ? escapeDefault(value) : escaping === 'json' ? escapeJson(value) : value;
      } else if (escaping === 'default') line += '-';
    }
  }
  return line;
}
