// How a zone's memory is divided. All positions are indexes into an Int32Array over the zone ("words"): pointers in
// shared memory cannot be addresses, because every process maps the zone elsewhere; and a word index is what typed
// arrays want. Index 0 is inside the header, so 0 is the null pointer.
//
//     header       one page: identity, lock, the allocator's list heads, the structure's root
//     page table   one descriptor a page (slab.ts)
//     buckets      the hash table (table.ts)
//     pages        what the allocator hands out
//
// The number of pages is the number nginx's slab allocator would make of a zone of that size, where pool header, slots,
// statistics and page descriptors come out of the zone: people compute free_space() and watch for evictions at sizes
// they found by experience. Our own tables lie beside that and make the mapping a few per cent larger than its name.

/** Bytes of a page, nginx's on most machines; free_space() is a multiple of it. */
export const PAGE_SIZE = 4096;
export const PAGE_WORDS = PAGE_SIZE / 4;

/** What nginx demands of zones other than dictionaries: 8 pages, else `zone "NAME" is too small`. */
export const MIN_ZONE_SIZE = 8 * PAGE_SIZE;

/** Words of the header. The lock has a cache line of its own. */
export const HEADER = {
  magic: 0,
  version: 1,
  /** Size as declared, in bytes, low and high 32 bits. */
  sizeLow: 2,
  sizeHigh: 3,
  /** Of the hash function. */
  seed: 4,
  lock: 16,
  /** Not 0: the next lock holder must repair. Beside the lock because it is read with it. */
  repair: 17,
  /** How often the zone was repaired. */
  repairs: 18,
  /** How many nodes tables of the zone have removed, modulo 2^32: as long as it stays, a node found remains that key's. */
  removals: 19,
  /** Pointer to the structure's root block; 0 until the structure is made. */
  root: 32,
  freePages: 33,
  freeRuns: 34,
  /** List heads of partly used pages, by the power of two of their chunks, 3 to 11. */
  slots: 36,
} as const;

export const MAGIC = 0x7a736874;
export const LAYOUT_VERSION = 2;

// Sizes in nginx's slab allocator on a 64-bit machine: the pool with its nine slots and their statistics; a page's
// descriptor.
const NGINX_POOL_BYTES = 704;
const NGINX_PAGE_DESCRIPTOR_BYTES = 24;

/** Words of a page's descriptor. */
export const DESCRIPTOR_WORDS = 8;

const BUCKETS_PER_PAGE = 16;

/** Where the parts of a zone of some size begin, in words. */
export interface Layout {
  readonly pages: number;
  /** Descriptor of page number 0, which does not exist: pages are numbered from 1. */
  readonly pageTable: number;
  readonly buckets: number;
  /** Number of buckets, a power of two, less 1. */
  readonly bucketMask: number;
  /** The first page. */
  readonly data: number;
  /** Words beyond the last page. */
  readonly end: number;
  /** Bytes to map. */
  readonly bytes: number;
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** The layout of a zone declared with `size` bytes; `pages` is 0 when it is too small to hold anything. */
export function layoutOf(size: number): Layout {
  const whole = Math.floor((size - NGINX_POOL_BYTES) / (PAGE_SIZE + NGINX_PAGE_DESCRIPTOR_BYTES));
  const start = roundUp(NGINX_POOL_BYTES + whole * NGINX_PAGE_DESCRIPTOR_BYTES, PAGE_SIZE);
  const pages = Math.max(0, Math.min(whole, Math.floor((size - start) / PAGE_SIZE)));
  let buckets = 64;
  while (buckets < pages * BUCKETS_PER_PAGE) buckets *= 2;
  const pageTable = PAGE_WORDS;
  const bucketsAt = roundUp(pageTable + (pages + 1) * DESCRIPTOR_WORDS, PAGE_WORDS);
  const data = roundUp(bucketsAt + buckets, PAGE_WORDS);
  const end = data + pages * PAGE_WORDS;
  return { pages, pageTable, buckets: bucketsAt, bucketMask: buckets - 1, data, end, bytes: end * 4 };
}
