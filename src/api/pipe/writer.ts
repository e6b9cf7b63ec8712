/** What a spawned program reads. ngx_lua: ngx_http_lua_pipe_write(). */
import type { Writable } from 'node:stream';
import { strerror } from '../../log/errno.ts';
import type { Suspension } from '../suspension.ts';
import { PipeWait } from './wait.ts';

/** How many bytes were written, or why none could be. */
export type WriteResult = number | WriteFailure;

export class WriteFailure {
  readonly error: string;
  constructor(error: string) {
    this.error = error;
  }
}

export class PipeWriter extends PipeWait<WriteResult> {
  private stream: Writable | undefined;
  /** How many writes there were. */
  private writes = 0;

  constructor(stream: Writable) {
    super();
    this.stream = stream;
    // Each write hears of its failure.
    stream.on('error', () => undefined);
  }

  /** Writes all of it. @param timeout milliseconds, 0: none */
  write(data: string, timeout: number): WriteResult | Suspension<WriteResult> {
    const { stream } = this;
    if (stream === undefined) return new WriteFailure('closed');
    if (this.busy) return new WriteFailure('pipe busy writing');
    if (stream.destroyed) return new WriteFailure('closed');
    if (data === '') return 0;
    const write = ++this.writes;
    stream.write(data, 'latin1', (error) => {
      // Who waits by now may wait for another write: this one had its time.
      if (!this.busy || this.writes !== write) return;
      this.finish(error ? new WriteFailure(reasonOf(error)) : data.length);
    });
    // The kernel had room for all of it.
    if (stream.writableLength === 0 && stream.errored == null) return data.length;
    return this.suspend(timeout);
  }

  onTimer(): void {
    this.finish(new WriteFailure('timeout'));
  }

  /** Closes this end: the program sees the end of its input. Who waits gets `reason`. */
  close(reason: 'closed' | 'aborted'): void {
    const { stream } = this;
    if (stream === undefined) return;
    this.stream = undefined;
    if (this.busy) {
      stream.destroy();
      this.finish(new WriteFailure(reason));
    } else {
      stream.end();
    }
    this.release();
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const { code = '' } = error;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ECONNRESET' ? 'closed' : strerror(code);
}
