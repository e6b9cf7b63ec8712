/**
 * Keys of session tickets: several files, of which the first encrypts; or, with a shared session cache, keys in its
 * memory, which all workers have, which outlive a reload, and which change with time. Node has a callback of OpenSSL's
 * for them that its own modules no longer use; where it is missing, one key serves.
 * nginx: ngx_ssl_session_ticket_keys(), ngx_ssl_ticket_key_callback(), ngx_ssl_rotate_ticket_keys() (src/event/
 * ngx_event_openssl.c).
 */
import type { SecureContext } from 'node:tls';
import type { ZoneRequest } from '../../../conf/cycle.ts';
import { currentSecond } from '../../../log/time.ts';
import { zoneDict } from './session-cache.ts';

/** 48 bytes in Node's order: name, HMAC key, AES key. */
export type TicketKey = Buffer;

export interface TicketKeys {
  /** The first one encrypts. */
  current(): readonly TicketKey[];
  /** Tickets of the others are replaced. */
  readonly renews: boolean;
}

const KEY_LENGTH = 48;
const PART = 16;

/** From files. */
export class FixedTicketKeys implements TicketKeys {
  readonly renews = false;
  private readonly keys: readonly TicketKey[];

  constructor(keys: readonly TicketKey[]) {
    this.keys = keys;
  }

  current(): readonly TicketKey[] {
    return this.keys;
  }
}

/** No session's id: those have 32 bytes. */
const ENTRY = 'ticket keys';

/**
 * In the memory of a shared session cache: a key that encrypts, for as long as sessions may be resumed, and the one
 * before it.
 */
export class SharedTicketKeys implements TicketKeys {
  readonly renews = true;
  private readonly request: ZoneRequest;
  private readonly timeout: number;
  private keys: readonly TicketKey[] = [];
  private readAt = 0;

  /** @param timeout of sessions, seconds */
  constructor(request: ZoneRequest, timeout: number) {
    this.request = request;
    this.timeout = Math.max(timeout, 1);
  }

  current(): readonly TicketKey[] {
    const now = currentSecond();
    if (now !== this.readAt) {
      this.keys = this.read(now);
      this.readAt = now;
    }
    return this.keys;
  }

  /** The entry: when its first key was made, in seconds, then the keys. */
  private read(now: number): readonly TicketKey[] {
    const { randomBytes } = process.getBuiltinModule('node:crypto');
    const dict = zoneDict(this.request);
    const entry = dict.get(ENTRY);
    const made = typeof entry === 'string' ? Buffer.from(entry, 'latin1') : undefined;
    if (made === undefined) {
      // Another process may do the same at this moment: the entry that is there then is everybody's.
      const first = Buffer.concat([seconds(now), randomBytes(KEY_LENGTH)]);
      if (dict.add(ENTRY, first.toString('latin1'))) return keysOf(first);
      const other = dict.get(ENTRY);
      return keysOf(typeof other === 'string' ? Buffer.from(other, 'latin1') : first);
    }
    const age = now - made.readDoubleBE(0);
    // One process changes the key: the one that gets to set this mark.
    if (age < this.timeout || !dict.add(`${ENTRY} after ${made.readDoubleBE(0)}`, 1, this.timeout)) return keysOf(made);
    const before = age < 2 * this.timeout ? (keysOf(made)[0] as Buffer) : Buffer.alloc(0);
    const next = Buffer.concat([seconds(now), randomBytes(KEY_LENGTH), before]);
    dict.set(ENTRY, next.toString('latin1'));
    return keysOf(next);
  }
}

function seconds(now: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(now);
  return bytes;
}

function keysOf(entry: Buffer): TicketKey[] {
  const keys: TicketKey[] = [];
  for (let pos = 8; pos + KEY_LENGTH <= entry.length; pos += KEY_LENGTH)
    keys.push(entry.subarray(pos, pos + KEY_LENGTH));
  return keys;
}

/** What OpenSSL is told: result, HMAC key, AES key, and for a new ticket name and initialization vector. */
type Answer = [result: number, hmac: Buffer, aes: Buffer, name?: Buffer, iv?: Buffer];

/** A context's handle, as far as it is used. */
interface ContextHandle {
  enableTicketKeyCallback?: () => void;
  onticketkeycallback?: (name: Buffer, iv: Buffer, encrypts: boolean) => Answer;
}

const NOT_FOUND = 0;
const FOUND = 1;
/** The ticket is good, and the client gets a new one. */
const RENEW = 2;

/** The handshake under way is one of TLS 1.3, whose clients use a ticket once. */
let renewing = false;

/** Says so, while OpenSSL reads a client's first message. */
export function renewTickets(on: boolean): void {
  renewing = on;
}

/** Whether a context can have several keys. */
export function canChooseTicketKeys(context: SecureContext): boolean {
  return typeof (context.context as ContextHandle).enableTicketKeyCallback === 'function';
}

/** Has a context ask for its keys. */
export function useTicketKeys(context: SecureContext, keys: TicketKeys): void {
  const handle = context.context as ContextHandle;
  handle.enableTicketKeyCallback?.();
  handle.onticketkeycallback = (name, _iv, encrypts) => {
    const all = keys.current();
    const first = all[0] as TicketKey;
    if (encrypts) {
      const iv = process.getBuiltinModule('node:crypto').randomBytes(PART);
      return [FOUND, part(first, 1), part(first, 2), part(first, 0), iv];
    }
    const key = all.find((one) => part(one, 0).equals(name));
    // Node wants keys also where there are none.
    if (key === undefined) return [NOT_FOUND, part(first, 1), part(first, 2)];
    const renew = renewing || (keys.renews && key !== first);
    return [renew ? RENEW : FOUND, part(key, 1), part(key, 2)];
  };
}

function part(key: TicketKey, n: number): Buffer {
  return key.subarray(n * PART, (n + 1) * PART);
}
