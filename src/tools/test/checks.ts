/** Compares what a server did with what a block expects. Each check gives the faults that it found, as texts. */
import { Regex } from '../../regex/regex.ts';
import type { Block } from './block.ts';
import { diff } from './diff.ts';
import { pattern, type Value } from './literal.ts';
import type { Response } from './response.ts';

/** The entry of a section for one of several requests; the same for all when it is no list. */
function entry(block: Block, name: string, i: number): Value | undefined {
  const value = block.sections.get(name);
  return Array.isArray(value) ? (value as readonly Value[])[i] : value;
}

function textOf(value: Value, expand: (text: string) => string): string {
  if (typeof value !== 'string') throw new Error('text expected, not a pattern or list');
  return expand(value);
}

/** A text as a pattern; in the checks of Test::Nginx the dot matches line ends. */
function patternOf(value: Value, expand: (text: string) => string): Regex {
  return value instanceof Regex ? value : pattern(textOf(value, expand).replace(/\n$/, ''), 's');
}

const matches = (regex: Regex, subject: string): boolean => regex.match(subject) >= 0;

/** Checks one response: status, header fields, body. */
export function checkResponse(block: Block, i: number, response: Response, expand: (text: string) => string): string[] {
  return [
    ...checkStatus(block, i, response, expand),
    ...checkFields(block, i, response, expand),
    ...checkHead(block, i, response, expand),
    ...(block.sections.has('ignore_response_body') ? [] : checkBody(block, i, response, expand)),
  ];
}

function checkStatus(block: Block, i: number, response: Response, expand: (text: string) => string): string[] {
  const like = entry(block, 'error_code_like', i);
  const status = response.status === 0 ? '' : String(response.status);
  if (like !== undefined) {
    const regex = patternOf(like, expand);
    return matches(regex, status) ? [] : [`status ${status} does not match ${regex.pattern}`];
  }
  const expected = textOf(entry(block, 'error_code', i) ?? '200', expand).trim();
  return status === expected ? [] : [`status ${status || 'missing'} instead of ${expected}`];
}

/** `Name: value` lines, and `!Name` for fields that must not be there. Several of one name are joined by ", ". */
function checkFields(block: Block, i: number, response: Response, expand: (text: string) => string): string[] {
  const faults: string[] = [];
  const found = (name: string): string[] => {
    return response.fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  };
  for (const section of ['response_headers', 'response_headers_like']) {
    const lines = textOf(entry(block, section, i) ?? '', expand).split('\n');
    for (const line of lines) {
      if (line.trim() === '') continue;
      if (line.startsWith('!')) {
        const name = line.slice(1).trim();
        if (found(name).length > 0) faults.push(`unexpected field ${name}: ${found(name).join(', ')}`);
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === -1) throw new Error(`${section}: no colon in "${line}"`);
      const name = line.slice(0, colon).trim();
      const expected = line.slice(colon + 1).trim();
      const value = found(name).join(', ');
      const good =
        section === 'response_headers' ? value === expected : matches(pattern(`^(?:${expected})$`, ''), value);
      if (!good) faults.push(`field ${name}: "${value}" instead of "${expected}"`);
    }
  }
  return faults;
}

function checkHead(block: Block, i: number, { head }: Response, expand: (text: string) => string): string[] {
  const faults: string[] = [];
  const like = entry(block, 'raw_response_headers_like', i);
  const unlike = entry(block, 'raw_response_headers_unlike', i);
  if (like !== undefined && !matches(patternOf(like, expand), head)) {
    faults.push(`header does not match ${patternOf(like, expand).pattern}:\n${head}`);
  }
  if (unlike !== undefined && matches(patternOf(unlike, expand), head)) {
    faults.push(`header matches ${patternOf(unlike, expand).pattern}:\n${head}`);
  }
  return faults;
}

function checkBody(block: Block, i: number, { body }: Response, expand: (text: string) => string): string[] {
  return checkText(block, 'response_body', body, expand, i);
}

/** A text against the sections NAME, NAME_like and NAME_unlike. */
export function checkText(
  block: Block,
  section: string,
  text: string,
  expand: (text: string) => string,
  i = 0,
): string[] {
  const faults: string[] = [];
  const what = section.replace('_', ' ');
  const exact = entry(block, section, i);
  const like = entry(block, `${section}_like`, i);
  const unlike = entry(block, `${section}_unlike`, i);
  if (exact !== undefined && textOf(exact, expand) !== text) {
    faults.push(`${what} (- expected, + found):\n${diff(textOf(exact, expand), text)}`);
  }
  if (like !== undefined && !matches(patternOf(like, expand), text)) {
    faults.push(`${what} does not match ${patternOf(like, expand).pattern}:\n${diff('', text)}`);
  }
  if (unlike !== undefined && matches(patternOf(unlike, expand), text)) {
    faults.push(`${what} matches ${patternOf(unlike, expand).pattern}:\n${diff('', text)}`);
  }
  return faults;
}

/** What a section such as error_log asks for: its lines as plain texts, or patterns. */
function wanted(value: Value | undefined, expand: (text: string) => string): (string | Regex)[] {
  if (value === undefined) return [];
  if (value instanceof Regex) return [value];
  if (typeof value === 'string')
    return value
      .split(/\n+/)
      .filter((line) => line !== '')
      .map(expand);
  return value.flatMap((one) => (typeof one === 'string' ? [expand(one)] : wanted(one, expand)));
}

function hits(what: string | Regex, line: string): boolean {
  return typeof what === 'string' ? line.includes(what) : matches(what, line);
}

const shown = (what: string | Regex): string => (typeof what === 'string' ? `"${what}"` : `qr/${what.pattern}/`);

/** Each entry must be found in some line of the log. */
export function checkPresent(
  log: string,
  file: string,
  value: Value | undefined,
  expand: (text: string) => string,
): string[] {
  const lines = log.split('\n');
  return wanted(value, expand)
    .filter((what) => !lines.some((line) => hits(what, line)))
    .map((what) => `no line of ${file} has ${shown(what)}`);
}

/** No entry may be found in any line of the log. */
export function checkAbsent(
  log: string,
  file: string,
  value: Value | undefined,
  expand: (text: string) => string,
): string[] {
  const faults: string[] = [];
  for (const what of wanted(value, expand)) {
    const line = log.split('\n').find((one) => hits(what, one));
    if (line !== undefined) faults.push(`a line of ${file} has ${shown(what)}:\n${line}`);
  }
  return faults;
}

/** The parts of lines that grep_error_log finds must be those of grep_error_log_out. */
export function checkGrep(block: Block, log: string, expand: (text: string) => string): string[] {
  const what = block.sections.get('grep_error_log');
  if (what === undefined) return [];
  const expected = block.sections.get('grep_error_log_out');
  if (expected === undefined) throw new Error('grep_error_log without grep_error_log_out');
  const regex = what instanceof Regex ? what : undefined;
  const plain = regex === undefined ? textOf(what, expand).trimEnd() : '';
  let found = '';
  for (const line of log.split('\n')) {
    if (regex === undefined) found += line.includes(plain) ? `${plain}\n` : '';
    else if (matches(regex, line)) found += `${line.slice(regex.start, regex.end)}\n`;
  }
  const text = textOf(expected, expand);
  return found === text ? [] : [`grep_error_log_out (- expected, + found):\n${diff(text, found)}`];
}

/** A server that is well logs nothing of these levels unless the block says so. */
export function checkUnexpected(block: Block, log: string): string[] {
  const expected = JSON.stringify(
    [
      ...wanted(block.sections.get('error_log'), String),
      ...wanted(block.sections.get('shutdown_error_log'), String),
    ].map(shown),
  );
  // Said at every start with `lua_code_cache off`, into the log or to standard error.
  const rest = log.replace(/^.*\[alert\].* lua_code_cache is off;.*$/gm, '');
  return ['alert', 'emerg']
    .filter((level) => !expected.includes(`[${level}`))
    .flatMap((level) => checkAbsent(rest, 'error.log', `[${level}]`, String));
}
