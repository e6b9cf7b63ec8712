/**
 * Which server the sessions of clients belong to, in shared memory: for `sticky learn`. nginx:
 * src/http/modules/ngx_http_upstream_sticky_module.c.
 */
import { createHash } from 'node:crypto';
import type { ZoneRequest } from '../../conf/cycle.ts';
import { LOG_ALERT, LOG_WARN, type Log } from '../../log/log.ts';
import { currentMsec } from '../../log/time.ts';
import { Timer } from '../../net/timer.ts';
import { HEADER } from '../../shm/layout.ts';
import { NODE } from '../../shm/table.ts';
import type { Zone } from '../../shm/zone.ts';
import { LimitTable } from '../modules/limit/zone.ts';

// Words of a record: when it was last used, milliseconds since 1970 as float64, and the server's sid.
const LAST = NODE.payload + 1;
const SID_LENGTH = NODE.payload + 3;
const SID = NODE.payload + 4;
const SID_BYTES = 32;
const PAYLOAD_WORDS = 4 + SID_BYTES / 4;

/** Bytes of nginx's record besides its key, which has 16. */
const RECORD_BYTES = 128;

/** The sessions of an upstream. */
export class StickySessions {
  readonly request: ZoneRequest;
  /** The upstream. */
  readonly host: string;
  /** Milliseconds after which an unused session is forgotten. */
  readonly #timeout: number;
  readonly #timer: Timer = new Timer(this);
  #table: LimitTable | undefined = undefined;

  constructor(request: ZoneRequest, host: string, timeout: number) {
    this.request = request;
    this.host = host;
    this.#timeout = timeout;
  }

  get #records(): LimitTable {
    this.#table ??= new LimitTable(this.request.zone as Zone, PAYLOAD_WORDS, RECORD_BYTES, this.host);
    return this.#table;
  }

  /** The upstream that the zone was made for. */
  get owner(): string {
    return this.#records.key;
  }

  #locked<T>(run: (records: LimitTable) => T): T {
    const records = this.#records;
    const { lock, words } = records.zone;
    lock.acquire();
    try {
      const result = run(records);
      lock.release();
      return result;
    } catch (error) {
      words[HEADER.repair] = 1;
      Atomics.store(words, HEADER.lock, 0);
      throw error;
    }
  }

  /** The server of a session, by its sid. */
  find(id: string): string | undefined {
    const key = keyOf(id);
    return this.#locked(({ table, zone }) => {
      const record = table.find(key, table.hash(key));
      if (record === 0) return undefined;
      const start = (record + SID) * 4;
      return zone.bytes.latin1Slice(start, start + (zone.words[record + SID_LENGTH] as number));
    });
  }

  /** Notes the server of a session. One that is not known is only noted when it begins. */
  keep(id: string, sid: string, begins: boolean, log: Log): void {
    const key = keyOf(id);
    const now = currentMsec();
    const name = this.request.name;
    const made = this.#locked((records) => {
      const { table, zone } = records;
      const hash = table.hash(key);
      let record = table.find(key, hash);
      if (record !== 0) {
        write(zone, record, sid, now);
        table.touch(record);
        return false;
      }
      if (!begins) return false;
      record = records.alloc(key);
      if (record === 0) {
        log.write(
          LOG_WARN,
          `could not allocate node in sticky session zone "${name}", expiring least recently used session`,
        );
        this.#expire(records, now, true);
        record = records.alloc(key);
      }
      if (record === 0) {
        log.write(LOG_ALERT, `could not allocate node in sticky session zone "${name}"`);
        return false;
      }
      write(zone, record, sid, now);
      records.insert(record, key, hash);
      return true;
    });
    if (made && !this.#timer.isSet) this.#timer.set(this.#timeout);
  }

  /** Forgets sessions when their time has come: those of before, too. */
  expireLater(): void {
    this.onTimer();
  }

  onTimer(): void {
    const wait = this.#locked((records) => this.#expire(records, currentMsec(), false));
    if (wait > 0) this.#timer.set(wait);
  }

  /**
   * Forgets those whose time has come; `force`: and the oldest in any case.
   * @returns milliseconds until the next one's; 0 when there is none
   */
  #expire(records: LimitTable, now: number, force: boolean): number {
    const { floats } = records.zone;
    let forced = force;
    for (let record = records.table.oldest; record !== 0; record = records.table.oldest) {
      const wait = (floats[(record + LAST) >> 1] as number) + this.#timeout - now;
      if (!forced && wait > 0) return wait;
      forced = false;
      records.remove(record);
    }
    return 0;
  }
}

function write(zone: Zone, record: number, sid: string, now: number): void {
  zone.floats[(record + LAST) >> 1] = now;
  zone.words[record + SID_LENGTH] = sid.length;
  zone.bytes.latin1Write(sid, (record + SID) * 4, sid.length);
}

function keyOf(id: string): string {
  return createHash('md5').update(id, 'latin1').digest('binary');
}
