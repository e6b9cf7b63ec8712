// Where a search need not even try: facts every match agrees with, checked before an attempt. They are those PCRE2 uses
// too, since passing over a start is visible when a verb such as (*COMMIT) stands at it.
import { firstSet, leadsWith, minLength, nullable } from './analysis.ts';
import { type Node, type Pattern, type PatternSettings, some } from './ast.ts';
import { byteTable, type Ranges } from './charset.ts';
import { utf8Sequences } from './utf8-ranges.ts';

/** What is known of every match. */
export interface SearchHints {
  /** It begins where the search begins. */
  anchored: boolean;
  /** It begins at the very start of the subject. */
  atStart: boolean;
  /** It begins where a line does. */
  atLineStart: boolean;
  /** It takes at least so many bytes. */
  minLength: number;
  /** It begins with one of these bytes; null when it may begin with any or be empty. */
  firstBytes: Uint8Array | null;
  /** It contains one of these bytes (the cases of one letter); empty when nothing is known. */
  requiredBytes: readonly string[];
}

function hasVerb(node: Node, kind: string): boolean {
  return some(node, (n) => n.type === 'verb' && n.kind === kind);
}

function firstBytes(pattern: Pattern): Uint8Array | null {
  const { root, settings } = pattern;
  if (nullable(root) || hasVerb(root, 'accept')) return null;
  const set = firstSet(root);
  // Where a verb such as (*COMMIT) may end the search, starts may only be passed over as PCRE2 does: it looks behind
  // verbs for a first literal, not for a first class.
  const verbs = some(root, (node) => node.type === 'verb' && node.kind !== 'fail' && node.kind !== 'mark');
  if (verbs && caseBytes(set).length === 0) return null;
  if (!settings.utf) return byteTable(set);
  const table = new Uint8Array(256);
  for (const sequence of utf8Sequences(set)) {
    const lead = sequence[0]!;
    for (let i = 0; i < lead.length; i += 2) table.fill(1, lead[i]!, lead[i + 1]! + 1);
  }
  // Unchecked subjects may hold surrogates or what else there is no encoding for.
  for (let c = 0x80; c < 0x100; c++) if (set.length > 0 && set[set.length - 1]! >= 0x80) table[c] = 1;
  return table;
}

/** The one byte of a set, or the two that are cases of one letter; else none. */
function caseBytes(set: Ranges): readonly string[] {
  if (set.length === 0 || set.length > 4 || set[set.length - 1]! >= 0x80) return [];
  if (set[0] !== set[1] || set[2] !== set[3]) return [];
  if (set.length === 2) return [String.fromCharCode(set[0]!)];
  return (set[0]! | 0x20) === set[2] ? [String.fromCharCode(set[0]!), String.fromCharCode(set[2]!)] : [];
}

/** The last literal byte that every match contains, with its other case where that fits too. */
function requiredBytes(node: Node): readonly string[] {
  switch (node.type) {
    case 'set':
      return caseBytes(node.set);
    case 'seq':
      for (let i = node.items.length - 1; i >= 0; i--) {
        const bytes = requiredBytes(node.items[i]!);
        if (bytes.length > 0) return bytes;
      }
      return [];
    case 'group':
    case 'atomic':
      return requiredBytes(node.body);
    case 'repeat':
      return node.min > 0 ? requiredBytes(node.body) : [];
    default:
      return [];
  }
}

/** The hints for a pattern; `anchored` is the option. */
export function searchHints(pattern: Pattern, anchored: boolean): SearchHints {
  const { root, settings } = pattern;
  const blind = settings.noStartOptimize;
  const accept = hasVerb(root, 'accept');
  const atStart = leadsWith(root, ['start'], true);
  const once = anchored || leadsWith(root, ['here'], true);
  return {
    anchored: once,
    atStart,
    atLineStart: !blind && leadsWith(root, ['lineStart']),
    minLength: blind || accept ? 0 : minLength(root),
    firstBytes: blind ? null : firstBytes(pattern),
    // With one start there is little to gain.
    requiredBytes: blind || accept || once || atStart ? [] : requiredBytes(root),
  };
}

/** Goes from start to start; each is one the hints allow. */
export class StartFinder {
  private readonly hints: SearchHints;
  private readonly utf: boolean;
  private readonly once: boolean;
  private readonly lineEnds: boolean;
  private subject = '';
  private lastRequired = 0;

  constructor(hints: SearchHints, { utf, newline, explicitLineEnds }: PatternSettings) {
    this.hints = hints;
    this.utf = utf;
    const several = newline === 'any' || newline === 'anycrlf';
    this.lineEnds = (several && hints.atLineStart) || (!explicitLineEnds && (several || newline === 'crlf'));
    this.once = hints.anchored || hints.atStart;
  }

  /** The first start of a search from `start`, or -1. */
  first(subject: string, start: number): number {
    const { hints } = this;
    if (hints.atStart && start > 0) return -1;
    this.subject = subject;
    this.lastRequired = subject.length;
    if (hints.requiredBytes.length > 0) {
      this.lastRequired = -1;
      for (const byte of hints.requiredBytes) {
        this.lastRequired = Math.max(this.lastRequired, subject.lastIndexOf(byte));
      }
    }
    return this.at(start);
  }

  /** The next start after one that failed, or -1. */
  next(start: number): number {
    if (this.once) return -1;
    const { subject } = this;
    const afterCr = this.lineEnds && subject.charCodeAt(start) === 13;
    start++;
    // A line ending is not entered in its middle.
    if (afterCr && subject.charCodeAt(start) === 10) start++;
    if (this.utf) while (start < subject.length && (subject.charCodeAt(start) & 0xc0) === 0x80) start++;
    return this.at(start);
  }

  /** The next start from `start` on, or -1. */
  at(start: number): number {
    const { subject } = this;
    const { firstBytes, minLength } = this.hints;
    const n = subject.length;
    if (start > n) return -1;
    if (firstBytes !== null) {
      if (!this.once) while (start < n && firstBytes[subject.charCodeAt(start)] === 0) start++;
      if (start >= n || firstBytes[subject.charCodeAt(start)] === 0) return -1;
    }
    return n - start < minLength || this.lastRequired < start ? -1 : start;
  }
}
