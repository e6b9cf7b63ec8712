// C's buffered streams over file descriptors, synchronously: what io's files are made of.
//
// Node cannot seek a descriptor, so a regular file is read and written at positions that the stream keeps itself;
// pipes, terminals and the standard streams are read and written in sequence.

import * as fs from 'node:fs';
import { codeOf } from './errno.ts';

/** When written bytes go to the file: with the buffer full, at line ends, at once. */
export type Buffering = 'full' | 'line' | 'no';

const CHUNK = 16384;

/** Streams with bytes that have not been written. */
const unflushed = new Set<Stream>();
let atExit = false;

/** Writes out everything that streams still hold, as C does at exit and before a command is run. */
export function flushAll(): void {
  for (const stream of [...unflushed]) {
    try {
      stream.flush();
    } catch (error) {
      codeOf(error); // nobody is left to be told of a failed write
    }
  }
}

function remember(stream: Stream): void {
  unflushed.add(stream);
  if (!atExit) {
    atExit = true;
    process.once('exit', flushAll);
  }
}

/** How a stream uses its descriptor. */
export interface StreamOptions {
  /** Opened for reading, for writing; both if absent. */
  readonly readable?: boolean;
  readonly writable?: boolean;
  /** All writes go to the end. */
  readonly append?: boolean;
  /** The descriptor is shared with others: read and written where it stands. */
  readonly sequential?: boolean;
  readonly buffering?: Buffering;
  /** Written out before the descriptor is read: C does that with a terminal's output. */
  readonly prompts?: Stream | undefined;
}

/** A failure as node:fs throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A buffered file descriptor. Failures are thrown as node:fs throws them. */
export class Stream {
  readonly fd: number;
  buffering: Buffering;
  readonly #append: boolean;
  readonly #readable: boolean;
  readonly #writable: boolean;
  readonly #prompts: Stream | undefined;
  /** Where the next read or write of the descriptor takes place; undefined if it has no positions. */
  #position: number | undefined;
  #input: Buffer | undefined;
  /** Unread bytes are #input[#start..#end). */
  #start = 0;
  #end = 0;
  #output = '';

  constructor(fd: number, options: StreamOptions = {}) {
    this.fd = fd;
    this.#append = options.append ?? false;
    this.#readable = options.readable ?? true;
    this.#writable = options.writable ?? true;
    this.#prompts = options.prompts;
    this.buffering = options.buffering ?? 'full';
    this.#position = options.sequential || !fs.fstatSync(fd).isFile() ? undefined : 0;
  }

  /** Appends bytes. */
  write(bytes: string): void {
    if (!this.#writable) throw systemError('EBADF');
    if (this.#start < this.#end) this.#dropInput();
    if (this.#output === '') remember(this);
    this.#output += bytes;
    if (this.#output.length >= CHUNK || this.buffering === 'no') this.flush();
    else if (this.buffering === 'line' && bytes.includes('\n')) this.flush();
  }

  /** Writes out what has been written so far. */
  flush(): void {
    if (this.#output === '') return;
    const bytes = Buffer.from(this.#output, 'latin1');
    this.#output = '';
    unflushed.delete(this);
    for (let done = 0; done < bytes.length; ) {
      try {
        const position = this.#append ? undefined : this.#position;
        const n = fs.writeSync(this.fd, bytes, done, bytes.length - done, position);
        done += n;
        if (this.#position !== undefined) this.#position += n;
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // a pipe that does not block is full
      }
    }
    if (this.#append && this.#position !== undefined) this.#position = fs.fstatSync(this.fd).size;
  }

  /** Gives back bytes that were read ahead. */
  #dropInput(): void {
    if (this.#position !== undefined) this.#position -= this.#end - this.#start;
    this.#start = this.#end = 0;
  }

  /** Makes sure that there are unread bytes; false at the end of the file. */
  #fill(): boolean {
    if (this.#start < this.#end) return true;
    if (!this.#readable) throw systemError('EBADF');
    this.flush();
    this.#prompts?.flush();
    this.#input ??= Buffer.allocUnsafe(CHUNK);
    this.#start = 0;
    this.#end = this.#readInto(this.#input, 0, CHUNK);
    return this.#end > 0;
  }

  #readInto(buffer: Buffer, offset: number, length: number): number {
    for (;;) {
      try {
        const n = fs.readSync(this.fd, buffer, offset, length, this.#position ?? null);
        if (this.#position !== undefined) this.#position += n;
        return n;
      } catch (error) {
        const code = codeOf(error);
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  }

  /** Whether there is nothing left to read. */
  atEnd(): boolean {
    return !this.#fill();
  }

  /** The next line, with its line end if `keep`; undefined at the end of the file. */
  readLine(keep: boolean): string | undefined {
    if (!this.#fill()) return undefined;
    let line = '';
    do {
      const input = this.#input!;
      const at = input.indexOf(10, this.#start);
      if (at >= 0 && at < this.#end) {
        line += input.toString('latin1', this.#start, keep ? at + 1 : at);
        this.#start = at + 1;
        return line;
      }
      line += input.toString('latin1', this.#start, this.#end);
      this.#start = this.#end;
    } while (this.#fill());
    return line;
  }

  /** All that is left; '' at the end of the file. */
  readAll(): string {
    if (!this.#readable) throw systemError('EBADF');
    this.flush();
    let text = '';
    if (this.#position !== undefined) {
      // A file of known size comes in one piece; one of /proc has size 0.
      const left = fs.fstatSync(this.fd).size - this.#position;
      if (left > CHUNK) {
        const whole = Buffer.allocUnsafe(left);
        text = this.#takeInput();
        text += whole.toString('latin1', 0, this.#readInto(whole, 0, left));
      }
    }
    while (this.#fill()) text += this.#takeInput();
    return text;
  }

  #takeInput(): string {
    const text = this.#input === undefined ? '' : this.#input.toString('latin1', this.#start, this.#end);
    this.#start = this.#end;
    return text;
  }

  /** Up to `length` bytes; undefined at the end of the file. */
  readBytes(length: number): string | undefined {
    let text = '';
    while (text.length < length && this.#fill()) {
      const end = Math.min(this.#end, this.#start + length - text.length);
      text += this.#input!.toString('latin1', this.#start, end);
      this.#start = end;
    }
    return text === '' ? undefined : text;
  }

  /** The next byte without taking it, -1 at the end of the file. */
  peek(): number {
    return this.#fill() ? this.#input![this.#start]! : -1;
  }

  /** Takes the byte that `peek` gave. */
  skip(): void {
    this.#start++;
  }

  /** Moves to a position and returns it; undefined if the descriptor has no positions, -1 for one before the start. */
  seek(whence: 'set' | 'cur' | 'end', offset: number): number | undefined {
    this.flush();
    if (this.#position === undefined) return undefined;
    this.#dropInput();
    const base = whence === 'set' ? 0 : whence === 'cur' ? this.#position : fs.fstatSync(this.fd).size;
    if (base + offset < 0) return -1;
    this.#position = base + offset;
    return this.#position;
  }

  /** Writes out and closes. The descriptor is closed even if writing fails. */
  close(): void {
    try {
      this.flush();
    } finally {
      unflushed.delete(this);
      fs.closeSync(this.fd);
    }
  }
}
