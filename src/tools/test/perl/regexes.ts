/** Matching with Perl's memory: groups of the last match, and where `m//g` goes on. perlre, perlfunc pos. */
import type { Regex } from '../../../regex/regex.ts';
import { bool, type Cell, text, type Value, type Want } from './values.ts';

/** What `$1`, `$&` and `@-` come from. */
export interface MatchState {
  readonly groups: readonly (string | undefined)[];
}

/** The last match, and the places where matches of one text go on. */
export class Matching {
  state: MatchState = { groups: [] };
  /** Of the last successful search. */
  start = 0;
  end = 0;
  readonly #positions = new WeakMap<Cell, { readonly subject: string; readonly at: number }>();

  /** A group of the last match; 0 is the whole. */
  group(index: number): string | undefined {
    return this.state.groups[index];
  }

  /** Searches, and keeps the groups when something is found. */
  search(regex: Regex, subject: string, from: number): boolean {
    if (regex.match(subject, from) < 0) return false;
    const { start, end } = regex;
    this.start = start;
    this.end = end;
    this.state = { groups: Array.from({ length: regex.captureCount + 1 }, (_one, i) => regex.group(i)) };
    return true;
  }

  /** `m//`: the truth in scalar context; groups, or all matches with /g, in list context. */
  match(cell: Cell, regex: Regex, flags: string, want: Want): Value[] {
    const subject = text(cell.v);
    if (!flags.includes('g')) {
      if (!this.search(regex, subject, 0)) return want === 'list' ? [] : [''];
      if (want === 'scalar') return [bool(true)];
      return regex.captureCount === 0 ? [1] : this.state.groups.slice(1);
    }
    const kept = this.#positions.get(cell);
    let at = kept?.subject === subject ? kept.at : 0;
    if (want === 'scalar') {
      if (!this.search(regex, subject, at)) {
        if (!flags.includes('c')) this.#positions.delete(cell);
        return [''];
      }
      this.#positions.set(cell, { subject, at: this.end });
      return [1];
    }
    const found: Value[] = [];
    while (at <= subject.length && this.search(regex, subject, at)) {
      found.push(...(regex.captureCount === 0 ? [this.group(0)] : this.state.groups.slice(1)));
      at = this.end > this.start ? this.end : this.end + 1;
    }
    this.#positions.delete(cell);
    return found;
  }
}
