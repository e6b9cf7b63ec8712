// \X: where an extended grapheme cluster ends. The rules are PCRE2's, which are those of Unicode Standard Annex #29 but
// for pictographs: those join each other even without a joiner between (pcre2pattern(3), "Extended grapheme clusters").
import { contains, type Ranges } from './charset.ts';
import { propertySet } from './unicode.ts';
import { charLength, codePointAt } from './utf8.ts';

/** Kinds of characters, as bits, so that what may follow a kind is a mask. */
const CR = 1;
const LF = 2;
const CONTROL = 4;
const EXTEND = 8;
const PREPEND = 16;
const SPACING = 32;
const L = 64;
const V = 128;
const T = 256;
const LV = 512;
const LVT = 1024;
const REGIONAL = 2048;
const OTHER = 4096;
const JOINER = 8192;
const PICTOGRAPH = 16384;

const ALWAYS = EXTEND | SPACING | JOINER;

/** What the kind on the left is not separated from. */
const JOINS: Readonly<Record<number, number>> = {
  [CR]: LF,
  [LF]: 0,
  [CONTROL]: 0,
  [EXTEND]: ALWAYS,
  [PREPEND]: ALWAYS | PREPEND | L | V | T | LV | LVT | OTHER | REGIONAL,
  [SPACING]: ALWAYS,
  [L]: ALWAYS | L | V | LV | LVT,
  [V]: ALWAYS | V | T,
  [T]: ALWAYS | T,
  [LV]: ALWAYS | V | T,
  [LVT]: ALWAYS | T,
  [REGIONAL]: REGIONAL,
  [OTHER]: ALWAYS,
  [JOINER]: ALWAYS,
  [PICTOGRAPH]: ALWAYS | PICTOGRAPH,
};

/** Prepend: these and the Prepended_Concatenation_Mark (GraphemeBreakProperty.txt). */
const PREPENDED: Ranges = [
  0xd4e, 0xd4e, 0x111c2, 0x111c3, 0x1193f, 0x1193f, 0x11941, 0x11941, 0x11a3a, 0x11a3a, 0x11a84, 0x11a89, 0x11d46,
  0x11d46,
];
/** SpacingMark without being a spacing mark by category, and the reverse. */
const ALSO_SPACING: Ranges = [0xe33, 0xe33, 0xeb3, 0xeb3];
const NOT_SPACING: Ranges = [
  0x102b, 0x102c, 0x1038, 0x1038, 0x1062, 0x1064, 0x1067, 0x106d, 0x1083, 0x1083, 0x1087, 0x108c, 0x108f, 0x108f,
  0x109a, 0x109c, 0x1a61, 0x1a61, 0x1a63, 0x1a64, 0xaa7b, 0xaa7b, 0xaa7d, 0xaa7d, 0x11720, 0x11721,
];

const kinds = new Map<number, number>();

const has = (property: string, cp: number) => contains(propertySet(property)!, cp);

function findKind(cp: number): number {
  if (cp === 0x200d) return JOINER;
  if (has('pcm', cp) || contains(PREPENDED, cp)) return PREPEND;
  if (has('grext', cp) || has('emod', cp)) return EXTEND;
  if (has('Cc', cp) || has('Cf', cp) || has('Zl', cp) || has('Zp', cp) || (cp >= 0xd800 && cp <= 0xdfff))
    return CONTROL;
  if (has('Cn', cp) && has('di', cp)) return CONTROL;
  if (has('ri', cp)) return REGIONAL;
  if ((has('Mc', cp) && !contains(NOT_SPACING, cp)) || contains(ALSO_SPACING, cp)) return SPACING;
  if ((cp >= 0x1100 && cp <= 0x115f) || (cp >= 0xa960 && cp <= 0xa97c)) return L;
  if ((cp >= 0x1160 && cp <= 0x11a7) || (cp >= 0xd7b0 && cp <= 0xd7c6)) return V;
  if ((cp >= 0x11a8 && cp <= 0x11ff) || (cp >= 0xd7cb && cp <= 0xd7fb)) return T;
  if (cp >= 0xac00 && cp <= 0xd7a3) return (cp - 0xac00) % 28 === 0 ? LV : LVT;
  return has('extpict', cp) ? PICTOGRAPH : OTHER;
}

function kindOf(cp: number): number {
  if (cp < 0xa0) {
    if (cp >= 0x20 && cp < 0x7f) return OTHER;
    return cp === 13 ? CR : cp === 10 ? LF : CONTROL;
  }
  let kind = kinds.get(cp);
  if (kind === undefined) {
    kind = findKind(cp);
    // Subjects come from outside: what they hold must not fill the memory.
    if (kinds.size < 20_000) kinds.set(cp, kind);
  }
  return kind;
}

/** Whether an odd number of regional indicators stands before the one that ends at `end`. */
function oddBefore(subject: string, end: number, utf: boolean): boolean {
  let count = 0;
  let at = end;
  const back = () => {
    at--;
    if (utf) while (at > 0 && (subject.charCodeAt(at) & 0xc0) === 0x80) at--;
  };
  back();
  while (at > 0) {
    back();
    if (kindOf(utf ? codePointAt(subject, at) : subject.charCodeAt(at)) !== REGIONAL) break;
    count++;
  }
  return count % 2 === 1;
}

/** The end of the cluster that begins at `pos`, which is before the end of the subject. */
export function graphemeEnd(subject: string, pos: number, utf: boolean): number {
  const n = subject.length;
  const first = subject.charCodeAt(pos);
  let left = kindOf(utf ? codePointAt(subject, pos) : first);
  let at = pos + (utf ? charLength(first) : 1);
  while (at < n) {
    const c = subject.charCodeAt(at);
    const right = kindOf(utf ? codePointAt(subject, at) : c);
    if ((JOINS[left]! & right) === 0) break;
    if (left === REGIONAL && right === REGIONAL && oddBefore(subject, at, utf)) break;
    // Any number of these may stand between two pictographs.
    if ((right !== EXTEND && right !== JOINER) || left !== PICTOGRAPH) left = right;
    at += utf ? charLength(c) : 1;
  }
  return Math.min(at, n);
}
