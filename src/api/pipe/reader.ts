/** What a spawned program writes: read by kinds, at the pace of whoever reads. ngx_lua: ngx_http_lua_pipe_read(). */
import type { Readable } from 'node:stream';
import type { Suspension } from '../suspension.ts';
import { PipeWait } from './wait.ts';

/** All up to the end, `length` bytes, a line, or whatever there is (at most `length` bytes). */
export type ReadKind = 'all' | 'bytes' | 'line' | 'any';

/** The data; or why there is none, with what was read so far. */
export type ReadResult = string | ReadFailure;

export class ReadFailure {
  readonly error: string;
  /** Undefined when nothing can be read at all. */
  readonly partial: string | undefined;
  constructor(error: string, partial?: string) {
    this.error = error;
    this.partial = partial;
  }
}

export class PipeReader extends PipeWait<ReadResult> {
  private stream: Readable | undefined;
  private buffer = '';
  private eof = false;
  /** What is read now, or was last. */
  private kind: ReadKind = 'all';
  private length = 0;

  constructor(stream: Readable) {
    super();
    this.stream = stream;
    stream.on('readable', () => this.progress());
    stream.on('end', () => this.end());
    stream.on('error', () => this.end());
    stream.on('close', () => this.end());
  }

  /** @param timeout milliseconds, 0: none */
  read(kind: ReadKind, length: number, timeout: number): ReadResult | Suspension<ReadResult> {
    if (this.stream === undefined) return new ReadFailure('closed');
    if (this.busy) return new ReadFailure('pipe busy reading');
    this.kind = kind;
    this.length = length;
    return this.take() ?? this.suspend(timeout);
  }

  private end(): void {
    this.pull();
    this.eof = true;
    this.progress();
  }

  /** Takes what the stream has read into the buffer; when nobody does, the program that writes has to wait. */
  private pull(): void {
    const { stream } = this;
    if (stream === undefined) return;
    for (let chunk: Buffer | null = stream.read(); chunk !== null; chunk = stream.read()) {
      this.buffer += chunk.toString('latin1');
    }
  }

  /** Something happened that the reader may have waited for. */
  private progress(): void {
    if (this.done === undefined) return;
    const result = this.take();
    if (result !== undefined) this.finish(result);
  }

  /** The result, if it is there. */
  private take(): ReadResult | undefined {
    this.pull();
    const { buffer, length } = this;
    switch (this.kind) {
      case 'bytes':
        if (buffer.length >= length) return this.cut(length, length);
        break;
      case 'any':
        if (buffer !== '') return this.cut(Math.min(length, buffer.length), Math.min(length, buffer.length));
        break;
      case 'line': {
        const at = buffer.indexOf('\n');
        if (at >= 0) return this.cut(at, at + 1).replaceAll('\r', '');
        break;
      }
      default:
        if (this.eof) return this.cut(buffer.length, buffer.length);
    }
    return this.eof ? this.failure('closed') : undefined;
  }

  private cut(end: number, next: number): string {
    const data = this.buffer.slice(0, end);
    this.buffer = this.buffer.slice(next);
    return data;
  }

  private failure(error: string): ReadFailure {
    const rest = this.cut(this.buffer.length, this.buffer.length);
    return new ReadFailure(error, this.kind === 'line' ? rest.replaceAll('\r', '') : rest);
  }

  onTimer(): void {
    this.finish(this.failure('timeout'));
  }

  /** Closes this end. Who waits gets `reason`. */
  close(reason: 'closed' | 'aborted'): void {
    const { stream } = this;
    if (stream === undefined) return;
    this.stream = undefined;
    stream.destroy();
    if (this.busy) this.finish(this.failure(reason));
    this.release();
  }
}
