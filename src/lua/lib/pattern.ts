// Lua patterns: find, match, gmatch and gsub on byte strings.
//
// A pattern is parsed once and kept (pattern/parse.ts). It is first walked item by item (pattern/run.ts); when it
// turns out to be used often it becomes a generated function (pattern/generate.ts), several times as fast.

import { ret2, ret3, retN } from '../call.ts';
import { throwError } from '../error.ts';
import type { LuaResult, LuaValue } from '../value.ts';
import { generateMatcher } from './pattern/generate.ts';
import { onlyByte, type ParsedPattern, parsePattern } from './pattern/parse.ts';
import { found, type Matcher, walkingMatcher } from './pattern/run.ts';

export { found } from './pattern/run.ts';

/** Attempts after which a pattern is worth a function of its own. */
const HOT = 60;

/** Patterns kept; programs that make up patterns at run time would otherwise keep all of them. */
const MAX_KEPT = 2000;

/** A pattern ready for use. */
export class Pattern {
  readonly anchored: boolean;
  /** Number of captures, 0 when the whole match counts as the only one. */
  readonly captures: number;
  /** The bytes that the pattern stands for, if it is nothing but a fixed text of at least one byte. */
  readonly literal: string | undefined;
  readonly #parsed: ParsedPattern;
  #matcher: Matcher;
  #uses = 0;

  constructor(source: string, anchors: boolean) {
    const parsed = parsePattern(source, anchors);
    this.#parsed = parsed;
    this.anchored = parsed.anchored;
    this.captures = parsed.captures.length;
    this.literal = literalOf(parsed);
    this.#matcher = walkingMatcher(parsed);
  }

  /**
   * Looks for the pattern in `s` from offset `init` on (only there, if anchored). True when found; its place is then
   * in `found` until the next search.
   */
  search(s: string, init: number): boolean {
    if (this.#uses < HOT && ++this.#uses === HOT) this.#matcher = generateMatcher(this.#parsed) ?? this.#matcher;
    return this.#matcher(s, init);
  }

  /**
   * The value of a capture of the match in `found`: text or a position (1-based). Capture 0 of a pattern without
   * captures is the whole match.
   */
  capture(s: string, index: number): string | number {
    if (index >= this.captures) {
      if (index !== 0) throwError('invalid capture index');
      return s.substring(found[0]!, found[1]!);
    }
    const kind = this.#parsed.captures[index];
    const start = found[2 + 2 * index]!;
    if (kind === 'text') return s.substring(start, found[3 + 2 * index]!);
    if (kind === 'unfinished') throwError('unfinished capture');
    return start + 1;
  }

  /** Appends the values of all captures (the whole match, if there are none) to a list. */
  pushCaptures(s: string, into: LuaValue[]): void {
    const n = this.captures || 1;
    for (let i = 0; i < n; i++) into.push(this.capture(s, i));
  }
}

/** Returns all captures of the last match. */
export function captures(pattern: Pattern, s: string): LuaResult {
  switch (pattern.captures) {
    case 0:
    case 1:
      return pattern.capture(s, 0);
    case 2:
      return ret2(pattern.capture(s, 0), pattern.capture(s, 1));
    case 3:
      return ret3(pattern.capture(s, 0), pattern.capture(s, 1), pattern.capture(s, 2));
  }
  const values: LuaValue[] = [];
  pattern.pushCaptures(s, values);
  return retN(values);
}

function literalOf(parsed: ParsedPattern): string | undefined {
  if (parsed.anchored || parsed.items.length === 0) return undefined;
  let literal = '';
  for (const item of parsed.items) {
    const byte = item.kind === 'set' && item.repeat === 'once' ? onlyByte(item.set) : -1;
    if (byte < 0) return undefined;
    literal += String.fromCharCode(byte);
  }
  return literal;
}

const anchoring = new Map<string, Pattern>();
const plain = new Map<string, Pattern>();
let lastSource: string | undefined;
let last: Pattern;

/** The pattern of a source text for find, match and gsub, where a leading '^' anchors. */
export function patternOf(source: string): Pattern {
  if (source === lastSource) return last;
  let pattern = anchoring.get(source);
  if (pattern === undefined) {
    pattern = new Pattern(source, true);
    keep(anchoring, source, pattern);
  }
  lastSource = source;
  last = pattern;
  return pattern;
}

/** The pattern of a source text for gmatch, where '^' stands for itself. */
export function unanchoredPatternOf(source: string): Pattern {
  if (source.charCodeAt(0) !== 94) return patternOf(source);
  let pattern = plain.get(source);
  if (pattern === undefined) {
    pattern = new Pattern(source, false);
    keep(plain, source, pattern);
  }
  return pattern;
}

function keep(cache: Map<string, Pattern>, source: string, pattern: Pattern): void {
  if (cache.size >= MAX_KEPT) {
    // The oldest half goes; what is in use comes back at once.
    let n = MAX_KEPT / 2;
    for (const key of cache.keys()) {
      if (n-- === 0) break;
      cache.delete(key);
    }
  }
  cache.set(source, pattern);
}

const MAGIC = new Uint8Array(256);
for (const c of '^$*+?.([%-') MAGIC[c.charCodeAt(0)] = 1;

/** Whether a text has a character with a meaning in patterns, so that `find` cannot look for it as it is. */
export function hasMagic(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (MAGIC[text.charCodeAt(i)] === 1) return true;
  return false;
}
