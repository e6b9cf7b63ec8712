/**
 * receiveuntil: reading up to a pattern in a stream, in pieces when asked so.
 *
 * Without a size the pattern is looked for in what is there; of the rest, as much is held back as could be its
 * beginning. With a size, bytes are counted as ngx_lua counts them: bytes that looked like the pattern's beginning
 * and were none come together, so that a piece may be longer than asked for. What is held back stays in the socket's
 * input, where other reads find it. ngx_lua: ngx_http_lua_socket_read_until().
 */

export class UntilReader {
  private readonly pattern: string;
  private readonly inclusive: boolean;
  /** For each state, by how much the match shrinks: the longest border of the pattern's first n bytes. */
  private borders: number[] | undefined = undefined;
  /** The pattern was found by a read with a size: the next call says so. */
  ended = false;

  // Results of `read`.
  data = '';
  pos = 0;
  rest = 0;

  constructor(pattern: string, inclusive: boolean) {
    this.pattern = pattern;
    this.inclusive = inclusive;
  }

  /**
   * Takes input from `pos` on. `data` is what belongs to the result, `pos` where the unused input begins.
   * @param rest bytes wanted; 0 for no limit
   * @returns true when the pattern was found or enough bytes are there
   */
  read(text: string, pos: number, rest: number): boolean {
    if (rest > 0) return this.readSized(text, pos, rest);
    const { pattern } = this;
    this.rest = 0;
    const found = text.indexOf(pattern, pos);
    if (found >= 0) {
      const end = found + pattern.length;
      this.data = text.slice(pos, this.inclusive ? end : found);
      this.pos = end;
      return true;
    }
    const held = this.heldBack(text, pos);
    this.data = text.slice(pos, text.length - held);
    this.pos = text.length - held;
    return false;
  }

  /** How many bytes at the end could be the pattern's beginning. */
  private heldBack(text: string, pos: number): number {
    const { pattern } = this;
    for (let n = Math.min(pattern.length - 1, text.length - pos); n > 0; n--) {
      if (text.endsWith(n === pattern.length ? pattern : pattern.slice(0, n))) return n;
    }
    return 0;
  }

  private readSized(text: string, pos: number, rest: number): boolean {
    const { pattern } = this;
    this.borders ??= bordersOf(pattern);
    let state = 0;
    let i = pos;
    while (i < text.length) {
      const c = text.charCodeAt(i);
      if (c === pattern.charCodeAt(state)) {
        i++;
        state++;
        if (state === pattern.length) {
          this.data = text.slice(pos, this.inclusive ? i : i - state);
          this.pos = i;
          this.rest = rest;
          this.ended = true;
          return true;
        }
        continue;
      }
      if (state === 0) {
        i++;
        if (--rest === 0) return this.piece(text, pos, i);
        continue;
      }
      // The longest beginning of the pattern that ends here.
      let next = this.borders[state] as number;
      while (next > 0 && pattern.charCodeAt(next) !== c) next = this.borders[next] as number;
      const kept = next > 0 ? next + 1 : 0;
      const freed = next > 0 ? state + 1 - kept : state;
      if (next > 0) i++;
      state = kept;
      if (rest <= freed) return this.piece(text, pos, i - state);
      rest -= freed;
    }
    this.data = text.slice(pos, i - state);
    this.pos = i - state;
    this.rest = rest;
    return false;
  }

  private piece(text: string, pos: number, end: number): boolean {
    this.data = text.slice(pos, end);
    this.pos = end;
    this.rest = 0;
    return true;
  }
}

/** borders[n]: length of the longest proper beginning of the first n bytes that is also their end. */
function bordersOf(pattern: string): number[] {
  const borders = [0, 0];
  for (let n = 1; n < pattern.length; n++) {
    let k = borders[n] as number;
    while (k > 0 && pattern.charCodeAt(k) !== pattern.charCodeAt(n)) k = borders[k] as number;
    borders.push(pattern.charCodeAt(k) === pattern.charCodeAt(n) ? k + 1 : 0);
  }
  return borders;
}
