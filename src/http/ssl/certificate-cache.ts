/**
 * Files of certificates whose names come out of variables, kept while requests use them: ssl_certificate_cache and its
 * kin. nginx: ngx_ssl_cache_connection_fetch() (src/event/ngx_event_openssl_cache.c).
 */
import { readFileSync, statSync } from 'node:fs';
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { fsPath } from '../../conf/glob.ts';
import type { FieldOf } from '../../conf/slots.ts';
import { parseNumber, parseTime } from '../../conf/units.ts';
import { currentSecond } from '../../log/time.ts';

interface Entry {
  readonly text: string;
  readonly inode: number;
  readonly modified: number;
  /** Seconds: when it was found to be the file's contents, and used. */
  created: number;
  accessed: number;
}

/** The contents of files, by path. */
export class CertificateCache {
  readonly max: number;
  /** Seconds after which a file is looked at again, and after which nobody wanting it, it is dropped. */
  readonly valid: number;
  readonly inactive: number;
  /** The one used last is the last one. */
  readonly #entries = new Map<string, Entry>();

  constructor(max: number, valid: number, inactive: number) {
    this.max = max;
    this.valid = valid;
    this.inactive = inactive;
  }

  /** The contents of a file. Throws what readFileSync throws. */
  read(path: string): string {
    const now = currentSecond();
    const entries = this.#entries;
    let entry = entries.get(path);
    if (entry !== undefined) {
      entries.delete(path);
      if (now - entry.created > this.valid) entry = this.#renew(path, entry, now);
    } else {
      entry = load(path, now);
      this.#makeRoom(now);
    }
    entry.accessed = now;
    entries.set(path, entry);
    return entry.text;
  }

  #renew(path: string, entry: Entry, now: number): Entry {
    const found = statSync(fsPath(path));
    if (found.ino !== entry.inode || found.mtimeMs !== entry.modified) return load(path, now);
    entry.created = now;
    return entry;
  }

  #makeRoom(now: number): void {
    for (const [path, { accessed }] of this.#entries) {
      if (this.#entries.size < this.max && now - accessed <= this.inactive) return;
      this.#entries.delete(path);
    }
  }
}

function load(path: string, now: number): Entry {
  const name = fsPath(path);
  const { ino, mtimeMs } = statSync(name);
  return { text: readFileSync(name, 'latin1'), inode: ino, modified: mtimeMs, created: now, accessed: now };
}

/** Seconds that hold where the directive says nothing. */
const INACTIVE = 10;
const VALID = 60;

/** The arguments of the directive: a cache, null for `off`, or a message. */
function parseCache(name: string, args: readonly string[]): CertificateCache | null | string {
  let max = 0;
  let inactive = INACTIVE;
  let valid = VALID;
  let off = false;
  for (const arg of args) {
    if (arg === 'off') {
      off = true;
      continue;
    }
    const at = arg.indexOf('=') + 1;
    const value = arg.slice(at);
    const number = arg.startsWith('max=') ? parseNumber(value) : parseTime(value, 's');
    const key = arg.slice(0, at);
    if (number === undefined || (key === 'max=' && number === 0)) return `invalid parameter "${arg}"`;
    if (key === 'max=') max = number;
    else if (key === 'inactive=') inactive = number;
    else if (key === 'valid=') valid = number;
    else return `invalid parameter "${arg}"`;
  }
  if (off) return null;
  return max === 0 ? `"${name}" must have the "max" parameter` : new CertificateCache(max, valid, inactive);
}

/** `NAME max=N [inactive=TIME] [valid=TIME]` or `NAME off`; null is off. */
export function certificateCacheSlot<C>(
  name: string,
  contexts: readonly ContextName[],
  level: 'server' | 'location',
  field: FieldOf<C, CertificateCache | null>,
): Directive<C> {
  return {
    name,
    contexts,
    args: [1, 2, 3],
    level,
    slot: { field, default: null },
    doc: 'A cache of certificates and keys whose names have variables.',
    defaultText: 'off',
    set(_cf: ConfContext, conf: C, args: readonly string[]) {
      const fields = conf as Record<string, CertificateCache | null | undefined>;
      if (fields[field] !== undefined) return 'is duplicate';
      const cache = parseCache(name, args);
      if (typeof cache === 'string') return cache;
      fields[field] = cache;
      return undefined;
    },
  };
}
