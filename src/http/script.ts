/**
 * Complex values: strings of the configuration with `$variables` and regex captures in them, compiled once.
 * nginx: ngx_http_complex_value_t, ngx_http_script_compile() (src/http/ngx_http_script.c).
 *
 * nginx compiles to a byte code that runs twice, for the length and for the bytes. Here a value is a short list of
 * parts that are joined; the common cases (one variable, text alone) have their own classes.
 */
import type { ConfContext, ConfLevel, ContextName, Directive } from '../conf/directive.ts';
import { complexSlot, type FieldOf, predicateSlot, type SlotExtra } from '../conf/slots.ts';
import { parseSize } from '../conf/units.ts';
import { httpOf } from './cycle.ts';
import type { HttpRequest } from './request.ts';
import { getIndexed, getVariableIndex } from './variables.ts';

export interface ComplexValue {
  /** The text when it has no variables, else undefined. */
  readonly literal: string | undefined;
  /** As written in the configuration. */
  readonly text: string;
  /** A variable that is not found gives an empty string. */
  evaluate(r: HttpRequest): string;
}

/** One part of a compiled string. `args` marks the `?` that divides a rewrite's replacement. */
export type ScriptPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly index: number }
  | { readonly kind: 'capture'; readonly n: number }
  | { readonly kind: 'args' };

function isNameChar(ch: number): boolean {
  return (ch >= 0x61 && ch <= 0x7a) || (ch >= 0x41 && ch <= 0x5a) || (ch >= 0x30 && ch <= 0x39) || ch === 0x5f;
}

/** How many `$` there are: whether a string has to be compiled at all. nginx: ngx_http_script_variables_count(). */
export function hasVariables(text: string): boolean {
  return text.includes('$');
}

/**
 * Splits a string into its parts. nginx: ngx_http_script_compile().
 *
 * @param splitArgs the first `?` becomes an `args` part
 * @throws ConfError for names that are none
 */
export function compileScript(cf: ConfContext, text: string, splitArgs = false): ScriptPart[] {
  const parts: ScriptPart[] = [];
  let pending = splitArgs;
  let i = 0;
  while (i < text.length) {
    if (text[i] === '$') {
      i++;
      if (i === text.length) throw cf.error('invalid variable name');
      const digit = text.charCodeAt(i) - 0x30;
      if (digit >= 1 && digit <= 9) {
        parts.push({ kind: 'capture', n: digit });
        i++;
        continue;
      }
      const bracket = text[i] === '{';
      if (bracket && ++i === text.length) throw cf.error('invalid variable name');
      const start = i;
      while (i < text.length && isNameChar(text.charCodeAt(i))) i++;
      const name = text.slice(start, i);
      if (bracket) {
        if (text[i] !== '}') throw cf.error(`the closing bracket in "${name}" variable is missing`);
        i++;
      }
      if (name === '') throw cf.error('invalid variable name');
      parts.push({ kind: 'variable', index: getVariableIndex(httpOf(cf), name) });
      continue;
    }
    if (pending && text[i] === '?') {
      pending = false;
      parts.push({ kind: 'args' });
      i++;
      continue;
    }
    let end = text.indexOf('$', i);
    if (end < 0) end = text.length;
    if (pending) {
      const mark = text.indexOf('?', i);
      if (mark >= 0 && mark < end) end = mark;
    }
    parts.push({ kind: 'text', text: text.slice(i, end) });
    i = end;
  }
  return parts;
}

/** What one part stands for now. */
export function evaluatePart(r: HttpRequest, part: ScriptPart): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'variable':
      return getIndexed(r, part.index) ?? '';
    case 'capture':
      return r.captures?.[part.n] ?? '';
    case 'args':
      return '?';
  }
}

class Literal implements ComplexValue {
  readonly literal: string;
  readonly text: string;

  constructor(text: string, literal: string = text) {
    this.literal = literal;
    this.text = text;
  }

  evaluate(): string {
    return this.literal;
  }
}

class OneVariable implements ComplexValue {
  readonly literal = undefined;
  readonly text: string;
  readonly #index: number;

  constructor(text: string, index: number) {
    this.text = text;
    this.#index = index;
  }

  evaluate(r: HttpRequest): string {
    return getIndexed(r, this.#index) ?? '';
  }
}

class Joined implements ComplexValue {
  readonly literal = undefined;
  readonly text: string;
  readonly #parts: readonly ScriptPart[];
  /** Put in front of a result that does not begin with a slash. */
  readonly #prefix: string;

  constructor(text: string, parts: readonly ScriptPart[], prefix: string) {
    this.text = text;
    this.#parts = parts;
    this.#prefix = prefix;
  }

  evaluate(r: HttpRequest): string {
    let value = '';
    for (const part of this.#parts) value += evaluatePart(r, part);
    return this.#prefix !== '' && !value.startsWith('/') ? this.#prefix + value : value;
  }
}

/** A value without variables, made by code. */
export function literalValue(text: string): ComplexValue {
  return new Literal(text);
}

/**
 * Compiles a string that may have variables.
 *
 * @param pathAgainst makes a relative path absolute: against the prefix or the configuration's folder
 * @throws ConfError for names that are none; unknown variables are found when the http block has been read
 */
export function compileComplexValue(cf: ConfContext, text: string, pathAgainst?: 'prefix' | 'conf'): ComplexValue {
  if (!hasVariables(text)) return new Literal(text, pathAgainst === undefined ? text : cf.fullName(text, pathAgainst));
  let prefix = '';
  let source = text;
  if (pathAgainst !== undefined) {
    if (text.startsWith('$')) prefix = pathAgainst === 'conf' ? cf.cycle.confPrefix : cf.cycle.prefix;
    else source = cf.fullName(text, pathAgainst);
  }
  const parts = compileScript(cf, source);
  const first = parts[0] as ScriptPart;
  if (parts.length === 1 && first.kind === 'variable' && prefix === '') return new OneVariable(text, first.index);
  return new Joined(text, parts, prefix);
}

/** A directive of one word with variables, kept as a ComplexValue. nginx: ngx_http_set_complex_value_slot. */
export function complexValueSlot<C>(
  name: string,
  contexts: readonly ContextName[],
  level: ConfLevel,
  field: FieldOf<C, ComplexValue>,
  fallback: ComplexValue | undefined,
  extra?: string | SlotExtra<C, ComplexValue>,
): Directive<C> {
  return complexSlot<C, ComplexValue>(name, contexts, level, field, compileComplexValue, fallback, extra);
}

/** A size with variables in it, as limit_rate has; 0 when there is none: `10k`, `1m` or bytes; what is no size counts as 0. */
export function evaluateSize(r: HttpRequest, value: ComplexValue | undefined): number {
  if (value === undefined) return 0;
  const match = /^([0-9]+)([kKmM]?)$/.exec(value.evaluate(r));
  if (match === null) return 0;
  const unit = match[2] as string;
  return Number(match[1]) * (unit === '' ? 1 : unit === 'k' || unit === 'K' ? 1024 : 1048576);
}

/** The same for a size: without variables it is checked at once. nginx: ngx_http_set_complex_value_size_slot. */
export function complexSizeSlot<C>(
  name: string,
  contexts: readonly ContextName[],
  level: ConfLevel,
  field: FieldOf<C, ComplexValue>,
  fallback: ComplexValue | undefined,
  doc?: string,
): Directive<C> {
  return complexSlot<C, ComplexValue>(name, contexts, level, field, compileComplexValue, fallback, {
    ...(doc === undefined ? {} : { doc }),
    post: (_cf, value) =>
      value.literal !== undefined && parseSize(value.literal) === undefined ? 'invalid value' : undefined,
  });
}

/** A directive of words with variables, tested by `testPredicates`. nginx: ngx_http_set_predicate_slot. */
export function predicatesSlot<C>(
  name: string,
  contexts: readonly ContextName[],
  level: ConfLevel,
  field: FieldOf<C, readonly ComplexValue[]>,
  extra?: string | SlotExtra<C, readonly ComplexValue[]>,
): Directive<C> {
  return predicateSlot<C, ComplexValue>(name, contexts, level, field, compileComplexValue, undefined, extra);
}

/** True for what conditions take as yes: neither empty nor `0`. */
export function isTrue(value: string): boolean {
  return value !== '' && value !== '0';
}

/** True when one of the predicates holds: `proxy_no_cache` and the like. nginx: ngx_http_test_predicates(), DECLINED. */
export function testPredicates(r: HttpRequest, predicates: readonly ComplexValue[] | undefined): boolean {
  if (predicates === undefined) return false;
  for (const predicate of predicates) if (isTrue(predicate.evaluate(r))) return true;
  return false;
}
