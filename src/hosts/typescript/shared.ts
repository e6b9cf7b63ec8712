/**
 * ngx.shared for TypeScript. Values are those of Lua: a string set in one language is read in the other. Where Lua's
 * functions return an error beside nil, these throw.
 */
import { sharedDict } from '../../api/shared-dict.ts';
import type { Block } from '../../conf/block.ts';
import { checkKey, type DictValue, type SharedDict } from '../../shm/dict.ts';
import { bytes, utf8 } from './text.ts';

/** Text is UTF-8, as everywhere in handlers. */
export type SharedValue = string | number | boolean;

/** One zone of lua_shared_dict: a dictionary that all workers share. Manual: ngx.shared.DICT. */
export class NgxSharedDict {
  readonly #dict: SharedDict;

  constructor(dict: SharedDict) {
    this.#dict = dict;
  }

  /** The value, or undefined when there is none or it has expired. Throws when it is a list. */
  get(key: string): SharedValue | undefined {
    return this.#read(text(this.#dict.get(this.#key(key))));
  }

  /** Stores a value; throws when there is no memory for it. @param exptime seconds to live, 0 for ever */
  set(key: string, value: SharedValue, exptime = 0): void {
    this.#done(this.#dict.set(this.#key(key), store(value), exptime));
  }

  /** set() for absent or expired keys. Returns whether it was stored. */
  add(key: string, value: SharedValue, exptime = 0): boolean {
    return this.#done(this.#dict.add(this.#key(key), store(value), exptime), 'exists');
  }

  /** set() for present keys. Returns whether it was stored. */
  replace(key: string, value: SharedValue, exptime = 0): boolean {
    return this.#done(this.#dict.replace(this.#key(key), store(value), exptime), 'not found');
  }

  delete(key: string): void {
    this.#dict.delete(this.#key(key));
  }

  /**
   * Adds to a number, atomically across all workers, and returns the sum.
   * @param init what an absent key starts from; without it that throws "not found"
   * @param initTtl seconds to live of a key made so, 0 for ever
   */
  incr(key: string, by: number, init?: number, initTtl = 0): number {
    const sum = this.#dict.incr(this.#key(key), by, init, initTtl);
    return sum ?? this.#fail();
  }

  /** Seconds until a key expires, 0 for never, undefined when there is no such key. */
  ttl(key: string): number | undefined {
    return this.#dict.ttl(this.#key(key));
  }

  /** Gives a key a new time to live in seconds. Returns whether there is such a key. */
  expire(key: string, exptime: number): boolean {
    return this.#done(this.#dict.expire(this.#key(key), exptime), 'not found');
  }

  /** Puts a value at the front of a list, which is made if absent. Returns the list's length. */
  lpush(key: string, value: string | number): number {
    return this.#length(this.#dict.lpush(this.#key(key), store(value) as string | number));
  }

  /** Puts a value at the end of a list, which is made if absent. Returns the list's length. */
  rpush(key: string, value: string | number): number {
    return this.#length(this.#dict.rpush(this.#key(key), store(value) as string | number));
  }

  /** Takes the first value of a list; undefined when it is empty. */
  lpop(key: string): string | number | undefined {
    return this.#read(text(this.#dict.lpop(this.#key(key)))) as string | number | undefined;
  }

  /** Takes the last value of a list; undefined when it is empty. */
  rpop(key: string): string | number | undefined {
    return this.#read(text(this.#dict.rpop(this.#key(key)))) as string | number | undefined;
  }

  /** Length of a list, 0 when there is none. */
  llen(key: string): number {
    return this.#dict.llen(this.#key(key)) ?? this.#fail();
  }

  /** Lets all keys expire. */
  flushAll(): void {
    this.#dict.flushAll();
  }

  /** Frees the memory of expired keys, at most so many (0: all). Returns how many. */
  flushExpired(max = 0): number {
    return this.#dict.flushExpired(max);
  }

  /** The keys that have not expired, at most so many (0: all, which keeps every other worker waiting). */
  getKeys(max = 1024): string[] {
    return this.#dict.getKeys(max).map(utf8);
  }

  /** Bytes that the zone has. */
  get capacity(): number {
    return this.#dict.capacity();
  }

  /** Bytes in pages that are wholly free. */
  get freeSpace(): number {
    return this.#dict.freeSpace();
  }

  #key(key: string): string {
    const encoded = bytes(key);
    const fault = checkKey(encoded);
    if (fault !== undefined) throw new Error(fault);
    return encoded;
  }

  #read<T>(value: T | undefined): T | undefined {
    return value === undefined && this.#dict.error !== undefined ? this.#fail() : value;
  }

  #length(length: number | false | undefined): number {
    return typeof length === 'number' ? length : this.#fail();
  }

  /** @param expected the failure that is no error */
  #done(done: boolean, expected?: string): boolean {
    return done || this.#dict.error === expected ? done : this.#fail();
  }

  #fail(): never {
    throw new Error(this.#dict.error ?? 'no memory');
  }
}

function store(value: SharedValue): DictValue {
  return typeof value === 'string' ? bytes(value) : value;
}

function text(value: DictValue | undefined): SharedValue | undefined {
  return typeof value === 'string' ? utf8(value) : value;
}

const made = new WeakMap<Block, Readonly<Record<string, NgxSharedDict>>>();

/** The dictionaries of an http block by name; a name that is none gives undefined. */
export function sharedDicts(block: Block | undefined): Readonly<Record<string, NgxSharedDict>> {
  if (block === undefined) return {};
  let dicts = made.get(block);
  if (dicts === undefined) {
    const known: Record<string, NgxSharedDict> = {};
    for (const name of block.cycle.zones.keys()) {
      const dict = sharedDict(block, name);
      if (dict !== undefined) known[name] = new NgxSharedDict(dict);
    }
    made.set(block, (dicts = known));
  }
  return dicts;
}
