/** Where Redis replies end. They are passed on as they are. Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/ */

/** Follows replies that come in pieces, up to a number of them. */
export class ReplyScanner {
  /** Replies that must still come. */
  left: number;
  /** What has been read of a line. */
  #line = '';
  /** Bytes of a bulk string and its line end that must still come; 0: a line is read. */
  #bulk = 0;
  /** How many items the arrays that are open still want, the innermost last. */
  readonly #open: number[] = [];

  constructor(replies: number) {
    this.left = replies;
  }

  /**
   * Reads on.
   * @returns how many bytes belong to the replies, or -1 when they are none
   */
  push(text: string): number {
    let at = 0;
    while (this.left > 0 && at < text.length) {
      if (this.#bulk > 0) {
        const size = Math.min(this.#bulk, text.length - at);
        if (!this.#checkEnd(text, at, size)) return -1;
        at += size;
        this.#bulk -= size;
        if (this.#bulk === 0) this.#endItem();
        continue;
      }
      const end = text.indexOf('\n', at);
      this.#line += end < 0 ? text.slice(at) : text.slice(at, end + 1);
      at = end < 0 ? text.length : end + 1;
      if (!'+-:$*'.includes(this.#line[0] as string)) return -1;
      if (end >= 0) {
        // A line feed alone does not end a line.
        if (!this.#line.endsWith('\r\n')) continue;
        if (!this.#readLine()) return -1;
        this.#line = '';
      }
    }
    return at;
  }

  /** The two bytes behind a bulk string are a line end. */
  #checkEnd(text: string, at: number, size: number): boolean {
    const { length } = '\r\n';
    for (let i = Math.max(at, at + this.#bulk - length); i < at + size; i++) {
      const expected = at + this.#bulk - i === length ? '\r' : '\n';
      if (text[i] !== expected) return false;
    }
    return true;
  }

  #readLine(): boolean {
    const line = this.#line.slice(0, -2);
    const kind = line[0];
    if (kind === '+' || kind === '-') {
      this.#endItem();
      return true;
    }
    if (!/^.-?\d{1,15}$/.test(line) && kind !== ':') return false;
    const n = Number(line.slice(1));
    if (kind === '$' && n >= 0) this.#bulk = n + 2;
    else if (kind === '*' && n > 0) this.#open.push(n);
    else this.#endItem();
    return true;
  }

  #endItem(): void {
    for (;;) {
      const items = this.#open.pop();
      if (items === undefined) {
        this.left--;
        return;
      }
      if (items > 1) {
        this.#open.push(items - 1);
        return;
      }
    }
  }
}
