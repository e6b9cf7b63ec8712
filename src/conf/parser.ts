/**
 * Reads configuration files and calls the setters of their directives: contexts, numbers of arguments, blocks and
 * `include`, checked in nginx's order so that a wrong file gives nginx's message. nginx: ngx_conf_parse,
 * ngx_conf_handler, ngx_conf_include (src/core/ngx_conf_file.c).
 */

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { errnoSuffix } from '../log/errno.ts';
import type {
  ArgumentRule,
  ConfContext,
  ConfCycle,
  ConfStack,
  ContextName,
  PairHandler,
  PairLine,
} from './directive.ts';
import { COMMAND_LINE, ConfError, type ConfLogLevel, withPosition } from './error.ts';
import { fsPath, glob, isPattern } from './glob.ts';
import { identity } from './identity.ts';
import { Lexer, type StatementEnd } from './lexer.ts';
import { type LuaSource, readLuaBlock } from './lua-block.ts';
import type { RegisteredDirective, Registry } from './registry.ts';

/** A file inside an endless include would exhaust nginx's descriptors at about this depth. */
const MAX_INCLUDE_DEPTH = 1000;

/** In the blocks of other names a line `include x;` means what it says there: a key and a value. */
const PAIRS_WITH_INCLUDE = new Set(['types', 'map', 'geo']);

/** A configuration file that was read, for -T. */
export interface ConfFile {
  /** Absolute path. */
  readonly path: string;
  readonly text: string;
}

/** What a pattern of `include` matched. */
export interface GlobResult {
  /** Absolute. */
  readonly pattern: string;
  readonly paths: readonly string[];
}

/** A configuration as it was read before. */
export interface ConfSnapshot {
  readonly files: readonly ConfFile[];
  readonly globs: readonly GlobResult[];
  /** See src/conf/assets.ts. */
  readonly assets?: readonly ConfFile[];
}

/** What the parser needs from whoever loads a configuration. */
export interface ParserOptions {
  readonly registry: Registry;
  readonly cycle: ConfCycle;
  /** Takes messages that do not stop the loading, complete with their position. */
  readonly report: (level: ConfLogLevel, message: string) => void;
  /** Gets each file once. */
  readonly files: ConfFile[];
  /** Gets each expanded pattern. */
  readonly globs: GlobResult[];
  /** Read from here instead of from the disk. */
  readonly snapshot?: ConfSnapshot | undefined;
}

function countAllowed(rule: ArgumentRule, count: number): boolean {
  if (rule === 'flag') return count === 1;
  if (typeof rule === 'number') return count === rule;
  if ('min' in rule) return count >= rule.min && (rule.max === undefined || count <= rule.max);
  return rule.includes(count);
}

/**
 * nginx puts `"NAME" directive ` before the texts that its setters return and prints what they log itself as it is.
 * Ours return both kinds; those to be completed are sentences without a subject.
 */
function completeMessage(name: string, text: string): string {
  return /^(is|cannot|must|has|requires) |^invalid (value|number)$/.test(text) ? `"${name}" directive ${text}` : text;
}

/** One run over a main file (and -g text) with all it includes. */
export class Parser {
  readonly registry: Registry;
  readonly cycle: ConfCycle;
  readonly report: ParserOptions['report'];
  private readonly files: ConfFile[];
  private readonly globs: GlobResult[];
  private readonly snapshot: ConfSnapshot | undefined;
  private readonly seen = new Set<string>();
  private depth = 0;
  /** The file being read. */
  lexer: Lexer | undefined;
  context: ContextName = 'main';
  confs: ConfStack | undefined;
  /** Set by the first block of the main context: from then on `load_module` comes too late. */
  modulesUsed = false;

  constructor(options: ParserOptions) {
    this.registry = options.registry;
    this.cycle = options.cycle;
    this.report = options.report;
    this.files = options.files;
    this.globs = options.globs;
    this.snapshot = options.snapshot;
  }

  /** An error at the current place. */
  error(message: string, level?: ConfLogLevel): ConfError {
    return new ConfError(message, this.lexer, level);
  }

  /** Reads the directives given with -g. */
  parseGlobals(text: string): void {
    if (text === '') return;
    this.lexer = new Lexer(COMMAND_LINE, text);
    this.parseStatements('text');
    this.lexer = undefined;
  }

  /** Reads a file in the current context; `handler` when it is included in a block of pairs. */
  parseFile(path: string, handler?: PairHandler): void {
    const text = this.readFile(path);
    if (!this.seen.has(path)) {
      this.seen.add(path);
      this.files.push({ path, text });
    }
    const outer = this.lexer;
    this.lexer = new Lexer(path, text);
    this.depth++;
    if (handler === undefined) this.parseStatements('file');
    else this.parsePairLines('file', handler, true);
    this.depth--;
    this.lexer = outer;
  }

  private readFile(path: string): string {
    if (this.depth >= MAX_INCLUDE_DEPTH) throw this.error(`open() "${path}" failed${errnoSuffix('EMFILE')}`);
    if (this.snapshot !== undefined) {
      const file = this.snapshot.files.find((f) => f.path === path);
      if (file === undefined) throw this.error(`open() "${path}" failed${errnoSuffix('ENOENT')}`);
      return file.text;
    }
    let fd: number;
    try {
      fd = openSync(fsPath(path), 'r');
    } catch (thrown) {
      throw this.error(`open() "${path}" failed${errnoSuffix(thrown)}`);
    }
    try {
      if (fstatSync(fd).isDirectory())
        throw new ConfError(`pread() "${path}" failed${errnoSuffix('EISDIR')}`, undefined, 'crit');
      return readFileSync(fd, 'latin1');
    } catch (thrown) {
      if (thrown instanceof ConfError) throw thrown;
      throw new ConfError(`pread() "${path}" failed${errnoSuffix(thrown)}`, undefined, 'crit');
    } finally {
      closeSync(fd);
    }
  }

  /** Reads files by name or by pattern, as `include` does. A pattern that matches nothing is fine. */
  include(name: string, handler?: PairHandler): void {
    const path = name.startsWith('/') ? name : this.cycle.confPrefix + name;
    if (!isPattern(path)) {
      this.parseFile(path, handler);
      return;
    }
    const paths = this.snapshot?.globs.find((g) => g.pattern === path)?.paths ?? glob(path);
    this.globs.push({ pattern: path, paths });
    for (const file of paths) this.parseFile(file, handler);
  }

  /** Reads statements up to the end of the block, the file or the text. */
  parseStatements(kind: 'file' | 'block' | 'text'): void {
    const lexer = this.lexer!;
    for (;;) {
      const end = lexer.readStatement();
      if (end === '}' || end === 'end') {
        this.checkEnd(kind, end);
        return;
      }
      if (end === '{' && kind === 'text') throw this.error('block directives are not supported in -g option');
      this.handle(lexer.words, end);
    }
  }

  private checkEnd(kind: 'file' | 'block' | 'text', end: '}' | 'end'): void {
    if (end === '}' && kind !== 'block') throw this.error('unexpected "}"');
    if (end === 'end' && kind === 'block') throw this.error('unexpected end of file, expecting "}"');
  }

  /** Reads the free lines of a block such as `types` and hands each to `handler`, following `include` if asked. */
  parsePairLines(kind: 'file' | 'block', handler: PairHandler, includes: boolean): void {
    const lexer = this.lexer!;
    for (;;) {
      const end = lexer.readStatement();
      if (end === '}' || end === 'end') {
        this.checkEnd(kind, end);
        return;
      }
      if (end === '{') throw this.error('unexpected "{"');
      if (includes && lexer.words[0] === 'include' && lexer.words.length === 2) {
        this.include(lexer.words[1]!, handler);
        continue;
      }
      const message = handler({ words: lexer.words, file: lexer.file, line: lexer.line });
      if (message !== undefined) throw this.error(message);
    }
  }

  private handle(words: readonly string[], end: StatementEnd): void {
    const name = words[0]!;
    if (name === 'include') {
      if (end !== ';') throw this.error('directive "include" is not terminated by ";"');
      if (words.length !== 2) throw this.error('invalid number of arguments in "include" directive');
      this.include(words[1]!);
      return;
    }
    const lookup = this.registry.lookup(name, this.context);
    if (lookup.kind === 'misplaced') throw this.error(`"${name}" directive is not allowed here`);
    if (lookup.kind === 'unknown') throw this.error(`unknown directive "${name}"`);
    const shape = lookup.kind === 'declared' ? lookup.found.directive : lookup.facts;
    if (shape.block === undefined && end === '{') throw this.error(`directive "${name}" is not terminated by ";"`);
    if (shape.block !== undefined && end === ';') throw this.error(`directive "${name}" has no opening "{"`);
    if (!countAllowed(shape.args, words.length - 1)) {
      throw this.error(`invalid number of arguments in "${name}" directive`);
    }
    if (lookup.kind === 'unsupported') {
      // As nginx, it says what an nginx without that module says: suites skip what they find so.
      if (identity.name === 'nginx') throw this.error(`unknown directive "${name}"`);
      throw this.error(`"${name}" directive is not supported yet by tsresty (${lookup.facts.module})`);
    }
    this.call(lookup.found, words);
  }

  private call(found: RegisteredDirective, words: readonly string[]): void {
    const { directive, core, index } = found;
    if (this.context === 'main' && directive.block !== undefined) this.modulesUsed = true;
    const cf = new DirectiveContext(this, directive.name, directive.block);
    let conf: unknown;
    if (directive.level === undefined) {
      conf = this.cycle.confs.get(core);
    } else {
      if (this.confs === undefined || index < 0) {
        throw new Error(`"${directive.name}" has level ${directive.level} outside the blocks of ${core}`);
      }
      conf = this.confs[directive.level][index];
    }
    const message = directive.set(cf, conf, words.slice(1));
    if (message !== undefined) {
      // ngx_lua logs what the setter of a Lua block returns as it is.
      throw this.error(directive.block === 'lua' ? message : completeMessage(directive.name, message));
    }
    cf.finish();
  }
}

/** What a setter sees; see ConfContext. Its position moves on with the reading, as nginx's does. */
class DirectiveContext implements ConfContext {
  readonly name: string;
  readonly context: ContextName;
  readonly cycle: ConfCycle;
  readonly confs: ConfStack | undefined;
  readonly luaSource: LuaSource | undefined;
  private readonly parser: Parser;
  private readonly block: 'conf' | 'pairs' | 'lua' | undefined;
  private lines: PairLine[] | undefined;
  private consumed = false;

  constructor(parser: Parser, name: string, block: 'conf' | 'pairs' | 'lua' | undefined) {
    this.parser = parser;
    this.name = name;
    this.context = parser.context;
    this.cycle = parser.cycle;
    this.confs = parser.confs;
    this.block = block;
    if (block === 'lua') this.luaSource = readLuaBlock(parser.lexer!, parser.context.startsWith('stream'));
  }

  get file(): string {
    return this.parser.lexer!.file;
  }

  get line(): number {
    return this.parser.lexer!.line;
  }

  get modulesUsed(): boolean {
    return this.parser.modulesUsed;
  }

  private consume(kind: 'conf' | 'pairs'): void {
    if (this.block !== kind) throw new Error(`"${this.name}" is not declared as a block of ${kind}`);
    if (this.consumed) throw new Error(`the block of "${this.name}" was read before`);
    this.consumed = true;
  }

  get pairs(): readonly PairLine[] | undefined {
    if (this.block !== 'pairs') return undefined;
    if (this.lines === undefined) {
      const lines: PairLine[] = [];
      this.eachPair((line) => {
        lines.push(line);
        return undefined;
      });
      this.lines = lines;
    }
    return this.lines;
  }

  eachPair(handler: PairHandler): void {
    this.consume('pairs');
    this.parser.parsePairLines('block', handler, PAIRS_WITH_INCLUDE.has(this.name));
  }

  parseBlock(context: ContextName, confs?: ConfStack): void {
    this.consume('conf');
    const parser = this.parser;
    const outer = parser.context;
    const outerConfs = parser.confs;
    parser.context = context;
    parser.confs = confs ?? outerConfs;
    parser.parseStatements('block');
    parser.context = outer;
    parser.confs = outerConfs;
  }

  /** Called when the setter is done: nobody may leave a block unread. */
  finish(): void {
    if ((this.block === 'conf' || this.block === 'pairs') && !this.consumed) {
      throw new Error(`the setter of "${this.name}" did not read its block`);
    }
  }

  implementsModule(nginxName: string): boolean {
    return this.parser.registry.implementsModule(nginxName);
  }

  error(message: string): ConfError {
    return this.parser.error(message);
  }

  warn(message: string): void {
    this.log('warn', message);
  }

  log(level: ConfLogLevel, message: string): void {
    this.parser.report(level, withPosition(message, this.parser.lexer));
  }

  fullName(path: string, against: 'prefix' | 'conf' = 'prefix'): string {
    if (path.startsWith('/')) return path;
    return (against === 'conf' ? this.cycle.confPrefix : this.cycle.prefix) + path;
  }
}
