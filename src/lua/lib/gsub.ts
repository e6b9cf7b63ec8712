// string.gmatch and string.gsub.
//
// A replacement function (or the __index of a replacement table) may yield, which LuaJIT does not allow: the
// substitution is an object that can be parked and go on later.

import { type NativeFrame, pushFrame, R, ret2, S } from '../call.ts';
import { argError, throwError } from '../error.ts';
import { formatNumber } from '../number.ts';
import { index } from '../runtime.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { argString, optInteger, typeName } from './args.ts';
import { captures, found, type Pattern, patternOf, unanchoredPatternOf } from './pattern.ts';
import { parseTemplate, type Template } from './template.ts';

/** string.gmatch(s, pattern). */
export function gmatch(s: LuaValue, pattern: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'gmatch', arguments.length);
  if (typeof pattern !== 'string') pattern = argString(pattern, 2, 'gmatch', arguments.length);
  return matches(s, unanchoredPatternOf(pattern));
}

function matches(s: string, pattern: Pattern): LuaFunction {
  let at = 0;
  return {
    'C:for iterator'(): LuaResult {
      if (at > s.length || !pattern.search(s, at)) {
        at = s.length + 1;
        return undefined;
      }
      at = found[1]!;
      if (at === found[0]) at++; // an empty match must not be found again
      return captures(pattern, s);
    },
  }['C:for iterator'];
}

/** string.gsub(s, pattern, replacement [, n]). */
export function gsub(s: LuaValue, pattern: LuaValue, replacement: LuaValue, n: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'gsub', arguments.length);
  if (typeof pattern !== 'string') pattern = argString(pattern, 2, 'gsub', arguments.length);
  const limit = n === undefined ? s.length + 1 : optInteger(n, 4, 'gsub', arguments.length, 0);
  const compiled = patternOf(pattern);
  if (typeof replacement === 'number') replacement = formatNumber(replacement);
  if (typeof replacement === 'string') {
    if (replacement.indexOf('%') >= 0) return replaceWithTemplate(s, compiled, templateOf(replacement), limit);
    return compiled.literal === undefined
      ? replaceWithText(s, compiled, replacement, limit)
      : replaceLiteral(s, compiled.literal, replacement, limit);
  }
  if (typeof replacement !== 'function' && !(replacement instanceof LuaTable))
    argError(3, 'gsub', 'string/function/table expected');
  // Often there is nothing to be replaced.
  if (limit <= 0 || !compiled.search(s, 0)) return ret2(s, 0);
  return new Substitution(s, compiled, replacement, limit).run(true);
}

function replaceLiteral(s: string, literal: string, text: string, limit: number): LuaResult {
  let count = 0;
  let copied = 0;
  let out = '';
  while (count < limit) {
    const at = s.indexOf(literal, copied);
    if (at < 0) break;
    count++;
    out += s.substring(copied, at) + text;
    copied = at + literal.length;
  }
  return ret2(copied === 0 ? s : out + s.substring(copied), count);
}

function replaceWithText(s: string, pattern: Pattern, text: string, limit: number): LuaResult {
  let count = 0;
  let copied = 0;
  let at = 0;
  let out = '';
  while (count < limit && pattern.search(s, at)) {
    const start = found[0]!;
    const end = found[1]!;
    count++;
    out += s.substring(copied, start) + text;
    copied = end;
    at = end > start ? end : end + 1;
    if (at > s.length || pattern.anchored) break;
  }
  return ret2(count === 0 ? s : out + s.substring(copied), count);
}

let lastTemplate: string | undefined;
let lastParsed: Template;

function templateOf(text: string): Template {
  if (text !== lastTemplate) {
    lastParsed = parseTemplate(text);
    lastTemplate = text;
  }
  return lastParsed;
}

function replaceWithTemplate(s: string, pattern: Pattern, template: Template, limit: number): LuaResult {
  const { parts, slots } = template;
  let count = 0;
  let copied = 0;
  let at = 0;
  let out = '';
  while (count < limit && pattern.search(s, at)) {
    const start = found[0]!;
    const end = found[1]!;
    count++;
    out += s.substring(copied, start) + parts[0];
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      out += slot === 0 ? s.substring(start, end) : pattern.capture(s, slot - 1);
      out += parts[i + 1];
    }
    copied = end;
    at = end > start ? end : end + 1;
    if (at > s.length || pattern.anchored) break;
  }
  return ret2(count === 0 ? s : out + s.substring(copied), count);
}

/** A substitution that asks a function or a table for each replacement; while it runs its state is in variables. */
class Substitution implements NativeFrame {
  readonly name = 'gsub';
  private readonly s: string;
  private readonly pattern: Pattern;
  private readonly source: LuaFunction | LuaTable;
  private readonly limit: number;
  private count = 0;
  private at = 0;
  private copied = 0;
  private start = 0;
  private end = 0;
  private out = '';

  constructor(s: string, pattern: Pattern, source: LuaFunction | LuaTable, limit: number) {
    this.s = s;
    this.pattern = pattern;
    this.source = source;
    this.limit = limit;
  }

  /** Goes on until all is replaced, or parks itself when the replacement suspends. `isFound`: the next match is. */
  run(isFound: boolean): LuaResult {
    const { s, pattern, source, limit } = this;
    let { count, at, copied, out } = this;
    while (isFound || (count < limit && at <= s.length && pattern.search(s, at))) {
      isFound = false;
      const start = found[0]!;
      const end = found[1]!;
      count++;
      at = pattern.anchored ? s.length + 1 : end > start ? end : end + 1;
      let r: LuaResult;
      if (typeof source === 'function') r = callWithCaptures(source, pattern, s);
      else {
        const key = pattern.capture(s, 0);
        r = source.get(key);
        if (r === undefined && source.$m !== undefined) r = index(source, key);
      }
      if (r === S) {
        if (R.n < 0) {
          this.count = count;
          this.at = at;
          this.copied = copied;
          this.out = out;
          this.start = start;
          this.end = end;
          return pushFrame(this);
        }
        r = R.n > 0 ? R.a : undefined;
      }
      if (r === undefined || r === false) continue; // the original text stays
      out += s.substring(copied, start) + (typeof r === 'string' ? r : replacementText(r as LuaValue));
      copied = end;
    }
    return ret2(copied === 0 && out === '' ? s : out + s.substring(copied), count);
  }

  resume(result: LuaResult): LuaResult {
    const r = (result === S ? (R.n > 0 ? R.a : undefined) : result) as LuaValue;
    if (r !== undefined && r !== false) {
      this.out += this.s.substring(this.copied, this.start) + replacementText(r);
      this.copied = this.end;
    }
    return this.run(false);
  }
}

function replacementText(v: LuaValue): string {
  if (typeof v === 'string') return v;
  if (typeof v === 'number') return formatNumber(v);
  throwError(`invalid replacement value (a ${typeName(v)})`);
}

function callWithCaptures(f: LuaFunction, pattern: Pattern, s: string): LuaResult {
  switch (pattern.captures) {
    case 0:
    case 1:
      return f(pattern.capture(s, 0));
    case 2:
      return f(pattern.capture(s, 0), pattern.capture(s, 1));
    case 3:
      return f(pattern.capture(s, 0), pattern.capture(s, 1), pattern.capture(s, 2));
  }
  const values: LuaValue[] = [];
  pattern.pushCaptures(s, values);
  return f(...values);
}
