/** ngx.worker for TypeScript. */
import type { Block } from '../../conf/block.ts';

/** The worker that runs the handler. Manual: ngx.worker.*. */
export class NgxWorker {
  readonly #http: Block | undefined;

  constructor(http: Block | undefined) {
    this.#http = http;
  }

  /** From 0; undefined in processes that are no workers. */
  get id(): number | undefined {
    const id = this.#http?.cycle.worker?.id;
    return id === undefined || id < 0 ? undefined : id;
  }

  get pid(): number {
    return process.pid;
  }

  /** How many there are. */
  get count(): number {
    return this.#http?.cycle.worker?.count ?? 1;
  }

  /** It ends as soon as its requests have. */
  get exiting(): boolean {
    return this.#http?.cycle.exiting === true;
  }
}
