/** Perl's own functions. Arguments come as nodes, since some take places and not values. perlfunc. */
import { chmodSync, mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { fsPath } from '../../../conf/glob.ts';
import type { Node } from './ast.ts';
import { PerlError } from './ast.ts';
import { execute, open } from './files.ts';
import type { Interpreter } from './interpreter.ts';
import { pack, unpack } from './pack.ts';
import { sprintf } from './sprintf.ts';
import { bool, Cell, number, PerlDie, PerlHandle, PerlRegex, refOf, text, type Value, type Want } from './values.ts';

/** What a function is called with. */
interface Call {
  readonly perl: Interpreter;
  readonly args: readonly Node[];
  readonly node: Node;
  readonly want: Want;
}

type Builtin = (call: Call) => Value | Value[];

/** The first argument, or $_. */
function topic({ perl, args }: Call): Value {
  return args.length === 0 ? perl.scalar('_').v : perl.one(args[0]!);
}

function argument({ perl, args }: Call, i: number): Value {
  return args[i] === undefined ? undefined : perl.one(args[i]!);
}

function all({ perl, args }: Call, from = 0): Value[] {
  return args.slice(from).flatMap((arg) => perl.list(arg));
}

const string = (change: (value: string) => Value): Builtin => {
  return (call) => change(text(topic(call)));
};

const numeric = (change: (value: number) => Value): Builtin => {
  return (call) => change(number(topic(call)));
};

/** A change of the file system: 1, or undefined with the reason in $!. */
function attempt({ perl }: Call, change: () => void): Value {
  perl.changes++;
  try {
    change();
    return 1;
  } catch (error) {
    perl.scalar('!').v = errnoText(error);
    return '';
  }
}

function errnoText(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'No such file or directory',
    EACCES: 'Permission denied',
    EEXIST: 'File exists',
    EISDIR: 'Is a directory',
    ENOTDIR: 'Not a directory',
    ENOTEMPTY: 'Directory not empty',
  };
  return known[code ?? ''] ?? message;
}

/** `chomp` and `chop`, which change what they are given. */
function cut(call: Call, change: (value: string) => string): Value {
  const { perl, args } = call;
  const nodes = args.length === 0 ? [{ t: 'variable', sigil: '$', name: '_', line: call.node.line } as Node] : args;
  let removed = 0;
  for (const node of nodes) {
    const inner = node.t === 'assign' ? node.left : node;
    const what = inner.t === 'declare' ? inner.what : inner;
    const isArray = (what.t === 'variable' || what.t === 'deref') && what.sigil === '@';
    if (isArray && node.t === 'assign') perl.one(node);
    const cells = isArray ? perl.arrayOf(what).cells : [perl.lvalue(node)];
    for (const cell of cells) {
      const before = text(cell.v);
      if (cell.v !== undefined) cell.v = change(before);
      removed += before.length - text(cell.v).length;
    }
  }
  return removed;
}

function place(call: Call, message: string): string {
  return message.endsWith('\n') ? message : `${message} at ${call.perl.scalar('0').v} line ${call.node.line}.\n`;
}

function substr(call: Call): Value {
  const { perl, args } = call;
  const whole = text(perl.one(args[0]!));
  let from = number(argument(call, 1));
  if (from < 0) from += whole.length;
  if (from > whole.length || from < 0) return undefined;
  const length = args.length > 2 ? argument(call, 2) : undefined;
  const count = length === undefined ? whole.length : number(length);
  const to = count < 0 ? whole.length + count : from + count;
  if (args.length > 3)
    perl.lvalue(args[0]!).v = whole.slice(0, from) + text(argument(call, 3)) + whole.slice(Math.max(from, to));
  return whole.slice(from, Math.max(from, to));
}

function split(call: Call): Value[] {
  const { perl, args } = call;
  const [separator] = args;
  const subject = text(args.length < 2 ? perl.scalar('_').v : perl.one(args[1]!));
  const limit = args.length > 2 ? number(perl.one(args[2]!)) : 0;
  let regex: PerlRegex;
  let source = subject;
  const value =
    separator === undefined
      ? ' '
      : separator.t === 'regex'
        ? perl.one({ ...separator, kind: 'qr' })
        : perl.one(separator);
  if (value === ' ') {
    regex = new PerlRegex('\\s+', '');
    source = subject.trimStart();
  } else regex = value instanceof PerlRegex ? value : new PerlRegex(text(value), '');
  if (regex.source === '^') regex = new PerlRegex('^', 'm');
  const out: Value[] = [];
  const compiled = regex.regex;
  let from = 0;
  for (let at = 0; at <= source.length && source !== '' && (limit <= 0 || out.length < limit - 1); ) {
    if (compiled.match(source, at) < 0) break;
    const { start, end } = compiled;
    if (end === start) {
      if (start >= source.length) break;
      if (start === from) {
        at = from + 1;
        if (compiled.match(source, at) < 0 || compiled.start >= source.length) break;
        if (compiled.end > compiled.start) continue;
        out.push(source.slice(from, at));
        from = at;
        continue;
      }
    }
    // A match of some width at the beginning leaves an empty field there, an empty one does not.
    out.push(source.slice(from, start));
    for (let i = 1; i <= compiled.captureCount; i++) out.push(compiled.group(i));
    from = end;
    at = end > start ? end : end + 1;
  }
  if (source !== '') out.push(source.slice(from));
  if (limit === 0) while (out.length > 0 && text(out.at(-1)) === '') out.pop();
  return out;
}

function openFile(call: Call): Value {
  const { perl, args } = call;
  return attempt(call, () => {
    const mode = args.length > 2 ? text(argument(call, 1)) : undefined;
    const handle = open(mode, argument(call, args.length > 2 ? 2 : 1));
    const [target] = args;
    const isName = target?.t === 'const' || (target?.t === 'call' && target.bare);
    if (isName) perl.scalar(`*${target.t === 'const' ? target.value : target.name}`).v = handle;
    else perl.lvalue(target!).v = handle;
  });
}

function system(call: Call): Value {
  const args = all(call).map(text);
  const command = args.length === 1 ? ['/bin/sh', '-c', args[0]!] : args;
  call.perl.changes++;
  const { status, output } = execute(command, call.perl.env(), 60_000, 'inherit');
  if (output !== '') call.perl.environment.print(output);
  call.perl.scalar('?').v = status;
  return status;
}

function exists(call: Call, remove: boolean): Value {
  const { perl } = call;
  const [node] = call.args;
  if (node?.t === 'key') {
    const { map } = perl.hashOf(node.of);
    const key = text(perl.one(node.at));
    const cell = map.get(key);
    if (remove) map.delete(key);
    return remove ? cell?.v : bool(cell !== undefined);
  }
  if (node?.t === 'index') {
    const { cells } = perl.arrayOf(node.of);
    const at = number(perl.one(node.at));
    if (!remove) return bool(cells.at(at) !== undefined);
  }
  throw new PerlError(text(perl.scalar('0').v), call.node.line, `${remove ? 'delete' : 'exists'} of this`);
}

const BUILTINS: Readonly<Record<string, Builtin>> = {
  length: (call) => {
    const value = topic(call);
    return value === undefined ? undefined : text(value).length;
  },
  uc: string((s) => s.replace(/[a-z]+/g, (word) => word.toUpperCase())),
  lc: string((s) => s.replace(/[A-Z]+/g, (word) => word.toLowerCase())),
  ucfirst: string((s) => s.replace(/^[a-z]/, (c) => c.toUpperCase())),
  lcfirst: string((s) => s.replace(/^[A-Z]/, (c) => c.toLowerCase())),
  quotemeta: string((s) => s.replace(/[^A-Za-z0-9_]/g, '\\$&')),
  ord: string((s) => (s === '' ? 0 : s.charCodeAt(0))),
  hex: string((s) => Number.parseInt(s.replace(/^0?x/i, ''), 16) || 0),
  oct: string((s) => (/^0?[xb]/i.test(s) ? Number(s.replace(/^[xb]/i, '0$&')) || 0 : Number.parseInt(s, 8) || 0)),
  chr: numeric((n) => (n < 256 ? String.fromCharCode(n) : Buffer.from(String.fromCodePoint(n)).toString('latin1'))),
  int: numeric(Math.trunc),
  abs: numeric(Math.abs),
  sqrt: numeric(Math.sqrt),
  log: numeric(Math.log),
  exp: numeric(Math.exp),
  rand: (call) => Math.random() * ((call.args.length === 0 ? 1 : number(argument(call, 0))) || 1),
  srand: () => 1,
  time: () => Math.floor(Date.now() / 1000),
  sleep: (call) => {
    // Nothing else happens here meanwhile: the program is synchronous.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, number(topic(call)) * 1000);
    return 1;
  },
  join: (call) => {
    const [glue, ...items] = all(call);
    return items.map(text).join(text(glue));
  },
  sprintf: (call) => {
    const [format, ...values] = all(call);
    return sprintf(text(format), values);
  },
  substr,
  index: (call) => text(argument(call, 0)).indexOf(text(argument(call, 1)), number(argument(call, 2))),
  rindex: (call) => text(argument(call, 0)).lastIndexOf(text(argument(call, 1))),
  split,
  reverse: (call) =>
    call.want === 'list' ? all(call).reverse() : [...all(call).map(text).join('')].reverse().join(''),
  chomp: (call) => cut(call, (value) => value.replace(/\n$/, '')),
  chop: (call) => cut(call, (value) => value.slice(0, -1)),
  push: (call) => call.perl.arrayOf(call.args[0]!).cells.push(...all(call, 1).map((v) => new Cell(v))),
  unshift: (call) => call.perl.arrayOf(call.args[0]!).cells.unshift(...all(call, 1).map((v) => new Cell(v))),
  pop: ({ perl, args }) => (args[0] === undefined ? perl.arguments : perl.arrayOf(args[0])).cells.pop()?.v,
  shift: ({ perl, args }) => (args[0] === undefined ? perl.arguments : perl.arrayOf(args[0])).cells.shift()?.v,
  splice: (call) => {
    const { cells } = call.perl.arrayOf(call.args[0]!);
    const from = number(argument(call, 1));
    const count = call.args.length > 2 ? number(argument(call, 2)) : cells.length;
    return cells.splice(from, count, ...all(call, 3).map((v) => new Cell(v))).map((cell) => cell.v);
  },
  scalar: ({ perl, args }) => perl.one(args[0]!),
  wantarray: ({ perl }) => (perl.want === 'list' ? 1 : 0),
  keys: ({ perl, args, want }) => {
    const keys = [...perl.hashOf(args[0]!).map.keys()];
    return want === 'list' ? keys : keys.length;
  },
  values: ({ perl, args }) => [...perl.hashOf(args[0]!).map.values()].map((cell) => cell.v),
  exists: (call) => exists(call, false),
  delete: (call) => exists(call, true),
  defined: (call) => {
    const [node] = call.args;
    if (node?.t === 'invoke' && node.args === undefined && node.code.t === 'variable')
      return bool(call.perl.subs.has(`main::${node.code.name}`));
    if (node !== undefined && (node.t === 'variable' || node.t === 'deref') && node.sigil === '@')
      return bool(call.perl.arrayOf(node).cells.length > 0);
    return bool(topic(call) !== undefined);
  },
  undef: ({ perl, args }) => {
    const [node] = args;
    if (node !== undefined && (node.t === 'variable' || node.t === 'deref') && node.sigil === '@')
      perl.arrayOf(node).cells = [];
    else if (node !== undefined) perl.lvalue(node).v = undefined;
    return undefined;
  },
  ref: (call) => refOf(topic(call)),
  die: (call) => {
    const values = all(call);
    if (values.length === 1 && refOf(values[0]) !== '') throw new PerlDie(values[0]);
    throw new PerlDie(place(call, values.map(text).join('') || 'Died'));
  },
  warn: (call) => {
    call.perl.environment.warn(place(call, all(call).map(text).join('') || "Warning: something's wrong"));
    return 1;
  },
  eval: (call) => call.perl.evalText(text(topic(call)), call.node.line, call.want),
  require: (call) => {
    const [node] = call.args;
    const name = node?.t === 'call' ? node.name : text(topic(call));
    if (!/^[\d.]+$/.test(name) && !call.perl.environment.modules.has(name)) call.perl.require(name, call.node.line);
    return 1;
  },
  open: openFile,
  close: () => 1,
  binmode: () => 1,
  select: () => 'STDOUT',
  eof: (call) => {
    const handle = argument(call, 0);
    return bool(!(handle instanceof PerlHandle) || handle.rest === '');
  },
  unlink: (call) => all(call).filter((name) => attempt(call, () => unlinkSync(fsPath(text(name)))) === 1).length,
  mkdir: (call) => attempt(call, () => void mkdirSync(fsPath(text(argument(call, 0))))),
  rmdir: (call) => attempt(call, () => rmdirSync(fsPath(text(argument(call, 0))))),
  rename: (call) => attempt(call, () => renameSync(fsPath(text(argument(call, 0))), fsPath(text(argument(call, 1))))),
  chmod: (call) => {
    const [mode, ...names] = all(call);
    return names.filter((name) => attempt(call, () => chmodSync(fsPath(text(name)), number(mode))) === 1).length;
  },
  system,
  pack: (call) => {
    const [template, ...values] = all(call);
    return pack(text(template), values);
  },
  unpack: (call) => unpack(text(argument(call, 0)), text(argument(call, 1))),
  lock: () => 1,
  caller: () => ['main', '', 0],
  exit: () => {
    throw new PerlDie('exit\n');
  },
};

export function isBuiltin(name: string): boolean {
  return Object.hasOwn(BUILTINS, name);
}

/** Calls a function of Perl's own. */
export function call(perl: Interpreter, name: string, args: readonly Node[], node: Node, want: Want): Value[] {
  const value = BUILTINS[name]!({ perl, args, node, want });
  return Array.isArray(value) ? value : [value];
}
