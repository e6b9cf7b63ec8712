// Patterns that need no way back, as JavaScript functions that call each other. Where each choice is decided by what is
// there (branches that begin with different characters, loops that what follows cannot begin with, and all that stands in
// atomic groups and possessive loops), the first way through a part is the only one that matters, and a subroutine call is
// a function call. Recursion over balanced parentheses is such a pattern, and what people write possessive quantifiers for.
//
// The matcher (matcher.ts) stays the judge of limits: the functions have a budget of what it might have put on its stack
// and counted, and what they cannot do within that is done by the matcher from the beginning.
import { cannotFail, groupsIn, nullable } from './analysis.ts';
import { type Node, type Pattern, type RepeatNode, some } from './ast.ts';
import { byteTable, complement, disjoint, type Ranges, single, union } from './charset.ts';
import { ASSERT_KINDS, holds, newlineAt, type WideSet, wideMatch } from './subject.ts';
import { encodeUtf8 } from './utf8.ts';

/**
 * One attempt at `start`. The end of the match, with the captures in `registers` from 2 on; or minus one minus what of the
 * budget was used: more than all of it if nothing is known.
 */
export type Descent = (
  subject: string,
  start: number,
  searchStart: number,
  registers: Int32Array,
  budget: number,
) => number;

/** What may come after a node; null when that is not known. */
interface Follow {
  /** Its first characters. */
  readonly set: Ranges;
  /** Nothing comes after the node that can fail. */
  readonly committed: boolean;
}

const COMMITTED: Follow = { set: [], committed: true };

/** Thrown where a pattern, or a part of it, may need a way back. */
class NeedsMatcher extends Error {}

class Generator {
  private readonly pattern: Pattern;
  private readonly utf: boolean;
  private readonly registers: number;
  private readonly tables: Uint8Array[] = [];
  private readonly wideSets: WideSet[] = [];
  /** Texts of the functions of called groups. */
  private readonly functions = new Map<number, string>();
  /** Of called groups: their bodies, whether they can be empty, and what they can begin with. */
  private readonly bodies = new Map<number, Node>();
  private readonly emptyGroups = new Map<number, boolean>();
  private readonly firsts = new Map<number, Ranges>();
  private labels = 0;
  /** Whether groups are noted: a call leaves none behind. */
  private capturing = true;

  constructor(pattern: Pattern, registers: number) {
    this.pattern = pattern;
    this.utf = pattern.settings.utf;
    this.registers = registers;
  }

  generate(): Descent {
    const { root, settings, groupCount } = this.pattern;
    const { utf } = this;
    if (settings.notEmpty || settings.notEmptyAtStart || settings.duplicateNumbers) throw new NeedsMatcher();
    if (some(root, (node) => !isKnown(node, utf))) throw new NeedsMatcher();
    this.ensureProgress();
    const body = this.node(root, COMMITTED, 'break F;');
    let variables = '';
    let stores = '';
    for (let i = 2; i < groupCount * 2 + 2; i++) {
      variables += `let c${i}=-1;`;
      stores += `registers[${i}]=c${i};`;
    }
    const text =
      `"use strict";let w=0,b=0;${this.tables.map((_, i) => `const T${i}=tables[${i}];`).join('')}${[...this.functions.values()].join('\n')}\n` +
      `return (s,start,searchStart,registers,budget)=>{const n=s.length;let p=start,x=0;w=budget;b=searchStart;${variables}` +
      `F:{${this.spend(cost(root, this.registers), 'break F;')}${body}if(w<0)break F;${stores}return p}` +
      'return w<0?-2-budget:w-budget-1}';
    const make = new Function('tables', 'sets', 'wideMatch', 'newlineAt', 'holds', 'settings', text);
    return make(this.tables, this.wideSets, wideMatch, newlineAt, holds, settings) as Descent;
  }

  /** That no group can call itself before something has been consumed: that is an error of the matcher's. */
  private ensureProgress(): void {
    const walkGroup = (index: number, active: readonly number[]): boolean => {
      if (active.includes(index)) throw new NeedsMatcher();
      let canBeEmpty = this.emptyGroups.get(index);
      if (canBeEmpty === undefined) {
        canBeEmpty = walk(this.groupBody(index), [...active, index]);
        this.emptyGroups.set(index, canBeEmpty);
      }
      return canBeEmpty;
    };
    const walk = (node: Node, active: readonly number[]): boolean => {
      switch (node.type) {
        case 'set':
        case 'newline':
        case 'byte':
          return false;
        case 'seq':
          for (const item of node.items) if (!walk(item, active)) return false;
          return true;
        case 'alt':
          return node.branches.map((branch) => walk(branch, active)).includes(true);
        case 'group':
        case 'atomic':
          return walk(node.body, active);
        case 'look':
          walk(node.body, active);
          return true;
        case 'repeat':
          if (node.max === 0) return true;
          return walk(node.body, active) || node.min === 0;
        case 'call':
          return walkGroup(node.group, active);
        default:
          return true;
      }
    };
    some(this.pattern.root, (node) => {
      if (node.type === 'call') walkGroup(node.group, []);
      return false;
    });
  }

  private groupBody(index: number): Node {
    const { root } = this.pattern;
    let body = this.bodies.get(index);
    if (body !== undefined) return body;
    if (index === 0) body = root;
    some(root, (node) => {
      if (node.type !== 'group' || node.index !== index || body !== undefined) return false;
      ({ body } = node);
      return true;
    });
    if (body === undefined) throw new NeedsMatcher();
    this.bodies.set(index, body);
    return body;
  }

  private nullable(node: Node): boolean {
    return nullable(node, (group) => this.emptyGroups.get(group)!);
  }

  /** The characters that what the node consumes can begin with. */
  private first(node: Node): Ranges {
    switch (node.type) {
      case 'set':
        return node.set;
      case 'newline':
        return [10, 13, 0x85, 0x85, 0x2028, 0x2029];
      case 'byte':
        return [0, 255];
      case 'seq': {
        let set: Ranges = [];
        for (const item of node.items) {
          set = union(set, this.first(item));
          if (!this.nullable(item)) break;
        }
        return set;
      }
      case 'alt':
        return node.branches.reduce<Ranges>((set, branch) => union(set, this.first(branch)), []);
      case 'group':
      case 'atomic':
        return this.first(node.body);
      case 'repeat':
        return node.max === 0 ? [] : this.first(node.body);
      case 'call': {
        let set = this.firsts.get(node.group);
        if (set === undefined) {
          set = this.first(this.groupBody(node.group));
          this.firsts.set(node.group, set);
        }
        return set;
      }
      default:
        return [];
    }
  }

  /** What comes at item `from` of a sequence that `follow` comes after. */
  private followOf(items: readonly Node[], from: number, follow: Follow | null): Follow | null {
    let set: Ranges = [];
    let isSure = true;
    for (let i = from; i < items.length; i++) {
      const item = items[i]!;
      set = union(set, this.first(item));
      if (item.type === 'assert' && this.pattern.settings.newline === 'lf') {
        // At the end there is no next character, or only the final newline.
        if (item.kind === 'end') return { set, committed: false };
        if (item.kind === 'endNewline' || item.kind === 'lineEnd')
          return { set: union(set, [10, 10]), committed: false };
      }
      if (!this.nullable(item)) return { set, committed: false };
      if (!cannotFail(item)) isSure = false;
    }
    if (follow === null) return null;
    if (follow.committed) return isSure ? COMMITTED : null;
    return { set: union(set, follow.set), committed: false };
  }

  // Text

  private label(): string {
    return 'L' + ++this.labels;
  }

  private spend(amount: number, fail: string): string {
    return `if((w-=${amount})<0)${fail}`;
  }

  /** Texts that keep the captures in a node, and that put them back. */
  private captures(node: Node): { keep: string; restore: string } {
    let keep = '';
    let restore = '';
    if (this.capturing) {
      const id = this.label();
      for (const index of groupsIn(node, true)) {
        for (const i of [index * 2, index * 2 + 1]) {
          keep += `const ${id}_${i}=c${i};`;
          restore += `c${i}=${id}_${i};`;
        }
      }
    }
    return { keep, restore };
  }

  /** Text that consumes the node at `p`, or executes `fail`. */
  private node(node: Node, follow: Follow | null, fail: string): string {
    switch (node.type) {
      case 'empty':
      case 'cond':
        return '';
      case 'set':
        return this.set(node.set, fail);
      case 'byte':
        return `if(p>=n)${fail}p++;`;
      case 'newline':
        return `{const l=newlineAt(s,p,${node.unicode},${this.utf});if(l===0)${fail}p+=l;}`;
      case 'seq':
        return node.items.map((item, i) => this.node(item, this.followOf(node.items, i + 1, follow), fail)).join('');
      case 'alt':
        return this.alternatives(node.branches, follow, fail);
      case 'group': {
        const body = this.node(node.body, follow, fail);
        if (!this.capturing) return body;
        const start = this.label();
        return `const ${start}=p;${body}c${node.index * 2}=${start};c${node.index * 2 + 1}=p;`;
      }
      case 'atomic':
        return this.node(node.body, COMMITTED, fail);
      case 'look': {
        const at = this.label();
        if (!node.negate) return `const ${at}=p;${this.node(node.body, COMMITTED, fail)}p=${at};`;
        const { keep, restore } = this.captures(node.body);
        const body = this.node(node.body, COMMITTED, `break ${at}B;`);
        return `const ${at}=p;${keep}${at}B:{${body}${fail}}p=${at};${restore}`;
      }
      case 'repeat':
        return this.repeat(node, follow, fail);
      case 'assert':
        return `if(!(${this.assertion(ASSERT_KINDS.indexOf(node.kind))}))${fail}`;
      case 'call':
        this.need(node.group);
        return `if((p=g${node.group}(s,n,p))<0)${fail}`;
      default:
        throw new NeedsMatcher();
    }
  }

  /** Makes the function of a group that is called. */
  private need(index: number): void {
    if (this.functions.has(index)) return;
    this.functions.set(index, '');
    const { capturing } = this;
    this.capturing = false;
    const body = this.groupBody(index);
    // A call of the whole pattern is not backtracked into, calls of groups are.
    const text = this.node(body, index === 0 ? COMMITTED : null, 'return -1;');
    this.capturing = capturing;
    const spent = this.spend(cost(body, this.registers) + this.registers + 3, 'return -1;');
    this.functions.set(index, `function g${index}(s,n,p){let x=0;${spent}${text}return p}`);
  }

  private assertion(kind: number): string {
    switch (kind) {
      case 0:
        return 'p===0';
      case 2:
        return 'p===n';
      case 3:
        if (this.pattern.settings.newline === 'lf') return 'p===n||p===n-1&&s.charCodeAt(p)===10';
        break;
      default:
        break;
    }
    return `holds(${kind},s,p,b,settings)`;
  }

  /** Whether the character at `p` is of the set: the text of a test, or of the length that a wide set takes. */
  private one(set: Ranges): { test: string; isWide: boolean } {
    const only = single(set);
    if (only >= 0 && (!this.utf || only < 0x80)) return { test: `s.charCodeAt(p)===${only}`, isWide: false };
    if (!this.utf && complement(set, 0xff).length === 0) return { test: 'true', isWide: false };
    if (this.utf && set.length > 0 && set[set.length - 1]! >= 0x80) {
      const index = this.wideSets.push({ ascii: byteTable(set), ranges: set }) - 1;
      return { test: `wideMatch(sets[${index}],s,p)`, isWide: true };
    }
    // A comparison or two take less than a table.
    const others = this.utf ? [] : complement(set, 0xff);
    if (others.length === 2 && others[1]! - others[0]! <= 1) {
      const [low, high] = others as [number, number];
      const test = `(x=s.charCodeAt(p))!==${low}${low === high ? '' : `&&x!==${high}`}`;
      return { test, isWide: false };
    }
    const index = this.tables.push(byteTable(set)) - 1;
    return { test: `T${index}[s.charCodeAt(p)]===1`, isWide: false };
  }

  private set(set: Ranges, fail: string): string {
    const only = single(set);
    if (this.utf && only >= 0x80) {
      const bytes = encodeUtf8(only);
      let tests = `p+${bytes.length}>n`;
      for (let i = 0; i < bytes.length; i++) tests += `||s.charCodeAt(p+${i})!==${bytes.charCodeAt(i)}`;
      return `if(${tests})${fail}p+=${bytes.length};`;
    }
    const { test, isWide } = this.one(set);
    if (isWide) return `{const l=p<n?${test}:0;if(l===0)${fail}p+=l;}`;
    return `if(p>=n||!(${test}))${fail}p++;`;
  }

  private alternatives(branches: readonly Node[], follow: Follow | null, fail: string): string {
    if (follow?.committed !== true) {
      // Only one of them can match.
      let seen: Ranges = [];
      for (const branch of branches) {
        const first = this.first(branch);
        if (this.nullable(branch) || !disjoint(seen, first)) throw new NeedsMatcher();
        seen = union(seen, first);
      }
    }
    const end = this.label();
    const { keep, restore } = this.captures({ type: 'alt', branches: [...branches] });
    let text = `${end}:{const ${end}p=p;${keep}`;
    branches.forEach((branch, i) => {
      if (i === branches.length - 1) {
        text += this.node(branch, follow, fail);
        return;
      }
      const next = this.label();
      text += `${next}:{${this.node(branch, follow, `break ${next};`)}break ${end}}p=${end}p;${restore}`;
    });
    return text + '}';
  }

  private repeat(node: RepeatNode, outer: Follow | null, fail: string): string {
    const { body, min, max, mode } = node;
    if (max === 0) return '';
    if (min === 1 && max === 1) return this.node(body, mode === 'possessive' ? COMMITTED : outer, fail);
    const follow = mode === 'possessive' ? COMMITTED : outer;
    const first = this.first(body);
    const committed = follow?.committed === true;
    if (min !== max || body.type !== 'set') {
      // Taking as much as there is, is the only way that can lead on.
      const isOnly = follow !== null && !committed && disjoint(first, follow.set);
      if (!isOnly && !(committed && mode !== 'lazy')) throw new NeedsMatcher();
    }
    if (body.type === 'set' && !(this.utf && single(body.set) >= 0x80)) return this.characters(body.set, node, fail);
    if (mode === 'lazy' || this.nullable(body)) throw new NeedsMatcher();
    const next = committed ? first : follow === null ? null : union(first, follow.set);
    const inner = committed && min <= 1 ? COMMITTED : next === null ? null : { set: next, committed: false };
    const id = this.label();
    const { keep, restore } = this.captures(body);
    const text = this.node(body, inner, `break ${id}B;`);
    const spent = this.spend(cost(body, this.registers) + 4, fail);
    const again = `const ${id}p=p;${keep}${spent}${id}B:{${text}`;
    const counts = min > 0 || max !== Infinity;
    if (min === 0 && max === 1) return `${id}:{${again}break ${id}}p=${id}p;${restore}}`;
    const top = max === Infinity ? '' : `if(${id}i===${max})break;`;
    const count = counts ? `${id}i++;` : '';
    const start = counts ? `let ${id}i=0;` : '';
    const end = min > 0 ? `if(${id}i<${min})${fail}` : '';
    return `${start}${id}:for(;;){${top}${again}${count}continue ${id}}p=${id}p;${restore}break}${end}`;
  }

  /** A loop over one character. */
  private characters(set: Ranges, { min, max, mode }: RepeatNode, fail: string): string {
    const { test, isWide } = this.one(set);
    const id = this.label();
    // The matcher may come back to each place of a loop that it does not know to be possessive.
    const spent =
      mode === 'possessive'
        ? `if((w-=1+(p-${id}>>6))<0)${fail}`
        : min === max
          ? this.spend(1, fail)
          : `if((w-=1+p-${id})<0)${fail}`;
    if (isWide) {
      const most = max === Infinity ? '' : `${id}i<${max}&&`;
      const loop = `while(${most}p<n&&(${id}l=${test})>0){p+=${id}l;${id}i++}`;
      return `const ${id}=p;let ${id}i=0,${id}l=0;${loop}if(${id}i<${min})${fail}${spent}`;
    }
    const end = max === Infinity ? 'n' : `${id}e`;
    const most = max === Infinity ? '' : `const ${id}e=n-p>${max}?p+${max}:n;`;
    const loop = test === 'true' ? `p=${end};` : `while(p<${end}&&${test})p++;`;
    const least = min === 0 ? '' : `if(p-${id}<${min})${fail}`;
    return `const ${id}=p;${most}${loop}${least}${spent}`;
  }
}

/** Whether the generator knows the node. */
function isKnown(node: Node, utf: boolean): boolean {
  switch (node.type) {
    case 'look':
      return !node.behind && node.atomic;
    case 'byte':
      return !utf;
    case 'cond':
      return node.test.type === 'define';
    case 'backref':
    case 'keep':
    case 'grapheme':
    case 'verb':
      return false;
    default:
      return true;
  }
}

/** How much the matcher might push for the node, the iterations of its loops and what it calls not counted. */
function cost(node: Node, registers: number): number {
  switch (node.type) {
    case 'seq':
      return node.items.reduce((sum, item) => sum + cost(item, registers), 0);
    case 'alt':
      return node.branches.reduce((sum, branch) => sum + 2 + cost(branch, registers), 0);
    case 'group':
      return 3 + cost(node.body, registers);
    case 'atomic':
      return 1 + cost(node.body, registers);
    case 'look':
      return 4 + cost(node.body, registers);
    case 'repeat':
      return node.min === 1 && node.max === 1 ? 1 + cost(node.body, registers) : 4;
    case 'call':
      return 2;
    default:
      return 0;
  }
}

/**
 * The pattern as functions, or null if it may need a way back.
 *
 * @param registers how many the matcher's program has
 */
export function generateDescent(pattern: Pattern, registers: number): Descent | null {
  try {
    return new Generator(pattern, registers).generate();
  } catch (e) {
    if (e instanceof NeedsMatcher) return null;
    throw e;
  }
}
