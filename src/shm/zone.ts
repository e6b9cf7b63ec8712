// A zone: named shared memory with a lock and an allocator, on which a dictionary, a limiter or a set of counters is
// built. The master creates it and formats it; workers open it by an inherited descriptor (registry.ts carries them).
//
// A structure on a zone (dict.ts is the example) does three things: it stores the pointer to its root block in
// `zone.root` as the last step of making itself; it takes `zone.lock` around every access; and it sets
// `zone.lock.repair`.
import { constants } from 'node:buffer';
import { HEADER, LAYOUT_VERSION, type Layout, layoutOf, MAGIC } from './layout.ts';
import { ZoneLock } from './lock.ts';
import { createMapping, type Mapping, openMapping, privateMapping } from './mapping.ts';
import { Slab } from './slab.ts';

/** A Buffer with Node's fast methods for byte strings, which its types leave out. */
export interface ByteBuffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
}

/** Up to this many bytes a loop takes less time than a call out of JavaScript does, which is 40 ns. */
const SHORT_TEXT = 12;

/** Puts a byte string into memory. */
export function writeText(bytes: ByteBuffer, text: string, at: number): void {
  const { length } = text;
  if (length > SHORT_TEXT) bytes.latin1Write(text, at, length);
  else for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
}

/** Shared memory with a lock and an allocator. */
export class Zone {
  readonly name: string;
  /** Bytes, as declared. The mapping is a little larger. */
  readonly size: number;
  readonly layout: Layout;
  /** The memory as 32-bit words, as float64 (index: word / 2) and as bytes (index: word * 4). */
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly bytes: ByteBuffer;
  readonly lock: ZoneLock;
  readonly slab: Slab;
  private readonly mapping: Mapping;

  constructor(name: string, size: number, mapping: Mapping) {
    this.name = name;
    this.size = size;
    this.mapping = mapping;
    this.layout = layoutOf(size);
    this.words = new Int32Array(mapping.buffer);
    this.floats = new Float64Array(mapping.buffer);
    this.bytes = Buffer.from(mapping.buffer) as ByteBuffer;
    this.lock = new ZoneLock(this.words, name);
    this.slab = new Slab(this.words, this.layout);
  }

  /** Descriptor to hand to workers; -1 in workers and for private zones. */
  get fd(): number {
    return this.mapping.fd;
  }

  /** Seed of the zone's hash functions. */
  get seed(): number {
    return this.words[HEADER.seed]!;
  }

  /** Pointer to the root block of the structure in the zone; 0 while there is none. Needs the lock. */
  get root(): number {
    return this.words[HEADER.root]!;
  }

  set root(pointer: number) {
    this.words[HEADER.root] = pointer;
  }

  /** How often the zone was repaired after a crash. */
  get repairs(): number {
    return this.words[HEADER.repairs]!;
  }

  /** Gives the memory back, and the descriptor. The zone must not be used afterwards. */
  close(): void {
    this.mapping.close();
  }
}

/** Largest size of a zone in this Node.js, about. */
export const MAX_ZONE_SIZE = Math.min(constants.MAX_LENGTH, 2 ** 33) - 2 ** 28;

function checkSize(name: string, size: number): Layout {
  const layout = layoutOf(size);
  if (layout.pages < 1) throw new Error(`zone "${name}" is too small`);
  if (size > MAX_ZONE_SIZE) {
    throw new Error(`zone "${name}" is too large: ${size} bytes, at most ${MAX_ZONE_SIZE} can be addressed`);
  }
  return layout;
}

/**
 * Makes a new, empty zone.
 * @param shared false for memory of this process alone (`master_process off`): koffi is not needed then
 * @throws for sizes that cannot be, and what createMapping() throws
 */
export function createZone(name: string, size: number, shared = true): Zone {
  const layout = checkSize(name, size);
  const zone = new Zone(name, size, shared ? createMapping(name, layout.bytes) : privateMapping(layout.bytes));
  const { words } = zone;
  words[HEADER.version] = LAYOUT_VERSION;
  words[HEADER.sizeLow] = size | 0;
  words[HEADER.sizeHigh] = Math.floor(size / 2 ** 32);
  words[HEADER.seed] = (Math.random() * 2 ** 32) | 0;
  zone.slab.format();
  words[HEADER.magic] = MAGIC;
  return zone;
}

/**
 * A zone that another process created, by its inherited descriptor, which may be closed afterwards.
 * @throws when the descriptor is not such a zone
 */
export function openZone(name: string, size: number, fd: number): Zone {
  const layout = checkSize(name, size);
  const mapping = openMapping(fd, layout.bytes);
  const zone = new Zone(name, size, mapping);
  const { words } = zone;
  if (
    words[HEADER.magic] !== MAGIC ||
    words[HEADER.version] !== LAYOUT_VERSION ||
    words[HEADER.sizeLow] !== (size | 0) ||
    words[HEADER.sizeHigh] !== Math.floor(size / 2 ** 32)
  ) {
    mapping.close();
    throw new Error(`descriptor ${fd} is not the shared memory zone "${name}" of ${size} bytes`);
  }
  return zone;
}
