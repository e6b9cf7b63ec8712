// Turns a pattern into a JavaScript function of its own, for patterns that are used often.
//
// Every item becomes straight code over local offsets; where the match can go back there is a loop, and the rest of
// the pattern stands inside it, so giving up is a jump and success a return. Offsets are never changed between their
// item and the end of the pattern, so a capture is only the name of an offset until the match is complete.

import { throwError } from '../../error.ts';
import { type Item, onlyByte, type ParsedPattern } from './parse.ts';
import { found, isTight, type Matcher, matchBack, matchBalance } from './run.ts';

const MAX_ITEMS = 80;
const MAX_LOOPS = 10;
const RUN_BEFORE_INDEXOF = 16; // bytes compared one by one before a run is left to the native search

/** The generated matcher of a pattern, or undefined for one that is too long to be worth it. */
export function generateMatcher(pattern: ParsedPattern): Matcher | undefined {
  const { items } = pattern;
  if (items.length > MAX_ITEMS) return undefined;
  let loops = 0;
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    if (item.kind === 'set' && item.repeat !== 'once' && !isTight(pattern, i)) loops++;
  }
  return loops > MAX_LOOPS ? undefined : new Generator(pattern).build();
}

class Generator {
  readonly #pattern: ParsedPattern;
  readonly #items: readonly Item[];
  readonly #sets: Uint8Array[] = [];
  /** For each capture the expressions of its start and end. */
  readonly #starts: string[] = [];
  readonly #ends: string[] = [];
  #names = 0;
  /** Set while the code of a leading run (X+) is made: the place from which a new attempt can start. */
  #skips = false;

  constructor(pattern: ParsedPattern) {
    this.#pattern = pattern;
    this.#items = pattern.items;
  }

  build(): Matcher {
    const body = this.#pattern.anchored ? this.#rest(0, 'at', 0, 'return false;') : this.#search();
    const source = `"use strict"; return function matchPattern(s, at) {
const n = s.length; let c = 0;
${body}
return false; };`;
    const make = new Function('found', 'throwError', 'matchBack', 'matchBalance', 'sets', this.#setNames() + source);
    return make(found, throwError, matchBack, matchBalance, this.#sets) as Matcher;
  }

  #setNames(): string {
    return this.#sets.map((_, i) => `const set${i} = sets[${i}];`).join(' ');
  }

  /** The loop over the places where a match may start. */
  #search(): string {
    const prefix = this.#literalAt(0);
    if (prefix !== '') {
      return `for (; (at = s.indexOf(${quote(prefix)}, at)) >= 0; at++) {
attempt: { ${this.#rest(prefix.length, 'at', prefix.length, 'break attempt;')} } }`;
    }
    const lead = this.#items.findIndex((item) => item.kind !== 'open' && item.kind !== 'position');
    const first = this.#items[lead];
    if (first === undefined || first.kind !== 'set' || first.repeat !== 'once') {
      return `for (; at <= n; at++) { attempt: { ${this.#rest(0, 'at', 0, 'break attempt;')} } }`;
    }
    const byte = onlyByte(first.set);
    const seek =
      byte >= 0
        ? `at = s.indexOf(${quote(String.fromCharCode(byte))}, at); if (at < 0) return false;`
        : `while (at < n && !(${this.#test(first.set, 's.charCodeAt(at)')})) at++; if (at >= n) return false;`;
    // When the pattern starts with a whole run of a set, an attempt from inside a run that failed would fail at the
    // same place again.
    const next = this.#items[lead + 1];
    this.#skips =
      next !== undefined &&
      next.kind === 'set' &&
      next.repeat === 'greedy' &&
      next.set === first.set &&
      isTight(this.#pattern, lead + 1) &&
      !this.#items.some((item) => item.kind === 'back' || item.kind === 'frontier');
    const after = this.#skips ? 'at = skip;' : '';
    return `let skip = 0; for (; at < n; at++) { ${seek} skip = at;
attempt: { ${this.#rest(0, 'at', 0, 'break attempt;')} } ${after} }`;
  }

  /** Code for the items from `index` on, at the offset `base + plus`; it returns true, or does `fail`. */
  #rest(index: number, base: string, plus: number, fail: string): string {
    const item = this.#items[index];
    const pos = plus === 0 ? base : `${base} + ${plus}`;
    if (item === undefined) return this.#success(pos);
    switch (item.kind) {
      case 'set':
        return this.#set(item, index, base, plus, fail);
      case 'open':
      case 'position':
        this.#starts[item.slot] = pos;
        this.#ends[item.slot] = pos;
        return this.#rest(index + 1, base, plus, fail);
      case 'close':
        this.#ends[item.slot] = pos;
        return this.#rest(index + 1, base, plus, fail);
      case 'back': {
        if (this.#pattern.captures[item.slot] === 'position') return fail;
        const v = this.#name();
        const call = `matchBack(s, ${pos}, ${this.#starts[item.slot]}, ${this.#ends[item.slot]})`;
        return `const ${v} = ${call}; if (${v} < 0) ${fail} ${this.#rest(index + 1, v, 0, fail)}`;
      }
      case 'balance': {
        const v = this.#name();
        const call = `matchBalance(s, ${pos}, ${item.open}, ${item.close})`;
        return `const ${v} = ${call}; if (${v} < 0) ${fail} ${this.#rest(index + 1, v, 0, fail)}`;
      }
      case 'frontier': {
        const set = this.#setName(item.set);
        const before = `${set}[${pos} > 0 ? s.charCodeAt(${pos} - 1) : 0]`;
        const after = `${set}[${pos} < n ? s.charCodeAt(${pos}) : 0]`;
        return `if (${before} === 1 || ${after} !== 1) ${fail} ${this.#rest(index + 1, base, plus, fail)}`;
      }
      case 'end':
        return `if (${pos} !== n) ${fail} ${this.#rest(index + 1, base, plus, fail)}`;
      case 'error':
        return `throwError(${quote(item.message)});`;
    }
  }

  #set(item: Item & { kind: 'set' }, index: number, base: string, plus: number, fail: string): string {
    const pos = plus === 0 ? base : `${base} + ${plus}`;
    if (item.repeat === 'once') return this.#fixed(index, base, plus, fail);
    const v = this.#name();
    const test = this.#test(item.set, `s.charCodeAt(${v})`);
    const tight = isTight(this.#pattern, index);
    if (item.repeat === 'lazy') {
      if (!tight) return this.#lazy(index, v, pos, test, fail);
      if (this.#pattern.follow[index + 1]!.always) return this.#rest(index + 1, base, plus, fail);
    }
    const take =
      item.repeat === 'optional'
        ? `let ${v} = ${pos}; if (${v} < n && ${test}) ${v}++;`
        : this.#run(item, v, pos, test);
    if (tight) {
      const skip = this.#skips ? `skip = ${v} - 1;` : '';
      this.#skips = false;
      return `${take} ${skip} ${this.#rest(index + 1, v, 0, fail)}`;
    }
    const label = `back${v}`;
    const rest = this.#rest(index + 1, v, 0, `continue ${label};`);
    return `${take} ${label}: for (; ${v} >= ${pos}; ${v}--) { ${rest} } ${fail}`;
  }

  /** A run of items that match exactly once: one length check, then the bytes. */
  #fixed(index: number, base: string, plus: number, fail: string): string {
    let conditions = '';
    let end = index;
    for (; end < this.#items.length; end++) {
      const item = this.#items[end]!;
      if (item.kind !== 'set' || item.repeat !== 'once') break;
      const at = plus + end - index;
      const test = this.#test(item.set, `s.charCodeAt(${base}${at === 0 ? '' : ` + ${at}`})`);
      if (test !== 'true') conditions += ` || !(${test})`;
    }
    const length = plus + end - index;
    return `if (${base} + ${length} > n${conditions}) ${fail} ${this.#rest(end, base, length, fail)}`;
  }

  /** Moves a new variable `v` from `pos` over the longest run of a set. */
  #run(item: Item & { kind: 'set' }, v: string, pos: string, test: string): string {
    if (test === 'true') return `let ${v} = n;`;
    const byte = onlyByteMissing(item.set);
    if (byte < 0) return `let ${v} = ${pos}; while (${v} < n && ${test}) ${v}++;`;
    const limit = `${v}Near`;
    const search = `${v} = s.indexOf(${quote(String.fromCharCode(byte))}, ${v}); if (${v} < 0) ${v} = n;`;
    return `let ${v} = ${pos}; const ${limit} = ${v} + ${RUN_BEFORE_INDEXOF} < n ? ${v} + ${RUN_BEFORE_INDEXOF} : n;
while (${v} < ${limit} && ${test}) ${v}++; if (${v} === ${limit} && ${v} < n) { ${search} }`;
  }

  #lazy(index: number, v: string, pos: string, test: string, fail: string): string {
    const label = `try${v}`;
    const literal = test === 'true' ? this.#literalAt(index + 1) : '';
    if (literal !== '') {
      const rest = this.#rest(index + 1 + literal.length, v, literal.length, `break ${label};`);
      return `let ${v} = ${pos}; for (; (${v} = s.indexOf(${quote(literal)}, ${v})) >= 0; ${v}++) {
${label}: { ${rest} } } ${fail}`;
    }
    const rest = this.#rest(index + 1, v, 0, `break ${label};`);
    return `let ${v} = ${pos}; for (;; ${v}++) { ${label}: { ${rest} } if (${v} >= n || !(${test})) ${fail} }`;
  }

  /** The bytes that must stand where item `index` is matched, as far as they are single ones. */
  #literalAt(index: number): string {
    let literal = '';
    for (let i = index; i < this.#items.length; i++) {
      const item = this.#items[i]!;
      const byte = item.kind === 'set' && item.repeat === 'once' ? onlyByte(item.set) : -1;
      if (byte < 0) break;
      literal += String.fromCharCode(byte);
    }
    return literal;
  }

  #success(pos: string): string {
    let code = `found[0] = at; found[1] = ${pos};`;
    for (let slot = 0; slot < this.#starts.length; slot++) {
      code += ` found[${2 + 2 * slot}] = ${this.#starts[slot]}; found[${3 + 2 * slot}] = ${this.#ends[slot]};`;
    }
    return code + ' return true;';
  }

  /** An expression that is true when the byte `code` is in the set. */
  #test(set: Uint8Array, code: string): string {
    const from = set.indexOf(1);
    if (from < 0) return 'false';
    const to = set.lastIndexOf(1);
    const gap = set.indexOf(0, from);
    if (gap < 0 || gap > to) {
      if (from === 0 && to === 255) return 'true';
      return from === to ? `${code} === ${from}` : `(c = ${code}) >= ${from} && c <= ${to}`;
    }
    const missing = onlyByteMissing(set);
    return missing >= 0 ? `${code} !== ${missing}` : `${this.#setName(set)}[${code}] === 1`;
  }

  #setName(set: Uint8Array): string {
    let index = this.#sets.indexOf(set);
    if (index < 0) index = this.#sets.push(set) - 1;
    return `set${index}`;
  }

  #name(): string {
    return `i${++this.#names}`;
  }
}

function onlyByteMissing(set: Uint8Array): number {
  const from = set.indexOf(0);
  return from >= 0 && set.indexOf(0, from + 1) < 0 ? from : -1;
}

/** A byte string as a JavaScript literal. */
function quote(text: string): string {
  return JSON.stringify(text);
}
