/**
 * The part of a configuration file that nginx has in its read buffer. nginx reads files through a buffer of 4096
 * bytes, and that shows: a word, a comment or a Lua string that does not fit is an error ("too long parameter",
 * "Lua code block missing the closing long bracket"). We hold the whole text, and keep the borders of that buffer so
 * that the same files are refused with the same messages.
 */

/** nginx: NGX_CONF_BUFFER. */
export const BUFFER_SIZE = 4096;

/** Text with a reading position, and the end of what nginx would have read so far. */
export class TextWindow {
  readonly text: string;
  /** Next byte to read. */
  pos = 0;
  /** End of what is in the buffer. */
  end: number;
  /** Line of `pos`, from 1; of -g text, 0. */
  line: number;

  constructor(text: string, buffered: boolean) {
    this.text = text;
    this.end = buffered ? 0 : text.length;
    this.line = buffered ? 1 : 0;
  }

  /** True when nothing more can be read into the buffer. */
  get complete(): boolean {
    return this.end >= this.text.length;
  }

  /** Moves the buffer's start to `from`, the oldest byte still needed, and fills it up. */
  refill(from: number): void {
    this.end = Math.min(this.text.length, from + BUFFER_SIZE);
  }
}
