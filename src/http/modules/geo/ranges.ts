/**
 * Ranges of IPv4 addresses with values, in blocks of 65536 addresses as nginx keeps them, because what overlaps and
 * what may be deleted is decided within a block. nginx: ngx_http_geo_add_range(), ngx_http_geo_delete_range().
 */

interface Range {
  /** Within the block, both inclusive. */
  start: number;
  end: number;
  value: string;
}

/** What `add` found in its way. */
export type RangeConflict =
  | { readonly kind: 'duplicate'; readonly old: string }
  | { readonly kind: 'overlap'; readonly with: string };

const BLOCK = 0x10000;

/** `1.2.3.4` as a number. */
export function addressNumber(bytes: readonly number[]): number {
  return (
    (((bytes[0] as number) << 24) |
      ((bytes[1] as number) << 16) |
      ((bytes[2] as number) << 8) |
      (bytes[3] as number)) >>>
    0
  );
}

/** Index of the last range that begins at or before `position`, or -1. */
function lastBefore(ranges: readonly Range[], position: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle] as Range).start <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export class RangeMap {
  /** By the upper 16 bits; ranges in order, apart from each other. */
  readonly #blocks = new Map<number, Range[]>();

  /**
   * Adds a range of addresses, which may lie within one that is there.
   * @param report told of each conflict; an overlap ends the adding, a duplicate takes the old one's place
   */
  add(start: number, end: number, value: string, report: (conflict: RangeConflict) => void): boolean {
    for (let block = Math.floor(start / BLOCK); block <= Math.floor(end / BLOCK); block++) {
      const low = Math.max(start - block * BLOCK, 0);
      const high = Math.min(end - block * BLOCK, BLOCK - 1);
      let ranges = this.#blocks.get(block);
      if (ranges === undefined) this.#blocks.set(block, (ranges = []));
      const conflict = insert(ranges, { start: low, end: high, value });
      if (conflict === undefined) continue;
      if (typeof conflict === 'string') report({ kind: 'duplicate', old: conflict });
      else {
        report({ kind: 'overlap', with: `${text(block, conflict.start)}-${text(block, conflict.end)}` });
        return false;
      }
    }
    return true;
  }

  /** Removes a range that was added as it is. False when some of it is not there. */
  delete(start: number, end: number): boolean {
    let complete = true;
    for (let block = Math.floor(start / BLOCK); block <= Math.floor(end / BLOCK); block++) {
      const low = Math.max(start - block * BLOCK, 0);
      const high = Math.min(end - block * BLOCK, BLOCK - 1);
      const ranges = this.#blocks.get(block) ?? [];
      const at = lastBefore(ranges, low);
      const range = ranges[at];
      if (range?.start === low && range.end === high) ranges.splice(at, 1);
      else complete = false;
    }
    return complete;
  }

  find(address: number): string | undefined {
    const ranges = this.#blocks.get(address >>> 16);
    if (ranges === undefined) return undefined;
    const position = address & 0xffff;
    const range = ranges[lastBefore(ranges, position)];
    return range !== undefined && position <= range.end ? range.value : undefined;
  }
}

/** The old value of the same range, or the range that is overlapped, or undefined when all is well. */
function insert(ranges: Range[], range: Range): string | Range | undefined {
  const { start, end } = range;
  const at = lastBefore(ranges, end);
  const near = ranges[at];
  if (near === undefined || start > near.end) {
    ranges.splice(at + 1, 0, range);
    return undefined;
  }
  if (start === near.start && end === near.end) {
    const old = near.value;
    near.value = range.value;
    return old;
  }
  if (start < near.start || end > near.end) return near;
  // Within another: what is left of that on either side.
  const pieces = [range];
  if (start > near.start) pieces.unshift({ ...near, end: start - 1 });
  if (end < near.end) pieces.push({ ...near, start: end + 1 });
  ranges.splice(at, 1, ...pieces);
  return undefined;
}

function text(block: number, position: number): string {
  return `${block >> 8}.${block & 0xff}.${position >> 8}.${position & 0xff}`;
}
