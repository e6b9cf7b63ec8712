// Tree to JavaScript RegExp source that matches exactly the same, or the reason why there is none. The result runs over
// byte strings with neither the i, m, s nor u flag: case, lines and UTF-8 are spelled out, because JavaScript's notions
// of them differ (Unicode case folding without the u flag, U+2028 as a line end, code units instead of bytes).
//
// What stays different between the two languages is found out here and refused:
// - JavaScript forgets a loop's captures at each iteration, PCRE keeps them;
// - JavaScript refuses an iteration that matches nothing, PCRE takes it and leaves the loop;
// - a backreference to an unset group matches empty in JavaScript and fails in PCRE.
import { emptyLast, groupsIn, leadsWith, nullable, withoutLeadingHere } from './analysis.ts';
import { type Node, type Pattern, type RepeatNode, some } from './ast.ts';
import { complement, intersect, MAX_CODE_POINT, type Ranges, single } from './charset.ts';
import { ucpWord } from './unicode.ts';
import { utf8Sequences } from './utf8-ranges.ts';

/** What the subject is: bytes, UTF-8 (valid), or UTF-8 that is known to be ASCII only. */
export type SubjectKind = 'bytes' | 'utf8' | 'ascii';

/** A translated pattern. */
export interface Translation {
  source: string;
  /** The match must begin where the search does: the y flag instead of g. */
  sticky: boolean;
  /** PCRE group -> JavaScript group; null when they are the same. */
  groupMap: Int32Array | null;
  /** JavaScript groups holding what comes after \K: the match begins that many characters before its end. */
  keepGroups: number[];
}

/** Thrown within this file to give up. */
class Untranslatable {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

const SPECIAL = /[\\^$.*+?()[\]{}|/]/;

function hex(code: number): string {
  return '\\x' + code.toString(16).padStart(2, '0');
}

function escapeChar(code: number): string {
  if (code < 0x20 || code > 0x7e) return hex(code);
  const ch = String.fromCharCode(code);
  return SPECIAL.test(ch) ? '\\' + ch : ch;
}

function escapeInClass(code: number): string {
  if (code < 0x20 || code > 0x7e) return hex(code);
  const ch = String.fromCharCode(code);
  return /[\\\]^[-]/.test(ch) ? '\\' + ch : ch;
}

/** A class of bytes below or equal to `max`. */
function byteClass(set: Ranges, max: number): string {
  const only = single(set);
  if (only >= 0) return escapeChar(only);
  if (set.length === 0) return '[]';
  const rest = complement(set, max);
  if (rest.length === 0) return '[^]';
  const negate = rest.length < set.length;
  let out = negate ? '[^' : '[';
  const shown = negate ? rest : set;
  for (let i = 0; i < shown.length; i += 2) {
    const lo = shown[i]!;
    const hi = shown[i + 1]!;
    out += escapeInClass(lo);
    if (hi > lo + 1) out += '-';
    if (hi > lo) out += escapeInClass(hi);
  }
  return out + ']';
}

class Translator {
  private readonly pattern: Pattern;
  private readonly kind: SubjectKind;
  private groups = 0;
  private readonly map: number[] = [0];
  private readonly keepGroups: number[] = [];
  /** Groups that are certainly set at the point reached. */
  private defined = new Set<number>();
  private lookbehind = 0;
  private sticky: boolean;
  private readonly leadingHere: boolean;

  constructor(pattern: Pattern, kind: SubjectKind, anchored: boolean) {
    this.pattern = pattern;
    this.kind = kind;
    this.leadingHere = leadsWith(pattern.root, ['here']);
    this.sticky = anchored || this.leadingHere;
  }

  translate(): Translation {
    const { groupCount, settings } = this.pattern;
    const root = this.leadingHere ? withoutLeadingHere(this.pattern.root) : this.pattern.root;
    if (settings.notEmpty || settings.notEmptyAtStart) throw new Untranslatable('(*NOTEMPTY)');
    // There a search does not begin between CR and LF.
    if (settings.newline === 'any' || settings.newline === 'anycrlf' || settings.newline === 'crlf') {
      throw new Untranslatable('a newline convention with CRLF');
    }
    let source = this.top(root);
    // A match of nothing must not come to lie between the bytes of a character.
    if (this.kind === 'utf8' && nullable(root)) source = '(?![\\x80-\\xbf])(?:' + source + ')';
    const identity = this.groups === groupCount && this.map.every((js: number, pcre: number) => js === pcre);
    return {
      source,
      sticky: this.sticky,
      groupMap: identity ? null : Int32Array.from(this.map),
      keepGroups: this.keepGroups,
    };
  }

  /** The outermost alternatives, where \K is possible: what follows it goes into a group of its own. */
  private top(node: Node): string {
    if (!some(node, (n) => n.type === 'keep')) return this.emit(node);
    if (node.type === 'alt') return this.alternatives(node.branches, (branch) => this.top(branch));
    if (node.type === 'keep') return this.keepRest([]);
    if (node.type !== 'seq') throw new Untranslatable('\\K inside a group');
    const at = node.items.findLastIndex((item) => item.type === 'keep');
    if (at < 0) throw new Untranslatable('\\K inside a group');
    const before = node.items.slice(0, at).filter((item) => item.type !== 'keep');
    if (before.some((item) => some(item, (n) => n.type === 'keep'))) throw new Untranslatable('\\K inside a group');
    return this.sequence(before) + this.keepRest(node.items.slice(at + 1));
  }

  private keepRest(items: Node[]): string {
    const index = ++this.groups;
    this.keepGroups.push(index);
    return '(' + this.sequence(items) + ')';
  }

  private sequence(items: readonly Node[]): string {
    let out = '';
    for (const item of items) out += item.type === 'alt' ? '(?:' + this.emit(item) + ')' : this.emit(item);
    return out;
  }

  private alternatives(branches: readonly Node[], emit: (branch: Node) => string): string {
    const before = this.defined;
    let common: Set<number> | null = null;
    const out: string[] = [];
    for (const branch of branches) {
      this.defined = new Set(before);
      out.push(emit(branch));
      const after = this.defined;
      common = common === null ? after : new Set([...(common as Set<number>)].filter((group) => after.has(group)));
    }
    this.defined = common!;
    return out.join('|');
  }

  /** Source that a quantifier may follow. */
  private atom(node: Node): string {
    if (node.type === 'group' || (node.type === 'set' && this.kind !== 'utf8')) return this.emit(node);
    const source = this.emit(node);
    if (/^(?:[^^$\\]|\[(?:[^\]\\]|\\.)*\]|\\x..)$/.test(source)) return source;
    return '(?:' + source + ')';
  }

  private emit(node: Node): string {
    switch (node.type) {
      case 'empty':
        return '';
      case 'set':
        return this.set(node.set);
      case 'seq':
        return this.sequence(node.items);
      case 'alt':
        return this.alternatives(node.branches, (branch) => this.emit(branch));
      case 'group': {
        if (this.map[node.index] !== undefined) throw new Untranslatable('groups that share a number');
        this.map[node.index] = ++this.groups;
        const body = this.emit(node.body);
        this.defined.add(node.index);
        return '(' + body + ')';
      }
      case 'atomic':
        return this.atomic(node.body);
      case 'look':
        return this.look(node);
      case 'repeat':
        return this.repeat(node);
      case 'backref':
        return this.backref(node);
      case 'assert':
        return this.assertion(node.kind);
      case 'newline':
        return this.newline(node.unicode);
      case 'byte':
        if (this.kind !== 'bytes') throw new Untranslatable('\\C in UTF mode');
        return '[^]';
      case 'cond':
        if (node.test.type === 'constant') {
          const { value } = node.test;
          if (groupsIn(value ? node.no : node.yes, true).size > 0) throw new Untranslatable('groups never reached');
          return '(?:' + this.emit(value ? node.yes : node.no) + ')';
        }
        throw new Untranslatable('a conditional group');
      case 'verb':
        if (node.kind === 'fail') return '[]';
        throw new Untranslatable('(*' + node.kind.toUpperCase() + ')');
      case 'keep':
        throw new Untranslatable('\\K inside a group');
      case 'call':
        throw new Untranslatable('a subroutine call');
      case 'grapheme':
        throw new Untranslatable('\\X');
    }
  }

  private set(set: Ranges): string {
    if (this.kind === 'bytes') return byteClass(set, 0xff);
    if (this.kind === 'ascii') return byteClass(intersect(set, [0, 0x7f]), 0x7f);
    if (set.length > 0 && set[set.length - 1]! < 0x80) {
      // Not a negated class: that would take in the bytes of other characters.
      return byteClass(set, MAX_CODE_POINT);
    }
    const sequences = utf8Sequences(set).map((bytes) => bytes.map((range) => byteClass(range, 0xff)).join(''));
    if (sequences.length === 0) return '[]';
    return sequences.length === 1 ? sequences[0]! : '(?:' + sequences.join('|') + ')';
  }

  private atomic(body: Node): string {
    if (this.lookbehind > 0) throw new Untranslatable('an atomic group in a lookbehind');
    const index = ++this.groups;
    return '(?=(' + this.emit(body) + '))(?:\\' + index + ')';
  }

  private look(node: Node & { type: 'look' }): string {
    if (!node.atomic) throw new Untranslatable('a lookaround that is not atomic');
    const before = new Set(this.defined);
    if (node.behind) this.lookbehind++;
    const body = this.emit(node.body);
    if (node.behind) this.lookbehind--;
    if (node.negate) this.defined = before;
    return '(?' + (node.behind ? '<' : '') + (node.negate ? '!' : '=') + body + ')';
  }

  private repeat(node: RepeatNode): string {
    if (node.mode === 'possessive') return this.atomic({ ...node, mode: 'greedy' });
    const { body, min, max } = node;
    if (max === 0) {
      if (groupsIn(body, true).size > 0) throw new Untranslatable('groups in an item repeated zero times');
      return '';
    }
    const lazy = node.mode === 'lazy';
    if (min === max && max === 1) return '(?:' + this.emit(body) + ')';
    const empty = nullable(body);
    if (max === 1 && empty) {
      const before = new Set(this.defined);
      const source = this.emit(body);
      this.defined = before;
      return lazy ? '(?:|' + source + ')' : '(?:' + source + '|)';
    }
    const before = new Set(this.defined);
    const source = this.atom(body);
    if (max > 1) {
      const inside = groupsIn(body, false);
      for (const group of inside) if (!this.defined.has(group)) throw new Untranslatable('captures kept across a loop');
      if (empty && min !== max && (inside.size > 0 || !emptyLast(body))) {
        throw new Untranslatable('a loop over what may be empty');
      }
    }
    if (min === 0) this.defined = before;
    return source + quantifier(min, max) + (lazy ? '?' : '');
  }

  private backref(node: Node & { type: 'backref' }): string {
    if (this.lookbehind > 0) throw new Untranslatable('a backreference in a lookbehind');
    if (node.groups.length !== 1) throw new Untranslatable('a backreference by a shared name');
    if (node.caseless) throw new Untranslatable('a caseless backreference');
    const group = node.groups[0]!;
    if (!this.defined.has(group)) throw new Untranslatable('a backreference to a group that may be unset');
    return '(?:\\' + this.map[group] + ')';
  }

  private assertion(kind: string): string {
    const { settings } = this.pattern;
    if (settings.newline !== 'lf' && (kind === 'lineStart' || kind === 'lineEnd' || kind === 'endNewline')) {
      throw new Untranslatable('a newline convention other than LF');
    }
    switch (kind) {
      case 'start':
        return '^';
      case 'lineStart':
        return '(?:^|(?<=\\n)(?!$))';
      case 'end':
        return '$';
      case 'endNewline':
        return '(?=\\n?$)';
      case 'lineEnd':
        return '(?![^\\n])';
      case 'here':
        throw new Untranslatable('\\G inside the pattern');
      default:
        return this.wordBoundary(kind === 'notWord');
    }
  }

  private wordBoundary(negate: boolean): string {
    if (!this.pattern.settings.ucp || this.kind === 'ascii') return negate ? '\\B' : '\\b';
    const word = this.set(this.kind === 'bytes' ? intersect(ucpWord(), [0, 0xff]) : ucpWord());
    const inside = `(?<=${word})(?=${word})|(?<!${word})(?!${word})`;
    return negate ? `(?:${inside})` : `(?!${inside})`;
  }

  private newline(unicode: boolean): string {
    if (this.lookbehind > 0) throw new Untranslatable('\\R in a lookbehind');
    const simple = '\\r\\n|\\r(?!\\n)|';
    if (!unicode) return '(?:' + simple + '\\n)';
    if (this.kind === 'bytes') return '(?:' + simple + '[\\n\\v\\f\\x85])';
    if (this.kind === 'ascii') return '(?:' + simple + '[\\n\\v\\f])';
    return '(?:' + simple + '[\\n\\v\\f]|\\xc2\\x85|\\xe2\\x80[\\xa8\\xa9])';
  }
}

function quantifier(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === 0 && max === 1) return '?';
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

/** Translates a pattern, or says why the own matcher must run it. */
export function translate(pattern: Pattern, kind: SubjectKind, anchored: boolean): Translation | string {
  try {
    return new Translator(pattern, kind, anchored).translate();
  } catch (error) {
    if (error instanceof Untranslatable) return error.reason;
    throw error;
  }
}
