/**
 * Becoming a daemon. Node cannot fork, so the launcher starts this program again in a session of its own and waits
 * until that says over a pipe that it has opened everything: errors are on the launcher's standard error and in its
 * exit code, as they are with nginx, which forks when all is open.
 */
import { closeSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { logStderr } from '../log/error-log.ts';
import { missingOptions } from '../lua/tune.ts';

/** Tells a started process what it is: `daemon` or `worker`. */
export const ROLE_VARIABLE = 'TSRESTY_ROLE';
/** Where a daemon finds what its launcher took out of the environment: see `startDaemon`. */
const EXTRA_CA_VARIABLE = 'TSRESTY_EXTRA_CA_CERTS';
/** Descriptor of the pipe to the launcher. */
const READY_FD = 3;

/** This process's role, taken out of the environment. */
export function takeRole(): string | undefined {
  const role = process.env[ROLE_VARIABLE];
  delete process.env[ROLE_VARIABLE];
  const extra = process.env[EXTRA_CA_VARIABLE];
  if (extra !== undefined) {
    delete process.env[EXTRA_CA_VARIABLE];
    process.env['NODE_EXTRA_CA_CERTS'] = extra;
  }
  return role;
}

/** The command line to start this program again with, Node's own options and those that servers need included. */
export function ownCommand(entry: string): string[] {
  return [...missingOptions(), ...process.execArgv, entry];
}

/**
 * Starts the daemon and waits for it.
 *
 * @param entry path of the executable script
 * @param args the command line's arguments
 * @returns the launcher's exit code
 */
export function startDaemon(entry: string, args: readonly string[]): Promise<number> {
  const env: NodeJS.ProcessEnv = { ...process.env, [ROLE_VARIABLE]: 'daemon' };
  // Node reads and parses these certificates at each start, which takes longer than all the rest; only the client
  // side of node:tls uses them, and workers do not inherit the variable unless the configuration says so.
  if (env['NODE_EXTRA_CA_CERTS'] !== undefined) {
    env[EXTRA_CA_VARIABLE] = env['NODE_EXTRA_CA_CERTS'];
    delete env['NODE_EXTRA_CA_CERTS'];
  }
  // Loaded by launchers only.
  const { spawn } = process.getBuiltinModule('node:child_process');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...ownCommand(entry), ...args], {
      detached: true,
      env,
      argv0: 'nginx: master process',
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    child.once('error', (e) => {
      logStderr(`[emerg] starting the daemon failed: ${e.message}`);
      resolve(1);
    });
    child.once('exit', (code, signal) => {
      if (signal !== null) logStderr(`[emerg] the daemon was killed by signal ${constants.signals[signal]}`);
      resolve(code === null || code === 0 ? 1 : code);
    });
    child.stdio[READY_FD]!.once('data', () => resolve(0));
  });
}

/** In the daemon: the launcher may leave. */
export function announceReady(): void {
  try {
    writeSync(READY_FD, '1');
  } catch {
    // The launcher was killed meanwhile; nobody waits.
  }
  closeSync(READY_FD);
}
