/** What tells one request's bytes from another's: a mark, and bodies that consist of nothing but that mark. */

/** `size` bytes of a request's own. */
export function bodyOf(mark: string, size: number): Buffer {
  return Buffer.alloc(size, `${mark}|`);
}

/** Compares a body with what it should be while it arrives. */
export class BodyCheck {
  readonly #expected: Buffer;
  /** Bytes so far. */
  seen = 0;
  /** All of them were right. */
  right = true;

  constructor(mark: string, size: number) {
    this.#expected = bodyOf(mark, size);
  }

  take(chunk: Buffer): void {
    const end = this.seen + chunk.length;
    if (end > this.#expected.length || chunk.compare(this.#expected, this.seen, end) !== 0) this.right = false;
    this.seen = end;
  }

  get complete(): boolean {
    return this.right && this.seen === this.#expected.length;
  }
}
