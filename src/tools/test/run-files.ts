/** Runs the blocks of test files, a few servers at a time, and reports each file as it ends. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Block, parseSpec, SpecError } from './block.ts';
import { type Executable, type Outcome, runBlock } from './run-block.ts';

/** Lines that every server writes. */
const STARTING = / \[debug\] | \[notice\] \d+#\d+: (?:using the |\w+\/|built |OS: |getrlimit|start worker)/;

/** Lines of error.log and of the server's output that are shown for a block that fails. */
const TAIL = 20;

export interface RunOptions {
  readonly executable: Executable;
  /** Servers at a time. */
  readonly jobs: number;
  /** Only the block of this number in each file. */
  readonly only: number | undefined;
  /** How often each block runs. */
  readonly repeat: number;
  /** The command that repeats a run, without files and -n. */
  readonly again: string;
  /** Takes the report, line by line. */
  readonly print: (line: string) => void;
}

/** Numbers of blocks. */
export interface Totals {
  passed: number;
  failed: number;
}

/**
 * The `.t` files among paths: files as given, folders with all below them, in alphabetical order.
 * @throws Error for a path that is not there
 */
export function testFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => name.endsWith('.t'))
      .sort()
      .map((name) => join(path, name));
  });
}

/** Runs files. A file that cannot be read as tests counts as one failure. */
export async function runFiles(files: readonly string[], options: RunOptions): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0 };
  const slots = new Slots(options.jobs);
  const running = files.map((file) => () => runFile(file, options, slots));
  // Two files are open at a time, so that one's last block does not leave the other slots idle.
  const next = running[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (const run of next) {
      const { passed, failed } = await run();
      totals.passed += passed;
      totals.failed += failed;
    }
  };
  await Promise.all([lane(), lane()]);
  return totals;
}

async function runFile(file: string, options: RunOptions, slots: Slots): Promise<Totals> {
  const began = Date.now();
  let blocks: Block[];
  try {
    blocks = parseSpec(file, readFileSync(file, 'latin1'));
  } catch (error) {
    if (!(error instanceof SpecError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    options.print(`not ok ${file}\n    ${(error as Error).message}`);
    return { passed: 0, failed: 1 };
  }
  if (options.only !== undefined) blocks = blocks.filter(({ number }) => number === options.only);
  const outcomes = await Promise.all(
    blocks.map(async (block) => {
      for (let i = 1; ; i++) {
        const outcome = await slots.use(() => runBlock(block, options.executable));
        if (outcome.faults.length > 0 || i >= options.repeat) return outcome;
      }
    }),
  );
  const failed = outcomes.filter(({ faults }) => faults.length > 0).length;
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  options.print(`${failed === 0 ? 'ok' : 'not ok'} ${file} (${blocks.length} blocks, ${seconds} s)`);
  for (const [i, block] of blocks.entries()) {
    const outcome = outcomes[i] as Outcome;
    if (outcome.faults.length > 0) options.print(explain(block, outcome, options.again));
  }
  return { passed: blocks.length - failed, failed };
}

/** What a reader needs to find out why a block fails. */
function explain(block: Block, { faults, errorLog, output }: Outcome, again: string): string {
  const lines = [`${block.file}:${block.line}: ${block.name}`];
  for (const fault of faults) lines.push(...indented(fault));
  const log = tail(errorLog);
  if (log.length > 0) lines.push('  end of error.log:', ...log);
  const more = tail(output).filter((line) => !log.some((other) => other.endsWith(line.replace(/^.*?nginx: /, ''))));
  if (more.length > 0) lines.push('  output:', ...more);
  lines.push('  to repeat:', `    ${again} -n ${block.number} ${block.file}`);
  return lines.map((line) => `    ${line}`).join('\n');
}

/** The last lines of a log, without what the server says when it is stopped by the test. */
function tail(log: string): string[] {
  const lines = log.split('\n');
  const stop = lines.findIndex((line) => line.includes('signal 15 (SIGTERM) received'));
  return (stop === -1 ? lines : lines.slice(0, stop))
    .filter((line) => line.trim() !== '' && !STARTING.test(line))
    .slice(-TAIL)
    .map((line) => `    ${line}`);
}

function indented(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
}

/** Lets only so many tasks run at a time. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async use<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
