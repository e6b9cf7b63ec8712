/** The results of a block's checks, named as Test::Nginx names them, so that both runners can be compared. */

export type Outcome = 'pass' | 'fail' | 'skip' | 'todo';

/** One check. */
export interface Result {
  readonly outcome: Outcome;
  /** As on a line of TAP. */
  readonly name: string;
  /** Why it failed, on several lines; or the reason of a skip. */
  readonly detail: string;
}

/** Gathers results and warnings. */
export class Results {
  readonly list: Result[] = [];
  readonly warnings: string[] = [];

  ok(good: boolean, name: string, detail = ''): void {
    this.list.push({ outcome: good ? 'pass' : 'fail', name, detail: good ? '' : detail });
  }
  fail(name: string, detail = ''): void {
    this.ok(false, name, detail);
  }
  skip(name: string, count = 1): void {
    for (let i = 0; i < count; i++) this.list.push({ outcome: 'skip', name: '', detail: name });
  }
  todo(name: string, count = 1): void {
    for (let i = 0; i < count; i++) this.list.push({ outcome: 'todo', name: '', detail: name });
  }
  warn(message: string): void {
    this.warnings.push(message.trimEnd());
  }
  get failed(): boolean {
    return this.list.some(({ outcome }) => outcome === 'fail');
  }
}
