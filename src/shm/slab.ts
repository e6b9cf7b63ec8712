// The allocator of a zone, after nginx's: blocks up to half a page come from pages cut into equal chunks of a power of
// two; larger ones are runs of whole pages, first fit, joined with their neighbours when freed. What a user can
// observe, how many blocks fit, when memory runs out and which frees make room, is as in nginx; see layout.ts for the
// reason. Two differences are invisible: free chunks form a list (no bitmap is searched), and chunks are put on it
// only when freed, so that a new page costs nothing to prepare.
//
// Everything is done with the zone's lock held. A holder that dies leaves this state anyhow: none of it is trusted
// afterwards. Recovery names the blocks that are known to be in use (reset, claim..., rebuild), and all descriptors and
// lists are made from that.
import { DESCRIPTOR_WORDS, HEADER, type Layout, PAGE_SIZE, PAGE_WORDS } from './layout.ts';

const MIN_SHIFT = 3;
const PAGE_SHIFT = 12;
const MAX_CHUNK = PAGE_SIZE / 2;

// Descriptor words.
const STATE = 0;
const COUNT = 1; // pages of a run, or chunks in use
const FREED = 2; // list of freed chunks
const CARVED = 3; // chunks handed out at least once, counted from the page's start
const NEXT = 4;
const PREVIOUS = 5;

// States. A value from MIN_SHIFT to 11 means a page of chunks of that power of two. Only the first and the last page of
// a run have a state to rely on.
const INSIDE = 0;
const FREE_HEAD = 1;
const FREE_TAIL = 2;
const RUN = 12;

/**
 * Chunks at the start of a page that are never handed out: nginx keeps the bitmap of small chunks there, and the
 * number of blocks that fit depends on it.
 */
function reservedChunks(shift: number): number {
  if (shift >= 6) return 0;
  return Math.max(1, (PAGE_SIZE >> shift) / ((1 << shift) * 8));
}

const RESERVED = Array.from({ length: PAGE_SHIFT }, (_, shift) => (shift < MIN_SHIFT ? 0 : reservedChunks(shift)));

function shiftOf(bytes: number): number {
  return bytes <= 1 << MIN_SHIFT ? MIN_SHIFT : 32 - Math.clz32(bytes - 1);
}

/** Allocates blocks of a zone; pointers are word indexes, 8-byte aligned. The caller holds the zone's lock. */
export class Slab {
  private readonly words: Int32Array;
  private readonly table: number;
  private readonly data: number;
  private readonly pages: number;
  /** While recovering: a bit for every possible start of a chunk that is in use. */
  private claimed: Uint8Array | undefined;

  constructor(words: Int32Array, layout: Layout) {
    this.words = words;
    this.table = layout.pageTable;
    this.data = layout.data;
    this.pages = layout.pages;
  }

  /** Makes all memory free. Old descriptors may stay: only those at the ends of runs and of used pages are read. */
  format(): void {
    this.words.fill(0, HEADER.freePages, HEADER.slots + PAGE_SHIFT);
    this.words[HEADER.freePages] = this.pages;
    if (this.pages > 0) this.linkRun(1, this.pages);
  }

  /** Free whole pages, in bytes; chunks free inside used pages are not counted, as in nginx. */
  get freeBytes(): number {
    return this.words[HEADER.freePages]! * PAGE_SIZE;
  }

  /** A block of at least `bytes` bytes, or 0: no memory. Its content is whatever was there. */
  alloc(bytes: number): number {
    if (bytes > MAX_CHUNK) {
      const page = this.allocPages(Math.ceil(bytes / PAGE_SIZE));
      return page === 0 ? 0 : this.data + (page - 1) * PAGE_WORDS;
    }
    const { words } = this;
    const shift = shiftOf(bytes);
    const slot = HEADER.slots + shift;
    let page = words[slot]!;
    if (page === 0) {
      page = this.allocPages(1);
      if (page === 0) return 0;
      const fresh = this.table + page * DESCRIPTOR_WORDS;
      words[fresh + STATE] = shift;
      words[fresh + COUNT] = 0;
      words[fresh + FREED] = 0;
      words[fresh + CARVED] = RESERVED[shift]!;
      words[fresh + NEXT] = 0;
      words[fresh + PREVIOUS] = 0;
      words[slot] = page;
    }
    const at = this.table + page * DESCRIPTOR_WORDS;
    const chunks = PAGE_SIZE >> shift;
    let pointer = words[at + FREED]!;
    if (pointer !== 0) {
      words[at + FREED] = words[pointer]!;
    } else {
      const carved = words[at + CARVED]!;
      pointer = this.data + (page - 1) * PAGE_WORDS + ((carved << shift) >> 2);
      words[at + CARVED] = carved + 1;
    }
    const used = words[at + COUNT]! + 1;
    words[at + COUNT] = used;
    if (used === chunks - RESERVED[shift]!) this.unlinkSlot(slot, at);
    return pointer;
  }

  /** Gives a block back. Its first word is overwritten. */
  free(pointer: number): void {
    const { words } = this;
    const page = this.pageOf(pointer);
    const at = this.table + page * DESCRIPTOR_WORDS;
    const shift = words[at + STATE]!;
    if (shift === RUN) {
      this.freePages(page, words[at + COUNT]!);
      return;
    }
    if (shift < MIN_SHIFT || shift > RUN) throw new Error('shared memory: a block is freed twice');
    const slot = HEADER.slots + shift;
    const used = words[at + COUNT]!;
    words[pointer] = words[at + FREED]!;
    words[at + FREED] = pointer;
    words[at + COUNT] = used - 1;
    if (used === (PAGE_SIZE >> shift) - RESERVED[shift]!) this.linkSlot(slot, page);
    if (used === 1) {
      this.unlinkSlot(slot, at);
      this.freePages(page, 1);
    }
  }

  /** Whether a pointer lies in the pages and is aligned, as every block is. */
  isBlockPointer(pointer: number): boolean {
    return pointer >= this.data && pointer < this.data + this.pages * PAGE_WORDS && (pointer & 1) === 0;
  }

  /** Begins recovery: forgets all blocks. Their content is not touched before rebuild(). */
  reset(): void {
    this.words.fill(0, HEADER.freePages, HEADER.slots + PAGE_SHIFT);
    this.words.fill(0, this.table, this.table + (this.pages + 1) * DESCRIPTOR_WORDS);
    this.claimed = new Uint8Array(Math.ceil((this.pages * PAGE_SIZE) / 64));
  }

  /**
   * During recovery: says that a block of `bytes` bytes at `pointer` is in use. Returns false when that cannot be true:
   * there cannot be such a block, or it overlaps one that was claimed before.
   */
  claim(pointer: number, bytes: number): boolean {
    const { words, claimed } = this;
    if (claimed === undefined || bytes <= 0 || !this.isBlockPointer(pointer)) return false;
    const page = this.pageOf(pointer);
    const at = this.table + page * DESCRIPTOR_WORDS;
    const offset = ((pointer - this.data) % PAGE_WORDS) * 4;
    if (bytes > MAX_CHUNK) {
      const count = Math.ceil(bytes / PAGE_SIZE);
      if (offset !== 0 || page + count - 1 > this.pages) return false;
      for (let i = 0; i < count; i++) if (words[at + i * DESCRIPTOR_WORDS + STATE] !== INSIDE) return false;
      for (let i = 0; i < count; i++) words[at + i * DESCRIPTOR_WORDS + STATE] = RUN;
      words[at + COUNT] = count;
      return true;
    }
    const shift = shiftOf(bytes);
    if (offset % (1 << shift) !== 0 || offset >> shift < RESERVED[shift]!) return false;
    if (words[at + STATE] !== INSIDE && words[at + STATE] !== shift) return false;
    const bit = (pointer - this.data) >> 1;
    if ((claimed[bit >> 3]! & (1 << (bit & 7))) !== 0) return false;
    claimed[bit >> 3]! |= 1 << (bit & 7);
    words[at + STATE] = shift;
    words[at + COUNT]!++;
    return true;
  }

  /** During recovery: takes a claim back. */
  unclaim(pointer: number, bytes: number): void {
    const { words, claimed } = this;
    if (claimed === undefined) throw new Error('shared memory: unclaim without reset');
    const at = this.table + this.pageOf(pointer) * DESCRIPTOR_WORDS;
    if (bytes > MAX_CHUNK) {
      words.fill(0, at, at + Math.ceil(bytes / PAGE_SIZE) * DESCRIPTOR_WORDS);
      return;
    }
    const bit = (pointer - this.data) >> 1;
    claimed[bit >> 3]! &= ~(1 << (bit & 7));
    if (--words[at + COUNT]! === 0) words[at + STATE] = INSIDE;
  }

  /** Ends recovery: everything that was not claimed becomes free. */
  rebuild(): void {
    const { words, claimed } = this;
    if (claimed === undefined) throw new Error('shared memory: rebuild without reset');
    // Backwards, so that lists begin with the lowest addresses.
    let runEnd = 0;
    for (let page = this.pages; page >= 1; page--) {
      const at = this.table + page * DESCRIPTOR_WORDS;
      const state = words[at + STATE]!;
      if (state !== INSIDE) {
        if (state < RUN) this.rebuildChunks(page, state, claimed);
        continue;
      }
      if (runEnd === 0) runEnd = page;
      if (page === 1 || words[at - DESCRIPTOR_WORDS + STATE] !== INSIDE) {
        const count = runEnd - page + 1;
        words[HEADER.freePages]! += count;
        this.linkRun(page, count);
        runEnd = 0;
      }
    }
    // The pages of a run but its first were marked to notice overlaps.
    for (let page = 1; page <= this.pages; page++) {
      const at = this.table + page * DESCRIPTOR_WORDS;
      if (words[at + STATE] !== RUN) continue;
      const count = words[at + COUNT]!;
      for (let i = 1; i < count; i++) words[at + i * DESCRIPTOR_WORDS + STATE] = INSIDE;
      page += count - 1;
    }
    this.claimed = undefined;
  }

  private rebuildChunks(page: number, shift: number, claimed: Uint8Array): void {
    const { words } = this;
    const at = this.table + page * DESCRIPTOR_WORDS;
    const start = this.data + (page - 1) * PAGE_WORDS;
    const chunks = PAGE_SIZE >> shift;
    words[at + CARVED] = chunks;
    for (let i = chunks - 1; i >= RESERVED[shift]!; i--) {
      const pointer = start + ((i << shift) >> 2);
      const bit = (pointer - this.data) >> 1;
      if ((claimed[bit >> 3]! & (1 << (bit & 7))) !== 0) continue;
      words[pointer] = words[at + FREED]!;
      words[at + FREED] = pointer;
    }
    if (words[at + FREED] !== 0) this.linkSlot(HEADER.slots + shift, page);
  }

  private pageOf(pointer: number): number {
    return ((pointer - this.data) >> (PAGE_SHIFT - 2)) + 1;
  }

  private linkSlot(slot: number, page: number): void {
    const { words, table } = this;
    const first = words[slot]!;
    const at = table + page * DESCRIPTOR_WORDS;
    words[at + NEXT] = first;
    words[at + PREVIOUS] = 0;
    if (first !== 0) words[table + first * DESCRIPTOR_WORDS + PREVIOUS] = page;
    words[slot] = page;
  }

  /** Takes the page with the descriptor `at` out of a list whose head is the word `head`. */
  private unlinkSlot(head: number, at: number): void {
    const { words, table } = this;
    const next = words[at + NEXT]!;
    const previous = words[at + PREVIOUS]!;
    if (previous === 0) words[head] = next;
    else words[table + previous * DESCRIPTOR_WORDS + NEXT] = next;
    if (next !== 0) words[table + next * DESCRIPTOR_WORDS + PREVIOUS] = previous;
  }

  private allocPages(count: number): number {
    const { words, table } = this;
    for (let page = words[HEADER.freeRuns]!; page !== 0; ) {
      const at = table + page * DESCRIPTOR_WORDS;
      const length = words[at + COUNT]!;
      if (length < count) {
        page = words[at + NEXT]!;
        continue;
      }
      if (length > count) {
        // The rest takes the run's place in the list.
        const rest = page + count;
        const restAt = table + rest * DESCRIPTOR_WORDS;
        const next = words[at + NEXT]!;
        const previous = words[at + PREVIOUS]!;
        this.markFree(rest, length - count);
        words[restAt + NEXT] = next;
        words[restAt + PREVIOUS] = previous;
        if (previous === 0) words[HEADER.freeRuns] = rest;
        else words[table + previous * DESCRIPTOR_WORDS + NEXT] = rest;
        if (next !== 0) words[table + next * DESCRIPTOR_WORDS + PREVIOUS] = rest;
      } else {
        this.unlinkSlot(HEADER.freeRuns, at);
      }
      words[at + (count - 1) * DESCRIPTOR_WORDS + STATE] = INSIDE;
      words[at + STATE] = RUN;
      words[at + COUNT] = count;
      words[HEADER.freePages]! -= count;
      return page;
    }
    return 0;
  }

  private freePages(page: number, count: number): void {
    const { words, table } = this;
    words[HEADER.freePages]! += count;
    const after = page + count;
    const afterAt = table + after * DESCRIPTOR_WORDS;
    if (after <= this.pages && words[afterAt + STATE] === FREE_HEAD) {
      this.unlinkSlot(HEADER.freeRuns, afterAt);
      count += words[afterAt + COUNT]!;
    }
    if (page > 1) {
      const beforeAt = table + (page - 1) * DESCRIPTOR_WORDS;
      const state = words[beforeAt + STATE];
      if (state === FREE_HEAD || state === FREE_TAIL) {
        const length = words[beforeAt + COUNT]!;
        page -= length;
        count += length;
        this.unlinkSlot(HEADER.freeRuns, table + page * DESCRIPTOR_WORDS);
      }
    }
    this.linkRun(page, count);
  }

  private linkRun(page: number, count: number): void {
    this.markFree(page, count);
    this.linkSlot(HEADER.freeRuns, page);
  }

  /** The last page says how long the run is, so that a run freed behind it finds the start. */
  private markFree(page: number, count: number): void {
    const { words } = this;
    const at = this.table + page * DESCRIPTOR_WORDS;
    const last = at + (count - 1) * DESCRIPTOR_WORDS;
    words[last + STATE] = FREE_TAIL;
    words[last + COUNT] = count;
    words[at + STATE] = FREE_HEAD;
    words[at + COUNT] = count;
  }
}
