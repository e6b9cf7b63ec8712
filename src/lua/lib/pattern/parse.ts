// A Lua pattern as a list of items, with what can be known of it before any subject is seen.
//
// Patterns have no alternation, so every item has a fixed place: which capture a ')' closes and whether %1 refers to
// a finished capture is known here. LuaJIT reads the pattern while it matches and reports a malformed part only when
// the match reaches it; such a part becomes an item of its own that raises its error when it is reached.

/** Most captures a pattern can have (LUA_MAXCAPTURES). */
export const MAX_CAPTURES = 32;

/** How often a single-character item matches. */
export type Repeat = 'once' | 'greedy' | 'lazy' | 'optional';

/** One item of a pattern. Character sets are 256 flags. */
export type Item =
  | { readonly kind: 'set'; readonly set: Uint8Array; readonly repeat: Repeat }
  | { readonly kind: 'open' | 'close' | 'position' | 'back'; readonly slot: number }
  | { readonly kind: 'balance'; readonly open: number; readonly close: number }
  | { readonly kind: 'frontier'; readonly set: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'error'; readonly message: string };

/** The parsed form of one pattern. */
export interface ParsedPattern {
  readonly items: readonly Item[];
  /** Starts with '^': matches only where the search starts. */
  readonly anchored: boolean;
  /** Per capture: what its value is; 'unfinished' raises an error when the value is taken. */
  readonly captures: readonly ('text' | 'position' | 'unfinished')[];
  /** Per item (and one past the last): what can follow from there. */
  readonly follow: readonly Follow[];
}

/** What the rest of a pattern accepts at a position. */
export interface Follow {
  /** Bytes that the rest can start with, if it takes any at all. */
  readonly first: Uint8Array;
  /** The rest matches everywhere, so an item before it never has to give anything back. */
  readonly always: boolean;
}

const ESCAPE = 37; // '%'

const isDigit = (c: number): boolean => c >= 48 && c <= 57;

/** Bytes of the classes %a, %c, ... in the C locale, which is the only one LuaJIT knows. */
let classes: ReadonlyMap<number, Uint8Array> | undefined;

function makeClasses(): Map<number, Uint8Array> {
  const upper = (c: number) => c >= 65 && c <= 90;
  const lower = (c: number) => c >= 97 && c <= 122;
  const alpha = (c: number) => upper(c) || lower(c);
  const graph = (c: number) => c > 32 && c < 127;
  const tests: Record<string, (c: number) => boolean> = {
    a: alpha,
    c: (c) => c < 32 || c === 127,
    d: isDigit,
    g: graph,
    l: lower,
    p: (c) => graph(c) && !alpha(c) && !isDigit(c),
    s: (c) => c === 32 || (c >= 9 && c <= 13),
    u: upper,
    w: (c) => alpha(c) || isDigit(c),
    x: (c) => isDigit(c) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102),
    z: (c) => c === 0,
  };
  const made = new Map<number, Uint8Array>();
  for (const letter in tests) {
    const set = new Uint8Array(256);
    for (let c = 0; c < 256; c++) set[c] = tests[letter]!(c) ? 1 : 0;
    made.set(letter.charCodeAt(0), set);
    made.set(letter.toUpperCase().charCodeAt(0), invert(set));
  }
  return made;
}

function invert(set: Uint8Array): Uint8Array {
  const out = new Uint8Array(256);
  for (let c = 0; c < 256; c++) out[c] = 1 - set[c]!;
  return out;
}

/** A set of all bytes, for '.'. */
const ALL = new Uint8Array(256).fill(1);
const NONE = new Uint8Array(256);

function union(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(256);
  for (let c = 0; c < 256; c++) out[c] = a[c]! | b[c]!;
  return out;
}

/** Whether two sets have no byte in common. */
export function disjoint(a: Uint8Array, b: Uint8Array): boolean {
  for (let c = 0; c < 256; c++) if ((a[c]! & b[c]!) === 1) return false;
  return true;
}

/** The only byte of a set, or -1. */
export function onlyByte(set: Uint8Array): number {
  const from = set.indexOf(1);
  return from >= 0 && set.indexOf(1, from + 1) < 0 ? from : -1;
}

class PatternError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/**
 * Parses a pattern. Errors of the pattern do not throw; they are items.
 *
 * @param anchors whether a leading '^' anchors (not so in gmatch, where it stands for itself)
 */
export function parsePattern(source: string, anchors: boolean): ParsedPattern {
  const nul = source.indexOf('\0'); // LuaJIT reads patterns as C strings
  const text = nul < 0 ? source : source.slice(0, nul);
  const anchored = anchors && text.charCodeAt(0) === 94;
  const items: Item[] = [];
  const captures: ('text' | 'position' | 'unfinished')[] = [];
  try {
    for (let at = anchored ? 1 : 0; at < text.length; ) at = parseItem(text, at, items, captures);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    items.push({ kind: 'error', message: error.message });
  }
  return { items, anchored, captures, follow: computeFollow(items) };
}

/** Parses the item at `at` and returns where the next one starts. */
function parseItem(text: string, at: number, items: Item[], captures: ('text' | 'position' | 'unfinished')[]): number {
  const c = text.charCodeAt(at);
  if (c === 40) {
    if (captures.length >= MAX_CAPTURES) throw new PatternError('too many captures');
    const position = text.charCodeAt(at + 1) === 41;
    items.push({ kind: position ? 'position' : 'open', slot: captures.length });
    captures.push(position ? 'position' : 'unfinished');
    return position ? at + 2 : at + 1;
  }
  if (c === 41) {
    const slot = captures.lastIndexOf('unfinished');
    if (slot < 0) throw new PatternError('invalid pattern capture');
    captures[slot] = 'text';
    items.push({ kind: 'close', slot });
    return at + 1;
  }
  if (c === 36 && at + 1 === text.length) {
    items.push({ kind: 'end' });
    return at + 1;
  }
  if (c === ESCAPE) {
    const kind = text.charCodeAt(at + 1);
    if (kind === 98) {
      if (at + 3 >= text.length) throw new PatternError('unbalanced pattern');
      items.push({ kind: 'balance', open: text.charCodeAt(at + 2), close: text.charCodeAt(at + 3) });
      return at + 4;
    }
    if (kind === 102) {
      if (text.charCodeAt(at + 2) !== 91) throw new PatternError("missing '[' after '%f' in pattern");
      const end = classEnd(text, at + 2);
      items.push({ kind: 'frontier', set: bracketSet(text, at + 2, end) });
      return end;
    }
    if (isDigit(kind)) {
      const slot = kind - 49;
      if (slot < 0 || slot >= captures.length || captures[slot] === 'unfinished')
        throw new PatternError('invalid capture index');
      items.push({ kind: 'back', slot });
      return at + 2;
    }
  }
  const end = classEnd(text, at);
  return parseRepeat(text, end, singleSet(text, at, end), items);
}

function parseRepeat(text: string, at: number, set: Uint8Array, items: Item[]): number {
  switch (text.charCodeAt(at)) {
    case 42:
      items.push({ kind: 'set', set, repeat: 'greedy' });
      return at + 1;
    case 43:
      items.push({ kind: 'set', set, repeat: 'once' }, { kind: 'set', set, repeat: 'greedy' });
      return at + 1;
    case 45:
      items.push({ kind: 'set', set, repeat: 'lazy' });
      return at + 1;
    case 63:
      items.push({ kind: 'set', set, repeat: 'optional' });
      return at + 1;
    default:
      items.push({ kind: 'set', set, repeat: 'once' });
      return at;
  }
}

/** Where the single-character class at `at` ends. */
function classEnd(text: string, at: number): number {
  const c = text.charCodeAt(at++);
  if (c === ESCAPE) {
    if (at >= text.length) throw new PatternError("malformed pattern (ends with '%')");
    return at + 1;
  }
  if (c !== 91) return at;
  if (text.charCodeAt(at) === 94) at++;
  do {
    if (at >= text.length) throw new PatternError("malformed pattern (missing ']')");
    if (text.charCodeAt(at++) === ESCAPE && at < text.length) at++;
  } while (text.charCodeAt(at) !== 93);
  return at + 1;
}

function singleSet(text: string, at: number, end: number): Uint8Array {
  const c = text.charCodeAt(at);
  if (c === 46) return ALL;
  if (c === ESCAPE) return classSet(text.charCodeAt(at + 1));
  return c === 91 ? bracketSet(text, at, end) : oneByte(c);
}

function classSet(letter: number): Uint8Array {
  return (classes ??= makeClasses()).get(letter) ?? oneByte(letter);
}

const singles: (Uint8Array | undefined)[] = new Array(256);

function oneByte(c: number): Uint8Array {
  let set = singles[c];
  if (set === undefined) {
    set = singles[c] = new Uint8Array(256);
    set[c] = 1;
  }
  return set;
}

/** The set of the bracket class text[at..end), with LuaJIT's reading of ranges ("[a-]", "[%a-z]", "[a-%z]"). */
function bracketSet(text: string, at: number, end: number): Uint8Array {
  const last = end - 1; // the ']'
  const negated = text.charCodeAt(at + 1) === 94;
  const set = new Uint8Array(256);
  let i = negated ? at + 2 : at + 1;
  for (; i < last; i++) {
    const c = text.charCodeAt(i);
    if (c === ESCAPE) {
      const cls = classSet(text.charCodeAt(++i));
      for (let b = 0; b < 256; b++) set[b]! |= cls[b]!;
    } else if (text.charCodeAt(i + 1) === 45 && i + 2 < last) {
      i += 2;
      for (let b = c; b <= text.charCodeAt(i); b++) set[b] = 1;
    } else set[c] = 1;
  }
  return negated ? invert(set) : set;
}

function computeFollow(items: readonly Item[]): Follow[] {
  const follow: Follow[] = new Array(items.length + 1);
  follow[items.length] = { first: NONE, always: true };
  for (let i = items.length - 1; i >= 0; i--) follow[i] = followOf(items[i]!, follow[i + 1]!);
  return follow;
}

function followOf(item: Item, rest: Follow): Follow {
  switch (item.kind) {
    case 'set':
      if (item.repeat === 'once') return { first: item.set, always: false };
      return { first: union(item.set, rest.first), always: rest.always };
    case 'open':
    case 'close':
    case 'position':
      return rest;
    case 'frontier':
      return { first: item.set, always: false };
    case 'end':
      return { first: NONE, always: false };
    case 'balance':
      return { first: oneByte(item.open), always: false };
    default:
      return { first: ALL, always: false };
  }
}
