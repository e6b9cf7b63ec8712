/** Runs the blocks of test files, several servers at a time, and hands each file's outcome to a reporter. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Block } from './block.ts';
import { needsFirstPlace } from './places.ts';
import { Results } from './results.ts';
import { type BlockOutcome, Site } from './run-chain.ts';
import type { Executable, Place, Plan } from './settings.ts';
import { loadTestFile, type TestFile } from './test-file.ts';
import { CanShare, failureText, findLoop, runInThreads } from './turns.ts';

/** Files whose blocks wait for a place at the same time. */
const OPEN_FILES = 2;

export interface RunOptions {
  readonly executable: Executable;
  /** Servers run at these, one at a time at each. */
  readonly places: readonly Place[];
  /** Only the blocks of these numbers in each file; undefined for all. */
  readonly only: ReadonlySet<number> | undefined;
  /** How often each block runs. */
  readonly repeat: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly reporter: Reporter;
}

/** What became of a file. */
export interface FileOutcome {
  readonly file: string;
  readonly blocks: readonly BlockOutcome[];
  /** Milliseconds of each block, in the same order. */
  readonly times: readonly number[];
  /** Checks that the file's own Perl made. */
  readonly own: Results;
  /** Why the file could not be run, or not to its end. */
  readonly failure: string | undefined;
  readonly plan: Plan;
  /** The plan counts: no block was left out by the command line. */
  readonly whole: boolean;
  readonly milliseconds: number;
}

/** Takes what happens. */
export interface Reporter {
  /** A block has ended. */
  block(outcome: BlockOutcome, done: number, of: number): void;
  file(outcome: FileOutcome): void;
}

/** Blocks that must run one after the other with one server. */
interface Chain {
  readonly blocks: readonly Block[];
  readonly first: boolean;
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
      .filter((name) => name.endsWith('.t') && !/(?:^|\/)servroot/.test(name))
      .sort()
      .map((name) => join(path, name));
  });
}

/** Runs files. True when all is well. */
export async function runFiles(files: readonly string[], options: RunOptions): Promise<boolean> {
  const scheduler = new Scheduler(options.places);
  let good = true;
  const next = files[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (const file of next) if (!(await runFile(file, options, scheduler))) good = false;
  };
  // Two files are open at a time, so that one's last block does not leave the other places idle.
  await Promise.all(Array.from({ length: Math.min(OPEN_FILES, options.places.length) }, lane));
  for (const { root } of options.places) rmSync(root, { recursive: true, force: true });
  return good;
}

async function runFile(file: string, options: RunOptions, scheduler: Scheduler): Promise<boolean> {
  const began = Date.now();
  const { executable, env, only, repeat, reporter } = options;
  const several = options.places.length > 1;
  const tests = new Map<Place, TestFile>();
  const own = new Results();
  const at = (place: Place): TestFile => {
    let test = tests.get(place);
    if (test === undefined) {
      const results = tests.size === 0 ? own : undefined;
      test = loadTestFile(file, place, executable, env, several ? findLoop : undefined, results);
      tests.set(place, test);
    }
    return test;
  };
  let test: TestFile;
  try {
    test = at(options.places[0]!);
  } catch (error) {
    let failure: string | undefined;
    try {
      if (!(error instanceof CanShare)) throw error;
      own.list.length = own.warnings.length = 0;
      await scheduler.alone((places) => runInThreads(file, places, executable, env, error.turns, own));
    } catch (failed) {
      failure = failureText(failed);
    }
    reporter.file({
      file,
      blocks: [],
      times: [],
      own,
      failure,
      plan: error instanceof CanShare ? error.plan : { kind: 'none' },
      whole: failure === undefined && whole(options),
      milliseconds: Date.now() - began,
    });
    return failure === undefined && !own.failed;
  }
  const outcomes = new Map<number, BlockOutcome>();
  const times = new Map<number, number>();
  const chosen = test.blocks.filter(({ number }) => only === undefined || only.has(number));
  await scheduler.run(chainsOf(test, only), async (chain, place) => {
    for (let turn = 1; turn <= repeat; turn++) {
      const here = at(place);
      const site = new Site(here, executable);
      for (const { number } of chain.blocks) {
        const start = Date.now();
        const outcome = await site.run(here.blocks.find((block) => block.number === number)!);
        outcomes.set(number, outcome);
        times.set(number, Date.now() - start);
        if (chain.blocks.at(-1)!.number === number) await site.stop();
        reporter.block(outcome, outcomes.size, chosen.length);
      }
      if (turn === repeat || chain.blocks.some(({ number }) => outcomes.get(number)!.results.failed)) return;
      // A block's values may have been changed by its run.
      tests.delete(place);
    }
  });
  const blocks = chosen.map(({ number }) => outcomes.get(number)!);
  reporter.file({
    file,
    blocks,
    times: chosen.map(({ number }) => times.get(number)!),
    own,
    failure: undefined,
    plan: test.settings.plan,
    whole: whole(options),
    milliseconds: Date.now() - began,
  });
  return !own.failed && !blocks.some(({ results }) => results.failed);
}

const whole = ({ only, repeat }: RunOptions): boolean => only === undefined && repeat === 1;

/** In HUP mode all blocks share one server; else those without a configuration belong to the one before. */
function chainsOf(test: TestFile, only: ReadonlySet<number> | undefined): Chain[] {
  const groups: Block[][] = [];
  for (const block of test.blocks) {
    const last = groups.at(-1);
    if (last !== undefined && (test.settings.useHup || !block.has('config'))) last.push(block);
    else groups.push([block]);
  }
  const asked = groups.map((group) => {
    if (only === undefined || test.settings.useHup)
      return group.filter(({ number }) => only === undefined || only.has(number));
    // A block needs the server of those before it.
    const until = group.findLastIndex(({ number }) => only.has(number));
    return group.slice(0, until + 1);
  });
  return asked.filter((group) => group.length > 0).map((blocks) => ({ blocks, first: blocks.some(needsFirstPlace) }));
}

/** Gives places to chains: the first place to those that need it before others. */
class Scheduler {
  readonly #places: readonly Place[];
  readonly #free: Set<Place>;
  #alone: Promise<void> = Promise.resolve();
  #waiting: { readonly chain: Chain; readonly start: (place: Place) => void }[] = [];

  constructor(places: readonly Place[]) {
    this.#places = places;
    this.#free = new Set(places);
  }

  /** Runs chains, in their order as far as places allow. */
  async run(chains: readonly Chain[], work: (chain: Chain, place: Place) => Promise<void>): Promise<void> {
    await Promise.all(
      chains.map(async (chain) => {
        const place = await new Promise<Place>((start) => {
          this.#waiting.push({ chain, start });
          this.#assign();
        });
        try {
          await work(chain, place);
        } finally {
          this.#free.add(place);
          this.#assign();
        }
      }),
    );
  }

  /** Runs work that needs all places. Two of that kind would wait for each other's places, so they take turns. */
  alone<T>(work: (places: readonly Place[]) => Promise<T>): Promise<T> {
    const turn = this.#alone.then(async () => {
      const free: (() => void)[] = [];
      let taken!: () => void;
      const all = new Promise<void>((resolve) => (taken = resolve));
      const chains = this.#places.map((_, i) => ({ blocks: [], first: i === 0 }));
      const held = this.run(chains, async () => {
        await new Promise<void>((resolve) => {
          if (free.push(resolve) === this.#places.length) taken();
        });
      });
      await all;
      try {
        return await work(this.#places);
      } finally {
        for (const one of free) one();
        await held;
      }
    });
    this.#alone = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  #assign(): void {
    const [first] = this.#places;
    for (const place of [...this.#free]) {
      const fits = this.#waiting.filter(({ chain }) => place === first || !chain.first);
      // Blocks that can run nowhere else come first at the first place.
      const next = (place === first ? fits.find(({ chain }) => chain.first) : undefined) ?? fits[0];
      if (next === undefined) continue;
      this.#free.delete(place);
      this.#waiting = this.#waiting.filter((one) => one !== next);
      next.start(place);
    }
  }
}
