/**
 * The modules of Perl and CPAN that test files load. Those of Test::Nginx are this runner itself (its functions are in
 * the environment); others are the few functions that tests call.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { ForStatement } from './ast.ts';
import { type CommandResult, execute, open } from './files.ts';
import type { Interpreter } from './interpreter.ts';
import type { Prototype } from './parser.ts';
import { bool, Cell, type Native, number, PerlArray, PerlDie, text, type Value } from './values.ts';

/** What a program runs in. */
export interface Environment {
  /** Of the test, as $0. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Functions by bare name. */
  readonly natives: ReadonlyMap<string, Native>;
  readonly prototypes: ReadonlyMap<string, Prototype>;
  /** Modules that need no file. */
  readonly modules: ReadonlySet<string>;
  /** Results of commands that have run. */
  readonly commands: Map<string, CommandResult>;
  /** `use Test::Nginx::Socket ARGUMENTS`: a plan. */
  readonly importArguments: (args: readonly Value[]) => void;
  /** Tells which of `modules` are used. */
  readonly moduleLoaded: (name: string) => void;
  /** Which elements of its list a `for` takes. */
  readonly turns: (cells: readonly Cell[], loop: ForStatement) => Iterable<Cell>;
  /** Standard output and standard error. */
  readonly print: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** Modules of Perl that have nothing to do here, or whose functions are below. */
export const CORE_MODULES: readonly string[] = (
  'strict warnings lib utf8 vars constant base parent Exporter Cwd File::Basename File::Spec File::Temp File::Path ' +
  'List::Util Scalar::Util POSIX Time::HiRes Digest::MD5 Digest::SHA MIME::Base64 Test::More Test::LongString ' +
  'Test::Base Data::Dumper IPC::Run Carp Config FindBin Encode Errno'
).split(' ');

/** `use` of a module that is known here. False for others, which are files. */
export function importModule(perl: Interpreter, name: string, args: readonly Value[]): boolean {
  if (!perl.environment.modules.has(name)) return false;
  perl.environment.moduleLoaded(name);
  if (name === 'lib') perl.array('INC').cells.unshift(...args.map((dir) => new Cell(dir)));
  else if (name === 'FindBin') perl.scalar('FindBin::Bin').v = dirname(resolve(perl.environment.file));
  else if (name === 'constant') {
    const [constant, value] = args;
    if (typeof constant === 'string')
      perl.program(
        'constant',
        `package ${perl.package}; sub ${constant} () { ${JSON.stringify(text(value)).replace(/[$@]/g, '\\$&')} } package main;`,
      );
  } else if (/^Test::(?:Nginx|More|Base)/.test(name)) {
    const plan = args.filter((one) => !/^-/.test(text(one)));
    // A list of names is no plan.
    if (plan.length > 0 && /^(?:no_plan|tests|skip_all)$/.test(text(plan[0]))) perl.environment.importArguments(plan);
  }
  return true;
}

let temporary = 0;
let temporaryFolder = '';

/** A new empty file. */
function temporaryFile(suffix: string): string {
  if (temporaryFolder === '') temporaryFolder = mkdtempSync(join(tmpdir(), 'tsresty-perl-'));
  const path = join(temporaryFolder, `t${++temporary}${suffix}`);
  writeFileSync(path, '');
  return path;
}

function options(args: readonly Value[]): Map<string, Value> {
  const map = new Map<string, Value>();
  for (let i = args.length % 2; i < args.length; i += 2) map.set(text(args[i]), args[i + 1]);
  return map;
}

/** A file to write: its handle appends at once. */
function tempfile(args: readonly Value[]): Value[] {
  const path = temporaryFile(text(options(args).get('SUFFIX')));
  return [open('>', path), path];
}

/** IPC::Run::run(\@command, \$in, \$out, \$err, timeout). */
function ipcRun(args: readonly Value[], perl: Interpreter): Value {
  const [command, , out, err, limit] = args;
  if (!(command instanceof PerlArray)) throw new PerlDie('IPC::Run: the command must be a list\n');
  perl.changes++;
  const result = execute(
    command.values.map(text),
    perl.env(),
    limit === undefined ? 600_000 : number(limit) * 1000,
    'pipe',
  );
  if (out instanceof Cell) out.v = result.output;
  if (err instanceof Cell) err.v = result.errors;
  if (result.timedOut) throw new PerlDie('IPC::Run: timeout on timer #1\n');
  perl.scalar('?').v = result.status;
  return bool(result.status === 0);
}

/** Functions of the modules above. `perl` gives the program that calls. */
export function moduleFunctions(perl: () => Interpreter): Map<string, Native> {
  const map = new Map<string, Native>();
  const add = (names: string, native: Native): void => {
    for (const name of names.split(' ')) map.set(name, native);
  };
  add('cwd getcwd', () => process.cwd());
  add('abs_path realpath Cwd::abs_path Cwd::realpath', ([path]) => realpathSync(text(path ?? '.')));
  add('Cwd::cwd Cwd::getcwd', () => process.cwd());
  add('dirname', ([path]) => dirname(text(path)));
  add('basename', ([path, suffix]) => basename(text(path), text(suffix)));
  add('File::Spec::catfile', ([, ...parts]) => join(...parts.map(text)));
  add('tempfile', (args) => tempfile(args));
  add('tmpnam', () => temporaryFile(''));
  add('sum', (args) => args.reduce<number>((total, one) => total + number(one), 0));
  add('min', (args) => Math.min(...args.map(number)));
  add('max', (args) => Math.max(...args.map(number)));
  add('shuffle', (args) =>
    args
      .map((value) => ({ value, at: Math.random() }))
      .sort((a, b) => a.at - b.at)
      .map((one) => one.value),
  );
  add('floor', ([n]) => Math.floor(number(n)));
  add('ceil', ([n]) => Math.ceil(number(n)));
  add('md5_hex Digest::MD5::md5_hex', (args) => hash('md5', args, 'hex'));
  add('sha1_hex Digest::SHA::sha1_hex', (args) => hash('sha1', args, 'hex'));
  add('encode_base64 MIME::Base64::encode_base64', ([data, eol]) => {
    const end = eol === undefined ? '\n' : text(eol);
    return Buffer.from(text(data), 'latin1')
      .toString('base64')
      .replace(/.{1,76}/g, `$&${end}`);
  });
  add('decode_base64 MIME::Base64::decode_base64', ([data]) => Buffer.from(text(data), 'base64').toString('latin1'));
  add('IPC::Run::run', (args) => ipcRun(args, perl()));
  add('IPC::Run::timeout', ([seconds]) => seconds);
  add('croak confess', (args) => {
    throw new PerlDie(`${args.map(text).join('')}\n`);
  });
  add('carp cluck', (args) => {
    perl().environment.warn(`${args.map(text).join('')}\n`);
    return 1;
  });
  add('blessed reftype', () => undefined);
  add('looks_like_number', ([value]) => bool(/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text(value))));
  return map;
}

function hash(kind: string, args: readonly Value[], encoding: 'hex'): string {
  return createHash(kind).update(args.map(text).join(''), 'latin1').digest(encoding);
}
