// ngx.shared.DICT: a dictionary in shared memory, with the semantics of ngx_lua's ngx_http_lua_shdict.c and of
// lua-resty-core's resty/core/shdict.lua, which real users call; where manual and source differ, the source is right.
//
// Every operation is synchronous and atomic across processes. Results that Lua returns as second and third values are
// left in fields of the dictionary (`error`, `flags`, `stale`, `forcible`), so that an operation allocates nothing but
// the value it returns. The fields are valid until the next operation.
//
// Keys and string values are byte strings. Arguments are checked by the caller: see checkKey().
//
// Every operation has the same frame, which cannot be a shared function: see "critical section" in lock.ts.
import { DictEntries, type DictValue, kindOf, LIST, NUMBER } from './entries.ts';
import { HEADER } from './layout.ts';
import { RecentKeys } from './recent.ts';
import { type KeyTable, MAX_KEY_LENGTH, NODE } from './table.ts';
import type { Zone } from './zone.ts';

export type { DictValue };

const ADD = 1;
const REPLACE = 2;
const SAFE = 4;

/** Error of a key that no operation accepts, or undefined. A missing key ("nil key") is the caller's to notice. */
export function checkKey(key: string): 'empty key' | 'key too long' | undefined {
  if (key.length === 0) return 'empty key';
  return key.length > MAX_KEY_LENGTH ? 'key too long' : undefined;
}

/** A dictionary in a shared memory zone. One object per zone and process is enough. */
export class SharedDict {
  /** Why the last operation did not succeed, in ngx_lua's words; undefined when it did. */
  error: string | undefined;
  /** User flags of the last value read; Lua sees them only when they are not 0. */
  flags = 0;
  /** Whether the last value read by getStale() had expired. */
  stale = false;
  /** Whether the last operation evicted entries that had not expired. */
  forcible = false;

  readonly zone: Zone;
  private readonly entries: DictEntries;
  private readonly table: KeyTable;
  private readonly recent: RecentKeys;
  private readonly words: Int32Array;
  private readonly now: () => number;

  /**
   * The dictionary in a zone; it is made, empty, if the zone has none yet.
   * @param now the time in milliseconds since the epoch; a server passes its cached time, as nginx does
   * @throws when the zone is too small even for an empty dictionary
   */
  constructor(zone: Zone, now: () => number = Date.now) {
    this.zone = zone;
    this.now = now;
    this.words = zone.words;
    this.entries = new DictEntries(zone, now);
    this.table = this.entries.table;
    this.recent = new RecentKeys(this.table, zone.words);
    zone.lock.repair = () => this.entries.repair();
    this.enter();
    try {
      this.entries.attach();
      this.zone.lock.release();
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /**
   * The value of a key, or undefined: absent, expired, or, with `error`, a list ("value is a list"). Sets `flags`.
   * Manual: ngx.shared.DICT.get.
   */
  get(key: string): DictValue | undefined {
    const { entries, table, recent } = this;
    const hash = recent.hash(key);
    this.enter();
    try {
      entries.expireOldest();
      const node = recent.find(key, hash);
      let value: DictValue | undefined;
      if (node !== 0 && !entries.expired(node)) {
        table.touch(node);
        value = this.read(node);
      }
      this.zone.lock.release();
      return value;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /** Like get(), but returns an expired value too while it is there, with `stale` set. Manual: get_stale. */
  getStale(key: string): DictValue | undefined {
    const { entries, table, recent } = this;
    const hash = recent.hash(key);
    this.enter();
    try {
      const node = recent.find(key, hash);
      let value: DictValue | undefined;
      if (node !== 0) {
        this.stale = entries.expired(node);
        if (!this.stale) table.touch(node);
        value = this.read(node);
      }
      this.zone.lock.release();
      return value;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /**
   * Stores a value, whatever the key held before; undefined deletes. Evicts least recently used entries when memory is
   * short (`forcible`). Returns whether it succeeded; errors: "no memory", "key too long".
   * Manual: ngx.shared.DICT.set.
   * @param exptime seconds to live, with milliseconds; 0 for ever
   * @param flags a 32-bit integer returned with the value
   */
  set(key: string, value: DictValue | undefined, exptime = 0, flags = 0): boolean {
    return this.store(0, key, value, exptime, flags);
  }

  /** set() that fails with "no memory" rather than evict entries that have not expired. */
  safeSet(key: string, value: DictValue | undefined, exptime = 0, flags = 0): boolean {
    return this.store(SAFE, key, value, exptime, flags);
  }

  /** set() for absent or expired keys only; else the error is "exists". */
  add(key: string, value: DictValue | undefined, exptime = 0, flags = 0): boolean {
    return this.store(ADD, key, value, exptime, flags);
  }

  /** add() that does not evict. */
  safeAdd(key: string, value: DictValue | undefined, exptime = 0, flags = 0): boolean {
    return this.store(ADD | SAFE, key, value, exptime, flags);
  }

  /** set() for present keys only; else the error is "not found". */
  replace(key: string, value: DictValue | undefined, exptime = 0, flags = 0): boolean {
    return this.store(REPLACE, key, value, exptime, flags);
  }

  /** Removes a key, if it is there. */
  delete(key: string): boolean {
    return this.store(0, key, undefined, 0, 0);
  }

  private store(how: number, key: string, value: DictValue | undefined, exptime: number, flags: number): boolean {
    const { entries, table, recent } = this;
    if (key.length > MAX_KEY_LENGTH) return this.refuse('key too long');
    if (kindOf(value) === 0 && (how & (ADD | REPLACE)) !== 0) {
      return this.refuse('attempt to add or replace nil values');
    }
    const hash = recent.hash(key);
    this.enter();
    try {
      entries.expireOldest();
      const node = recent.find(key, hash);
      const live = node !== 0 && !entries.expired(node);
      if (live) table.touch(node);
      if ((how & REPLACE) !== 0 && !live) {
        this.error = 'not found';
      } else if ((how & ADD) !== 0 && live) {
        this.error = 'exists';
      } else if (node !== 0 && value !== undefined && entries.fits(node, value)) {
        entries.overwrite(node, value, exptime, flags);
      } else {
        if (node !== 0) entries.remove(node);
        if (value !== undefined) this.create(key, hash, value, exptime, flags, (how & SAFE) === 0);
      }
      this.zone.lock.release();
      return this.error === undefined;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /**
   * Adds to a number and returns the sum, or undefined with an error: "not found", "not a number", "no memory".
   * An absent or expired key becomes `init + value` if `init` is given. Manual: ngx.shared.DICT.incr.
   * @param initTtl seconds to live of an entry made so; 0 for ever
   */
  incr(key: string, value: number, init?: number, initTtl = 0): number | undefined {
    const { entries, table, recent } = this;
    if (key.length > MAX_KEY_LENGTH) {
      this.refuse('key too long');
      return undefined;
    }
    const hash = recent.hash(key);
    this.enter();
    try {
      entries.expireOldest();
      const node = recent.find(key, hash);
      let result: number | undefined;
      if (node !== 0 && !entries.expired(node)) {
        table.touch(node);
        if (table.kind(node) === NUMBER) result = entries.increment(node, value);
        else this.error = 'not a number';
      } else if (init === undefined) {
        this.error = 'not found';
      } else {
        result = init + value;
        if (node !== 0 && entries.fits(node, result)) {
          entries.overwrite(node, result, initTtl, 0);
        } else {
          if (node !== 0) entries.remove(node);
          if (!this.create(key, hash, result, initTtl, 0, true)) result = undefined;
        }
      }
      this.zone.lock.release();
      return result;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  private create(key: string, hash: number, value: DictValue, ttl: number, flags: number, mayEvict: boolean): boolean {
    const { entries } = this;
    entries.evicted = false;
    const node = entries.create(key, hash, value, ttl, flags, mayEvict);
    this.forcible = entries.evicted;
    if (node !== 0) return true;
    this.error = 'no memory';
    return false;
  }

  /** Puts a value at the front of a list, which is made if absent. See push(). */
  lpush(key: string, value: string | number): number | false | undefined {
    return this.push(key, value, true);
  }

  /** Puts a value at the end of a list, which is made if absent. See push(). */
  rpush(key: string, value: string | number): number | false | undefined {
    return this.push(key, value, false);
  }

  /**
   * Returns the list's new length, or undefined with an error: "value not a list", "no memory", "key too long"; lists
   * never evict. "no memory" for the list itself, not an element, comes with false instead, as Lua sees it.
   */
  private push(key: string, value: string | number, front: boolean): number | false | undefined {
    const { entries, table, recent } = this;
    if (key.length > MAX_KEY_LENGTH) {
      this.refuse('key too long');
      return undefined;
    }
    const hash = recent.hash(key);
    this.enter();
    try {
      entries.expireOldest();
      let node = recent.find(key, hash);
      let result: number | false | undefined;
      if (node !== 0 && entries.expired(node)) {
        if (table.kind(node) === LIST) {
          entries.lists.clear(node);
          entries.setTtl(node, 0);
        } else {
          entries.remove(node);
          node = 0;
        }
      }
      if (node !== 0) table.touch(node);
      else node = entries.createList(key, hash);
      if (node === 0) {
        this.error = 'no memory';
        result = false;
      } else if (table.kind(node) !== LIST) {
        this.error = 'value not a list';
      } else if (entries.lists.push(node, value, front)) {
        result = entries.valueLength(node);
      } else {
        this.error = 'no memory';
        if (entries.valueLength(node) === 0) entries.remove(node);
      }
      this.zone.lock.release();
      return result;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /** Removes and returns the first element, or undefined: no list, or, with `error`, "value not a list". */
  lpop(key: string): string | number | undefined {
    return this.pop(key, true);
  }

  /** Removes and returns the last element; as lpop(). */
  rpop(key: string): string | number | undefined {
    return this.pop(key, false);
  }

  private pop(key: string, front: boolean): string | number | undefined {
    const { entries, table, recent } = this;
    const hash = recent.hash(key);
    this.enter();
    try {
      entries.expireOldest();
      const node = recent.find(key, hash);
      let value: string | number | undefined;
      if (node !== 0 && !entries.expired(node)) {
        table.touch(node);
        if (table.kind(node) !== LIST) {
          this.error = 'value not a list';
        } else {
          value = entries.lists.peek(node, front);
          if (entries.valueLength(node) === 1) entries.remove(node);
          else entries.lists.drop(node, front);
        }
      }
      this.zone.lock.release();
      return value;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /** Length of a list, 0 when absent, or undefined with "value not a list". */
  llen(key: string): number | undefined {
    const { entries, table, recent } = this;
    const hash = recent.hash(key);
    this.enter();
    try {
      entries.expireOldest();
      const node = recent.find(key, hash);
      let length: number | undefined = 0;
      if (node !== 0 && !entries.expired(node)) {
        table.touch(node);
        if (table.kind(node) === LIST) {
          length = entries.valueLength(node);
        } else {
          length = undefined;
          this.error = 'value not a list';
        }
      }
      this.zone.lock.release();
      return length;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /**
   * Seconds a key has left, negative when expired, 0 when it never expires; undefined with "not found".
   * Manual: ngx.shared.DICT.ttl.
   */
  ttl(key: string): number | undefined {
    const { entries, recent } = this;
    const hash = recent.hash(key);
    this.enter();
    try {
      const node = recent.find(key, hash);
      let seconds: number | undefined;
      if (node === 0) {
        this.error = 'not found';
      } else {
        const expires = entries.expires(node);
        seconds = expires === 0 ? 0 : (expires - this.now()) / 1000;
      }
      this.zone.lock.release();
      return seconds;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /**
   * Sets a key's time to live in seconds, 0 for ever; false with "not found". An expired entry that is still there
   * lives again. Manual: ngx.shared.DICT.expire.
   */
  expire(key: string, exptime: number): boolean {
    const { entries, recent } = this;
    const hash = recent.hash(key);
    this.enter();
    try {
      const node = recent.find(key, hash);
      if (node === 0) this.error = 'not found';
      else entries.setTtl(node, exptime);
      this.zone.lock.release();
      return node !== 0;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /** Makes all entries expire, and frees the memory of a few; the rest goes as it is needed. Manual: flush_all. */
  flushAll(): void {
    const { entries, table, words } = this;
    this.enter();
    try {
      for (let node = table.newest; node !== 0; node = words[node + NODE.older]!) entries.setExpired(node);
      entries.evict();
      this.zone.lock.release();
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /** Frees up to `max` expired entries, all if 0; returns how many. Manual: flush_expired. */
  flushExpired(max = 0): number {
    const { entries, table, words } = this;
    this.enter();
    try {
      let freed = 0;
      for (let node = table.oldest; node !== 0; ) {
        const newer = words[node + NODE.newer]!;
        if (entries.expired(node)) {
          entries.remove(node);
          if (++freed === max) break;
        }
        node = newer;
      }
      this.zone.lock.release();
      return freed;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /** Up to `max` keys that have not expired, all if 0, least recently used first. Manual: get_keys. */
  getKeys(max = 1024): string[] {
    const { entries, table, words } = this;
    const keys: string[] = [];
    this.enter();
    try {
      for (let node = table.oldest; node !== 0; node = words[node + NODE.newer]!) {
        if (entries.expired(node)) continue;
        keys.push(table.keyOf(node));
        if (keys.length === max) break;
      }
      this.zone.lock.release();
      return keys;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  /** The declared size in bytes. */
  capacity(): number {
    return this.zone.size;
  }

  /** Bytes in free pages; 0 does not mean that nothing fits. Manual: free_space. */
  freeSpace(): number {
    this.enter();
    try {
      const bytes = this.zone.slab.freeBytes;
      this.zone.lock.release();
      return bytes;
    } catch (error) {
      this.words[HEADER.repair] = 1;
      Atomics.store(this.words, HEADER.lock, 0);
      throw error;
    }
  }

  private read(node: number): DictValue | undefined {
    if (this.table.kind(node) === LIST) {
      this.error = 'value is a list';
      return undefined;
    }
    this.flags = this.entries.flags(node);
    return this.entries.read(node);
  }

  private enter(): void {
    this.error = undefined;
    this.flags = 0;
    this.stale = false;
    this.forcible = false;
    this.zone.lock.acquire();
  }

  private refuse(error: string): false {
    this.flags = 0;
    this.stale = false;
    this.forcible = false;
    this.error = error;
    return false;
  }
}
