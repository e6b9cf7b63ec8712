/**
 * What is inside quotes: escapes and variables. A text becomes a list of nodes to put together when it is evaluated; a
 * pattern keeps its own escapes for the regex compiler. perlop: Gory details of parsing quoted constructs.
 */
import type { Node } from './ast.ts';
import { Scanner } from './scanner.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', b: '\b', a: '\x07', e: '\x1b' };
/** `\U` and the like: the function that they apply up to `\E`. */
const CASES: Readonly<Record<string, string>> = { Q: 'quotemeta', U: 'uc', L: 'lc' };

/** Reads the variable (with its subscripts) at a scanner's place; the scanner is inside a string. */
export type ReadVariable = (scanner: Scanner, inPattern: boolean) => Node;

/** A single-quoted text: only `\\` and an escaped delimiter are special. */
export function plain(text: string, open: string): string {
  const close = { '(': ')', '[': ']', '{': '}', '<': '>' }[open] ?? open;
  return text.replace(/\\([\s\S])/g, (all, c: string) => (c === '\\' || c === open || c === close ? c : all));
}

/**
 * Reads a text with escapes and variables.
 *
 * @param inPattern it is a pattern: escapes stay
 */
export function interpolated(file: string, text: string, line: number, inPattern: boolean, read: ReadVariable): Node {
  return new Interpolation(new Scanner(file, text, line), inPattern, read).run();
}

class Interpolation {
  readonly #scanner: Scanner;
  readonly #inPattern: boolean;
  readonly #read: ReadVariable;
  /** The parts of each `\Q`, `\U`, `\L` that is open, outermost first, and the function to apply. */
  readonly #stack: { readonly name: string; readonly parts: Node[] }[] = [{ name: '', parts: [] }];
  #literal = '';
  /** `\u` or `\l`: for the next part. */
  #once = '';

  constructor(scanner: Scanner, inPattern: boolean, read: ReadVariable) {
    this.#scanner = scanner;
    this.#inPattern = inPattern;
    this.#read = read;
  }

  run(): Node {
    const scanner = this.#scanner;
    const line = scanner.line;
    while (!scanner.ended) {
      const c = scanner.peek();
      if (c === '\\') this.#escape();
      else if ((c === '$' && this.#startsScalar()) || (c === '@' && scanner.sees(/@(?:[A-Za-z_]|::|[{$](?!\d))/y))) {
        const node = this.#read(scanner, this.#inPattern);
        this.#add(c === '@' ? { t: 'joined', list: node, line: node.line } : node);
      } else {
        this.#literal += c;
        scanner.pos++;
      }
    }
    while (this.#stack.length > 1) this.#close();
    this.#flush();
    const { parts } = this.#stack[0]!;
    if (parts.length === 0) return { t: 'const', value: '', line };
    if (parts.length === 1 && parts[0]!.t === 'const') return parts[0]!;
    return { t: 'interpolate', parts, line };
  }

  /** In a pattern a `$` may also be the end of a line. */
  #startsScalar(): boolean {
    if (this.#inPattern)
      return this.#scanner.sees(/\$(?:[A-Za-z_]|::[A-Za-z_]|\{\s*[\^A-Za-z_$@:]|\$[A-Za-z_{]|\d|&)/y);
    return this.#scanner.sees(/\$(?:[A-Za-z_]|::[A-Za-z_]|\{|\$|\d|[&@!?,.;0/\\])/y);
  }

  #escape(): void {
    const scanner = this.#scanner;
    const c = scanner.peek(1);
    const fold = CASES[c];
    if (fold !== undefined) {
      scanner.pos += 2;
      this.#flush();
      this.#stack.push({ name: fold, parts: [] });
      return;
    }
    if (c === 'E') {
      scanner.pos += 2;
      if (this.#stack.length > 1) this.#close();
      return;
    }
    if (this.#inPattern && this.#stack.at(-1)!.name !== 'quotemeta') {
      this.#literal += `\\${c}`;
      scanner.pos += 2;
      return;
    }
    if (this.#stack.at(-1)!.name === 'quotemeta' && this.#inPattern) {
      this.#literal += '\\';
      scanner.pos++;
      return;
    }
    if (c === 'u' || c === 'l') {
      scanner.pos += 2;
      this.#flush();
      this.#once = c === 'u' ? 'ucfirst' : 'lcfirst';
      return;
    }
    scanner.pos++;
    const code = scanner.takeMatch(/x\{([0-9A-Fa-f]*)\}|x([0-9A-Fa-f]{0,2})|([0-7]{1,3})|c(.)/y);
    if (code === null) {
      this.#literal += ESCAPES[c] ?? c;
      scanner.pos++;
    } else if (code[4] !== undefined) this.#literal += String.fromCharCode(code[4].toUpperCase().charCodeAt(0) ^ 64);
    else {
      const value =
        code[3] === undefined ? Number.parseInt(code[1] ?? code[2] ?? '', 16) || 0 : Number.parseInt(code[3], 8);
      // Wide characters reach files and sockets as UTF-8.
      this.#literal +=
        value < 256 ? String.fromCharCode(value) : Buffer.from(String.fromCodePoint(value)).toString('latin1');
    }
  }

  #add(node: Node): void {
    this.#flush();
    const { line } = node;
    this.#stack
      .at(-1)!
      .parts.push(this.#once === '' ? node : { t: 'call', name: this.#once, args: [node], bare: false, line });
    this.#once = '';
  }

  #flush(): void {
    if (this.#literal === '') return;
    const node: Node = { t: 'const', value: this.#literal, line: this.#scanner.line };
    this.#literal = '';
    this.#add(node);
  }

  #close(): void {
    this.#flush();
    const { name, parts } = this.#stack.pop()!;
    const { line } = this.#scanner;
    this.#add({ t: 'call', name, args: [{ t: 'interpolate', parts, line }], bare: false, line });
  }
}
