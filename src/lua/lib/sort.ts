// table.sort.
//
// Items that compare equal must come out in the order LuaJIT leaves them in, since programs come to rely on it. So
// this is the quicksort that Lua has always used (median of three, the smaller half first), asking for the same
// comparisons in the same order. A comparison function may yield, which LuaJIT does not allow: each place that waits
// for a comparison is a numbered step, and the sort is an object that can be parked between two of them.

import { type NativeFrame, pushFrame, R, S } from '../call.ts';
import { throwError } from '../error.ts';
import { lt } from '../runtime.ts';
import { hasWeakItems, itemsOf, type LuaTable, trim } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';

// What the comparison that is asked for decides.
const ENDS = 0; // a[last] < a[first]: to be swapped
const MIDDLE_FIRST = 1; // a[middle] < a[first]: to be swapped
const LAST_MIDDLE = 2; // a[last] < a[middle]: to be swapped
const UP = 3; // a[i] < pivot: i goes on
const DOWN = 4; // pivot < a[j]: j goes on

/** Sorts items 1..n of a table in place by `less` (nil: the < operator). Returns nothing, or a suspension. */
export function sortTable(table: LuaTable, less: LuaFunction | undefined): LuaResult {
  if (hasWeakItems(table)) return sortWeak(table, less);
  const items = table.$a;
  if (less === undefined && sortPlain(items)) return nothing();
  return items.length <= 2 ? nothing() : new Sort(items, less ?? lt).run(ENDS, S);
}

/** Items that are not in the table's array are sorted in another one. */
function sortWeak(table: LuaTable, less: LuaFunction | undefined): LuaResult {
  const items = itemsOf(table);
  const putBack = (r: LuaResult): LuaResult => {
    if (r === S && R.n < 0) return pushFrame({ name: 'sort', resume: putBack });
    for (let i = 1; i < items.length; i++) table.setInt(i, items[i]);
    return nothing();
  };
  if ((less === undefined && sortPlain(items)) || items.length <= 2) return putBack(undefined);
  return putBack(new Sort(items, less ?? lt).run(ENDS, S));
}

function nothing(): LuaResult {
  R.n = 0;
  return S;
}

/** Sorts numbers or strings without asking anybody; false if the items are anything else. */
function sortPlain(items: LuaValue[]): boolean {
  const n = items.length - 1;
  if (n < 2) return true;
  const type = typeof items[1];
  if (type !== 'number' && type !== 'string') return false;
  for (let i = 2; i <= n; i++) if (typeof items[i] !== type) return false;
  if (type === 'number') {
    const numbers = new Float64Array(n);
    for (let i = 0; i < n; i++) numbers[i] = items[i + 1] as number;
    numbers.sort();
    if (Number.isNaN(numbers[n - 1]!)) return false; // NaN has no order: do as Lua does
    for (let i = 0; i < n; i++) items[i + 1] = numbers[i];
    return true;
  }
  const strings = items.slice(1) as string[];
  strings.sort(compareBytes);
  for (let i = 0; i < n; i++) items[i + 1] = strings[i];
  return true;
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

class Sort implements NativeFrame {
  readonly name = 'sort';
  readonly #a: LuaValue[];
  readonly #less: LuaFunction;
  /** The range being sorted. */
  #first = 1;
  #last: number;
  #i = 0;
  #j = 0;
  #pivot: LuaValue;
  #step = ENDS;
  /** Ranges still to be sorted, as pairs. */
  readonly #pending: number[] = [];

  constructor(items: LuaValue[], less: LuaFunction) {
    this.#a = items;
    this.#less = less;
    this.#last = items.length - 1;
  }

  resume(result: LuaResult): LuaResult {
    return this.run(this.#step, result === S ? (R.n > 0 ? R.a : undefined) : result, true);
  }

  /**
   * Sorts on from a step. When `answered`, `answer` is the result of the comparison that the step asked for.
   */
  run(step: number, answer: LuaResult, answered = false): LuaResult {
    const a = this.#a;
    const less = this.#less;
    let first = this.#first;
    let last = this.#last;
    let i = this.#i;
    let j = this.#j;
    let pivot = this.#pivot;
    for (;;) {
      if (!answered) {
        switch (step) {
          case ENDS:
            answer = less(a[last], a[first]);
            break;
          case MIDDLE_FIRST:
            answer = less(a[i], a[first]);
            break;
          case LAST_MIDDLE:
            answer = less(a[last], a[i]);
            break;
          case UP:
            answer = less(a[i], pivot);
            break;
          default:
            answer = less(pivot, a[j]);
        }
        if (answer === S) {
          if (R.n < 0) {
            this.#first = first;
            this.#last = last;
            this.#i = i;
            this.#j = j;
            this.#pivot = pivot;
            this.#step = step;
            return pushFrame(this);
          }
          answer = R.n > 0 ? R.a : undefined;
        }
      }
      answered = false;
      const yes = answer !== undefined && answer !== false;
      switch (step) {
        case ENDS:
          if (yes) swap(a, first, last);
          if (last - first > 1) {
            i = (first + last) >> 1;
            step = MIDDLE_FIRST;
            continue;
          }
          break;
        case MIDDLE_FIRST:
          if (yes) swap(a, i, first);
          else {
            step = LAST_MIDDLE;
            continue;
          }
          if (last - first > 2) {
            pivot = a[i];
            swap(a, i, last - 1);
            i = first + 1;
            j = last - 1;
            step = UP;
            continue;
          }
          break;
        case LAST_MIDDLE:
          if (yes) swap(a, i, last);
          if (last - first > 2) {
            pivot = a[i];
            swap(a, i, last - 1);
            i = first + 1;
            j = last - 1;
            step = UP;
            continue;
          }
          break;
        case UP:
          if (yes) {
            if (i >= last) throwError('invalid order function for sorting');
            i++;
            continue;
          }
          j--;
          step = DOWN;
          continue;
        default:
          if (yes) {
            if (j <= first) throwError('invalid order function for sorting');
            j--;
            continue;
          }
          if (j >= i) {
            swap(a, i, j);
            i++;
            step = UP;
            continue;
          }
          // Everything is on its side of the pivot: sort the smaller side first.
          swap(a, last - 1, i);
          if (i - first < last - i) {
            this.#pending.push(i + 1, last);
            last = i - 1;
          } else {
            this.#pending.push(first, i - 1);
            first = i + 1;
          }
          step = ENDS;
          if (first < last) continue;
      }
      // The range is sorted: take the next one.
      do {
        if (this.#pending.length === 0) {
          trim(a);
          return nothing();
        }
        last = this.#pending.pop()!;
        first = this.#pending.pop()!;
      } while (first >= last);
      step = ENDS;
    }
  }
}

function swap(a: LuaValue[], i: number, j: number): void {
  const t = a[i];
  a[i] = a[j];
  a[j] = t;
}
