/** What the runner prints: TAP for machines, a list with marks ("spec") for people. testanything.org. */

import type { Result, Results } from './results.ts';
import type { BlockOutcome } from './run-chain.ts';
import type { FileOutcome, Reporter } from './run-files.ts';

/** Lines that every server writes. */
const STARTING = / \[debug\] | \[notice\] \d+#\d+: (?:using the |\w+\/|built |OS: |getrlimit|start worker|signal)/;
/** Lines of error.log and of the server's output that are shown for a block that fails. */
const TAIL = 20;

export interface ReportOptions {
  /** Takes output; byte strings. */
  readonly print: (text: string) => void;
  /** Takes notes beside TAP. */
  readonly note: (text: string) => void;
  /** The command that repeats a run, without files and -n. */
  readonly again: string;
  /** Colours, and a line that shows how far the run is. */
  readonly terminal: boolean;
}

/** Numbers of blocks and files. */
export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** The outcome of a block as one word. */
export function verdict({ results }: BlockOutcome): 'passed' | 'failed' | 'skipped' {
  if (results.failed) return 'failed';
  return results.list.length > 0 && results.list.every(({ outcome }) => outcome === 'skip' || outcome === 'todo')
    ? 'skipped'
    : 'passed';
}

/** `ok` and `not ok` for each check, numbered through all files. */
export class TapReporter implements Reporter {
  readonly totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  readonly #options: ReportOptions;
  #count = 0;
  #skipAll = '';

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  block(): void {}

  file(outcome: FileOutcome): void {
    const { note } = this.#options;
    const before = this.#count;
    if (outcome.plan.kind === 'skip_all') this.#skipAll = outcome.plan.reason;
    for (const result of outcome.own.list) this.#line(result);
    for (const warning of outcome.own.warnings) note(commented(warning));
    if (outcome.failure !== undefined) {
      this.#line({
        outcome: 'fail',
        name: `${outcome.file} - ${outcome.failure.split('\n')[0]}`,
        detail: outcome.failure,
      });
      this.totals.failed++;
      return;
    }
    for (const block of outcome.blocks) {
      for (const result of block.results.list) this.#line(result);
      for (const warning of block.results.warnings) note(`${warning}\n`);
      this.totals[verdict(block)]++;
      if (verdict(block) === 'failed') note(commented(explain(block, this.#options.again).join('\n')));
    }
    const ran = this.#count - before;
    if (outcome.whole && outcome.plan.kind === 'tests' && outcome.plan.count !== ran) {
      note(`# Looks like you planned ${outcome.plan.count} tests but ran ${ran}.\n`);
    }
  }

  /** The plan, which stands at the end. */
  end(): void {
    const reason = this.#count === 0 && this.#skipAll !== '' ? ` # SKIP ${this.#skipAll}` : '';
    this.#options.print(`1..${this.#count}${reason}\n`);
  }

  #line({ outcome, name, detail }: Result): void {
    const number = ++this.#count;
    const title = name.replace(/#/g, '\\#').split('\n').join('\n# ');
    const { print, note } = this.#options;
    if (outcome === 'skip') print(`ok ${number} # skip ${detail}\n`);
    else if (outcome === 'todo') print(`not ok ${number} # TODO & SKIP ${detail}\n`);
    else print(`${outcome === 'pass' ? 'ok' : 'not ok'} ${number} - ${title}\n`);
    if (outcome === 'fail') note(`#   Failed test '${name}'\n${commented(detail)}`);
  }
}

const commented = (text: string): string => (text === '' ? '' : `${text.trimEnd().replace(/^/gm, '# ')}\n`);

/** Each block with a mark, and all there is to know about those that fail. */
export class SpecReporter implements Reporter {
  readonly totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  readonly #options: ReportOptions;
  #progress = false;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  block({ block }: BlockOutcome, done: number, of: number): void {
    if (!this.#options.terminal) return;
    this.#options.print(`\r\x1b[K${this.#colour(2, `${done}/${of} ${block.file}: ${block.title}`.slice(0, 100))}`);
    this.#progress = true;
  }

  file(outcome: FileOutcome): void {
    const { print } = this.#options;
    if (this.#progress) print('\r\x1b[K');
    this.#progress = false;
    if (outcome.failure !== undefined) {
      this.totals.failed++;
      print(`${this.#colour(31, 'not ok')} ${outcome.file}\n${indented(outcome.failure, '    ')}\n`);
      this.#ownFailures(outcome.own);
      return;
    }
    const { plan, own, blocks } = outcome;
    const reason = plan.kind === 'skip_all' ? ` # skipped: ${plan.reason}` : '';
    const failed = blocks.filter((block) => verdict(block) === 'failed');
    const good = failed.length === 0 && !own.failed;
    const seconds = (outcome.milliseconds / 1000).toFixed(1);
    print(
      `${good ? this.#colour(32, 'ok') : this.#colour(31, 'not ok')} ${outcome.file} (${blocks.length} blocks, ${seconds} s)${reason}\n`,
    );
    for (const [i, block] of blocks.entries()) {
      const word = verdict(block);
      this.totals[word]++;
      const mark =
        word === 'passed' ? this.#colour(32, '+') : word === 'skipped' ? this.#colour(33, 'o') : this.#colour(31, '-');
      const why = word === 'skipped' ? ` # ${block.results.list[0]?.detail ?? ''}` : '';
      print(`  ${mark} ${block.block.title}${this.#colour(2, ` (${outcome.times[i]} ms)`)}${why}\n`);
    }
    this.#ownFailures(own);
    if (blocks.length === 0) this.totals[own.failed ? 'failed' : 'passed']++;
    for (const block of failed) print(`\n${explain(block, this.#options.again).join('\n')}\n\n`);
    if (outcome.whole && good && plan.kind === 'tests') this.#checkPlan(outcome, plan.count);
  }

  #ownFailures(own: Results): void {
    for (const { outcome, name, detail } of own.list) {
      if (outcome === 'fail') this.#options.print(`  ${this.#colour(31, '-')} ${name}\n${indented(detail, '    ')}\n`);
    }
  }

  #checkPlan({ blocks, own }: FileOutcome, planned: number): void {
    const ran = blocks.reduce((sum, { results }) => sum + results.list.length, own.list.length);
    if (ran !== planned)
      this.#options.print(`  ${this.#colour(33, `${planned} checks were planned, ${ran} were made`)}\n`);
  }

  /** The sum of all files. */
  end(): void {
    const { passed, failed, skipped } = this.totals;
    if (skipped > 0) this.#options.print(`${skipped} skipped\n`);
    this.#options.print(`${this.#colour(failed > 0 ? 31 : 32, `${passed} passed, ${failed} failed`)}\n`);
  }

  #colour(code: number, text: string): string {
    return this.#options.terminal ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** What a reader needs to find out why a block fails. */
export function explain({ block, results, errorLog, output }: BlockOutcome, again: string): string[] {
  const lines = [`${block.file}:${block.line}: ${block.title}`];
  for (const { outcome, name, detail } of results.list) {
    if (outcome !== 'fail') continue;
    lines.push(indented(detail === '' ? name : detail, '  '));
  }
  for (const warning of results.warnings.slice(0, TAIL)) lines.push(indented(warning, '  '));
  const log = tail(errorLog);
  if (log.length > 0) lines.push('  end of error.log:', ...log);
  const more = tail(output).filter(
    (line) => !log.some((other) => other.endsWith(line.trim().replace(/^.*?nginx: /, ''))),
  );
  if (more.length > 0) lines.push('  output:', ...more);
  lines.push('  to repeat:', `    ${again} -n ${block.number} ${block.file}`);
  return lines;
}

/** The last lines of a log, without what the server says when it starts and is stopped by the test. */
function tail(log: string): string[] {
  const lines = log.split('\n');
  const stop = lines.findIndex((line) => line.includes('signal 15 (SIGTERM) received'));
  return (stop === -1 ? lines : lines.slice(0, stop))
    .filter((line) => line.trim() !== '' && !STARTING.test(line))
    .slice(-TAIL)
    .map((line) => `    ${line}`);
}

function indented(text: string, by: string): string {
  return text.trimEnd().replace(/^/gm, by);
}
