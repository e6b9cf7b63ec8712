/** Files and commands for Perl. perlfunc: open, readline, -X; perlop: qx. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fsPath } from '../../../conf/glob.ts';
import { bool, Cell, PerlHandle, text, type Value } from './values.ts';

/** What a command gave: as `$?` and as text. */
export interface CommandResult {
  readonly status: number;
  readonly output: string;
}

/**
 * `open`. Reads a whole file at once.
 * @param mode `<`, `>` or `>>`; undefined when it stands before the name
 * @param target a name, or the scalar that stands for a file
 * @throws the error of the file system
 */
export function open(mode: string | undefined, target: Value): PerlHandle {
  let how = mode?.trim().replace(/:.*/, '').trim();
  let name = target instanceof Cell ? '' : text(target);
  if (how === undefined) {
    const found = /^\s*(>>|>|<)?\s*(.*?)\s*$/.exec(name)!;
    how = found[1] ?? '<';
    name = found[2]!;
  }
  if (target instanceof Cell) {
    if (how === '<') return new PerlHandle('', text(target.v), undefined);
    if (how === '>') target.v = '';
    return new PerlHandle('', '', (more) => {
      target.v = text(target.v) + more;
    });
  }
  if (how === '<') return new PerlHandle(name, readFileSync(fsPath(name), 'latin1'), undefined);
  if (how === '>') writeFileSync(fsPath(name), '');
  return new PerlHandle(name, '', (more) => appendFileSync(fsPath(name), more, 'latin1'));
}

/** The next line, or all that is left when the separator ($/) is undefined. Undefined at the end. */
export function readLine(handle: PerlHandle, separator: Value): string | undefined {
  const { rest } = handle;
  if (rest === '') {
    return undefined;
  }
  const end = separator === undefined ? -1 : rest.indexOf(text(separator));
  const line = end === -1 ? rest : rest.slice(0, end + text(separator).length);
  handle.rest = rest.slice(line.length);
  return line;
}

/** `-e` and its kin. */
export function fileTest(op: string, name: string): Value {
  let found: ReturnType<typeof statSync>;
  try {
    found = statSync(fsPath(name));
  } catch {
    // Whatever the reason, the file cannot be had: that is what the test asks.
    return undefined;
  }
  switch (op) {
    case 'f':
      return bool(found.isFile());
    case 'd':
      return bool(found.isDirectory());
    case 's':
      return found.size > 0 ? found.size : '';
    case 'z':
      return bool(found.size === 0);
    case 'x':
      return bool((found.mode & 0o111) !== 0);
    case 'S':
      return bool(found.isSocket());
    default:
      return 1;
  }
}

/** Runs a shell command. Those that test files run at their beginning only ask about the machine: once is enough. */
export function run(command: string, env: Record<string, string>, known: Map<string, CommandResult>): CommandResult {
  const cached = known.get(command);
  if (cached !== undefined) return cached;
  const result = execute(['/bin/sh', '-c', command], env, 60_000, 'inherit');
  const kept = { status: result.status, output: result.output };
  known.set(command, kept);
  return kept;
}

/**
 * Runs a command to its end.
 * @param limit milliseconds
 * @param errors where standard error goes
 */
export function execute(
  args: readonly string[],
  env: Record<string, string>,
  limit: number,
  errors: 'inherit' | 'pipe',
): CommandResult & { readonly errors: string; readonly timedOut: boolean } {
  // Node.js writes arguments as UTF-8; here they are bytes.
  const [file, ...rest] = args.map((arg) => fsPath(arg).toString());
  const done = spawnSync(file!, rest, {
    env,
    encoding: 'latin1',
    timeout: limit,
    maxBuffer: 64 << 20,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', errors],
  });
  const timedOut = (done.error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
  const signal = done.signal === null ? 0 : 9;
  const status = done.status === null ? (signal === 0 ? -1 : signal) : done.status << 8;
  return { status, output: done.stdout ?? '', errors: done.stderr ?? '', timedOut };
}
