// \X: where an extended grapheme cluster ends, by the JavaScript engine's segmenter (Unicode Standard Annex #29).
import { charLength, codePointAt } from './utf8.ts';

let segmenter: Intl.Segmenter | undefined;
/** Characters looked at first; clusters are rarely longer. */
const WINDOW = 32;

/** The end of the cluster that begins at `pos`, which is before the end of the subject. */
export function graphemeEnd(subject: string, pos: number, utf: boolean): number {
  const c = subject.charCodeAt(pos);
  if (c === 13 && subject.charCodeAt(pos + 1) === 10) return pos + 2;
  // Among single bytes nothing else joins.
  if (!utf) return pos + 1;
  const after = pos + charLength(c);
  if (after >= subject.length || (c < 0x80 && subject.charCodeAt(after) < 0x80)) return Math.min(after, subject.length);
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (let window = WINDOW; ; window *= 4) {
    let text = '';
    let at = pos;
    for (let i = 0; i < window && at < subject.length; i++) {
      text += String.fromCodePoint(Math.min(codePointAt(subject, at), 0x10ffff));
      at += charLength(subject.charCodeAt(at));
    }
    const [first] = segmenter.segment(text);
    if (first!.segment.length === text.length && at < subject.length) continue;
    let end = pos;
    for (const ch of first!.segment) {
      void ch;
      end += charLength(subject.charCodeAt(end));
    }
    return Math.min(end, subject.length);
  }
}
