/**
 * Decides what a start of the executable is for, and loads no more than that needs. A launcher, which is what most
 * starts are, only looks for `daemon off` and starts the daemon.
 */
import { cwd } from 'node:process';
import { configurationPaths } from '../conf/paths.ts';
import { logStderr, writeStderr } from '../log/error-log.ts';
import { startDaemon, takeRole } from '../process/daemon.ts';
import type { StartState } from '../process/start.ts';
import { daemonDirective } from './daemon-directive.ts';
import { DEFAULT_CONF, DEFAULT_ERROR_LOG } from './defaults.ts';
import { type Options, parseOptions } from './options.ts';
import type { Program } from './program.ts';

/** An executable: where it is and what is built into it. */
export interface Executable {
  /** Path of the script to start again for daemons and workers. */
  readonly entry: string;
  /** Loads the server. */
  readonly program: () => Promise<Program>;
}

/** Runs the executable. Ends the process unless a server runs in it. */
export async function main(executable: Executable, args: readonly string[]): Promise<void> {
  const role = takeRole();
  if (role === 'worker') {
    const { runWorker, MODULES } = await executable.program();
    runWorker(MODULES);
    return;
  }
  const options = parseOptions(args);
  if (typeof options === 'string') {
    logStderr(options);
    process.exit(1);
  }
  const kind = role === 'daemon' || role === 'upgrade' ? role : 'foreground';
  const code = await run(executable, options, { kind, args });
  if (code !== 'running') process.exit(code);
}

async function run(executable: Executable, options: Options, state: StartState): Promise<'running' | number> {
  const { entry } = executable;
  if (options.showVersion) {
    const { versionText, MODULES } = await executable.program();
    writeStderr(versionText(options, MODULES));
    if (!options.test) return 0;
  }
  const { prefix, confFile, confPrefix } = configurationPaths({
    prefix: absolute(options.prefix ?? ''),
    confFile: options.confFile === undefined ? DEFAULT_CONF : confFileArgument(options),
  });
  const globals = options.globals ?? '';
  const plain = !options.test && options.signal === undefined;
  if (plain && state.kind === 'foreground' && daemonDirective(globals, confFile, confPrefix)) {
    return startDaemon(entry, state.args);
  }

  const { MODULES, sendSignal, startServer, testConfiguration } = await executable.program();
  const loader = {
    program: { entry, modules: MODULES },
    options: { prefix, confFile, globals, errorLog: options.errorLog ?? DEFAULT_ERROR_LOG },
    state,
  };
  if (options.test) return testConfiguration(loader, options.quiet, options.dump);
  if (options.signal !== undefined) return sendSignal(loader, options.signal);
  return startServer(loader);
}

/** -c is relative to the prefix when there is one, as it is for nginx; else to the current folder. */
function confFileArgument(options: Options): string {
  const file = options.confFile!;
  return options.prefix === undefined ? absolute(file) : file;
}

/** Paths are made absolute at once: a daemon and its reloads may run elsewhere. */
function absolute(path: string): string {
  if (path.startsWith('/')) return path;
  const folder = Buffer.from(cwd()).toString('latin1');
  return path === '' ? folder : `${folder === '/' ? '' : folder}/${path}`;
}
