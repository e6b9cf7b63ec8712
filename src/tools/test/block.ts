/**
 * The format of test files: after a line `__DATA__`, blocks that begin with `=== NAME` and have sections that begin
 * with `--- NAME FILTERS`. It is the format of OpenResty's own suites, so their readers and editors understand ours and
 * a file can be run against real nginx by Test::Nginx itself. Test::Base: Test::Base(3), Test::Base::Filter(3).
 */
import { readLiteral, type Value } from './literal.ts';
import { SECTIONS } from './sections.ts';

/** One test: a configuration, requests, and what is expected of it. */
export interface Block {
  /** As given to the parser. */
  readonly file: string;
  /** Of the `===` line, from 1. */
  readonly line: number;
  /** In its file, from 1. */
  readonly number: number;
  readonly name: string;
  readonly sections: ReadonlyMap<string, Value>;
}

/** A mistake in a test file, with its place. */
export class SpecError extends Error {
  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
  }
}

const BLOCK = /^===[ \t]*(.*?)[ \t]*$/;
const SECTION = /^--- +\(?(\w+)\)? *(.*)$/;

/**
 * Reads a test file.
 *
 * @param file its name, for messages
 * @param text its bytes (latin1)
 * @returns the blocks to run: all, or the one with ONLY, or those up to LAST; blocks with SKIP are left out but counted
 *   in `number`
 * @throws SpecError
 */
export function parseSpec(file: string, text: string): Block[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const marker = lines.findIndex((line) => line === '__DATA__' || line === '__END__');
  const blocks: Block[] = [];
  let number = 0;
  for (let at = marker + 1; at < lines.length; at++) {
    if (!BLOCK.test(lines[at] as string)) continue;
    const start = at;
    while (at + 1 < lines.length && !BLOCK.test(lines[at + 1] as string)) at++;
    const block = parseBlock(file, start, ++number, lines.slice(start, at + 1));
    if (block.sections.has('ONLY')) return [block];
    if (block.sections.has('SKIP')) continue;
    blocks.push(block);
    if (block.sections.has('LAST')) break;
  }
  if (number === 0) throw new SpecError(file, 1, 'no blocks (they begin with "===")');
  return blocks;
}

function parseBlock(file: string, start: number, number: number, lines: readonly string[]): Block {
  const sections = new Map<string, Value>();
  for (let at = 1; at < lines.length; at++) {
    const head = SECTION.exec(lines[at] as string);
    if (head === null) continue;
    const line = start + at + 1;
    const name = head[1] as string;
    let rest = (head[2] as string).trim();
    let body = '';
    while (at + 1 < lines.length && !SECTION.test(lines[at + 1] as string)) body += `${lines[++at]}\n`;
    const inline = /:(?:\s|$)/.exec(rest);
    if (inline !== null) {
      if (/\S/.test(body)) throw new SpecError(file, line + 1, `extra lines in "${name}"`);
      body = rest.slice(inline.index + 1).trim();
      rest = rest.slice(0, inline.index).trim();
    }
    if (!SECTIONS.has(name)) throw new SpecError(file, line, `section "${name}" is not supported`);
    if (sections.has(name)) throw new SpecError(file, line, `section "${name}" is duplicate`);
    try {
      sections.set(name, filtered(body, rest === '' ? [] : rest.split(/\s+/)));
    } catch (error) {
      throw new SpecError(file, line, `section "${name}": ${(error as Error).message}`);
    }
  }
  return {
    file,
    line: start + 1,
    number,
    name: (BLOCK.exec(lines[0] as string) as RegExpExecArray)[1] as string,
    sections,
  };
}

/** Runs a section's filters. Every section is normalised and trimmed before the filters that it names. */
function filtered(body: string, filters: readonly string[]): Value {
  let value: Value = body;
  if (!filters.includes('-norm')) value = value.replace(/\r\n?/g, '\n');
  if (!filters.includes('-trim')) value = value.replace(/^(?:[ \t]*\n)+/, '').replace(/(?<=\n)\s*$/, '');
  for (const filter of filters) {
    if (filter === '-norm' || filter === '-trim') continue;
    if (typeof value !== 'string') throw new Error(`filter "${filter}" needs text`);
    value = applyFilter(filter, value);
  }
  return value;
}

function applyFilter(filter: string, text: string): Value {
  switch (filter) {
    case 'chomp':
      return text.replace(/\n$/, '');
    case 'chop':
      return text.slice(0, -1);
    case 'unchomp':
      return `${text}\n`;
    case 'lines':
      return text.match(/.*\n|.+$/g) ?? [];
    case 'eval':
      return readLiteral(text);
    default:
      throw new Error(`filter "${filter}" is not supported`);
  }
}
