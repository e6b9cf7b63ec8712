// The elements of a dictionary's list values: blocks linked in both directions, hanging on three words of the list's
// node. As in table.ts, the chain from the head is whole between any two stores, the rest is rebuilt after a crash.
import { writeText, type Zone } from './zone.ts';

/** The words of a list's node used here: element count, first element, last element. */
export interface ListWords {
  readonly length: number;
  readonly head: number;
  readonly tail: number;
}

// Words of an element; the value begins at an even one, because a number is a float64.
const NEXT = 0;
const PREVIOUS = 1;
const LENGTH = 2; // of the value, in bytes
const KIND = 3;
const VALUE = 4;

const STRING = 1;
const NUMBER = 2;

/** What ngx_lua asks of nginx's allocator for an element, besides its value. */
const ELEMENT_BYTES = 21;

/** The elements of lists in a zone. All calls need the zone's lock. */
export class ListElements {
  private readonly zone: Zone;
  private readonly words: Int32Array;
  private readonly length: number;
  private readonly head: number;
  private readonly tail: number;

  constructor(zone: Zone, at: ListWords) {
    this.zone = zone;
    this.words = zone.words;
    this.length = at.length;
    this.head = at.head;
    this.tail = at.tail;
  }

  /** Makes a node's list empty, without regard to what was there. */
  format(node: number): void {
    this.words[node + this.length] = 0;
    this.words[node + this.head] = 0;
    this.words[node + this.tail] = 0;
  }

  /** Adds an element at the front or the end; false when there is no memory. */
  push(node: number, value: string | number, front: boolean): boolean {
    const { words, zone } = this;
    const length = typeof value === 'string' ? value.length : 8;
    const element = zone.slab.alloc(ELEMENT_BYTES + length);
    if (element === 0) return false;
    words[element + LENGTH] = length;
    if (typeof value === 'string') {
      words[element + KIND] = STRING;
      writeText(zone.bytes, value, (element + VALUE) * 4);
    } else {
      words[element + KIND] = NUMBER;
      zone.floats[(element + VALUE) >> 1] = value;
    }
    if (front) {
      const first = words[node + this.head]!;
      words[element + NEXT] = first;
      words[element + PREVIOUS] = 0;
      words[node + this.head] = element;
      words[first === 0 ? node + this.tail : first + PREVIOUS] = element;
    } else {
      const last = words[node + this.tail]!;
      words[element + NEXT] = 0;
      words[element + PREVIOUS] = last;
      words[last === 0 ? node + this.head : last + NEXT] = element;
      words[node + this.tail] = element;
    }
    words[node + this.length]!++;
    return true;
  }

  /** The first or last value of a list that is not empty. */
  peek(node: number, front: boolean): string | number {
    const { words, zone } = this;
    const element = words[node + (front ? this.head : this.tail)]!;
    if (words[element + KIND] === NUMBER) return zone.floats[(element + VALUE) >> 1]!;
    const start = (element + VALUE) * 4;
    return zone.bytes.latin1Slice(start, start + words[element + LENGTH]!);
  }

  /** Removes the first or last element of a list that is not empty. */
  drop(node: number, front: boolean): void {
    const { words } = this;
    const element = words[node + (front ? this.head : this.tail)]!;
    const neighbour = words[element + (front ? NEXT : PREVIOUS)]!;
    if (front) {
      words[node + this.head] = neighbour;
      words[neighbour === 0 ? node + this.tail : neighbour + PREVIOUS] = 0;
    } else {
      words[neighbour === 0 ? node + this.head : neighbour + NEXT] = 0;
      words[node + this.tail] = neighbour;
    }
    words[node + this.length]!--;
    this.zone.slab.free(element);
  }

  /** Removes all elements. */
  clear(node: number): void {
    const { words } = this;
    let element = words[node + this.head]!;
    this.format(node);
    while (element !== 0) {
      const next = words[element + NEXT]!;
      this.zone.slab.free(element);
      element = next;
    }
  }

  /** During recovery: claims the elements that can be reached and restores the node's words. Returns their number. */
  recover(node: number): number {
    const { words, zone } = this;
    let element = words[node + this.head]!;
    let last = 0;
    let count = 0;
    while (element !== 0 && zone.slab.isBlockPointer(element)) {
      const length = words[element + LENGTH]!;
      const kind = words[element + KIND]!;
      if (length < 0 || (kind !== STRING && (kind !== NUMBER || length !== 8))) break;
      if (!zone.slab.claim(element, ELEMENT_BYTES + length)) break;
      words[element + PREVIOUS] = last;
      last = element;
      count++;
      element = words[element + NEXT]!;
    }
    words[last === 0 ? node + this.head : last + NEXT] = 0;
    words[node + this.tail] = last;
    words[node + this.length] = count;
    return count;
  }
}
