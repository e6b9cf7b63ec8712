/** Runs cases on both sides. */

import { setImmediate } from 'node:timers/promises';
import { Engine, type Form, luajit, runInLuaJit } from './engines.ts';
import type { Dialect } from './generator.ts';
import { kinds, makeProgram } from './kinds.ts';

export interface Difference {
  readonly index: number;
  readonly form: Form;
  readonly program: string;
  readonly expected: string;
  readonly actual: string;
}

/** Programs between two turns of the event loop: V8 frees nothing that a WeakRef was made for before the next turn. */
const TURN = 25;

/** The differences among the programs from..to-1 of a run. One in `resumeEvery` runs in its resume form as well. */
export function compare(
  kind: string,
  seed: number,
  from: number,
  to: number,
  dialect: Dialect,
  resumeEvery = 1,
): Promise<Difference[]> {
  const programs: string[] = [];
  for (let i = from; i < to; i++) programs.push(makeProgram(kind, seed, i, dialect));
  return differences(programs, kinds[kind]!.resume ? ['fast', 'resume'] : ['fast'], from, resumeEvery);
}

/** The differences among some programs, at most one for each. */
export async function differences(
  programs: readonly string[],
  forms: readonly Form[],
  from = 0,
  resumeEvery = 1,
): Promise<Difference[]> {
  const all = runInLuaJit(programs);
  const found: Difference[] = [];
  const different = new Set<number>();
  for (const form of forms) {
    const engine = new Engine(form);
    for (const [i, program] of programs.entries()) {
      if (i % TURN === 0) await setImmediate();
      if (different.has(i) || (form === 'resume' && (from + i) % resumeEvery !== 0)) continue;
      const actual = engine.show(program);
      if (all[i] === actual || masked(all[i]!, program) === masked(actual, program)) continue;
      different.add(i);
      found.push({ index: from + i, form, program, expected: all[i]!, actual });
    }
  }
  return found;
}

/** A text without what need not be the same. */
function masked(text: string, program: string): string {
  const result = withoutIterators(withoutAddresses(text), program);
  return luajit!.compat52 ? result : sorted(result);
}

/** Also upper-cased, cut or reversed. */
function withoutAddresses(text: string): string {
  return text.replace(/: 0x[0-9a-f]+/gi, ': 0x').replace(/[0-9a-f]+x0 :/gi, 'x0 :');
}

/**
 * An iterator that cannot be called: LuaJIT looks for its name in the register of the call, which is that of the loop's
 * first variable, and finds whatever was put there last, by the loop's body, by the last operand of the list behind
 * `in`, or by some statement before: the iterator's own name at most by chance. Ours has no registers, and no name then.
 */
function withoutIterators(text: string, program: string): string {
  return text.replace(
    /p:(\d+): attempt to call (?:\w+ '[^']*' \()?a (\w+) value\)?/g,
    (message, line: string, type: string) =>
      /^for .* in\b/.test(program.split('\n')[Number(line) - 1] ?? '') ? `iterator is a ${type} value` : message,
  );
}

/** With 5.2, as ours is, a <= b that fails names the operands in the other order, as it has tried b < a. */
function sorted(text: string): string {
  return text.replace(/attempt to compare (\w+) with (\w+)/g, (_, a: string, b: string) => [a, b].sort().join());
}
