/**
 * The memory of cdata.
 *
 * Memory made by Lua code lives in ArrayBuffers: a pointer to it is the block and an offset, which keeps the block
 * alive and makes an access outside of it an error. A pointer that is written to memory becomes its real address, so
 * that C functions understand structs with pointers in them. Reading it back finds the block by its address; what is
 * in no block is foreign memory, known by the address alone and reached by copies through the C library.
 *
 * A block keeps alive what the pointers written into it point to, which C would leave to the program.
 */

import { throwError } from '../error.ts';
import { native } from './native.ts';

/** A piece of memory. */
export class Block {
  readonly buffer: ArrayBuffer;
  readonly view: DataView;
  /** Its address, 0 as long as nobody asked. */
  base = 0;
  /** Blocks that pointers in this one point to, by the pointer's offset. */
  anchors: Map<number, Block> | undefined = undefined;
  /**
   * The address of a Lua string's bytes as numbers show it. Equal strings are one object in Lua, and programs use
   * their address as a hash: it depends on the contents alone.
   */
  identity = 0;
  private u8: Buffer | undefined = undefined;

  constructor(size: number) {
    this.buffer = new ArrayBuffer(size);
    this.view = new DataView(this.buffer);
  }

  get bytes(): Buffer {
    this.u8 ??= Buffer.from(this.buffer);
    return this.u8;
  }
}

/** Small objects share blocks of this size. */
const SLAB = 4096;
const MAX_SMALL = 256;
let slab = new Block(0);
let slabUsed = 0;

/** Where the last `allocate` put its memory in the block it returned. */
export let allocated = 0;

/** New zeroed memory; its offset in the block is `allocated`. */
export function allocate(size: number, align: number): Block {
  if (align > 16) {
    const b = new Block(size + align);
    const over = baseOf(b) % align;
    allocated = over === 0 ? 0 : align - over;
    return b;
  }
  if (size > MAX_SMALL) {
    allocated = 0;
    return new Block(size);
  }
  let at = slabUsed + (align - 1);
  at -= at % align;
  if (at + size > slab.buffer.byteLength) {
    slab = new Block(SLAB);
    at = 0;
  }
  // One byte more: the end of one object is not the start of another.
  slabUsed = at + size + 1;
  allocated = at;
  return slab;
}

// Addresses

/** Blocks with an address, by size class: those of class k span at most two pages of 2^k bytes. */
const classes: (Map<number, WeakRef<Block>[]> | undefined)[] = [];
const collected = new FinalizationRegistry<{ k: number; page: number }>(({ k, page }) => {
  const list = classes[k]?.get(page)?.filter((r) => r.deref() !== undefined);
  if (list === undefined) return;
  if (list.length === 0) classes[k]!.delete(page);
  else classes[k]!.set(page, list);
});

/** Without a native library addresses are made up, far above real ones. */
let nextFake = 2 ** 50;

/** The address of a block's first byte. */
export function baseOf(block: Block): number {
  if (block.base !== 0) return block.base;
  const size = Math.max(block.buffer.byteLength, 1);
  const n = native();
  if (n === undefined) {
    block.base = nextFake;
    nextFake += Math.ceil((size + 16) / 16) * 16;
  } else block.base = Number(n.koffi.address(block.buffer));
  const k = Math.max(4, 32 - Math.clz32(size));
  const page = Math.floor(block.base / 2 ** k);
  classes[k] ??= new Map();
  const list = classes[k].get(page);
  const ref = new WeakRef(block);
  if (list === undefined) classes[k].set(page, [ref]);
  else list.push(ref);
  collected.register(block, { k, page });
  return block.base;
}

function contains(block: Block, address: number): boolean {
  return address >= block.base && address <= block.base + block.buffer.byteLength;
}

/** The address of a pointer as a number for Lua code. */
export function numberOfPointer(block: Block | undefined, offset: number): number {
  return block !== undefined && block.identity !== 0 ? block.identity + offset : addressOfPointer(block, offset);
}

/** Blocks of strings by their identity, as long as they are in `strings`. */
const identities = new Map<number, Block>();
const FIRST_IDENTITY = 0x500000000000;
const LAST_IDENTITY = 0x600000000000;

/** 40 bits of a hash of the string, times 16, in a range where no real memory is. */
function identityOf(s: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return FIRST_IDENTITY + ((b & 255) * 4294967296 + (a >>> 0)) * 16;
}

/** The block that contains an address, or undefined for foreign memory. */
export function blockAt(address: number): Block | undefined {
  if (identities.size > 0 && address >= FIRST_IDENTITY) {
    const b = identities.get(address);
    if (b !== undefined) return b;
  }
  // No memory is there; a double cannot count by ones up there either.
  if (!(address > 0 && address < 2 ** 52)) return undefined;
  let end: Block | undefined;
  for (let k = 4; k < classes.length; k++) {
    const pages = classes[k];
    if (pages === undefined || pages.size === 0) continue;
    const page = Math.floor(address / 2 ** k);
    for (let p = page; p >= page - 1; p--) {
      const list = pages.get(p);
      if (list === undefined) continue;
      for (const ref of list) {
        const b = ref.deref();
        if (b === undefined || !contains(b, address)) continue;
        if (address < b.base + b.buffer.byteLength) return b;
        end = b;
      }
    }
  }
  return end;
}

// Pointers in memory

/** The block of the last pointer read, undefined if it is foreign. */
export let pointerBlock: Block | undefined;
/** Its offset in the block, or its address. */
export let pointerOffset = 0;

/** Makes an address a pointer: sets `pointerBlock` and `pointerOffset`. */
export function resolve(address: number): void {
  pointerBlock = address === 0 ? undefined : blockAt(address);
  if (pointerBlock === undefined) pointerOffset = address;
  else pointerOffset = address === pointerBlock.identity ? 0 : address - pointerBlock.base;
}

/** Reads a pointer: sets `pointerBlock` and `pointerOffset`. */
export function readPointer(block: Block, offset: number): void {
  const low = block.view.getUint32(offset, true);
  const high = block.view.getInt32(offset + 4, true);
  if (low === 0 && high === 0) {
    pointerBlock = undefined;
    pointerOffset = 0;
    return;
  }
  const address = high * 4294967296 + low;
  const at = address - block.base;
  if (block.base !== 0 && at >= 0 && at < block.buffer.byteLength) {
    pointerBlock = block;
    pointerOffset = at;
    return;
  }
  const anchor = block.anchors?.get(offset);
  if (anchor !== undefined && contains(anchor, address)) {
    pointerBlock = anchor;
    pointerOffset = address - anchor.base;
    return;
  }
  resolve(address);
}

/** Writes a pointer: to `offset` of `to`, or to the address `offset` if there is no block. */
export function writePointer(block: Block, offset: number, to: Block | undefined, at: number): void {
  let address = at;
  if (to !== undefined) {
    address += to.base !== 0 ? to.base : baseOf(to);
    if (to !== block) {
      block.anchors ??= new Map();
      block.anchors.set(offset, to);
    }
  }
  const high = Math.floor(address / 4294967296);
  block.view.setInt32(offset, address - high * 4294967296, true);
  block.view.setInt32(offset + 4, high, true);
}

/** The address of a pointer. */
export function addressOfPointer(block: Block | undefined, offset: number): number {
  return block === undefined ? offset : baseOf(block) + offset;
}

// Copies; a missing block means that the offset is an address

function foreign(address: number): NonNullable<ReturnType<typeof native>> {
  if (address >= 0 && address < 4096) throwError('attempt to access memory through a NULL pointer');
  if (address >= FIRST_IDENTITY && address < LAST_IDENTITY) throwError('attempt to access a string that is gone');
  const n = native();
  if (n === undefined) return throwError('no native call library to access foreign memory with');
  return n;
}

/** Up to this many bytes a loop is faster than a call of Node's. */
const SHORT = 12;

/** Copies bytes, also within one block. */
export function copyBytes(
  to: Block | undefined,
  at: number,
  from: Block | undefined,
  start: number,
  size: number,
): void {
  if (size <= 0) return;
  if (to !== undefined && from !== undefined) {
    checkRange(to, at, size);
    checkRange(from, start, size);
    if (to === from) to.bytes.copyWithin(at, start, start + size);
    else if (size <= SHORT) {
      const target = to.bytes;
      const source = from.bytes;
      for (let i = 0; i < size; i++) target[at + i] = source[start + i]!;
    } else to.bytes.set(new Uint8Array(from.buffer, start, size), at);
    if (from.anchors !== undefined && to !== from) copyAnchors(to, at, from, start, size);
    return;
  }
  const n = foreign(to === undefined ? at : start);
  if (to === undefined && from === undefined) foreign(start);
  if (to !== undefined) checkRange(to, at, size);
  if (from !== undefined) checkRange(from, start, size);
  n.memmove(BigInt(addressOfPointer(to, at)), BigInt(addressOfPointer(from, start)), size);
}

function copyAnchors(to: Block, at: number, from: Block, start: number, size: number): void {
  const delta = at - start;
  for (const [offset, block] of from.anchors!) {
    if (offset < start || offset >= start + size) continue;
    to.anchors ??= new Map();
    to.anchors.set(offset + delta, block);
  }
}

function checkRange(block: Block, offset: number, size: number): void {
  if (offset < 0 || offset + size > block.buffer.byteLength) throwError('attempt to access memory out of bounds');
}

/** Fills bytes. */
export function fillBytes(to: Block | undefined, at: number, size: number, byte: number): void {
  if (size <= 0) return;
  if (to !== undefined) {
    checkRange(to, at, size);
    to.bytes.fill(byte, at, at + size);
  } else foreign(at).memset(BigInt(at), byte, size);
}

/** Writes a byte string. */
export function writeString(to: Block | undefined, at: number, s: string, size = s.length): void {
  if (to === undefined) {
    const b = new Block(size);
    writeString(b, 0, s, size);
    copyBytes(undefined, at, b, 0, size);
    return;
  }
  checkRange(to, at, size);
  const { bytes } = to;
  if (size > SHORT) bytes.write(s, at, size, 'latin1');
  else for (let i = 0; i < size; i++) bytes[at + i] = s.charCodeAt(i);
}

/** A byte string of `size` bytes, up to the first zero byte if there is no size. */
export function readString(from: Block | undefined, at: number, size?: number): string {
  if (from === undefined) {
    if (size === 0) return '';
    const n = foreign(at);
    const length = size ?? Number(n.strlen(BigInt(at)));
    const b = new Block(length);
    copyBytes(b, 0, undefined, at, length);
    return b.bytes.toString('latin1', 0, length);
  }
  const limit = from.buffer.byteLength;
  let end: number;
  if (size !== undefined) {
    checkRange(from, at, Math.max(size, 0));
    end = at + size;
  } else {
    if (at < 0 || at > limit) throwError('attempt to access memory out of bounds');
    const { bytes } = from;
    const near = Math.min(limit, at + SHORT);
    end = at;
    while (end < near && bytes[end] !== 0) end++;
    if (end === near) {
      end = bytes.indexOf(0, near);
      if (end < 0) end = limit;
    }
  }
  const n = end - at;
  if (n > SHORT) return from.bytes.toString('latin1', at, end);
  const { bytes } = from;
  let s = '';
  for (let i = at; i < end; i++) s += String.fromCharCode(bytes[i]!);
  return s;
}

/** Strings that were converted to pointers lately: programs use one string many times. */
const strings = new Map<string, Block>();
const MAX_STRINGS = 1000;
const MAX_CACHED = 1024;

/** A zero terminated copy of a Lua string; its start is offset 0. Lua code must not write to it. */
export function stringBlock(s: string): Block {
  let b = strings.get(s);
  if (b !== undefined) return b;
  b = new Block(s.length + 1);
  writeString(b, 0, s);
  b.identity = identityOf(s);
  if (s.length <= MAX_CACHED) {
    if (strings.size >= MAX_STRINGS) {
      const [oldest, block] = strings.entries().next().value!;
      strings.delete(oldest);
      identities.delete(block.identity);
    }
    strings.set(s, b);
    identities.set(b.identity, b);
  }
  return b;
}

/** Memory for one foreign value on its way. */
export const scratch = new Block(256);
