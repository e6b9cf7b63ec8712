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

/** What a thread tells at its end. */
export interface ThreadReport {
  readonly turns: readonly (Part & { readonly index: number })[];
  /** Of the first thread: what the program did before and behind the loop. */
  readonly rest: { readonly before: Part; readonly behind: Part; readonly plan: Plan } | undefined;
  readonly failure: string | undefined;
}

/** The loop's turns can run in threads: ends the program, which has changed nothing yet, at its loop. */
export class CanShare extends Error {
  readonly turns: number;
  constructor(turns: number) {
    super('the blocks can run in several threads');
    this.turns = turns;
  }
}

/** For the runner itself: finds the loop. Throws CanShare when its turns know nothing of each other. */
export const findLoop: LoopTurns = (cells, loop, { perl, blocks }) => {
  const all = cells.length >= FEWEST && cells.length === blocks.length && cells.every(({ v }) => v instanceof Block);
  if (all && perl.changes === 0 && !carriesOver(loop, perl.subs.values())) throw new CanShare(cells.length);
  return cells;
};

/** Ends the program of a thread that has nothing to do behind the loop. */
class LoopEnded extends Error {}

/** What a thread's program does, in the thread. */
export function runThread(setup: ThreadSetup): ThreadReport {
  const { file, place, command, loadModules, env, shared, first } = setup;
  const turns: (Part & { index: number })[] = [];
  let behind: { list: number; warnings: number } | undefined;
  const take: LoopTurns = (cells, _loop, { results }) => {
    if (behind !== undefined) return cells;
    behind = { list: results.list.length, warnings: results.warnings.length };
    return takeTurns(setup, cells, results, turns);
  };
  for (const [text, result] of setup.commands) knownCommands.set(text, result);
  try {
    const executable = new ProbedExecutable(command, loadModules);
    const { results, settings } = loadTestFile(file, place, executable, env, take);
    const { list = 0, warnings = 0 } = behind ?? {};
    const part = (from: readonly [number, number], to?: readonly [number, number]): Part => ({
      list: results.list.slice(from[0], to?.[0]),
      warnings: results.warnings.slice(from[1], to?.[1]),
    });
    const at = [list, warnings] as const;
    return { turns, rest: { before: part([0, 0], at), behind: part(at), plan: settings.plan }, failure: undefined };
  } catch (error) {
    return { turns, rest: undefined, failure: error instanceof LoopEnded ? undefined : failureText(error) };
  } finally {
    end(shared, first);
  }
}

/** Takes turns that nobody has taken. The first thread waits in the end until all turns are done. */
function* takeTurns(
  { shared, first, threads }: ThreadSetup,
  cells: readonly Cell[],
  { list, warnings }: Results,
  done: (Part & { index: number })[],
): Generator<Cell> {
  const together = [...cells.keys()].filter((i) => !needsFirstThread(cells[i]!.v as Block));
  const alone = [...cells.keys()].filter((i) => !together.includes(i));
  // What the first turn prepares for all, such as a folder, is there when the others begin.
  if (!first) Atomics.wait(shared, FIRST_DONE, 0);
  for (const index of first ? [...alone, ...together] : together) {
    if (Atomics.compareExchange(shared, TURNS + index, 0, 1) !== 0) continue;
    const at = [list.length, warnings.length] as const;
    yield cells[index]!;
    done.push({ index, list: list.splice(at[0]), warnings: warnings.splice(at[1]) });
    if (first) release(shared, FIRST_DONE);
  }
  if (!first) throw new LoopEnded();
  for (let ended = 0; (ended = Atomics.load(shared, ENDED)) < threads - 1; ) Atomics.wait(shared, ENDED, ended);
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

/** What came of a file in threads. */
export interface SharedOutcome {
  readonly own: Results;
  readonly plan: Plan;
}

/**
 * Runs a file whose program has thrown CanShare, a thread at each place.
 * @returns the results in the order of the blocks
 * @throws Error when the program does not come to its end
 */
export async function runInThreads(
  file: string,
  places: readonly Place[],
  { command, loadModules }: Executable,
  env: Readonly<Record<string, string | undefined>>,
  turns: number,
): Promise<SharedOutcome> {
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
  const failure = reports.find((report) => report.failure !== undefined)?.failure;
  if (failure !== undefined) throw new PerlDie(failure);
  const { before, behind, plan } = reports[0]!.rest!;
  const all = reports.flatMap((report) => report.turns).sort((a, b) => a.index - b.index);
  const parts = [before, ...all, behind];
  const own = new Results();
  for (const { list, warnings } of parts) {
    own.list.push(...list);
    own.warnings.push(...warnings);
  }
  return { own, plan };
}

/** A thread that dies without a report is a failure of the file. */
function reportOf(thread: Worker, died: () => void): Promise<ThreadReport> {
  return new Promise((resolve) => {
    let told = false;
    const lost = (failure: string): void => {
      if (told) return;
      told = true;
      died();
      resolve({ turns: [], rest: undefined, failure });
    };
    thread.once('message', (report: ThreadReport) => {
      told = true;
      resolve(report);
    });
    thread.once('error', (error) => lost(String((error as Error).stack ?? error)));
    thread.once('exit', (code) => lost(`a thread has ended with ${code}`));
  });
}
