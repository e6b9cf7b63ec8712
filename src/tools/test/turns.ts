/**
 * Files whose own Perl makes the checks, such as those that run commands: their program is one loop over the blocks,
 * and each turn waits for its commands. Perl here is synchronous, so several turns at a time are several threads. Each
 * runs the whole program, and of the turns those that no other thread has taken.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Block } from './block.ts';
import { ProbedExecutable } from './executable.ts';
import { PerlError } from './perl/ast.ts';
import { carriesOver } from './perl/carried.ts';
import type { CommandResult } from './perl/files.ts';
import { type Cell, PerlDie } from './perl/values.ts';
import { needsFirstThread } from './places.ts';
import { type Result, Results } from './results.ts';
import type { Executable, Place, Plan } from './settings.ts';
import { knownCommands, type LoopTurns, loadTestFile } from './test-file.ts';

/** With fewer blocks than these, threads would start when all is nearly done. */
const FEWEST = 4;

/** The thread's program: a bundle of its own beside the runner's. */
const PROGRAM = join(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? 'turns-thread.ts' : 'turns-thread.cjs',
);

/** What a thread is given. */
export interface ThreadSetup {
  readonly file: string;
  readonly place: Place;
  readonly command: readonly string[];
  readonly loadModules: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Results of commands that have run. */
  readonly commands: ReadonlyMap<string, CommandResult>;
  /** Shared by the threads: FIRST_DONE, ENDED, and from TURNS on whether a turn has been taken. */
  readonly shared: Int32Array;
  readonly threads: number;
  /** The first runs what is before and behind the loop for all of them, and the turns that must not run beside each other. */
  readonly first: boolean;
}

const FIRST_DONE = 0;
const ENDED = 1;
const TURNS = 2;

/** Results of one turn, or of the rest of the program. */
interface Part {
  readonly list: readonly Result[];
  readonly warnings: readonly string[];
}

const NOTHING: Part = { list: [], warnings: [] };

/** What a thread tells at its end. */
export interface ThreadReport {
  /** In the order in which it took them. The last may have failed. */
  readonly turns: readonly (Part & { readonly index: number })[];
  /** What the program did before and behind the loop, which counts for the first thread. */
  readonly before: Part;
  readonly behind: Part;
  /** Why the program died, and how many turns come before that in the order of the loop. */
  readonly failure: { readonly text: string; readonly after: number } | undefined;
}

/** The loop's turns can run in threads: ends the program, which has changed nothing yet, at its loop. */
export class CanShare extends Error {
  readonly turns: number;
  readonly plan: Plan;
  constructor(turns: number, plan: Plan) {
    super('the blocks can run in several threads');
    this.turns = turns;
    this.plan = plan;
  }
}

/** For the runner itself: finds the loop. Throws CanShare when its turns know nothing of each other. */
export const findLoop: LoopTurns = (cells, loop, { perl, blocks, settings }) => {
  const all = cells.length >= FEWEST && cells.length === blocks.length && cells.every(({ v }) => v instanceof Block);
  if (all && perl.changes === 0 && !carriesOver(loop, perl.subs.values()))
    throw new CanShare(cells.length, settings.plan);
  return cells;
};

/** Ends the program of a thread that has nothing to do behind the loop. */
class LoopEnded extends Error {}

/** The program of a thread, and what has become of it so far. */
class Thread {
  readonly #setup: ThreadSetup;
  readonly #results = new Results();
  readonly #turns: (Part & { index: number })[] = [];
  #before: Part | undefined;
  #failedAfter: number | undefined;

  constructor(setup: ThreadSetup) {
    this.#setup = setup;
  }

  run(): ThreadReport {
    const { file, place, command, loadModules, env, shared, first, commands } = this.#setup;
    for (const [text, result] of commands) knownCommands.set(text, result);
    let failure: ThreadReport['failure'];
    try {
      const executable = new ProbedExecutable(command, loadModules);
      loadTestFile(file, place, executable, env, (cells) => this.#loop(cells), this.#results);
    } catch (error) {
      const after = this.#failedAfter ?? (this.#before === undefined ? 0 : Number.POSITIVE_INFINITY);
      if (!(error instanceof LoopEnded)) failure = { text: failureText(error), after };
    } finally {
      end(shared, first);
    }
    const rest = this.#cut(0, 0);
    return { turns: this.#turns, before: this.#before ?? rest, behind: this.#before ? rest : NOTHING, failure };
  }

  /** Takes out the results from some on. */
  #cut(list: number, warnings: number): Part {
    return { list: this.#results.list.splice(list), warnings: this.#results.warnings.splice(warnings) };
  }

  #loop(cells: readonly Cell[]): Iterable<Cell> {
    if (this.#before !== undefined) return cells;
    this.#before = this.#cut(0, 0);
    return this.#take(cells);
  }

  /** Takes turns that nobody has taken. The first thread waits in the end until all turns are done. */
  *#take(cells: readonly Cell[]): Generator<Cell> {
    const { shared, first, threads } = this.#setup;
    const together = [...cells.keys()].filter((i) => !needsFirstThread(cells[i]!.v as Block));
    const alone = [...cells.keys()].filter((i) => !together.includes(i));
    // What the first turn prepares for all, such as a folder, is there when the others begin.
    if (!first) Atomics.wait(shared, FIRST_DONE, 0);
    for (const index of first ? [...alone, ...together] : together) {
      if (Atomics.compareExchange(shared, TURNS + index, 0, 1) !== 0) continue;
      let whole = false;
      try {
        yield cells[index]!;
        whole = true;
      } finally {
        this.#turns.push({ index, ...this.#cut(0, 0) });
        if (!whole) this.#failed(index, cells.length);
      }
      if (first) release(shared, FIRST_DONE);
    }
    if (!first) throw new LoopEnded();
    for (let ended = 0; (ended = Atomics.load(shared, ENDED)) < threads - 1; ) Atomics.wait(shared, ENDED, ended);
  }

  /** The program dies in a turn: those behind it are for nobody. */
  #failed(index: number, turns: number): void {
    this.#failedAfter = index + 1;
    for (let i = index + 1; i < turns; i++) Atomics.store(this.#setup.shared, TURNS + i, 1);
  }
}

/** What a thread's program does, in the thread. */
export function runThread(setup: ThreadSetup): ThreadReport {
  return new Thread(setup).run();
}

function release(shared: Int32Array, index: number): void {
  Atomics.store(shared, index, 1);
  Atomics.notify(shared, index);
}

/** A thread takes no more turns, whatever became of it. */
function end(shared: Int32Array, first: boolean): void {
  if (first) {
    release(shared, FIRST_DONE);
    return;
  }
  Atomics.add(shared, ENDED, 1);
  Atomics.notify(shared, ENDED);
}

/** Mistakes in the file as they are told; anything else is a mistake of this program, whose place is of interest. */
export function failureText(error: unknown): string {
  const known =
    error instanceof PerlError || error instanceof PerlDie || (error as Error).constructor.name === 'SpecError';
  return known ? (error as Error).message : String((error as Error).stack);
}

/**
 * Runs a file whose program has thrown CanShare, a thread at each place.
 *
 * @param own takes the results in the order of the blocks
 * @throws PerlDie when the program does not come to its end
 */
export async function runInThreads(
  file: string,
  places: readonly Place[],
  { command, loadModules }: Executable,
  env: Readonly<Record<string, string | undefined>>,
  turns: number,
  own: Results,
): Promise<void> {
  const shared = new Int32Array(new SharedArrayBuffer(4 * (TURNS + turns)));
  const reports = await Promise.all(
    places.map((place, i) => {
      const workerData: ThreadSetup = {
        file,
        place,
        command,
        loadModules,
        env: { ...env },
        commands: knownCommands,
        shared,
        threads: places.length,
        first: i === 0,
      };
      return reportOf(new Worker(PROGRAM, { workerData, stdout: false, stderr: false }), () => end(shared, i === 0));
    }),
  );
  const failures = reports.flatMap((report) => report.failure ?? []).sort((a, b) => a.after - b.after);
  const after = failures[0]?.after ?? Number.POSITIVE_INFINITY;
  const all = reports.flatMap((report) => report.turns).sort((a, b) => a.index - b.index);
  const parts = [reports[0]!.before, ...all.filter(({ index }) => index < after)];
  if (after === Number.POSITIVE_INFINITY) parts.push(reports[0]!.behind);
  for (const { list, warnings } of parts) {
    own.list.push(...list);
    own.warnings.push(...warnings);
  }
  if (failures.length > 0) throw new PerlDie(failures[0]!.text);
}

/** A thread that dies without a report is a failure of the file. */
function reportOf(thread: Worker, died: () => void): Promise<ThreadReport> {
  return new Promise((resolve) => {
    let told = false;
    const lost = (text: string): void => {
      if (told) return;
      told = true;
      died();
      resolve({ turns: [], before: NOTHING, behind: NOTHING, failure: { text, after: Number.POSITIVE_INFINITY } });
    };
    thread.once('message', (report: ThreadReport) => {
      told = true;
      resolve(report);
    });
    thread.once('error', (error) => lost(String((error as Error).stack ?? error)));
    thread.once('exit', (code) => lost(`a thread has ended with ${code}`));
  });
}
