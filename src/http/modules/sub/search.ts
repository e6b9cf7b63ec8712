/**
 * Looks for several patterns, in any case of letters, in a text that comes in pieces. Where one may begin at the end of
 * a piece, the text from there on is held until it is clear. nginx: ngx_http_sub_parse().
 */

/** Letters of ASCII in lower case; other bytes are left alone. */
export function asciiLower(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

/** The patterns in the order in which they are tried at one place, which is the order given. */
export class SubSearch {
  readonly #patterns: readonly string[];
  readonly #shortest: number;
  readonly #longest: number;
  /** Each pattern only once. */
  readonly #once: boolean;
  readonly #used: boolean[];
  #left: number;
  /** What is held back: the text, and the same in lower case. */
  #held = '';

  /** @param patterns in lower case, none of them empty */
  constructor(patterns: readonly string[], once: boolean) {
    this.#patterns = patterns;
    this.#once = once;
    this.#used = patterns.map(() => false);
    this.#left = patterns.length;
    this.#shortest = Math.min(...patterns.map(({ length }) => length));
    this.#longest = Math.max(...patterns.map(({ length }) => length));
  }

  /** Nothing will be found any more, and nothing is held. */
  get finished(): boolean {
    return this.#left === 0 && this.#held === '';
  }

  /**
   * Takes a piece and gives what may go out.
   *
   * @param emit takes a part of the text, unchanged
   * @param found takes the number of a pattern that was found in its place
   * @param flush holds back only what may become a match
   * @param last nothing follows: holds nothing back
   */
  push(
    piece: string,
    emit: (text: string) => void,
    found: (pattern: number) => void,
    flush: boolean,
    last: boolean,
  ): void {
    const text = this.#held + piece;
    const lower = asciiLower(text);
    const next: number[] = this.#patterns.map(() => -1);
    let position = 0;
    for (;;) {
      let at = text.length;
      let match = -1;
      for (let i = 0; i < this.#patterns.length; i++) {
        if (this.#used[i] === true) continue;
        if ((next[i] as number) < position) {
          const index = lower.indexOf(this.#patterns[i] as string, position);
          next[i] = index < 0 ? Number.POSITIVE_INFINITY : index;
        }
        if ((next[i] as number) < at) {
          at = next[i] as number;
          match = i;
        }
      }
      const hold = this.#holdFrom(lower, position, at, match, flush);
      if (hold >= 0) {
        if (hold > position) emit(text.slice(position, hold));
        this.#held = text.slice(hold);
        break;
      }
      if (at > position) emit(text.slice(position, at));
      if (match < 0) {
        this.#held = '';
        break;
      }
      found(match);
      if (this.#once) {
        this.#used[match] = true;
        this.#left--;
      }
      position = at + (this.#patterns[match] as string).length;
    }
    if (last && this.#held !== '') {
      emit(this.#held);
      this.#held = '';
    }
  }

  /** Where a pattern may begin whose end is still to come, before the match at `at` or in its stead; -1 for nowhere. */
  #holdFrom(lower: string, position: number, at: number, match: number, flush: boolean): number {
    if (this.#left === 0) return -1;
    const end = lower.length;
    // Without enough text for the shortest pattern nothing is compared; it is held, unless all must go out.
    const compared = flush ? end : end - this.#shortest + 1;
    for (let start = Math.max(position, end - this.#longest + 1); start < compared && start <= at; start++) {
      for (let i = 0; i < this.#patterns.length; i++) {
        if (start === at && i >= match && match >= 0) break;
        const pattern = this.#patterns[i] as string;
        if (this.#used[i] === true || end - start >= pattern.length) continue;
        if (lower.startsWith(pattern.slice(0, end - start), start)) return start;
      }
    }
    if (match >= 0 || flush) return -1;
    return compared < end ? Math.max(position, compared) : -1;
  }
}
