/** What a spawned program reads. ngx_lua: ngx_http_lua_pipe_write(). */
import type { Writable } from 'node:stream';
import { strerror } from '../../log/errno.ts';
import { Timer, type TimerOwner } from '../../net/timer.ts';
import type { Suspension } from '../suspension.ts';

/** How many bytes were written, or why none could be. */
export type WriteResult = number | WriteFailure;

export class WriteFailure {
  readonly error: string;
  constructor(error: string) {
    this.error = error;
  }
}

export class PipeWriter implements TimerOwner {
  private stream: Writable | undefined;
  private busy = false;
  private done: ((result: WriteResult) => void) | undefined = undefined;
  private timer: Timer | undefined = undefined;

  constructor(stream: Writable) {
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
    this.busy = true;
    let waiting = true;
    stream.write(data, 'latin1', (error) => {
      if (!waiting) return;
      waiting = false;
      this.finish(error ? new WriteFailure(reasonOf(error)) : data.length);
    });
    if (stream.writableLength === 0 && stream.errored == null) {
      // The kernel had room for all of it.
      waiting = false;
      this.busy = false;
      return data.length;
    }
    if (timeout > 0) {
      this.timer ??= new Timer(this);
      this.timer.set(timeout);
    }
    return {
      start: (done) => {
        this.done = done;
        return () => {
          waiting = false;
          this.leave();
        };
      },
    };
  }

  onTimer(): void {
    this.finish(new WriteFailure('timeout'));
  }

  private finish(result: WriteResult): void {
    const { done } = this;
    this.leave();
    done?.(result);
  }

  private leave(): void {
    this.done = undefined;
    this.busy = false;
    this.timer?.clear();
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
    this.timer?.release();
    this.timer = undefined;
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const { code = '' } = error;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ECONNRESET' ? 'closed' : strerror(code);
}
