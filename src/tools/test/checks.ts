/** Compares what a server did with what a block expects; each comparison is a result. Test::Nginx::Socket(3). */
import type { Block } from './block.ts';
import { diff } from './diff.ts';
import { matches, pattern } from './pattern.ts';
import { PerlArray, PerlCode, PerlRegex, text, type Value } from './perl/values.ts';
import { field, type Response } from './response.ts';
import type { Results } from './results.ts';

/** What is being checked. */
export interface CheckContext {
  readonly block: Block;
  /** With the file, as results carry it. */
  readonly name: string;
  readonly results: Results;
  readonly expand: (text: string) => string;
  /** In texts: `$ServerPort`. */
  readonly port: number;
  /** Why nothing was run; undefined when it was. */
  readonly dryRun: string | undefined;
  /** Of `repeat_each`, from 0; undefined at the server's end. */
  readonly round: number | undefined;
  /** Several requests: expectations are lists. */
  readonly several: boolean;
}

/** The entry of a section for one of several requests. */
function entry({ block, several }: CheckContext, name: string, i: number): Value {
  const value = block.get(name);
  if (value instanceof PerlArray) return value.values[several ? i : 0];
  if (several) throw new Error(`You asked for many requests, the expected results should be arrays as well (${name}).`);
  return value;
}

/** A text as a pattern with flags, or the pattern that it is. */
function regexOf(value: Value, flags: string): { readonly shown: string; readonly test: (subject: string) => boolean } {
  const regex = value instanceof PerlRegex ? value : new PerlRegex(text(value), flags);
  return { shown: regex.source, test: (subject) => matches(pattern(regex.source, regex.flags), subject) };
}

/** Adds a result, or says that it was left out. */
function report(context: CheckContext, section: string, good: () => boolean, name: string, detail: () => string): void {
  const { results, dryRun } = context;
  if (dryRun !== undefined) {
    results.skip(`${context.name} - ${section === '' ? '' : `${section} - `}tests skipped due to ${dryRun}`);
    return;
  }
  const passed = good();
  results.ok(passed, `${context.name} - ${name}`, passed ? '' : detail());
}

/** Status and header fields of one response. */
export function checkHead(context: CheckContext, i: number, response: Response | undefined): void {
  const { block } = context;
  const status = response?.status ?? '';
  if (block.has('error_code_like')) {
    const like = regexOf(entry(context, 'error_code_like', i), 'sm');
    report(
      context,
      '',
      () => like.test(status),
      'status code ok',
      () => `status ${status || 'missing'} does not match ${like.shown}`,
    );
  } else {
    const expected = block.has('error_code') ? text(entry(context, 'error_code', i)) : '200';
    report(
      context,
      '',
      () => status === expected,
      'status code ok',
      () => `status ${status || 'missing'} instead of ${expected}`,
    );
  }
  const head = response?.head ?? '';
  for (const [section, wanted, what] of [
    ['raw_response_headers_like', true, 'raw resp headers like'],
    ['raw_response_headers_unlike', false, 'raw resp headers unlike'],
  ] as const) {
    if (!block.has(section)) continue;
    const regex = regexOf(entry(context, section, i), 's');
    const good = (): boolean => regex.test(head) === wanted;
    report(
      context,
      section,
      good,
      what,
      () => `the header ${wanted ? 'does not match' : 'matches'} ${regex.shown}:\n${head}`,
    );
  }
  checkFields(context, i, response, head);
}

/** `Name: value` lines, and `!Name` for fields that must not be there. Several of one name are joined by ", ". */
function checkFields(context: CheckContext, i: number, response: Response | undefined, head: string): void {
  const { block, port } = context;
  const exact = block.has('response_headers');
  const section = exact ? 'response_headers' : 'response_headers_like';
  if (!block.has(section)) return;
  for (const [name, value] of fieldLines(text(entry(context, section, i)))) {
    const found = (response === undefined ? undefined : field(response, name)) ?? '';
    if (value === undefined) {
      if (!exact) {
        report(
          context,
          section,
          () => /^$/.test(found),
          `header ${name} like ok`,
          () => `field ${name}: "${found}"`,
        );
        continue;
      }
      const absent = new RegExp(`^\\s*${name.replace(/[^\w]/g, '\\$&')}\\s*:`, 'm');
      report(
        context,
        section,
        () => !absent.test(head),
        `header ${name} not present in the raw headers`,
        () => `unexpected field ${name}: ${found}`,
      );
    } else if (exact) {
      const expected = value.replace(/\$ServerPort(?:ForClient)?\b/g, String(port));
      report(
        context,
        section,
        () => found === expected,
        `header ${name} ok`,
        () => `field ${name}: "${found}" instead of "${expected}"`,
      );
    } else {
      const regex = regexOf(`^${value}$`, '');
      report(
        context,
        section,
        () => regex.test(found),
        `header ${name} like ok`,
        () => `field ${name}: "${found}" does not match ${value}`,
      );
    }
  }
}

function fieldLines(lines: string): Map<string, string | undefined> {
  const fields = new Map<string, string | undefined>();
  for (const raw of lines.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const line = raw.trim();
    const absent = /^!\s*(.*)$/.exec(line);
    if (absent !== null) {
      fields.set(absent[1]!, undefined);
      continue;
    }
    const found = /^(.*?)\s*:\s*(.*)$/s.exec(line);
    // A line without a colon asks for a field of that name without a value.
    fields.set(found === null ? line : found[1]!, found === null ? undefined : found[2]!);
  }
  return fields;
}

/** The body of one response. */
export function checkBody(context: CheckContext, i: number, response: Response | undefined): void {
  const { block, port, round } = context;
  const body = response?.body;
  const ports = (value: string): string => value.replace(/\$ServerPort(?:ForClient)?\b/g, String(port));
  if (block.has('response_body')) {
    const value = entry(context, 'response_body', i);
    const place = `(repeated req ${round}, req ${i})`;
    if (value instanceof PerlRegex) {
      const regex = regexOf(value, '');
      const good = (): boolean => regex.test(body ?? '');
      report(
        context,
        'response_body',
        good,
        `response_body - like ${place}`,
        () => `does not match ${regex.shown}:\n${diff('', body ?? '')}`,
      );
      return;
    }
    const expected = value === undefined ? undefined : context.expand(ports(text(value)));
    const detail = (): string => `response body (- expected, + found):\n${diff(expected ?? '', body ?? '')}`;
    report(context, 'response_body', () => body === expected, `response_body - response is expected ${place}`, detail);
    return;
  }
  const section = block.has('response_body_like') ? 'response_body_like' : 'response_body_unlike';
  if (!block.has(section)) return;
  const wanted = section === 'response_body_like';
  const value = entry(context, section, i);
  const regex = regexOf(value instanceof PerlRegex ? value : ports(text(value)), 's');
  const good = (): boolean => regex.test(body ?? '') === wanted;
  const summary = (body ?? '')
    .trim()
    .replace(/\n/g, ' ')
    .replace(/\s{2,}/g, ' ');
  const detail = (): string =>
    `response body ${wanted ? 'does not match' : 'matches'} ${regex.shown}:\n${diff('', body ?? '')}`;
  report(context, section, good, `${section} - response is expected (${summary})`, detail);
}

/** What a section such as error_log asks for: its lines as plain texts, or patterns. */
function wanted(value: Value): Value[] {
  if (value instanceof PerlRegex) return [value];
  if (value instanceof PerlArray) return value.values.filter((one) => one !== undefined);
  const lines = text(value).replace(/\n$/, '').split(/\n+/);
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

function hits(what: Value, line: string): boolean {
  if (what instanceof PerlRegex && matches(what.regex, line)) return true;
  return line.includes(text(what));
}

/** The round behind a result's name. */
const inRound = ({ round }: CheckContext): string => (round === undefined ? '' : ` (req ${round})`);

/** Each entry must be found in some line. */
export function checkPresent(context: CheckContext, section: string, file: string, lines: readonly string[]): void {
  const value = context.block.get(section);
  if (value === undefined) return;
  for (const what of wanted(value)) {
    const good = (): boolean => lines.some((line) => hits(what, line));
    const found = context.dryRun === undefined && good();
    const name = `pattern "${text(what)}" ${found ? 'matches' : 'should match'} a line in ${file}${inRound(context)}`;
    report(
      context,
      section,
      () => found,
      name,
      () => `no line of ${file} has "${text(what)}"`,
    );
  }
}

/** Whether what a section asks for is not all there. */
export function isMissing(block: Block, section: string, lines: readonly string[]): boolean {
  const value = block.get(section);
  return value !== undefined && wanted(value).some((what) => !lines.some((line) => hits(what, line)));
}

/** No entry may be found in any line. */
export function checkAbsent(context: CheckContext, section: string, file: string, lines: readonly string[]): void {
  const value = context.block.get(section);
  if (value === undefined) return;
  for (const what of wanted(value)) {
    const shown = text(what).replace(/\n/g, '\\n');
    const found = lines.filter((line) => hits(what, line));
    for (const line of found) {
      const name = `pattern "${shown}" should not match any line in ${file} but matches line "${line.trimEnd()}"${inRound(context)}`;
      report(
        context,
        section,
        () => false,
        name,
        () => `a line of ${file} has "${shown}":\n${line}`,
      );
    }
    if (found.length > 0) continue;
    report(
      context,
      section,
      () => true,
      `pattern "${shown}" does not match a line in ${file}${inRound(context)}`,
      () => '',
    );
  }
}

/** The parts of lines that grep_error_log finds must be those of grep_error_log_out. */
export function checkGrep(context: CheckContext, lines: readonly string[]): void {
  const { block, round = 0 } = context;
  const asked = block.get('grep_error_log');
  const expectedOut = block.get('grep_error_log_out');
  if (asked === undefined) {
    if (expectedOut !== undefined)
      throw new Error('No --- grep_error_log defined but --- grep_error_log_out is defined');
    return;
  }
  if (expectedOut === undefined) throw new Error('No --- grep_error_log_out defined but --- grep_error_log is defined');
  const what = asked instanceof PerlArray ? asked.values[round] : asked;
  if (what === undefined) return;
  let found = '';
  for (const line of lines) {
    let part = '';
    if (what instanceof PerlRegex && matches(what.regex, line)) part = line.slice(what.regex.start, what.regex.end);
    else if (!(what instanceof PerlRegex) && line.includes(text(what))) part = text(what);
    else continue;
    if (!part.includes('\n')) found += `${part}\n`;
  }
  const expected = expectedOut instanceof PerlArray ? expectedOut.values[round] : expectedOut;
  const name = `grep_error_log_out (req ${round})`;
  if (expected instanceof PerlRegex) {
    const regex = regexOf(expected, '');
    report(
      context,
      'error_log',
      () => regex.test(found),
      name,
      () => `does not match ${regex.shown}:\n${diff('', found)}`,
    );
    return;
  }
  const out = expected === undefined ? undefined : context.expand(text(expected));
  report(
    context,
    'error_log',
    () => found === out,
    name,
    () => `grep_error_log_out (- expected, + found):\n${diff(out ?? '', found)}`,
  );
}

/** Whether an expectation of the log speaks of something, so that its appearance is no surprise. */
function speaksOf(value: Value, what: string): boolean {
  if (value instanceof PerlArray) return value.values.some((one) => speaksOf(one, what));
  return text(value).includes(what);
}

/** Lines of the log that a well server does not write are pointed out. */
export function warnUnexpected(context: CheckContext, lines: readonly string[]): void {
  const { block, results, name, dryRun } = context;
  const said = [block.get('error_log'), block.get('no_error_log')];
  for (const [mark, hint] of [
    ['writing a global lua variable', 'writing a global lua variable'],
    ['[alert]', '[alert'],
    ['[crit]', '[crit'],
    ['[emerg]', '[emerg'],
  ] as const) {
    if (dryRun !== undefined || said.some((value) => speaksOf(value, hint))) continue;
    for (const line of lines) if (line.includes(mark)) results.warn(`WARNING: ${name} - ${line}`);
  }
  for (const line of lines) if (/\bAssertion .*?failed\b/.test(line)) results.fail(`${name} - ${line.trimEnd()}`);
}

/** `response_body_filters`: functions, or names of such. */
export function filterBody(
  context: CheckContext,
  i: number,
  response: Response,
  call: (code: PerlCode, body: string) => string,
  digest: (kind: string, body: string) => string,
): void {
  const value = context.block.get('response_body_filters');
  if (value === undefined) return;
  let filters: Value[];
  if (value instanceof PerlArray) {
    const first = value.values[0];
    const own = first instanceof PerlArray ? value.values[i] : value;
    if (!(own instanceof PerlArray))
      throw new Error(`the ---response_body_filters two-dimensional array unmatch the specified request(${i})`);
    filters = own.values;
  } else filters = typeof value === 'string' ? value.trim().split(/\s+/) : [value];
  for (const filter of filters) {
    const { body } = response;
    if (filter instanceof PerlCode) {
      response.body = call(filter, body);
      continue;
    }
    const changed: Readonly<Record<string, () => string>> = {
      md5_hex: () => digest('md5', body),
      sha1_hex: () => digest('sha1', body),
      uc: () => body.toUpperCase(),
      lc: () => body.toLowerCase(),
      ucfirst: () => body.charAt(0).toUpperCase() + body.slice(1),
      lcfirst: () => body.charAt(0).toLowerCase() + body.slice(1),
      length: () => String(body.length),
    };
    const change = changed[text(filter)];
    if (change === undefined)
      throw new Error(`unknown filter, "${text(filter)}", specified in the --- response_body_filters section`);
    response.body = change();
  }
}
