/** `tsresty test`: runs tests in Test::Nginx's format. */
import { type RunOptions, runFiles, testFiles } from './run-files.ts';

const USAGE = `Usage: tsresty test [-j N] [-n N] [-r N] [--server FILE] PATH...

Runs tests in Test::Nginx's format: .t files, and those in folders.

  -j N           : N servers at a time (default: 2)
  -n N           : only the Nth block of each file
  -r N           : each block N times
  --server FILE  : test this executable (default: tsresty itself)

Environment:
  TEST_NGINX_LOAD_MODULES : files for load_module, separated by spaces
  TEST_NGINX_NAME         : put into tests wherever they say $TEST_NGINX_NAME
`;

/**
 * @param args without "test"
 * @param self the command that starts this executable
 * @returns the exit code: 0 when all blocks passed, 1 when not, 2 for a wrong command line
 */
export async function testCommand(args: readonly string[], self: readonly string[]): Promise<number> {
  const paths: string[] = [];
  const values: Record<string, string | undefined> = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (/^(?:-[jnr]|--server)$/.test(arg)) values[arg] = args[++i];
    else if (arg.startsWith('-')) return usage(`unknown option ${arg}`);
    else paths.push(arg);
  }
  for (const name of ['-j', '-n', '-r']) {
    if (name in values && !/^[1-9]\d*$/.test(values[name] ?? '')) return usage(`${name} needs a number`);
  }
  if ('--server' in values && values['--server'] === undefined) return usage('--server needs a file');
  if (paths.length === 0) return usage('no tests');
  const server = values['--server'];
  const options: RunOptions = {
    executable: {
      command: server === undefined ? self : [server],
      loadModules: (process.env['TEST_NGINX_LOAD_MODULES'] ?? '').split(/\s+/).filter((file) => file !== ''),
    },
    jobs: Number(values['-j'] ?? 2),
    only: values['-n'] === undefined ? undefined : Number(values['-n']),
    repeat: Number(values['-r'] ?? 1),
    again: `npx tsresty test${server === undefined ? '' : ` --server ${server}`}`,
    print: (line) => process.stdout.write(`${Buffer.from(line, 'latin1').toString('utf8')}\n`),
  };
  let files: string[];
  try {
    files = testFiles(paths);
  } catch (error) {
    return usage((error as Error).message);
  }
  const { passed, failed } = await runFiles(files, options);
  if (passed + failed === 0) return usage('no tests');
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

function usage(message: string): number {
  process.stderr.write(`tsresty test: ${message}\n\n${USAGE}`);
  return 2;
}
