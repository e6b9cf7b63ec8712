/** The logs of a server, as the checks read them: from where the last check ended, unless all counts. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export class LogReader {
  readonly #file: string;
  /** Everything counts each time: `check_accum_error_log`. */
  readonly #accumulate: boolean;
  #position = 0;

  constructor(file: string, accumulate: boolean) {
    this.#file = file;
    this.#accumulate = accumulate;
  }

  /** The lines since the last time, with their line ends. */
  lines(): string[] {
    const lines = this.peek();
    if (!this.#accumulate) for (const line of lines) this.#position += line.length;
    return lines;
  }

  /** The same lines, which count again the next time. */
  peek(): string[] {
    return readFrom(this.#file, this.#accumulate ? 0 : this.#position).match(/[^\n]*\n|[^\n]+$/g) ?? [];
  }
}

/** A file's bytes from an offset; '' when it is not there. */
export function readFrom(file: string, from: number): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const size = fstatSync(fd).size - from;
    if (size <= 0) return '';
    const buffer = Buffer.allocUnsafe(size);
    const read = readSync(fd, buffer, 0, size, from);
    return buffer.toString('latin1', 0, read);
  } finally {
    closeSync(fd);
  }
}
