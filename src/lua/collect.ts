/**
 * Collecting garbage when Lua code asks for it, and finalizers that run then.
 *
 * JavaScript keeps what a WeakRef was made of, or gave, until the job ends, and tells of dead objects in a later one. A
 * script is one job. Node clears the kept objects whenever a queue of microtasks has run, and a vm context can have a
 * queue of its own, which runs inside of a job: so `collect` can find dead objects before it returns.
 */

import { setFlagsFromString } from 'node:v8';
import { createContext, runInNewContext, Script } from 'node:vm';

/** Called before V8's collector runs: they let go of objects. */
export const beforeCollecting: (() => void)[] = [];

let clear: (() => void) | undefined;
let gc: (() => void) | undefined;

/** Lets go of the objects that are only kept for the running job. */
function clearKept(): void {
  if (clear === undefined) {
    const context = createContext({}, { microtaskMode: 'afterEvaluate' });
    const script = new Script('Promise.resolve().then(() => {})');
    clear = () => script.runInContext(context);
  }
  clear();
}

function collector(): () => void {
  const own = (globalThis as { gc?: () => void }).gc;
  if (own !== undefined) return own;
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as () => void;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}

interface Entry<T> {
  readonly ref: WeakRef<object>;
  readonly held: T;
}

const all = new Set<{ sweep(): void; finish(): void }>();

/** Things to do when objects are collected. `T` describes one, and must not refer to its object. */
export class Finalizers<T> {
  private readonly entries = new Set<Entry<T>>();
  private readonly run: (held: T) => void;
  private readonly registry: FinalizationRegistry<Entry<T>>;
  /** Registrations left until dead objects are looked for, in jobs that do not end. */
  private left = 4096;
  private sweeping = false;

  /** `run` must not throw. */
  constructor(run: (held: T) => void) {
    this.run = run;
    this.registry = new FinalizationRegistry((entry) => this.end(entry));
    all.add(this);
  }

  register(o: object, held: T): void {
    const entry = { ref: new WeakRef(o), held };
    this.entries.add(entry);
    this.registry.register(o, entry);
    if (--this.left > 0) return;
    this.sweep();
    this.left = Math.max(4096, this.entries.size);
    clearKept();
  }

  private end(entry: Entry<T>): void {
    if (this.entries.delete(entry)) this.run(entry.held);
  }

  /** Does what is to be done for the objects that are known to be dead. */
  sweep(): void {
    if (this.sweeping) return;
    this.sweeping = true;
    for (const entry of this.entries) if (entry.ref.deref() === undefined) this.end(entry);
    this.sweeping = false;
  }

  /** Does it for all objects, the latest first: the program ends. */
  finish(): void {
    for (const entry of [...this.entries].reverse()) this.end(entry);
  }
}

/** Runs V8's collector, then the finalizers of what it has found. */
export function collect(): void {
  gc ??= collector();
  for (const f of beforeCollecting) f();
  clearKept();
  gc();
  for (const f of all) f.sweep();
}

/** Runs all finalizers, as Lua does when a state is closed. */
export function finishAll(): void {
  for (const f of all) f.finish();
}
