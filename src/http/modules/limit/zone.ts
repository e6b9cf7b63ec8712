/**
 * What limit_req and limit_conn have in common: a zone declared with a key, and in it a table of records by the key's
 * values. A record is found again after a reload, since the zone is.
 */
import type { ZoneRequest } from '../../../conf/cycle.ts';
import type { ConfContext } from '../../../conf/directive.ts';
import { ConfError } from '../../../conf/error.ts';
import { requestZone } from '../../../conf/resources.ts';
import { parseSize } from '../../../conf/units.ts';
import { LOG_ERR, LOG_INFO, LOG_NOTICE, LOG_WARN } from '../../../log/log.ts';
import { HEADER, MIN_ZONE_SIZE } from '../../../shm/layout.ts';
import { KeyTable, NODE, TABLE_ROOT } from '../../../shm/table.ts';
import type { Zone } from '../../../shm/zone.ts';
import { type ComplexValue, compileComplexValue } from '../../script.ts';

/** Levels that limit_req_log_level and limit_conn_log_level know. */
export const LIMIT_LOG_LEVELS: Readonly<Record<string, number>> = {
  info: LOG_INFO,
  notice: LOG_NOTICE,
  warn: LOG_WARN,
  error: LOG_ERR,
};

/** Kind of a table's nodes: there is only one. */
const RECORD = 1;

/** A table of records in a zone. Words of a record begin at `NODE.payload`. */
export class LimitTable {
  readonly zone: Zone;
  readonly table: KeyTable;
  readonly #recordBytes: number;
  readonly #rootBytes: number;

  /**
   * The table of a zone; it is made when there is none. `key` is kept beside it.
   *
   * @param payloadWords words of a record
   * @param recordBytes bytes asked for besides the key's: those that nginx asks for, so that as many records fit
   */
  constructor(zone: Zone, payloadWords: number, recordBytes: number, key: string) {
    this.zone = zone;
    this.table = new KeyTable(zone, payloadWords);
    this.#recordBytes = Math.max(recordBytes, (NODE.payload + payloadWords) * 4);
    this.#rootBytes = (TABLE_ROOT.words + 1) * 4 + key.length;
    zone.lock.repair = () => this.#repair();
    zone.lock.acquire();
    try {
      if (zone.root === 0) {
        const root = zone.slab.alloc(this.#rootBytes);
        if (root === 0) throw new Error(`no memory in zone "${zone.name}"`);
        this.table.format(root);
        zone.words[root + TABLE_ROOT.words] = key.length;
        zone.bytes.latin1Write(key, (root + TABLE_ROOT.words + 1) * 4, key.length);
        zone.root = root;
      }
      this.table.root = zone.root;
      zone.lock.release();
    } catch (error) {
      zone.words[HEADER.repair] = 1;
      Atomics.store(zone.words, HEADER.lock, 0);
      throw error;
    }
  }

  /** The key that the table was made for. */
  get key(): string {
    const { words, bytes } = this.zone;
    const at = this.table.root + TABLE_ROOT.words;
    return bytes.latin1Slice((at + 1) * 4, (at + 1) * 4 + (words[at] as number));
  }

  /** Memory for a record, or 0. Needs the lock, as all that follows. */
  alloc(key: string): number {
    return this.zone.slab.alloc(this.#recordBytes + key.length);
  }

  insert(record: number, key: string, hash: number): void {
    this.table.insert(record, key, hash, RECORD);
  }

  remove(record: number): void {
    this.table.remove(record);
    this.zone.slab.free(record);
  }

  #repair(): void {
    const { slab, root, words } = this.zone;
    slab.reset();
    slab.claim(root, (TABLE_ROOT.words + 1) * 4 + (words[root + TABLE_ROOT.words] as number));
    this.table.root = root;
    this.table.recover((node) => slab.claim(node, this.#recordBytes + this.table.keyLength(node)));
    slab.rebuild();
  }
}

/** A zone as a configuration declares it. */
export class LimitZone {
  readonly request: ZoneRequest;
  readonly key: ComplexValue;
  /** Of limit_req: thousandths of requests a second. */
  readonly rate: number;
  readonly #payloadWords: number;
  readonly #recordBytes: number;
  #table: LimitTable | undefined = undefined;

  constructor(request: ZoneRequest, key: ComplexValue, rate: number, payloadWords: number, recordBytes: number) {
    this.request = request;
    this.key = key;
    this.rate = rate;
    this.#payloadWords = payloadWords;
    this.#recordBytes = recordBytes;
  }

  get name(): string {
    return this.request.name;
  }

  /** The zone's table, once the process layer has opened the zone. */
  get table(): LimitTable {
    this.#table ??= new LimitTable(this.request.zone as Zone, this.#payloadWords, this.#recordBytes, this.key.text);
    return this.#table;
  }

  /**
   * Refuses a zone of the configuration before this one that is for another key.
   * @param directive as nginx names it in the message
   * @throws ConfError
   */
  checkKey(directive: string): void {
    const { key } = this.table;
    if (key === this.key.text) return;
    throw new ConfError(
      `${directive} "${this.name}" uses the "${this.key.text}" key while previously it used the "${key}" key`,
    );
  }
}

/** The zones of a module, by name. */
export type LimitZones = Map<string, LimitZone>;

/**
 * Reads the arguments of limit_req_zone or limit_conn_zone and declares the zone.
 *
 * @param other takes a parameter besides `zone=`; returns undefined when it is none, else '' or a message
 * @returns nginx's message when something is wrong
 */
export function declareLimitZone(
  cf: ConfContext,
  zones: LimitZones,
  owner: string,
  args: readonly string[],
  other: (arg: string) => string | undefined,
  make: (request: ZoneRequest, key: ComplexValue) => LimitZone,
): string | undefined {
  const key = compileComplexValue(cf, args[0] as string);
  let name = '';
  let size = 0;
  for (const arg of args.slice(1)) {
    if (!arg.startsWith('zone=')) {
      const wrong = other(arg) ?? `invalid parameter "${arg}"`;
      if (wrong !== '') return wrong;
      continue;
    }
    const colon = arg.indexOf(':', 5);
    const bytes = colon < 0 ? undefined : parseSize(arg.slice(colon + 1));
    if (bytes === undefined) return `invalid zone size "${arg}"`;
    if (bytes < MIN_ZONE_SIZE) return `zone "${arg}" is too small`;
    name = arg.slice(5, colon);
    size = bytes;
  }
  if (name === '') return `"${cf.name}" must have "zone" parameter`;
  const request = requestZone(cf, name, size, owner);
  const known = zones.get(name);
  if (known !== undefined) return `${cf.name} "${name}" is already bound to key "${known.key.text}"`;
  zones.set(name, make(request, key));
  return undefined;
}
