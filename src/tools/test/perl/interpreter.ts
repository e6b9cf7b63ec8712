/**
 * Runs parsed Perl by walking the tree. Test files compute a few strings; speed does not matter, being faithful does:
 * contexts, aliases and dynamic scope are Perl's. Everything is synchronous. perlsyn, perlop, perlsub.
 */
import { readFileSync } from 'node:fs';
import type { Block, ForStatement, Node, Statement } from './ast.ts';
import { PerlError } from './ast.ts';
import { call as callBuiltin, isBuiltin } from './builtins.ts';
import { fileTest, readLine, run } from './files.ts';
import { type Environment, importModule } from './modules.ts';
import { binary, substitute, transliterate } from './operators.ts';
import { Parser, type Prototype } from './parser.ts';
import { Matching } from './regexes.ts';
import { Scanner } from './scanner.ts';
import {
  bool,
  Cell,
  type Native,
  number,
  PerlArray,
  PerlCode,
  PerlDie,
  PerlHandle,
  PerlHash,
  PerlObject,
  PerlRegex,
  Scope,
  text,
  truth,
  type Value,
  type Want,
} from './values.ts';

/** `return`, `next` and `last` on their way out. */
class Leave {
  readonly how: 'next' | 'last' | 'return';
  readonly label: string;
  readonly values: Value[];
  constructor(how: 'next' | 'last' | 'return', label: string, values: Value[]) {
    this.how = how;
    this.label = label;
    this.values = values;
  }
}

/** Whether it is `next` or `last` for a loop with this label. */
function leavesLoop(error: unknown, label: string): error is Leave {
  return error instanceof Leave && error.how !== 'return' && (error.label === '' || error.label === label);
}

/** Variables that live in package main wherever they are named. */
const MAIN_ONLY = /^(?:\W|\d+$|ENV$|ARGV$|INC$|_$|STDIN$|STDOUT$|STDERR$)/;

/** One program: its variables, subs and modules. */
export class Interpreter {
  readonly environment: Environment;
  readonly matching = new Matching();
  readonly subs = new Map<string, PerlCode>();
  readonly #globals = new Map<string, Cell | PerlArray | PerlHash>();
  readonly #prototypes = new Map<string, Prototype>();
  readonly #loaded = new Set<string>();
  /** What `local` saved, to be put back. */
  readonly #saved: (() => void)[] = [];
  package = 'main';
  #scope = new Scope(undefined);
  #file = '';
  /** Undeclared variables are an error, as under `use strict`. */
  #strict = false;
  want: Want = 'list';
  /** How often it has changed files or run commands: what another run of the same program would do again. */
  changes = 0;

  constructor(environment: Environment) {
    this.environment = environment;
    for (const [name, prototype] of environment.prototypes) this.#prototypes.set(name, prototype);
    for (const [name, value] of Object.entries(environment.env)) this.hash('ENV').set(name, value);
    this.array('INC').cells = ['lib', 'inc', 't/lib', '.'].map((dir) => new Cell(dir));
    this.scalar('0').v = environment.file;
    this.scalar('$').v = process.pid;
    this.scalar(',').v = undefined;
    this.scalar('/').v = '\n';
    this.scalar('@').v = '';
    this.scalar('"').v = ' ';
    this.scalar('^O').v = process.platform;
    this.scalar('O').v = process.platform;
  }

  // --- Variables

  /** A global scalar, made when it is not there. Names without a package are main's. */
  scalar(name: string): Cell {
    return this.#global('$', name) as Cell;
  }
  array(name: string): PerlArray {
    return this.#global('@', name) as PerlArray;
  }
  hash(name: string): PerlHash {
    return this.#global('%', name) as PerlHash;
  }

  #global(sigil: string, name: string): Cell | PerlArray | PerlHash {
    const full = name.startsWith('::') ? `main${name}` : name.includes('::') ? name : `main::${name}`;
    const key = sigil + full;
    let found = this.#globals.get(key);
    if (found === undefined) {
      found = sigil === '$' ? new Cell() : sigil === '@' ? new PerlArray() : new PerlHash();
      this.#globals.set(key, found);
    }
    return found;
  }

  #qualified(name: string): string {
    if (name.includes('::') || MAIN_ONLY.test(name)) return name;
    return `${this.package}::${name}`;
  }

  #variable(sigil: string, name: string, line: number): Cell | PerlArray | PerlHash {
    const lexical = this.#scope.find(sigil + name);
    if (lexical !== undefined) return lexical;
    if (sigil === '$' && /^(?:[1-9]\d*|&)$/.test(name))
      return new Cell(this.matching.group(name === '&' ? 0 : Number(name)));
    const full = this.#qualified(name);
    if (this.#strict && full !== name && name !== 'a' && name !== 'b' && !this.#globals.has(sigil + full)) {
      throw this.die(`Global symbol "${sigil}${name}" requires explicit package name`, line);
    }
    return this.#global(sigil, full);
  }

  /** A `die` with the place, as Perl appends it. */
  die(message: string, line: number): PerlDie {
    return new PerlDie(`${message} at ${this.#file} line ${line}.\n`);
  }

  #notUnderstood(node: { readonly line: number }, what: string): PerlError {
    return new PerlError(this.#file, node.line, what);
  }

  // --- Programs

  /** Runs a source text. Its subs exist before its first statement runs; `use` and BEGIN run when they are read. */
  program(file: string, source: string, firstLine = 1): Value[] {
    const before = [this.#file, this.package, this.#scope] as const;
    this.#file = file;
    this.#scope = new Scope(undefined);
    try {
      const parser = new Parser(new Scanner(file, source, firstLine), this.#prototypes);
      const statements: Statement[] = [];
      for (const statement of parser.program()) {
        if (statement.s === 'package') this.package = statement.name;
        if (statement.s === 'use') this.#use(statement);
        else if (statement.s === 'begin') this.#block(statement.body, 'scalar');
        else if (statement.s === 'sub') this.#define(statement);
        else statements.push(statement);
      }
      this.package = before[1];
      return this.#statements(statements, 'list');
    } finally {
      [this.#file, this.package, this.#scope] = before;
    }
  }

  /** Evaluates a section's Perl in package main. A `die` gives its message, as the filter does. */
  evaluate(file: string, line: number, source: string): Value[] {
    const { package: before } = this;
    const strict = this.#strict;
    this.package = 'main';
    this.#strict = true;
    try {
      return this.program(file, source, line);
    } catch (error) {
      if (error instanceof Leave && error.how === 'return') return error.values;
      if (error instanceof PerlDie) return [error.value];
      if (!(error instanceof PerlError) || !error.wrong) throw error;
      this.environment.warn(`${error.message}\n`);
      return [`syntax error at (eval 1) line ${error.line - line + 1}, near ${error.what}\n`];
    } finally {
      this.package = before;
      this.#strict = strict;
    }
  }

  #use(statement: Statement & { s: 'use' }): void {
    const args = statement.args === undefined ? [] : this.list(statement.args);
    const name = statement.module;
    if (importModule(this, name, args)) return;
    this.require(name, statement.line);
    this.#import(name, args);
  }

  /** Loads a module from the folders of @INC, once. */
  require(name: string, line: number): void {
    const path = name.endsWith('.pm') || name.endsWith('.pl') ? name : `${name.replaceAll('::', '/')}.pm`;
    if (this.#loaded.has(path)) return;
    this.#loaded.add(path);
    for (const dir of this.array('INC').values.map(text)) {
      let source: string;
      try {
        source = readFileSync(`${dir}/${path}`, 'latin1');
      } catch (error) {
        if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) continue;
        throw error;
      }
      source = source.replace(/^__(?:END|DATA)__\r?\n[\s\S]*/m, '');
      // Spiffy gives each sub of such a module its object.
      if (/^use\s+[\w:]+.*\s-[Bb]ase\b/m.test(source))
        source = source.replace(/^(sub\s+\w+\s+\{)[ \t]*$/gm, '$1my $self = shift;');
      const { package: before } = this;
      this.program(`${dir}/${path}`.replace(/^\.\//, ''), source);
      this.package = before;
      return;
    }
    throw new PerlError(this.#file, line, `there is no module ${name}`);
  }

  #import(name: string, args: readonly Value[]): void {
    if (args.length > 0) this.environment.importArguments(args);
    const exports = this.array(`${name}::EXPORT`).values.map(text);
    const asked = args.map(text).filter((one) => /^[$@%&]?[A-Za-z_]\w*$/.test(one));
    const ok = this.array(`${name}::EXPORT_OK`).values.map(text);
    for (const one of [...exports, ...asked.filter((word) => ok.includes(word))]) {
      const sigil = /^[$@%]/.exec(one)?.[0];
      if (sigil !== undefined) {
        const bare = one.slice(1);
        this.#globals.set(`${sigil}${this.package}::${bare}`, this.#global(sigil, `${name}::${bare}`));
      } else {
        const bare = one.replace('&', '');
        const code = this.subs.get(`${name}::${bare}`);
        if (code !== undefined) this.subs.set(`${this.package}::${bare}`, code);
      }
    }
  }

  #define(statement: Statement & { s: 'sub' }): void {
    const name = statement.name.includes('::') ? statement.name : `${this.package}::${statement.name}`;
    this.subs.set(name, new PerlCode(name, statement.body, this.#scope, this.package));
  }

  // --- Statements

  /** Runs a block in a scope of its own; gives the value of its last statement. */
  #block(body: Block, want: Want): Value[] {
    const { length } = this.#saved;
    const before = this.#scope;
    this.#scope = new Scope(before);
    try {
      return this.#statements(body.statements, want);
    } finally {
      this.#scope = before;
      while (this.#saved.length > length) this.#saved.pop()!();
    }
  }

  #statements(statements: readonly Statement[], want: Want): Value[] {
    let value: Value[] = [];
    for (const statement of statements) value = this.#statement(statement, want);
    return value;
  }

  #statement(statement: Statement, want: Want): Value[] {
    switch (statement.s) {
      case 'expression':
        return this.wanted(statement.node, want);
      case 'block':
      case 'begin':
        return this.#once(statement.body, want);
      case 'if':
        for (const { test, body } of statement.cases) {
          const value = this.one(test);
          if (truth(value)) return this.#block(body, want);
          if (statement.rest === undefined && statement.cases.length === 1) return [value];
        }
        return statement.rest === undefined ? [] : this.#block(statement.rest, want);
      case 'while':
        return this.#while(statement);
      case 'for':
        return this.#for(statement);
      case 'sub':
        this.#define(statement);
        return [];
      case 'package':
        this.package = statement.name;
        return [];
      case 'use':
        this.#use(statement);
        return [];
    }
  }

  /** A bare block is a loop that runs once. */
  #once(body: Block, want: Want): Value[] {
    try {
      return this.#block(body, want);
    } catch (error) {
      if (leavesLoop(error, '')) return [];
      throw error;
    }
  }

  /** One turn of a loop. False when it was the last by `last`. */
  #turn(body: Block, label: string): boolean {
    try {
      this.#block(body, 'scalar');
    } catch (error) {
      if (!leavesLoop(error, label)) throw error;
      return error.how !== 'last';
    }
    return true;
  }

  #while({ test, step, body, label }: Statement & { s: 'while' }): Value[] {
    while (test === undefined || truth(this.#whileTest(test))) {
      if (!this.#turn(body, label)) break;
      if (step !== undefined) this.wanted(step, 'scalar');
    }
    return [];
  }

  /** `while (<$in>)` reads into $_ and ends where there are no more lines. */
  #whileTest(test: Node): Value {
    if (test.t === 'readline') {
      this.scalar('_').v = this.one(test);
      return bool(this.scalar('_').v !== undefined);
    }
    if (test.t === 'assign' && test.right.t === 'readline') return bool(this.one(test) !== undefined);
    return this.one(test);
  }

  #for(statement: ForStatement): Value[] {
    const { variable, list, body, label } = statement;
    const lexical = variable?.t === 'declare' ? variable.what : variable;
    const name = lexical?.t === 'variable' ? lexical.name : '_';
    const before = this.#scope;
    const turn = (cell: Cell): boolean => {
      if (variable === undefined) return this.withTopic(cell, () => this.#turn(body, label));
      this.#scope = new Scope(before);
      this.#scope.variables.set(`$${name}`, cell);
      return this.#turn(body, label);
    };
    try {
      for (const cell of this.environment.turns(this.#cells(list), statement)) if (!turn(cell)) break;
    } finally {
      this.#scope = before;
    }
    return [];
  }

  /** The elements of a list themselves, where it is made of variables. */
  #cells(node: Node): Cell[] {
    if (node.t === 'list') return node.items.flatMap((item) => this.#cells(item));
    if ((node.t === 'variable' || node.t === 'deref') && node.sigil === '@') return this.arrayOf(node).cells.slice();
    if (node.t === 'variable' && node.sigil === '$') return [this.lvalue(node)];
    return this.list(node).map((value) => new Cell(value));
  }

  /** Runs code with $_ standing for an element. */
  withTopic<T>(cell: Cell, code: () => T): T {
    const saved = this.scalar('_');
    this.#globals.set('$main::_', cell);
    try {
      return code();
    } finally {
      this.#globals.set('$main::_', saved);
    }
  }

  // --- Expressions

  wanted(node: Node, want: Want): Value[] {
    return want === 'list' ? this.list(node) : [this.one(node)];
  }

  /** The value in list context. */
  list(node: Node): Value[] {
    switch (node.t) {
      case 'list':
        return node.items.flatMap((item) => this.list(item));
      case 'variable':
      case 'deref':
        if (node.sigil === '@') return this.arrayOf(node).values;
        if (node.sigil === '%') return [...this.hashOf(node).map].flatMap(([key, cell]) => [key, cell.v]);
        return [this.one(node)];
      case 'slice': {
        const keys = this.list(node.at);
        if (node.keys) {
          const hash = this.hashOf(node.of);
          return keys.map((key) => hash.get(text(key)));
        }
        const values = node.of.t === 'list' ? this.list(node.of) : this.arrayOf(node.of).values;
        return keys.map((key) => values.at(number(key)));
      }
      case 'call':
        return this.#call(node, 'list');
      case 'invoke':
        return this.#invoke(node, 'list');
      case 'each':
        return this.#each(node);
      case 'binary':
        if (node.op === '..' || node.op === '...') return this.#range(node);
        if (node.op === 'x' && node.left.t === 'list') {
          const values = this.list(node.left);
          return Array.from({ length: Math.max(0, number(this.one(node.right))) }, () => values).flat();
        }
        return [this.one(node)];
      case 'logical': {
        const left = this.one(node.left);
        if (node.op === '&&' ? !truth(left) : node.op === '||' ? truth(left) : left !== undefined) return [left];
        return this.list(node.right);
      }
      case 'choice':
        return this.list(truth(this.one(node.test)) ? node.yes : node.no);
      case 'declare':
        this.#declare(node);
        return this.list(node.what);
      case 'assign':
        if (this.#isListTarget(node.left) && node.op === '') {
          this.#assignList(node.left, this.list(node.right));
          return this.list(node.left.t === 'declare' ? node.left.what : node.left);
        }
        return [this.one(node)];
      case 'match': {
        const { target, pattern, negate } = node;
        if (negate || pattern.t === 'substitute' || pattern.t === 'transliterate') return [this.one(node)];
        return this.#match(target, pattern, 'list');
      }
      case 'regex':
        return node.kind === 'qr' ? [this.one(node)] : this.#match(undefined, node, 'list');
      case 'readline': {
        const handle = this.#handle(node.handle);
        const lines: Value[] = [];
        for (;;) {
          const line = readLine(handle, this.scalar('/').v);
          if (line === undefined) return lines;
          lines.push(line);
        }
      }
      case 'command':
        return this.#command(node).match(/[^\n]*\n|[^\n]+$/g) ?? [];
      case 'do':
        return this.#block(node.body, 'list');
      case 'eval':
        return this.#eval(node.body, 'list');
      case 'leave':
        throw this.#leave(node);
      default:
        return [this.one(node)];
    }
  }

  /** The value in scalar context. */
  one(node: Node): Value {
    switch (node.t) {
      case 'const':
        return node.value;
      case 'undef':
        return undefined;
      case 'interpolate':
        return node.parts.map((part) => text(this.one(part))).join('');
      case 'joined':
        return this.list(node.list).map(text).join(' ');
      case 'variable':
      case 'deref':
        if (node.sigil === '$') return this.lvalue(node).v;
        if (node.sigil === '@') return this.arrayOf(node).cells.length;
        if (node.sigil === '%') return this.hashOf(node).map.size;
        return this.#codeOf(node);
      case 'last':
        return this.arrayOf(node.of).cells.length - 1;
      case 'index':
        return this.arrayOf(node.of).cells.at(number(this.one(node.at)))?.v;
      case 'key':
        return this.hashOf(node.of).get(text(this.one(node.at)));
      case 'slice':
        return this.list(node).at(-1);
      case 'reference':
        return this.#reference(node.to);
      case 'list': {
        let value: Value;
        for (const [i, item] of node.items.entries()) {
          if (i === node.items.length - 1) value = this.one(item);
          else this.wanted(item, 'scalar');
        }
        return value;
      }
      case 'anonymous': {
        const values = node.items.flatMap((item) => this.list(item));
        if (node.kind === '[') return new PerlArray(values);
        const hash = new PerlHash();
        for (let i = 0; i < values.length; i += 2) hash.set(text(values[i]), values[i + 1]);
        return hash;
      }
      case 'closure':
        return new PerlCode(node.name, node.body, this.#scope, this.package);
      case 'call':
        return this.#call(node, 'scalar').at(-1);
      case 'invoke':
        return this.#invoke(node, 'scalar').at(-1);
      case 'method':
        return this.#method(node);
      case 'each': {
        const values = this.#each(node);
        return node.name === 'first' || node.name === 'any' ? values[0] : values.length;
      }
      case 'print':
        return this.#print(node);
      case 'unary':
        return this.#unary(node.op, this.one(node.of));
      case 'step': {
        const cell = this.lvalue(node.of);
        const before = cell.v;
        const isWord = node.op === '++' && typeof before === 'string' && /^[a-zA-Z]+\d*$/.test(before);
        cell.v = isWord ? increment(before) : number(before) + (node.op === '++' ? 1 : -1);
        return node.prefix ? cell.v : (before ?? 0);
      }
      case 'binary':
        if (node.op === '..' || node.op === '...') throw this.#notUnderstood(node, 'the flip-flop operator');
        return binary(node.op, this.one(node.left), this.one(node.right));
      case 'logical': {
        const left = this.one(node.left);
        if (node.op === '&&') return truth(left) ? this.one(node.right) : left;
        if (node.op === '||') return truth(left) ? left : this.one(node.right);
        return left === undefined ? this.one(node.right) : left;
      }
      case 'choice':
        return this.one(truth(this.one(node.test)) ? node.yes : node.no);
      case 'assign':
        return this.#assign(node);
      case 'declare':
        this.#declare(node);
        return this.one(node.what);
      case 'match':
        return this.#matchOne(node);
      case 'regex':
        if (node.kind === 'qr') return this.#regex(node);
        return this.#match(undefined, node, 'scalar')[0];
      case 'substitute':
      case 'transliterate':
        return this.#matchOne({ t: 'match', target: undefined, pattern: node, negate: false, line: node.line });
      case 'readline':
        return readLine(this.#handle(node.handle), this.scalar('/').v);
      case 'command':
        return this.#command(node);
      case 'filetest':
        return fileTest(node.op, text(this.one(node.of)));
      case 'do':
        return this.#block(node.body, 'scalar').at(-1);
      case 'eval':
        return this.#eval(node.body, 'scalar').at(-1);
      case 'leave':
        throw this.#leave(node);
    }
  }

  #leave(node: Node & { t: 'leave' }): Leave {
    const { value } = node;
    return new Leave(node.how, node.label, value === undefined ? [] : this.wanted(value, this.want));
  }

  #unary(op: string, value: Value): Value {
    if (op === '!') return bool(!truth(value));
    if (op === '~') return ~number(value) >>> 0;
    if (typeof value === 'string' && /^[A-Za-z_]/.test(value)) return `-${value}`;
    return -number(value);
  }

  #range(node: Node & { t: 'binary' }): Value[] {
    const from = this.one(node.left);
    const to = this.one(node.right);
    const values: Value[] = [];
    if (typeof from === 'string' && !/^[-+]?\d/.test(from) && from !== '') {
      const last = text(to);
      for (let at = from; at.length <= last.length; at = increment(at)) {
        values.push(at);
        if (at === last) break;
      }
      return values;
    }
    for (let at = Math.trunc(number(from)); at <= number(to); at++) values.push(at);
    return values;
  }

  #reference(to: Node): Value {
    if (to.t === 'declare') {
      this.#declare(to);
      return this.#reference(to.what);
    }
    if (to.t === 'invoke' && to.args === undefined) return this.one(to.code);
    if (to.t === 'variable' || to.t === 'deref') {
      if (to.sigil === '@') return this.arrayOf(to);
      if (to.sigil === '%') return this.hashOf(to);
      if (to.sigil === '&') return this.#codeOf(to);
    }
    if (to.t === 'variable' || to.t === 'deref' || to.t === 'index' || to.t === 'key') return this.lvalue(to);
    return new Cell(this.one(to));
  }

  // --- Places

  /** The cell that an expression stands for; elements are made when they are not there. */
  lvalue(node: Node): Cell {
    switch (node.t) {
      case 'variable':
        if (node.sigil === '$') return this.#variable('$', node.name, node.line) as Cell;
        break;
      case 'deref': {
        if (node.sigil !== '$') break;
        const value = this.one(node.of);
        if (value instanceof Cell) return value;
        throw this.die('Not a SCALAR reference', node.line);
      }
      case 'index': {
        const { cells } = this.arrayOf(node.of);
        let at = number(this.one(node.at));
        if (at < 0) at += cells.length;
        while (cells.length <= at) cells.push(new Cell());
        return cells[at]!;
      }
      case 'key': {
        const { map } = this.hashOf(node.of);
        const key = text(this.one(node.at));
        let cell = map.get(key);
        if (cell === undefined) map.set(key, (cell = new Cell()));
        return cell;
      }
      case 'declare':
        this.#declare(node);
        return this.lvalue(node.what);
      case 'assign':
        this.one(node);
        return this.lvalue(node.left.t === 'declare' ? node.left.what : node.left);
      case 'list':
        if (node.items.length === 1) return this.lvalue(node.items[0]!);
        break;
      case 'choice':
        return this.lvalue(truth(this.one(node.test)) ? node.yes : node.no);
      default:
        break;
    }
    return new Cell(this.one(node));
  }

  arrayOf(node: Node): PerlArray {
    if (node.t === 'variable' && node.sigil === '@') return this.#variable('@', node.name, node.line) as PerlArray;
    if (node.t === 'deref') return this.#container(node.of, PerlArray, 'an ARRAY');
    if (node.t === 'declare') {
      this.#declare(node);
      return this.arrayOf(node.what);
    }
    return this.#container(node, PerlArray, 'an ARRAY');
  }

  hashOf(node: Node): PerlHash {
    if (node.t === 'variable' && node.sigil === '%') return this.#variable('%', node.name, node.line) as PerlHash;
    if (node.t === 'deref') return this.#container(node.of, PerlHash, 'a HASH');
    return this.#container(node, PerlHash, 'a HASH');
  }

  /** What a reference refers to; an undefined place becomes a reference to something new. */
  #container<T extends PerlArray | PerlHash>(node: Node, type: new () => T, name: string): T {
    const place = ['variable', 'index', 'key', 'deref'].includes(node.t) ? this.lvalue(node) : new Cell(this.one(node));
    if (place.v === undefined) place.v = new type();
    if (place.v instanceof type) return place.v;
    throw this.die(`Not ${name} reference`, node.line);
  }

  #codeOf(node: Node): PerlCode {
    if (node.t === 'variable' && node.sigil === '&') {
      const found = this.#sub(node.name);
      if (found !== undefined) return found;
      throw this.die(`Undefined subroutine &main::${node.name} called`, node.line);
    }
    const value = this.one(node.t === 'deref' ? node.of : node);
    if (value instanceof PerlCode) return value;
    throw this.die('Not a CODE reference', node.line);
  }

  #sub(name: string): PerlCode | undefined {
    const full = name.startsWith('::') ? `main${name}` : name.includes('::') ? name : `${this.package}::${name}`;
    const known = this.subs.get(full) ?? this.subs.get(name);
    if (known !== undefined) return known;
    const native: Native | undefined = this.environment.natives.get(
      name.replace(/^Test::Nginx::\w+::|^Test::(?:More|Base)::/, ''),
    );
    return native === undefined ? undefined : new PerlCode(name, native, this.#scope, 'main');
  }

  #declare({ kind, what }: Node & { t: 'declare' }): void {
    for (const item of what.t === 'list' ? what.items : [what]) {
      if (kind === 'local') this.#local(item);
      else if (item.t === 'variable') {
        const key = item.sigil + item.name;
        if (kind === 'our') this.#scope.variables.set(key, this.#global(item.sigil, this.#qualified(item.name)));
        else
          this.#scope.variables.set(
            key,
            item.sigil === '$' ? new Cell() : item.sigil === '@' ? new PerlArray() : new PerlHash(),
          );
      }
    }
  }

  #local(item: Node): void {
    if (item.t === 'key') {
      const hash = this.hashOf(item.of);
      const key = text(this.one(item.at));
      const cell = hash.map.get(key);
      this.#saved.push(() => {
        if (cell === undefined) hash.map.delete(key);
        else hash.map.set(key, cell);
      });
      hash.map.set(key, new Cell());
    } else if (item.t === 'variable' && item.sigil === '$') {
      const cell = this.lvalue(item);
      const { v } = cell;
      this.#saved.push(() => {
        cell.v = v;
      });
      cell.v = undefined;
    } else if (item.t === 'variable' && item.sigil === '@') {
      const array = this.arrayOf(item);
      const { cells } = array;
      this.#saved.push(() => {
        array.cells = cells;
      });
      array.cells = [];
    } else throw this.#notUnderstood(item, 'local of this');
  }

  #isListTarget(left: Node): boolean {
    if (left.t === 'declare') return left.listed || this.#isListTarget(left.what);
    if (left.t === 'variable' || left.t === 'deref') return left.sigil === '@' || left.sigil === '%';
    return left.t === 'list' || left.t === 'slice';
  }

  #assign(node: Node & { t: 'assign' }): Value {
    const { op, left, right } = node;
    if (op === '' && this.#isListTarget(left)) {
      const values = this.list(right);
      this.#assignList(left, values);
      return values.length;
    }
    if ((left.t === 'variable' || left.t === 'deref') && left.sigil === '@') {
      const array = this.arrayOf(left);
      if (op !== 'x') throw this.#notUnderstood(node, `${op}= of a list`);
      const { values } = array;
      array.cells = Array.from({ length: number(this.one(right)) }, () => values)
        .flat()
        .map((v) => new Cell(v));
      return array.cells.length;
    }
    if (op === '') {
      // The right side first: `my $x = $x` means the outer one.
      const value = this.one(right);
      if (left.t === 'call' && left.name === 'substr') {
        callBuiltin(
          this,
          'substr',
          [...left.args, { t: 'const', value: text(value), line: left.line }],
          left,
          'scalar',
        );
        return value;
      }
      if (left.t === 'last') {
        this.arrayOf(left.of).cells.length = number(value) + 1;
        return value;
      }
      this.lvalue(left).v = value;
      return value;
    }
    const cell = this.lvalue(left);
    if (op === '||') return truth(cell.v) ? cell.v : (cell.v = this.one(right));
    if (op === '&&') return truth(cell.v) ? (cell.v = this.one(right)) : cell.v;
    if (op === '//') return (cell.v ??= this.one(right));
    const value = this.one(right);
    cell.v = binary(op, cell.v, value);
    return cell.v;
  }

  #assignList(left: Node, values: Value[]): void {
    if (left.t === 'declare') {
      this.#declare(left);
      this.#assignList(left.what, values);
      return;
    }
    let at = 0;
    for (const item of left.t === 'list' ? left.items : [left]) {
      if ((item.t === 'variable' || item.t === 'deref') && item.sigil === '@') {
        this.arrayOf(item).cells = values.slice(at).map((v) => new Cell(v));
        at = values.length;
      } else if ((item.t === 'variable' || item.t === 'deref') && item.sigil === '%') {
        const hash = this.hashOf(item);
        hash.map.clear();
        for (; at < values.length; at += 2) hash.set(text(values[at]), values[at + 1]);
      } else if (item.t === 'slice') {
        const keys = this.list(item.at);
        for (const key of keys) {
          if (item.keys) this.hashOf(item.of).set(text(key), values[at++]);
          else this.arrayOf(item.of).cells[number(key)] = new Cell(values[at++]);
        }
      } else if (item.t === 'undef') at++;
      else if (item.t === 'declare') {
        this.#assignList(item, values.slice(at));
        at++;
      } else this.lvalue(item).v = values[at++];
    }
  }

  // --- Calls

  #call(node: Node & { t: 'call' }, want: Want): Value[] {
    const code = this.#sub(node.name);
    if (code !== undefined) {
      return this.call(
        code,
        node.args.flatMap((arg) => this.list(arg)),
        want,
      );
    }
    if (isBuiltin(node.name)) return callBuiltin(this, node.name, node.args, node, want);
    // A bare word that is no function is its own name: a class, a file handle.
    if (node.bare) return [node.name];
    throw this.#notUnderstood(node, `no function "${node.name}"`);
  }

  #invoke(node: Node & { t: 'invoke' }, want: Want): Value[] {
    const args =
      node.args === undefined
        ? (this.#scope.find('@_') as PerlArray | undefined)?.values
        : node.args.flatMap((arg) => this.list(arg));
    return this.call(this.#codeOf(node.code), args ?? [], want);
  }

  /** Calls a sub. In scalar context the last of the values counts. */
  call(code: PerlCode, args: Value[], want: Want): Value[] {
    if (typeof code.body === 'function') {
      const value = code.body(args, want);
      return Array.isArray(value) ? (value as Value[]) : [value as Value];
    }
    const before = [this.#scope, this.package, this.want, this.matching.state] as const;
    this.#scope = new Scope(code.scope);
    this.#scope.variables.set('@_', new PerlArray(args));
    this.package = code.package;
    this.want = want;
    const { length } = this.#saved;
    try {
      return this.#statements(code.body.statements, want);
    } catch (error) {
      if (error instanceof Leave && error.how === 'return') return error.values;
      throw error;
    } finally {
      [this.#scope, this.package, this.want, this.matching.state] = before;
      while (this.#saved.length > length) this.#saved.pop()!();
    }
  }

  /** The arguments of the sub that runs. */
  get arguments(): PerlArray {
    return (this.#scope.find('@_') as PerlArray | undefined) ?? this.array('ARGV');
  }

  #method(node: Node & { t: 'method' }): Value {
    const object = this.one(node.object);
    const args = node.args.flatMap((arg) => this.list(arg));
    if (object instanceof PerlObject) return object.method(node.name, args);
    if (typeof object === 'string') {
      const code = this.subs.get(`${object}::${node.name}`);
      if (code !== undefined) return this.call(code, [object, ...args], 'scalar').at(-1);
    }
    throw this.#notUnderstood(node, `method "${node.name}"`);
  }

  #each({ name, code, list }: Node & { t: 'each' }): Value[] {
    const cells = this.#cells(list);
    const run = (cell: Cell, want: Want): Value[] => {
      return this.withTopic(cell, () => {
        if (code === undefined) return [];
        return 'statements' in code ? this.#block(code, want) : this.wanted(code, want);
      });
    };
    switch (name) {
      case 'map':
        return cells.flatMap((cell) => run(cell, 'list'));
      case 'grep':
        return cells.filter((cell) => truth(run(cell, 'scalar').at(-1))).map((cell) => cell.v);
      case 'first':
        return [cells.find((cell) => truth(run(cell, 'scalar').at(-1)))?.v];
      case 'any':
        return [bool(cells.some((cell) => truth(run(cell, 'scalar').at(-1))))];
      default: {
        const values = cells.map((cell) => cell.v);
        if (code === undefined) return values.sort((x, y) => (text(x) < text(y) ? -1 : text(x) > text(y) ? 1 : 0));
        const a = this.scalar(`${this.package}::a`);
        const b = this.scalar(`${this.package}::b`);
        return values.sort((x, y) => {
          a.v = x;
          b.v = y;
          return number(
            'statements' in code
              ? this.#block(code, 'scalar').at(-1)
              : this.call(this.#codeOf(code), [], 'scalar').at(-1),
          );
        });
      }
    }
  }

  #eval(body: Block, want: Want): Value[] {
    const error = this.scalar('@');
    try {
      const values = this.#block(body, want);
      error.v = '';
      return values;
    } catch (caught) {
      if (!(caught instanceof PerlDie)) throw caught;
      error.v = caught.value;
      return want === 'list' ? [] : [undefined];
    }
  }

  /** `eval` of a text. */
  evalText(source: string, line: number, want: Want): Value[] {
    const error = this.scalar('@');
    const scope = this.#scope;
    try {
      const parser = new Parser(new Scanner(this.#file, source, line), this.#prototypes);
      this.#scope = new Scope(scope);
      const values = this.#statements([...parser.program()], want);
      error.v = '';
      return values;
    } catch (caught) {
      if (!(caught instanceof PerlDie)) throw caught;
      error.v = caught.value;
      return want === 'list' ? [] : [undefined];
    } finally {
      this.#scope = scope;
    }
  }

  #print(node: Node & { t: 'print' }): Value {
    const values = node.args.flatMap((arg) => this.list(arg));
    if (node.args.length === 0) values.push(this.scalar('_').v);
    const formatted =
      node.name === 'printf'
        ? text(callBuiltin(this, 'sprintf', node.args, node, 'scalar')[0])
        : values.map(text).join('');
    const out = node.name === 'say' ? `${formatted}\n` : formatted;
    if (node.handle === undefined) this.environment.print(out);
    else this.#handle(node.handle).write?.(out);
    return 1;
  }

  #handle(node: Node): PerlHandle {
    const value = this.one(node);
    if (value instanceof PerlHandle) return value;
    const name = text(value);
    if (name === 'STDOUT') return new PerlHandle(name, '', this.environment.print);
    if (name === 'STDERR') return new PerlHandle(name, '', this.environment.warn);
    const named = this.scalar(`*${name}`).v;
    if (named instanceof PerlHandle) return named;
    throw this.die(`readline() on unopened filehandle ${name}`, node.line);
  }

  #command(node: Node & { t: 'command' }): string {
    const { status, output } = run(text(this.one(node.text)), this.env(), this.environment.commands);
    this.scalar('?').v = status;
    return output;
  }

  /** %ENV for a child process. */
  env(): Record<string, string> {
    const env: Record<string, string> = {};
    for (const [name, { v }] of this.hash('ENV').map) if (v !== undefined) env[name] = text(v);
    return env;
  }

  // --- Patterns

  #regex(node: Node): PerlRegex {
    if (node.t === 'regex') {
      const { source } = node;
      // `qr/$pattern/` of one pattern is that pattern.
      if (node.flags === '' && source.t === 'interpolate' && source.parts.length === 1) {
        const value = this.one(source.parts[0]!);
        if (value instanceof PerlRegex) return value;
        return new PerlRegex(text(value), '');
      }
      return new PerlRegex(text(this.one(source)), node.flags);
    }
    const value = this.one(node);
    return value instanceof PerlRegex ? value : new PerlRegex(text(value), '');
  }

  #match(target: Node | undefined, pattern: Node, want: Want): Value[] {
    const cell = target === undefined ? this.scalar('_') : this.lvalue(target);
    const flags = pattern.t === 'regex' ? pattern.flags : '';
    return this.matching.match(cell, this.#regex(pattern).regex, flags, want);
  }

  #matchOne(node: Node & { t: 'match' }): Value {
    const { target, pattern, negate } = node;
    if (pattern.t !== 'substitute' && pattern.t !== 'transliterate') {
      const found = truth(this.#match(target, pattern, 'scalar')[0]);
      return bool(found !== negate);
    }
    const cell = target === undefined ? this.scalar('_') : this.lvalue(target);
    if (pattern.t === 'transliterate') return transliterate(cell, pattern);
    const source = this.one(pattern.source);
    const regex = source instanceof PerlRegex ? source : new PerlRegex(text(source), pattern.flags);
    return substitute(this.matching, cell, regex.regex, pattern.flags, () => text(this.one(pattern.replacement)));
  }
}

/** The next of a row of words: `az` becomes `ba`. perlop: Auto-increment. */
function increment(word: string): string {
  const chars = [...word];
  for (let i = chars.length - 1; i >= 0; i--) {
    const c = chars[i]!;
    if (c === 'z') chars[i] = 'a';
    else if (c === 'Z') chars[i] = 'A';
    else if (c === '9') chars[i] = '0';
    else {
      chars[i] = String.fromCharCode(c.charCodeAt(0) + 1);
      return chars.join('');
    }
  }
  const first = chars[0]!;
  return (first === '0' ? '1' : first) + chars.join('');
}
