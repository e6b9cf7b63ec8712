/**
 * Complex values: strings of the configuration with `$variables` and regex captures in them, compiled once.
 * nginx: ngx_http_complex_value_t, ngx_http_script_compile() (src/http/ngx_http_script.c).
 *
 * nginx compiles to a byte code that runs twice, for the length and for the bytes. Here a value is a short list of
 * parts that are joined; the common cases (one variable, text alone) have their own classes.
 */
import type { ConfContext, ConfLevel, ContextName, Directive } from '../conf/directive.ts';
import { hasVariables, parseScript, type ScriptPart } from '../conf/script.ts';
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

export { hasVariables, type ScriptPart };

/**
 * Splits a string into its parts.
 *
 * @param splitArgs the first `?` becomes an `args` part
 * @throws ConfError for names that are none
 */
export function compileScript(cf: ConfContext, text: string, splitArgs = false): ScriptPart[] {
  return parseScript(cf, text, (name) => getVariableIndex(httpOf(cf), name), splitArgs);
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
