/**
 * Setters for the usual kinds of values: `sizeSlot('client_max_body_size', ...)` declares a directive that parses a
 * size into a field, refuses a second one and inherits from the enclosing block. Fields are unset while `undefined`.
 * nginx: the ngx_conf_set_*_slot functions and ngx_conf_merge_*_value (src/core/ngx_conf_file.c).
 */
import type { ArgumentRule, ConfContext, ConfLevel, ContextName, Directive } from './directive.ts';
import { parseNumber, parseOffset, parseSize, parseTime } from './units.ts';

/** Names of the fields of C that can hold a V. */
export type FieldOf<C, V> = { [K in keyof C]-?: [V] extends [C[K]] ? K : never }[keyof C] & string;

/** What else a slot may say; a plain string is `doc`. */
export interface SlotExtra<C, V> {
  readonly doc?: string;
  /** The default as the manual prints it. */
  readonly defaultText?: string;
  /** Looks at the value after it is stored; returns a message to refuse it. nginx: ngx_conf_post_t. */
  readonly post?: (cf: ConfContext, value: V, conf: C) => string | undefined;
}

type Extra<C, V> = string | SlotExtra<C, V>;

/** Makes a value of the arguments; an object with `message` refuses them. */
export type SlotParser<V> = (cf: ConfContext, args: readonly string[]) => V | SlotRefusal;

/** Why a slot's arguments are wrong: the text that the setter returns. */
export interface SlotRefusal {
  readonly message: string;
}

/** Refuses the arguments of a slot. */
export function refuse(message: string): SlotRefusal {
  return { message };
}

function isRefusal(value: unknown): value is SlotRefusal {
  return typeof value === 'object' && value !== null && 'message' in value && Object.keys(value).length === 1;
}

const INVALID_VALUE = refuse('invalid value');
const INVALID_NUMBER = refuse('invalid number');

/** What all slots have in common, for kinds of values that have no maker here. */
export interface SlotSpec<C, V> {
  readonly name: string;
  readonly contexts: readonly ContextName[];
  readonly args: ArgumentRule;
  /** Undefined for core modules. */
  readonly level: ConfLevel | undefined;
  readonly field: FieldOf<C, V>;
  readonly parse: SlotParser<V>;
  /** Undefined: the field may stay unset. */
  readonly default: V | undefined;
  /** Adds a further value to the one that is set, instead of `is duplicate`. Never changes `before`. */
  readonly combine?: (before: V, value: V) => V;
  readonly extra?: Extra<C, V>;
}

/** A directive that stores a value of any kind in a field, inherited like the others. */
export function slot<C, V>(spec: SlotSpec<C, V>): Directive<C> {
  const { name, field, parse, combine } = spec;
  const extra: SlotExtra<C, V> = typeof spec.extra === 'string' ? { doc: spec.extra } : (spec.extra ?? {});
  return {
    name,
    contexts: spec.contexts,
    args: spec.args,
    level: spec.level,
    slot: { field, default: spec.default },
    doc: extra.doc,
    defaultText: extra.defaultText,
    set(cf, conf, args) {
      const fields = conf as Record<string, V | undefined>;
      const before = fields[field];
      if (before !== undefined && combine === undefined) return 'is duplicate';
      const parsed = parse(cf, args);
      if (isRefusal(parsed)) return parsed.message;
      const value = parsed as V;
      fields[field] = before === undefined || combine === undefined ? value : combine(before, value);
      return extra.post?.(cf, value, conf);
    },
  };
}

type Contexts = readonly ContextName[];
type Level = ConfLevel | undefined;

/** `on` or `off`, in any case. */
export function flagSlot<C>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, boolean>,
  fallback: boolean | undefined,
  extra?: Extra<C, boolean>,
): Directive<C> {
  const parse: SlotParser<boolean> = (cf, args) => {
    const word = args[0]!.toLowerCase();
    if (word === 'on') return true;
    if (word === 'off') return false;
    return refuse(`invalid value "${args[0]}" in "${cf.name}" directive, it must be "on" or "off"`);
  };
  return slot<C, boolean>({ name, contexts, args: 'flag', level, field, parse, default: fallback, extra });
}

function oneArgument<C, V>(
  parseOne: (text: string) => V | undefined,
  wrong: SlotRefusal,
): (
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, V>,
  fallback: V | undefined,
  extra?: Extra<C, V>,
) => Directive<C> {
  const parse: SlotParser<V> = (_cf, args) => parseOne(args[0]!) ?? wrong;
  return (name, contexts, level, field, fallback, extra) =>
    slot<C, V>({ name, contexts, args: 1, level, field, parse, default: fallback, extra });
}

/** A directive of one number. */
export type NumberSlot = <C>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, number>,
  fallback: number | undefined,
  extra?: Extra<C, number>,
) => Directive<C>;

function numberSlot(parseOne: (text: string) => number | undefined, wrong: SlotRefusal): NumberSlot {
  return <C>(...args: Parameters<ReturnType<typeof oneArgument<C, number>>>) =>
    oneArgument<C, number>(parseOne, wrong)(...args);
}

/** A decimal number. */
export const numSlot: NumberSlot = numberSlot(parseNumber, INVALID_NUMBER);
/** Bytes with k or m. */
export const sizeSlot: NumberSlot = numberSlot(parseSize, INVALID_VALUE);
/** Bytes with k, m or g. */
export const offSlot: NumberSlot = numberSlot(parseOffset, INVALID_VALUE);
/** A time, kept in milliseconds. */
export const msecSlot: NumberSlot = numberSlot((text) => parseTime(text, 'ms'), INVALID_VALUE);
/** A time, kept in seconds. */
export const secSlot: NumberSlot = numberSlot((text) => parseTime(text, 's'), INVALID_VALUE);

/** For `post` of a numSlot: from `low` up to `high`, or without an upper bound. nginx: ngx_conf_check_num_bounds. */
export function numBounds(low: number, high?: number): (cf: ConfContext, value: number) => string | undefined {
  return (_cf, value) => {
    if (high === undefined) return value >= low ? undefined : `value must be equal to or greater than ${low}`;
    return value >= low && value <= high ? undefined : `value must be between ${low} and ${high}`;
  };
}

/** For `post`: the directive works, and its successor's name is logged. nginx: ngx_conf_deprecated. */
export function deprecated(oldName: string, newName: string): (cf: ConfContext) => undefined {
  return (cf) => {
    cf.warn(`the "${oldName}" directive is deprecated, use the "${newName}" directive instead`);
  };
}

/** One word, as it is. */
export function strSlot<C>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, string>,
  fallback: string | undefined,
  extra?: Extra<C, string>,
): Directive<C> {
  const parse: SlotParser<string> = (_cf, args) => args[0]!;
  return slot<C, string>({ name, contexts, args: 1, level, field, parse, default: fallback, extra });
}

/** One of several words, in any case; `values` gives what each stands for. */
export function enumSlot<C, V>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, V>,
  values: Readonly<Record<string, V>>,
  fallback: V | undefined,
  extra?: Extra<C, V>,
): Directive<C> {
  const parse: SlotParser<V> = (_cf, args) => {
    const word = args[0]!.toLowerCase();
    return Object.hasOwn(values, word) ? values[word]! : refuse(`invalid value "${args[0]}"`);
  };
  return slot<C, V>({ name, contexts, args: 1, level, field, parse, default: fallback, extra });
}

/**
 * Any of several words, in any case, each a mask; the masks are or-ed. Further lines add to it.
 *
 * @param args how many words; nginx's directives mostly take at least one
 */
export function bitmaskSlot<C>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, number>,
  values: Readonly<Record<string, number>>,
  fallback: number | undefined,
  args: ArgumentRule = { min: 1 },
  extra?: Extra<C, number>,
): Directive<C> {
  const made = typeof extra === 'string' ? { doc: extra } : (extra ?? {});
  return {
    name,
    contexts,
    args,
    level,
    slot: { field, default: fallback },
    doc: made.doc,
    defaultText: made.defaultText,
    set(cf, conf, words) {
      const fields = conf as Record<string, number | undefined>;
      let mask = fields[field] ?? 0;
      for (const word of words) {
        const key = word.toLowerCase();
        if (!Object.hasOwn(values, key)) return `invalid value "${word}"`;
        const bit = values[key]!;
        if ((mask & bit) !== 0) cf.warn(`duplicate value "${word}"`);
        else mask |= bit;
      }
      fields[field] = mask;
      return made.post?.(cf, mask, conf);
    },
  };
}

/** One word a line, repeatable. */
export function strArraySlot<C>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, readonly string[]>,
  fallback: readonly string[] | undefined,
  extra?: Extra<C, readonly string[]>,
): Directive<C> {
  return slot<C, readonly string[]>({
    name,
    contexts,
    args: 1,
    level,
    field,
    parse: (_cf, args) => [args[0]!],
    combine: (before, value) => [...before, ...value],
    default: fallback,
    extra,
  });
}

/** A key and its value. nginx: ngx_keyval_t. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** A key and a value a line, repeatable. */
export function keyvalSlot<C>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, readonly KeyValue[]>,
  fallback: readonly KeyValue[] | undefined,
  extra?: Extra<C, readonly KeyValue[]>,
): Directive<C> {
  return slot<C, readonly KeyValue[]>({
    name,
    contexts,
    args: 2,
    level,
    field,
    parse: (_cf, args) => [{ key: args[0]!, value: args[1]! }],
    combine: (before, value) => [...before, ...value],
    default: fallback,
    extra,
  });
}

/** `number size`. nginx: ngx_bufs_t. */
export interface Buffers {
  readonly num: number;
  /** Bytes. */
  readonly size: number;
}

/** A number of buffers and the size of each, neither of them zero. */
export function bufsSlot<C>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, Buffers>,
  fallback: Buffers | undefined,
  extra?: Extra<C, Buffers>,
): Directive<C> {
  const parse: SlotParser<Buffers> = (_cf, args) => {
    const num = parseNumber(args[0]!);
    const size = parseSize(args[1]!);
    return num === undefined || num === 0 || size === undefined || size === 0 ? INVALID_VALUE : { num, size };
  };
  return slot<C, Buffers>({ name, contexts, args: 2, level, field, parse, default: fallback, extra });
}

const ACCESS_BITS: Readonly<Record<string, number>> = { r: 4, rw: 6 };
const ACCESS_SHIFTS: Readonly<Record<string, number>> = { user: 6, group: 3, all: 0 };

/** File permissions, `user:rw group:r all:r`; without `user:` the owner may read and write. nginx: ngx_conf_set_access_slot. */
export function accessSlot<C>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, number>,
  fallback: number | undefined,
  extra?: Extra<C, number>,
): Directive<C> {
  const parse: SlotParser<number> = (_cf, args) => {
    let mode = args.some((arg) => arg.startsWith('user:')) ? 0 : 0o600;
    for (const arg of args) {
      const m = /^(user|group|all):(rw|r)$/.exec(arg);
      if (m === null) return refuse(`invalid value "${arg}"`);
      mode |= ACCESS_BITS[m[2]!]! << ACCESS_SHIFTS[m[1]!]!;
    }
    return mode;
  };
  return slot<C, number>({ name, contexts, args: [1, 2, 3], level, field, parse, default: fallback, extra });
}

/** Compiles a word that may hold variables. The http and the stream layer have one each. */
export type WordCompiler<V> = (cf: ConfContext, text: string) => V;

/** One word with variables. nginx: ngx_http_set_complex_value_slot. */
export function complexSlot<C, V>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, V>,
  compile: WordCompiler<V>,
  fallback: V | undefined,
  extra?: Extra<C, V>,
): Directive<C> {
  const parse: SlotParser<V> = (cf, args) => compile(cf, args[0]!);
  return slot<C, V>({ name, contexts, args: 1, level, field, parse, default: fallback, extra });
}

/** Words with variables of which one must be neither empty nor `0`, repeatable. nginx: ngx_http_set_predicate_slot. */
export function predicateSlot<C, V>(
  name: string,
  contexts: Contexts,
  level: Level,
  field: FieldOf<C, readonly V[]>,
  compile: WordCompiler<V>,
  fallback: readonly V[] | undefined,
  extra?: Extra<C, readonly V[]>,
): Directive<C> {
  return slot<C, readonly V[]>({
    name,
    contexts,
    args: { min: 1 },
    level,
    field,
    parse: (cf, args) => args.map((arg) => compile(cf, arg)),
    combine: (before, value) => [...before, ...value],
    default: fallback,
    extra,
  });
}

function slotsOf<C>(directives: readonly Directive<C>[], level: ConfLevel | undefined) {
  return directives.filter((d) => d.slot !== undefined && d.level === level).map((d) => d.slot!);
}

/**
 * Gives every field that a directive of `level` could set, and did not, the enclosing block's value, or the default.
 * Values are shared, not copied: treat arrays and objects of the configuration as constant.
 */
export function mergeSlots<C extends object>(
  directives: readonly Directive<C>[],
  level: ConfLevel | undefined,
  parent: C,
  child: C,
): void {
  const from = parent as Record<string, unknown>;
  const to = child as Record<string, unknown>;
  for (const { field, default: fallback } of slotsOf(directives, level)) {
    if (to[field] === undefined) to[field] = from[field] ?? fallback;
  }
}

/** Gives unset fields their default, where there is nothing to inherit from. nginx: ngx_conf_init_value. */
export function initSlots<C extends object>(
  directives: readonly Directive<C>[],
  level: ConfLevel | undefined,
  conf: C,
): void {
  const to = conf as Record<string, unknown>;
  for (const { field, default: fallback } of slotsOf(directives, level)) {
    if (to[field] === undefined) to[field] = fallback;
  }
}
