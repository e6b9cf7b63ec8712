/**
 * The format of test files: Perl up to `__DATA__`, then blocks that begin with `=== NAME` and have sections that begin
 * with `--- NAME FILTERS`. Perl's code of the file and the sections with `eval` are run by ./perl.
 * Test::Base(3), Test::Base::Filter(3).
 */
import { readFileSync } from 'node:fs';
import type { Interpreter } from './perl/interpreter.ts';
import { PerlArray, PerlDie, PerlObject, PerlRegex, text, type Value } from './perl/values.ts';

/** A section as it was written. */
interface Section {
  readonly line: number;
  readonly filters: string;
  readonly body: string;
}

/** One test: a configuration, requests, and what is expected of it. Perl sees it as `$block`. */
export class Block extends PerlObject {
  /** As given to the parser. */
  readonly file: string;
  /** Of the `===` line, from 1. */
  readonly line: number;
  /** In its file, from 1. */
  readonly number: number;
  readonly title: string;
  /** In the order of the file; a name that comes twice counts once, as written last. */
  readonly written = new Map<string, Section>();
  readonly #values = new Map<string, readonly Value[]>();

  constructor(file: string, line: number, number: number, title: string) {
    super();
    this.file = file;
    this.line = line;
    this.number = number;
    this.title = title;
    this.#values.set('name', [title]);
  }

  /** A section's value; undefined when the block has no such section. */
  get(name: string): Value {
    return this.#values.get(name)?.[0];
  }

  set(name: string, values: readonly Value[]): void {
    this.#values.set(name, values);
  }

  all(name: string): readonly Value[] {
    return this.#values.get(name) ?? [];
  }

  /** Whether a section is there and has a value. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** A section as text, undefined when it is not there. A list or pattern is written as Perl would print it. */
  text(name: string): string | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : text(value);
  }

  method(name: string, args: Value[]): Value {
    if (name === 'set_value') {
      this.set(text(args[0]), args.slice(1));
      return undefined;
    }
    return this.get(name);
  }
}

/** A mistake in a test file, with its place. */
export class SpecError extends Error {
  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
  }
}

const BLOCK = /^===[ \t]*(.*?)[ \t]*$/;
const SECTION = /^--- +\(?(\w+)\)? *(.*)$/;

/** A test file: its Perl, and what follows `__DATA__`. */
export interface Source {
  readonly code: string;
  readonly lines: readonly string[];
  /** Line number of the first of `lines`. */
  readonly firstLine: number;
}

/** Parts a file at `__DATA__` or `__END__`; without either it is blocks only. */
export function readSource(source: string): Source {
  const lines = source.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const marker = lines.findIndex((line) => /^__(?:DATA|END)__\r?$/.test(line));
  const blocks = lines.slice(marker + 1);
  return { code: marker === -1 ? '' : `${lines.slice(0, marker).join('\n')}\n`, lines: blocks, firstLine: marker + 2 };
}

/**
 * Reads the blocks of a file.
 *
 * @param file its name, for messages
 * @returns the blocks to run: all, or the one with ONLY, or those up to LAST; blocks with SKIP are left out but counted
 *   in `number`
 * @throws SpecError
 */
export function parseBlocks(file: string, { lines, firstLine }: Source): Block[] {
  const blocks: Block[] = [];
  let number = 0;
  for (let at = 0; at < lines.length; at++) {
    if (!BLOCK.test(lines[at] as string)) continue;
    const start = at;
    while (at + 1 < lines.length && !(lines[at + 1] as string).startsWith('===')) at++;
    const block = parseBlock(file, firstLine + start, ++number, lines.slice(start, at + 1));
    if (block.has('ONLY')) return [block];
    if (block.has('SKIP')) continue;
    blocks.push(block);
    if (block.has('LAST')) break;
  }
  return blocks;
}

function parseBlock(file: string, start: number, number: number, lines: readonly string[]): Block {
  const block = new Block(file, start, number, (BLOCK.exec(lines[0] as string) as RegExpExecArray)[1] as string);
  for (let at = 1; at < lines.length; at++) {
    const head = SECTION.exec(lines[at] as string);
    if (head === null) continue;
    const line = start + at;
    const name = head[1] as string;
    let filters = head[2] as string;
    let body = '';
    while (at + 1 < lines.length && !SECTION.test(lines[at + 1] as string)) body += `${lines[++at]}\n`;
    const inline = /\s*:(?:\s+|$)/.exec(filters);
    if (inline !== null) {
      if (/\S/.test(body)) throw new SpecError(file, line + 1, `Extra lines not allowed in '${name}' section`);
      body = filters.slice(inline.index + inline[0].length).trim();
      filters = filters.slice(0, inline.index);
    }
    block.written.set(name, { line, filters: filters.trim(), body });
    block.set(name, [body]);
  }
  return block;
}

/**
 * Runs the filters of a block's sections, in the order of the file. Every section is normalised and trimmed before the
 * filters that it names.
 *
 * @throws SpecError for a filter that is not known, PerlError for Perl that is not understood
 */
export function runFilters(block: Block, perl: Interpreter): void {
  for (const [name, { line, filters, body }] of block.written) {
    const words = filters.split(/\s+/).filter((word) => word !== '');
    const minus = words.filter((word) => word.startsWith('-')).map((word) => word.slice(1));
    let values: readonly Value[] = [body];
    for (const filter of ['norm', 'trim', ...words.filter((word) => !word.startsWith('-'))]) {
      if (minus.includes(filter)) continue;
      const [bare, argument] = /^\+?([^=]*)(?:=(.*))?$/.exec(filter)!.slice(1) as [string, string | undefined];
      const own = perl.subs.get(`main::${bare}`);
      if (own !== undefined) values = perl.call(own, [...values], 'list');
      else values = applyFilter(bare, argument, values, block, perl, line);
    }
    block.set(name, values);
  }
}

function applyFilter(
  filter: string,
  argument: string | undefined,
  values: readonly Value[],
  block: Block,
  perl: Interpreter,
  line: number,
): readonly Value[] {
  const each = (change: (value: string) => Value): readonly Value[] => values.map((value) => change(text(value)));
  const only = (): string => {
    if (values.length > 1)
      throw new SpecError(block.file, line, `Input to the '${filter}' filter must be a scalar, not a list`);
    return text(values[0]);
  };
  switch (filter) {
    case 'norm':
      return [only().replace(/\r\n?/g, '\n')];
    case 'trim':
      return each((value) => value.replace(/^(?:[ \t]*\n)+/, '').replace(/(?<=\n)\s*$/, ''));
    case 'chomp':
      return each((value) => value.replace(/\n$/, ''));
    case 'chop':
      return each((value) => value.slice(0, -1));
    case 'unchomp':
      return each((value) => `${value}\n`);
    case 'append':
      return each((value) => value + (argument ?? ''));
    case 'prepend':
      return each((value) => (argument ?? '') + value);
    case 'lines':
      return only().match(/[^\n]*\n|[^\n]+$/g) ?? [];
    case 'array':
      return [new PerlArray(values)];
    case 'join':
      return [values.map(text).join(argument ?? '')];
    case 'split':
      return only().split(argument === undefined ? /\s+/ : argument);
    case 'reverse':
      return [...values].reverse();
    case 'sort':
      return values.map(text).sort();
    case 'head':
      return values.slice(0, Number(argument ?? 1));
    case 'tail':
      return values.slice(-Number(argument ?? 1));
    case 'eval':
      return perl.evaluate(block.file, line + 1, only());
    case 'quote':
      return each((value) => JSON.stringify(value));
    case 'escape':
      return perl.evaluate(block.file, line, `qq\0${only()}\0`);
    case 'regexp':
      return [new PerlRegex(only().replace(/\n$/, ''), argument ?? '')];
    case 'base64_encode':
      return [
        Buffer.from(only(), 'latin1')
          .toString('base64')
          .replace(/.{1,76}/g, '$&\n'),
      ];
    case 'base64_decode':
      return [Buffer.from(only(), 'base64').toString('latin1')];
    case 'read_file':
    case 'get_file': {
      const path = only().replace(/\n$/, '');
      try {
        return [readFileSync(path, 'latin1')];
      } catch (error) {
        throw new PerlDie(`Can't open '${path}' for input:\n${(error as Error).message}\n`);
      }
    }
    default:
      throw new SpecError(block.file, line, `Can't find a function or method for '${filter}' filter`);
  }
}
