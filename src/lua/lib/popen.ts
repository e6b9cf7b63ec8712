/**
 * popen(3) of the C library, for hosts that serve while a command runs: Node's own ways to start one either wait for its
 * end or hand out its output by events. The command inherits which signals are ignored, SIGPIPE among them in Node: a
 * program of its own keeps to node:child_process, which resets them.
 */

import { constants } from 'node:os';
import { type NativeFunction, type NativeLibrary, native } from '../ffi/native.ts';

/** A command that runs. */
export interface SystemPipe {
  readonly fd: number;
  /** Closes the descriptor and waits for the command. */
  close(): { status: number | null; signal: NodeJS.Signals | null };
}

interface Functions {
  readonly popen: NativeFunction;
  readonly fileno: NativeFunction;
  readonly pclose: NativeFunction;
}

let enabled = false;
let functions: Functions | undefined;

/** From now on io.popen does not wait for commands that it reads from. For the whole process. */
export function useSystemPipes(): void {
  enabled = true;
}

function bind(): Functions | undefined {
  if (functions !== undefined) return functions;
  const library = native()?.process;
  if (library === undefined) return undefined;
  functions = {
    popen: library.func('popen', 'void *', ['void *', 'void *']),
    fileno: library.func('fileno', 'int', ['void *']),
    pclose: library.func('pclose', 'int', ['void *']),
  };
  inheritStandardFiles(library);
  return functions;
}

/** Linux: a command of fcntl(2). */
const F_SETFD = 2;

/**
 * Has commands inherit the standard files. A server may have opened them anew, closed for its children, whose first
 * socket or file would then be their standard error.
 */
function inheritStandardFiles(library: NativeLibrary): void {
  if (process.platform !== 'linux') return;
  const fcntl = library.func('fcntl', 'int', ['int', 'int', 'int']);
  for (const fd of [0, 1, 2]) fcntl(fd, F_SETFD, 0);
}

function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'latin1');
}

/**
 * Starts a command (a byte string) to read from. Undefined where that is not switched on or not possible: the caller has
 * another way.
 */
export function openSystemPipe(command: string): SystemPipe | undefined {
  const c = enabled ? bind() : undefined;
  if (c === undefined) return undefined;
  const file = c.popen(cString(command), cString('re'));
  if (file === null || file === 0n) return undefined;
  return {
    fd: c.fileno(file) as number,
    close() {
      const status = c.pclose(file) as number;
      const signal = status & 0x7f;
      if (signal === 0) return { status: (status >> 8) & 0xff, signal: null };
      const [name] = Object.entries(constants.signals).find(([, number]) => number === signal) ?? [];
      return { status: null, signal: (name ?? 'SIGKILL') as NodeJS.Signals };
    },
  };
}
