/**
 * ngx.pipe: programs that a request runs, with their standard streams. A program lives no longer than the request or
 * timer that spawned it. ngx_lua: ngx_http_lua_pipe.c.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { errnoSuffix, strerror } from '../../log/errno.ts';
import { LOG_ERR, LOG_NOTICE } from '../../log/log.ts';
import { type ApiContext, type Resource, requireContext } from '../context.ts';
import { pointerText } from '../pointer-text.ts';
import type { Suspension } from '../suspension.ts';
import { PipeReader, ReadFailure, type ReadKind, type ReadResult } from './reader.ts';
import { PipeWait } from './wait.ts';
import { PipeWriter, WriteFailure, type WriteResult } from './writer.ts';

/** Options of ngx.pipe.spawn. */
export interface SpawnOptions {
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** Its standard error goes where its output goes. */
  readonly mergeStderr: boolean;
  /** `NAME=VALUE`; undefined: the server's own. */
  readonly environ: readonly string[] | undefined;
}

/** How the program ended. */
export interface ExitStatus {
  readonly reason: 'exit' | 'signal';
  /** Exit code, or the signal's number. */
  readonly status: number;
}

/** The end of the program, or why it cannot be waited for. */
export type WaitResult = ExitStatus | string;

/** Status of a child that could not run its program. */
const EXIT_FAILURE = 1;

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

function start({ args, mergeStderr, environ }: SpawnOptions): ChildProcess {
  let [file, ...rest] = args.map(utf8) as [string, ...string[]];
  if (mergeStderr) {
    // Node cannot give a child one pipe as two of its descriptors; a shell can.
    rest = ['-c', 'exec "$0" "$@" 2>&1', file, ...rest];
    file = '/bin/sh';
  }
  const env =
    environ === undefined
      ? process.env
      : Object.fromEntries(
          environ.map(utf8).map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
        );
  return spawn(file, rest, { stdio: ['pipe', 'pipe', mergeStderr ? 'ignore' : 'pipe'], env });
}

export class PipeProcess extends PipeWait<WaitResult> implements Resource {
  // Milliseconds, 0: none.
  writeTimeout = 10000;
  stdoutTimeout = 10000;
  stderrTimeout = 10000;
  waitTimeout = 10000;

  /** 0 when the program could not be run. */
  readonly pid: number;
  private readonly ctx: ApiContext;
  private readonly stdin: PipeWriter;
  private readonly stdout: PipeReader;
  /** Undefined when merged. */
  private readonly stderr: PipeReader | undefined;
  private ended: ExitStatus | undefined = undefined;
  /** Its end was told, or its request has ended. */
  private closed = false;

  constructor(options: SpawnOptions) {
    super();
    const ctx = requireContext();
    this.ctx = ctx;
    const child = start(options);
    this.pid = child.pid ?? 0;
    this.stdin = new PipeWriter(child.stdin as Writable);
    this.stdout = new PipeReader(child.stdout as Readable);
    this.stderr = options.mergeStderr ? undefined : new PipeReader(child.stderr as Readable);
    child.on('error', (error) => {
      if (child.pid !== undefined) return;
      const file = options.args[0];
      // By the child, which has no request.
      ctx.block?.cycle.log.write(
        LOG_ERR,
        `lua pipe child execvp() failed while executing ${file}${errnoSuffix(error)}`,
      );
      this.onExit({ reason: 'exit', status: EXIT_FAILURE });
    });
    child.on('exit', (code, signal) => {
      ctx.log(LOG_NOTICE, `signal ${constants.signals.SIGCHLD} (SIGCHLD) received from ${this.pid}`);
      this.ended =
        signal === null
          ? { reason: 'exit', status: code ?? 0 }
          : { reason: 'signal', status: constants.signals[signal] };
      // What it wrote last may not have been read yet.
      setImmediate(() => this.onExit(this.ended as ExitStatus));
    });
    child.unref();
    ctx.own(this);
    this.debug('spawn', ` merge_stderr:${options.mergeStderr ? 1 : 0}`);
  }

  /** One of ngx_lua's debug lines. */
  private debug(what: string, more = ''): void {
    if (this.ctx.debugging) this.ctx.debug(`lua pipe ${what} process:${pointerText(this.pid)} pid:${this.pid}${more}`);
  }

  /** The same for an operation that has to wait. */
  private debugWait(what: string, timer: string, timeout: number): void {
    if (timeout > 0) this.debug(`add timer for ${timer}: ${timeout}(ms)`);
    this.debug(`${what} yielding`);
  }

  read(stderr: boolean, kind: ReadKind, length: number): ReadResult | Suspension<ReadResult> {
    requireContext().checkWait();
    this.debug('read');
    if (this.closed) return new ReadFailure('closed');
    const reader = stderr ? this.stderr : this.stdout;
    if (reader === undefined) return new ReadFailure('merged to stdout');
    const timeout = stderr ? this.stderrTimeout : this.stdoutTimeout;
    const result = reader.read(kind, length, timeout);
    if (typeof result === 'object' && 'start' in result) this.debugWait('read', 'reading', timeout);
    return result;
  }

  write(data: string): WriteResult | Suspension<WriteResult> {
    requireContext().checkWait();
    this.debug('write');
    if (this.closed) return new WriteFailure('closed');
    const result = this.stdin.write(data, this.writeTimeout);
    if (typeof result === 'object' && 'start' in result) this.debugWait('write', 'writing', this.writeTimeout);
    return result;
  }

  /** Closes one of the streams. Returns an error text, or undefined. */
  shutdown(stream: 'stdin' | 'stdout' | 'stderr'): string | undefined {
    if (this.closed) return 'closed';
    const end = this[stream];
    if (end === undefined) return 'merged to stdout';
    end.close(this.ended === undefined ? 'aborted' : 'closed');
    return undefined;
  }

  /** Waits for the program's end. */
  wait(): WaitResult | Suspension<WaitResult> {
    requireContext().checkWait();
    this.debug('wait');
    if (this.closed) return 'exited';
    if (this.busy) return 'pipe busy waiting';
    if (this.ended !== undefined) {
      this.close();
      return this.ended;
    }
    this.debugWait('wait', 'waiting', this.waitTimeout);
    return this.suspend(this.waitTimeout);
  }

  onTimer(): void {
    this.finish('timeout');
  }

  private onExit(status: ExitStatus): void {
    this.ended = status;
    if (!this.busy) return;
    this.close();
    this.finish(status);
  }

  /** Sends a signal. Returns an error text, or undefined. */
  kill(signal: number): string | undefined {
    if (this.ended !== undefined || this.closed || this.pid === 0) return 'exited';
    try {
      process.kill(this.pid, signal);
      return undefined;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'EINVAL' || code === 'ERR_UNKNOWN_SIGNAL') return 'invalid signal';
      return code === 'ESRCH' ? 'exited' : strerror(code);
    }
  }

  private close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ctx.disown(this);
    for (const end of [this.stdin, this.stdout, this.stderr]) end?.close('closed');
  }

  /** The request has ended: so does the program. */
  finalize(): void {
    this.debug('destroy');
    if (this.ended === undefined && this.pid !== 0) {
      this.debug('kill');
      try {
        process.kill(this.pid, 'SIGKILL');
      } catch (error) {
        // It has just ended by itself.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    this.leave();
    this.close();
    this.release();
  }
}
