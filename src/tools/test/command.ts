/** `tsresty test`: runs tests in Test::Nginx's format. */
import { rmSync } from 'node:fs';
import { ProbedExecutable } from './executable.ts';
import { findPlaces } from './places.ts';
import { SpecReporter, TapReporter } from './report.ts';
import { runFiles, testFiles } from './run-files.ts';
import { killServers } from './server.ts';
import type { Executable } from './settings.ts';
import { watch } from './watch.ts';

const USAGE = `Usage: tsresty test [OPTION]... PATH...

Runs tests in Test::Nginx's format: .t files, and those in folders.

  -j N              : N servers at a time (default: 2)
  -n, --only N[,N]  : only the Nth block of each file, counted from 1
  -r N              : each block N times, until it fails
  --format FORMAT   : spec for people (default), tap for machines
  --watch           : run again whenever a file changes
  --server FILE     : test this executable (default: tsresty itself)
  --help            : this text

Blocks that name a fixed port, a folder of the machine or a shared service
run one after the other on port 1984; the others run on free ports.

Environment, as for Test::Nginx:
  TEST_NGINX_USE_HUP=1       : one server for each file, reloaded for each block
  TEST_NGINX_CHECK_LEAK=1    : load on each block, and how its memory grows
  TEST_NGINX_LOAD_MODULES    : files for load_module, separated by spaces
  TEST_NGINX_TIMEOUT, _SLEEP : seconds
  TEST_NGINX_NAME            : put into tests wherever they say $TEST_NGINX_NAME
`;

/** Settings of Test::Nginx that would silently change nothing here. */
const UNSUPPORTED = [
  'TEST_NGINX_USE_VALGRIND',
  'TEST_NGINX_USE_STAP',
  'TEST_NGINX_BENCHMARK',
  'TEST_NGINX_USE_HTTP2',
  'TEST_NGINX_USE_HTTP3',
  'TEST_NGINX_USE_RR',
];

const WITH_VALUE = /^(?:-[jnr]|--only|--format|--server)$/;

/** A command line, read. */
interface CommandLine {
  readonly values: ReadonlyMap<string, string>;
  readonly watch: boolean;
  readonly paths: readonly string[];
}

/**
 * @param args without "test"
 * @param self the command that starts this executable
 * @returns the exit code: 0 when all blocks passed, 1 when not, 2 for a wrong command line
 */
export async function testCommand(args: readonly string[], self: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const line = readArguments(args);
  if (typeof line === 'string') return usage(line);
  const unsupported = UNSUPPORTED.find((name) => (process.env[name] ?? '') !== '');
  if (unsupported !== undefined) return usage(`${unsupported} is not supported`);
  const server = line.values.get('--server') ?? process.env['TEST_NGINX_BINARY'];
  const loadModules = (process.env['TEST_NGINX_LOAD_MODULES'] ?? '').split(/\s+/).filter((file) => file !== '');
  let executable: Executable;
  let files: string[];
  try {
    executable = new ProbedExecutable(server === undefined ? self : [server], loadModules);
    files = testFiles(line.paths);
  } catch (error) {
    process.stderr.write(`tsresty test: ${(error as Error).message}\n`);
    return 2;
  }
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
  process.once('exit', killServers);
  const once = (some: readonly string[]): Promise<boolean> => runOnce(some, line, executable);
  if (!line.watch) return (await once(files)) ? 0 : 1;
  await watch(line.paths, () => testFiles(line.paths), once);
  return 0;
}

async function runOnce(files: readonly string[], line: CommandLine, executable: Executable): Promise<boolean> {
  const { values } = line;
  const terminal = process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
  const server = values.get('--server');
  const out = (stream: NodeJS.WriteStream) => {
    // A reader that has seen enough, such as head(1), ends the run.
    stream.on('error', () => process.exit(1));
    return (text: string): void => void stream.write(Buffer.from(text, 'latin1'));
  };
  const options = {
    print: out(process.stdout),
    note: out(process.stderr),
    again: `${settingsOf(process.env)}npx tsresty test${server === undefined ? '' : ` --server ${quoted(server)}`}`,
    terminal,
  };
  const reporter = values.get('--format') === 'tap' ? new TapReporter(options) : new SpecReporter(options);
  const only = values.get('--only') ?? values.get('-n');
  const places = await findPlaces(Number(values.get('-j') ?? 2), process.env);
  const remove = (): void => {
    for (const { root } of places) rmSync(root, { recursive: true, force: true });
  };
  process.once('exit', remove);
  const good = await runFiles(files, {
    executable,
    places,
    only: only === undefined ? undefined : new Set(only.split(',').map(Number)),
    repeat: Number(values.get('-r') ?? 1),
    env: process.env,
    reporter,
  });
  process.off('exit', remove);
  reporter.end();
  return good;
}

/** What of the environment a repetition needs. */
function settingsOf(env: NodeJS.ProcessEnv): string {
  return Object.entries(env)
    .filter(([name]) => name.startsWith('TEST_NGINX_') && name !== 'TEST_NGINX_BINARY')
    .map(([name, value]) => `${name}=${quoted(value ?? '')} `)
    .join('');
}

function quoted(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Gives what is wrong as a text. */
function readArguments(args: readonly string[]): CommandLine | string {
  const values = new Map<string, string>();
  const paths: string[] = [];
  let watching = false;
  for (let i = 0; i < args.length; i++) {
    const [name, inline] = /^(--\w+)=(.*)$/.exec(args[i]!)?.slice(1) ?? [args[i]!, undefined];
    if (WITH_VALUE.test(name!)) {
      const value = inline ?? args[++i];
      if (value === undefined) return `${name} needs a value`;
      values.set(name!, value);
    } else if (name === '--watch') watching = true;
    else if (name!.startsWith('-')) return `unknown option ${name}`;
    else paths.push(args[i]!);
  }
  for (const name of ['-j', '-r']) {
    if (values.has(name) && !/^[1-9]\d*$/.test(values.get(name)!)) return `${name} needs a number`;
  }
  for (const name of ['-n', '--only']) {
    if (values.has(name) && !/^[1-9]\d*(?:,[1-9]\d*)*$/.test(values.get(name)!)) return `${name} needs a number`;
  }
  if (values.has('--format') && !/^(?:tap|spec)$/.test(values.get('--format')!)) return '--format is tap or spec';
  return paths.length === 0 ? 'no tests' : { values, watch: watching, paths };
}

function usage(message: string): number {
  process.stderr.write(`tsresty test: ${message}\n\n${USAGE}`);
  return 2;
}
