// Characters and bracket classes as sets: escapes such as \d and \h, POSIX names, \p{..}, case folding, and the
// reading of `[...]` with PCRE2's rules about hyphens (pcre2pattern(3), "Square brackets and character classes").
import {
  closeAsciiCase,
  complement,
  DIGIT,
  HSPACE,
  intersect,
  MAX_CODE_POINT,
  POSIX,
  type Ranges,
  SPACE,
  union,
  VSPACE,
  WORD,
} from './charset.ts';
import { readEscape } from './escape.ts';
import type { ModeFlags, Reader } from './reader.ts';
import { caseVariants, closeUnicodeCase, propertySet, ucpDigit, ucpPosix, ucpSpace, ucpWord } from './unicode.ts';

/** The highest character there is: a byte, or a code point in UTF mode. */
export function maxChar(r: Reader): number {
  return r.utf ? MAX_CODE_POINT : 0xff;
}

function negated(r: Reader, set: Ranges): Ranges {
  return complement(set, maxChar(r));
}

/** All that equals a member when case is ignored: Unicode's rules in UTF or UCP mode, else ASCII's. */
export function closeCase(r: Reader, set: Ranges): Ranges {
  if (!r.utf && !r.ucp) return closeAsciiCase(set);
  const closed = closeUnicodeCase(set);
  return r.utf ? closed : intersect(closed, [0, 0xff]);
}

/** The set for one literal character. */
export function characterSet(r: Reader, code: number, caseless: boolean): Ranges {
  if (!caseless) return [code, code];
  if (code < 0x80 || r.utf || r.ucp) {
    const max = maxChar(r);
    let set: Ranges = [];
    for (const variant of r.utf || r.ucp ? caseVariants(code) : closeAsciiCase([code, code])) {
      if (variant <= max) set = union(set, [variant, variant]);
    }
    return set;
  }
  return [code, code];
}

/** The set an escape letter stands for (dDhHsSvVwW), or null for any other letter. */
export function escapeSet(r: Reader, letter: string): Ranges | null {
  switch (letter) {
    case 'd':
      return r.ucp ? intersect(ucpDigit(), [0, maxChar(r)]) : DIGIT;
    case 's':
      return r.ucp ? intersect(ucpSpace(), [0, maxChar(r)]) : SPACE;
    case 'w':
      return r.ucp ? intersect(ucpWord(), [0, maxChar(r)]) : WORD;
    case 'h':
      return intersect(HSPACE, [0, maxChar(r)]);
    case 'v':
      return intersect(VSPACE, [0, maxChar(r)]);
    case 'D':
    case 'S':
    case 'W':
    case 'H':
    case 'V':
      return negated(r, escapeSet(r, letter.toLowerCase())!);
    default:
      return null;
  }
}

const MAX_PROPERTY_NAME = 49;

/** The set of a \p or \P whose letter has been read: \pL, \p{Lu}, \p{^Greek}, \P{..}. */
export function readProperty(r: Reader, upper: boolean): Ranges {
  if (r.pos >= r.end) r.fail(146);
  let negate = upper;
  let name = '';
  const c = r.next();
  if (c === 0x7b) {
    if (r.pos >= r.end) r.fail(146);
    if (r.peek() === 0x5e) {
      negate = !negate;
      r.pos++;
    }
    for (;;) {
      if (r.pos >= r.end) r.fail(146);
      const next = r.next();
      // Spaces, underscores and hyphens say nothing and do not count.
      if (next === 0x5f || next === 0x2d || next === 0x20 || (next >= 9 && next <= 13)) continue;
      if (next === 0x7d) break;
      if (next === 0) r.fail(146);
      name += String.fromCodePoint(next);
      if (name.length === MAX_PROPERTY_NAME) r.fail(146);
    }
  } else if ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a) {
    name = String.fromCharCode(c);
  } else {
    r.fail(146);
  }
  let set = propertySet(name);
  if (set === null) return r.fail(147);
  set = intersect(set, [0, maxChar(r)]);
  return negate ? negated(r, set) : set;
}

/** Where the POSIX-like item `[:`, `[.` or `[=` at `at` (its second character) has its terminator, or -1. */
export function posixEnd(r: Reader, at: number): number {
  const terminator = r.s.charCodeAt(at);
  for (let i = at + 1; r.end - i >= 2; i++) {
    const c = r.s.charCodeAt(i);
    const d = r.s.charCodeAt(i + 1);
    if (c === 0x5c && (d === 0x5d || d === 0x5c)) i++;
    else if ((c === 0x5b && d === terminator) || c === 0x5d) return -1;
    else if (c === terminator && d === 0x5d) return i;
  }
  return -1;
}

const isPosixMark = (c: number) => c === 0x3a || c === 0x2e || c === 0x3d;

/** What a hyphen would mean after the last item of the class. */
type RangeState = 'no' | 'possible' | 'started';

/** Reads a class after its opening bracket. */
export function readClass(r: Reader, mode: ModeFlags): Ranges {
  if (isPosixMark(r.peek()) && posixEnd(r, r.pos) >= 0) r.fail(r.peek() === 0x3a ? 112 : 113, r.pos - 1);
  let negate = false;
  let c = 0x5b;
  while (r.pos < r.end) {
    c = r.next();
    if (c === 0x5c) {
      if (r.peek() === 0x45) r.pos++;
      else if (r.s.startsWith('Q\\E', r.pos)) r.pos += 3;
      else break;
    } else if (mode.extendedMore && (c === 0x20 || c === 9)) {
      // Ignored, as in the rest of the class.
    } else if (!negate && c === 0x5e) {
      negate = true;
    } else {
      break;
    }
  }
  if (c === 0x5d && r.allowEmptyClass) return negate ? [0, maxChar(r)] : [];
  const set = readMembers(r, mode, c, negate);
  return negate ? negated(r, set) : set;
}

function readMembers(r: Reader, mode: ModeFlags, first: number, negate: boolean): Ranges {
  /** Literal characters and ranges, which caseless matching widens; the escapes' sets in `classes` it does not. */
  const literals: number[] = [];
  let classes: Ranges = [];
  /** Of \D, \S, \W and negated POSIX names. */
  let complements: Ranges = [];
  let hasProperty = false;
  let state = 'no' as RangeState;
  let rangeFrom = -1;
  let quoted = false;
  let c = first;
  const literal = (code: number) => {
    if (code === 10 || code === 13) r.explicitLineEnds = true;
    if (state === 'started') {
      if (rangeFrom > code) r.fail(108, r.pos - 1);
      literals[literals.length - 1] = code;
      state = 'no';
    } else {
      literals.push(code, code);
      rangeFrom = code;
      state = 'possible';
    }
  };
  const hyphenMustNotFollow = () => {
    if (r.pos < r.end - 1 && r.peek() === 0x2d && r.peek(1) !== 0x5d) r.fail(150);
  };
  for (;;) {
    if (quoted) {
      if (c === 0x5c && r.peek() === 0x45) {
        quoted = false;
        r.pos++;
      } else {
        literal(c);
      }
    } else if (mode.extendedMore && (c === 0x20 || c === 9)) {
      // Ignored.
    } else if (c === 0x5b && r.end - r.pos >= 3 && isPosixMark(r.peek()) && posixEnd(r, r.pos) >= 0) {
      if (state === 'started') r.fail(150);
      const isNegated = r.peek(1) === 0x5e;
      const posix = readPosix(r, mode);
      if (isNegated) complements = union(complements, posix);
      else classes = union(classes, posix);
      hyphenMustNotFollow();
      state = 'no';
    } else if (c === 0x2d && state === 'possible') {
      state = 'started';
    } else if (c !== 0x5c) {
      literal(c);
    } else {
      const escaped = readEscape(r, true);
      if (escaped.kind === 'char') literal(escaped.code);
      else if (escaped.kind === 'letter') {
        const letter = escaped.letter;
        if (letter === 'b') literal(8);
        else if (letter === 'Q') quoted = true;
        else if (letter !== 'E') {
          if (letter === 'B' || letter === 'R' || letter === 'X') r.fail(107, r.pos - 1);
          if (state === 'started') r.fail(150);
          state = 'no';
          if (letter === 'N') r.fail(171);
          const isProperty = letter === 'p' || letter === 'P';
          const set = isProperty ? readProperty(r, letter === 'P') : escapeSet(r, letter);
          if (set === null) r.fail(107, r.pos - 1);
          hasProperty ||= isProperty;
          if ('DSW'.includes(letter)) complements = union(complements, set!);
          else classes = union(classes, set!);
          hyphenMustNotFollow();
        }
      }
    }
    if (r.pos >= r.end) r.fail(106);
    c = r.next();
    if (c === 0x5d && !quoted) break;
  }
  // A hyphen before the closing bracket is itself.
  if (state === 'started') literals.push(0x2d, 0x2d);
  // In a negated class with a property, these say nothing of characters above 255 (PCRE2 10.42; later versions differ).
  if (negate && hasProperty && r.utf && !r.ucp) complements = intersect(complements, [0, 0xff]);
  classes = union(classes, complements);
  let set = union([], []);
  for (let i = 0; i < literals.length; i += 2) set = union(set, [literals[i]!, literals[i + 1]!]);
  return union(mode.caseless ? closeCase(r, set) : set, classes);
}

function readPosix(r: Reader, mode: ModeFlags): Ranges {
  const end = posixEnd(r, r.pos);
  if (r.peek() !== 0x3a) r.fail(113, r.pos - 1);
  r.pos++;
  const negate = r.peek() === 0x5e;
  if (negate) r.pos++;
  let name = r.s.slice(r.pos, end);
  if (POSIX[name] === undefined) r.fail(130);
  // By property they keep their case.
  if (mode.caseless && !r.ucp && (name === 'upper' || name === 'lower')) name = 'alpha';
  const set = (r.ucp ? ucpPosix(name) : null) ?? POSIX[name]!;
  r.pos = end + 2;
  const inRange = intersect(set, [0, maxChar(r)]);
  return negate ? negated(r, inRange) : inRange;
}
