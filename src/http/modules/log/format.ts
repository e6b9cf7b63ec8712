/** `log_format`: what a line of an access log is made of. nginx: ngx_http_log_compile_format(), ngx_http_log_vars. */
import type { ConfContext } from '../../../conf/directive.ts';
import { accessLogTime, currentMsec, iso8601Time, msecOf, msecText } from '../../../log/time.ts';
import { httpOf } from '../../cycle.ts';
import { HTTP_VERSION_9, type HttpRequest } from '../../request.ts';
import { getFlushed, getVariableIndex } from '../../variables.ts';

/** How values are made fit for a line. */
export type LogEscape = 'default' | 'json' | 'none';

/** A part of a line: fixed text, something of the request, or a variable by its slot. */
type LogPart = string | number | ((r: HttpRequest) => string);

/** A named format. */
export interface LogFormat {
  readonly name: string;
  readonly escape: LogEscape;
  readonly parts: readonly LogPart[];
}

export const COMBINED =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

function statusOf(r: HttpRequest): string {
  let status = r.errStatus !== 0 ? r.errStatus : r.headersOut.status;
  if (status === 0 && r.httpVersion === HTTP_VERSION_9) status = 9;
  return status > 99 ? String(status) : String(status).padStart(3, '0');
}

/** What a log asks the request directly, so that no stale value is written. */
const OWN: Readonly<Record<string, (r: HttpRequest) => string>> = {
  pipe: (r) => (r.pipeline ? 'p' : '.'),
  time_local: () => accessLogTime(),
  time_iso8601: () => iso8601Time(),
  msec: () => msecText(),
  request_time: (r) => msecOf(Math.max(0, currentMsec() - r.startTime)),
  status: statusOf,
  bytes_sent: (r) => String(r.connection.sent),
  body_bytes_sent: (r) => String(Math.max(0, r.connection.sent - r.headerSize)),
  request_length: (r) => String(r.requestLength),
};

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

function escapeDefault(value: string): string {
  return UNSAFE.test(value) ? value.replace(UNSAFE_ALL, (ch) => `\\x${hex(ch, 2)}`) : value;
}

/** As in a JSON string. nginx: ngx_escape_json(). */
export function escapeJson(value: string): string {
  if (!JSON_UNSAFE.test(value)) return value;
  return value.replace(JSON_UNSAFE_ALL, (ch) => JSON_SHORT[ch] ?? `\\u${hex(ch, 4)}`);
}

/**
 * Compiles a format from its words, which are joined as they are.
 *
 * @throws ConfError when a name is none
 */
export function compileLogFormat(cf: ConfContext, name: string, words: readonly string[]): LogFormat {
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
  const parts: LogPart[] = [];
  for (const word of rest) compileWord(cf, word, parts);
  return { name, escape: escaping, parts };
}

const NAME = /[A-Za-z0-9_]*/y;

function compileWord(cf: ConfContext, word: string, parts: LogPart[]): void {
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
    parts.push(Object.hasOwn(OWN, name) ? (OWN[name] as LogPart) : getVariableIndex(httpOf(cf), name));
  }
}

/** A request's line, without its line feed. */
export function formatLine(r: HttpRequest, format: LogFormat): string {
  const { parts, escape: escaping } = format;
  let line = '';
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as LogPart;
    if (typeof part === 'string') line += part;
    else if (typeof part === 'function') line += part(r);
    else {
      const value = getFlushed(r, part);
      if (value !== null) {
        line += escaping === 'default' ? escapeDefault(value) : escaping === 'json' ? escapeJson(value) : value;
      } else if (escaping === 'default') line += '-';
    }
  }
  return line;
}
