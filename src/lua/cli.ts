/**
 * `tsresty lua`: scripts, one-liners and a prompt, with luajit's options, messages and exit codes.
 *
 * Nothing else runs in the process, so that natives may block: the standard streams are read and written
 * synchronously, as scripts expect.
 */

import { isatty } from 'node:tty';
import { call, R, ret0, S } from './call.ts';
import type { Coroutine } from './coroutine.ts';
import { LuaError } from './error.ts';
import { standardStreams } from './lib/io.ts';
import { markNative } from './lib/native.ts';
import { DEFAULT_CPATH, DEFAULT_PATH, LuaState } from './state.ts';
import { LuaTable } from './table.ts';
import type { LuaFunction, LuaResult, LuaValue } from './value.ts';

const NAME = 'lua';

const USAGE = `usage: ${NAME} [options]... [script [args]...].
Available options are:
  -e chunk  Execute string 'chunk'.
  -l name   Require library 'name'.
  -i        Enter interactive mode after executing 'script'.
  -v        Show version information.
  -E        Ignore environment variables.
  --        Stop handling options.
  -         Execute stdin and stop handling options.
`;

type Step = { readonly kind: 'e' | 'l'; readonly text: string };

interface CommandLine {
  readonly steps: Step[];
  interactive: boolean;
  version: boolean;
  ignoreEnvironment: boolean;
  /** Index of the script among the arguments, their number if there is none. */
  script: number;
}

/** luajit's options; undefined if they are wrong. */
function parseArguments(args: readonly string[]): CommandLine | undefined {
  const line: CommandLine = {
    steps: [],
    interactive: false,
    version: false,
    ignoreEnvironment: false,
    script: args.length,
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--' || arg === '-' || !arg.startsWith('-')) {
      line.script = arg === '--' ? i + 1 : i;
      break;
    }
    const kind = arg[1]!;
    if (kind === 'e' || kind === 'l') {
      const text = arg.length > 2 ? arg.slice(2) : args[++i];
      if (text === undefined) return undefined;
      line.steps.push({ kind, text });
    } else if (arg === '-i') line.interactive = line.version = true;
    else if (arg === '-v') line.version = true;
    else if (arg === '-E') line.ignoreEnvironment = true;
    else return undefined;
  }
  return line;
}

function complain(text: string): void {
  const { stdout, stderr } = standardStreams();
  stdout.flush();
  stderr.write(text);
}

/** The message of an uncaught error with its traceback; undefined for the error value nil, which is not shown. */
function messageOf(e: LuaError, state: LuaState): string | undefined {
  const { value } = e;
  if (value === undefined) return undefined;
  let text: LuaValue = value;
  if (typeof value === 'object') {
    const h = value instanceof LuaTable ? value.metatable?.getStr('__tostring') : undefined;
    if (h === undefined) return '(error object is not a string)';
    const r = state.newThread((() => call(h, [value])) as LuaFunction).resume();
    text = r.status === 'done' ? r.values[0] : undefined;
  }
  if (typeof text !== 'string' && typeof text !== 'number') return '(error object is not a string)';
  const trace = e.traceback === undefined ? '' : `\n${e.traceback}`;
  return `${text}${trace}`;
}

/** The function as called by luajit's C code: the outermost level, by which scripts find where the program begins. */
function calledFromC(f: LuaFunction): LuaFunction {
  return markNative((...args: LuaValue[]) => call(f, args), '');
}

/** The interpreter of one command line. */
class Interpreter {
  private readonly state: LuaState;
  private name: string | undefined = NAME;

  constructor(state: LuaState) {
    this.state = state;
  }

  private newThread(f: LuaFunction): Coroutine {
    const thread = this.state.newThread(f);
    thread.canYield = false;
    // luajit's function that makes the traceback.
    thread.handlers = 1;
    return thread;
  }

  /** Runs something in a thread of its own; false after an error, which has been reported. */
  private protect(run: () => LuaResult): LuaValue[] | undefined {
    const thread = this.newThread(markNative(run as LuaFunction, ''));
    try {
      const r = thread.resume();
      if (r.status !== 'done') throw new LuaError('attempt to yield across C-call boundary');
      return r.values;
    } catch (e) {
      if (!(e instanceof LuaError)) throw e;
      this.report(e);
      return undefined;
    }
  }

  private report(e: LuaError): void {
    const text = messageOf(e, this.state);
    if (text !== undefined) complain(`${this.name === undefined ? '' : this.name + ': '}${text}\n`);
  }

  /** Compiles and runs a chunk. */
  private run(source: string, name: string, args: LuaValue[] = []): boolean {
    let f: LuaFunction;
    try {
      f = this.state.load(source, name);
    } catch (e) {
      if (!(e instanceof LuaError)) throw e;
      this.report(e);
      return false;
    }
    const thread = this.newThread(calledFromC(f));
    try {
      thread.resume(args);
      return true;
    } catch (e) {
      if (!(e instanceof LuaError)) throw e;
      this.report(e);
      return false;
    }
  }

  runText(text: string, name: string): boolean {
    return this.run(text, name);
  }

  runFile(path: string, args: LuaValue[]): boolean {
    if (path === '-') return this.run(standardStreams().stdin.readAll(), '=stdin', args);
    const source = this.state.readFile(path);
    if (typeof source === 'string') return this.run(source, '@' + path, args);
    this.report(new LuaError(`cannot open ${path}: ${source.reason}`));
    return false;
  }

  require(name: string): boolean {
    return this.protect(() => call(this.state.globals.getStr('require'), [name])) !== undefined;
  }

  /** The prompt: reads chunks line by line until the end of input. */
  async interact(lines: LineSource): Promise<void> {
    const { globals } = this.state;
    const name = this.name;
    this.name = undefined;
    const prompt = (variable: string, usual: string): string => {
      const v = globals.get(variable);
      return typeof v === 'string' ? v : usual;
    };
    for (;;) {
      let text = await lines(prompt('_PROMPT', '> '));
      if (text === undefined) break;
      if (text.startsWith('=')) text = 'return ' + text.slice(1);
      let f: LuaFunction | undefined;
      for (;;) {
        try {
          f = this.state.load(text, '=stdin');
          break;
        } catch (e) {
          if (!(e instanceof LuaError)) throw e;
          const isIncomplete = typeof e.value === 'string' && e.value.endsWith("'<eof>'");
          const more = isIncomplete ? await lines(prompt('_PROMPT2', '>> ')) : undefined;
          if (more === undefined) {
            this.report(e);
            break;
          }
          text += '\n' + more;
        }
      }
      if (f === undefined) continue;
      const values = this.protect(calledFromC(f));
      if (values === undefined || values.length === 0) continue;
      const shown = this.protect(() => {
        const r = call(globals.getStr('print'), values);
        return r === S && R.n < 0 ? S : ret0();
      });
      if (shown === undefined) complain(`error calling 'print'\n`);
    }
    standardStreams().stdout.write('\n');
    standardStreams().stdout.flush();
    this.name = name;
  }
}

/** Asks for a line, without its end; undefined at the end of input. */
type LineSource = (prompt: string) => Promise<string | undefined>;

/** Lines of a pipe or a file, read as scripts read them. */
async function plainLines(prompt: string): Promise<string | undefined> {
  const { stdin, stdout } = standardStreams();
  stdout.write(prompt);
  stdout.flush();
  return stdin.readLine(false);
}

/** Lines of a terminal, with editing and history. The terminal is left alone while Lua code runs. */
function terminalLines(): LineSource {
  let history: string[] = [];
  return async (prompt) => {
    const { createInterface } = await import('node:readline');
    const { stdout } = standardStreams();
    stdout.flush();
    return new Promise((resolve) => {
      const lines = createInterface({ input: process.stdin, output: process.stdout, history, prompt });
      let answer: string | undefined;
      lines.on('history', (h) => {
        history = [...h];
      });
      lines.once('line', (text) => {
        answer = Buffer.from(text).toString('latin1');
        lines.close();
      });
      lines.once('close', () => resolve(answer));
      lines.prompt();
    });
  };
}

function searchPath(variable: string, usual: string, ignore: boolean): string {
  const value = ignore ? undefined : process.env[variable];
  return value === undefined ? usual : Buffer.from(value).toString('latin1').replace(';;', `;${usual};`);
}

/** `tsresty lua ARGS`, in a process with V8's flags set (tune.ts): resolves with the exit code. `name` is what scripts see as the interpreter in `arg`. */
export async function luaCommand(given: readonly string[], name: string): Promise<number> {
  const args = given.map((arg) => Buffer.from(arg).toString('latin1'));
  const { stdout } = standardStreams();
  const line = parseArguments(args);
  if (line === undefined) {
    complain(USAGE);
    return 1;
  }
  const ignore = line.ignoreEnvironment;
  const state = new LuaState({
    packagePath: searchPath('LUA_PATH', DEFAULT_PATH, ignore),
    packageCpath: searchPath('LUA_CPATH', DEFAULT_CPATH, ignore),
  });
  const interpreter = new Interpreter(state);
  const arg = new LuaTable();
  arg.set(-line.script - 1, name);
  args.forEach((text, i) => {
    arg.set(i - line.script, text);
  });
  state.globals.setStr('arg', arg);
  const status = await runLine(line, args, interpreter);
  state.close();
  stdout.flush();
  return status;
}

/** Does what the command line says; the exit code. */
async function runLine(line: CommandLine, args: readonly string[], interpreter: Interpreter): Promise<number> {
  const { stdout } = standardStreams();
  const ignore = line.ignoreEnvironment;
  const init = ignore ? undefined : process.env['LUA_INIT'];
  if (init !== undefined) {
    const done = init.startsWith('@')
      ? interpreter.runFile(init.slice(1), [])
      : interpreter.runText(Buffer.from(init).toString('latin1'), '=LUA_INIT');
    if (!done) return 1;
  }
  if (line.version) stdout.write(`${versionText()}\n`);
  for (const { kind, text } of line.steps) {
    const done = kind === 'e' ? interpreter.runText(text, '=(command line)') : interpreter.require(text);
    if (!done) return 1;
  }
  const hasScript = line.script < args.length;
  if (hasScript && !interpreter.runFile(args[line.script]!, args.slice(line.script + 1))) return 1;
  const isBare = !hasScript && line.steps.length === 0 && !line.version;
  const isTerminal = (line.interactive || isBare) && isatty(0);
  if (line.interactive || (isBare && isTerminal)) {
    if (!line.version) stdout.write(`${versionText()}\n`);
    await interpreter.interact(isTerminal ? terminalLines() : plainLines);
  } else if (isBare) {
    if (!interpreter.runFile('-', [])) return 1;
  }
  return 0;
}

function versionText(): string {
  return `Lua 5.1 of tsresty, compatible with LuaJIT 2.1 (Node.js ${process.version})`;
}
