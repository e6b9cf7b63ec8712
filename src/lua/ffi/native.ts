/**
 * koffi, which calls C functions, loaded by its first use. Programs that keep to their own memory and never write a
 * pointer into it do not load it.
 */

/** A type of koffi's. */
export type NativeType = string | object;
/** A bound C function. */
export type NativeFunction = (...args: unknown[]) => unknown;

export interface NativeLibrary {
  symbol(name: string): bigint;
  func(name: string, result: NativeType, params: NativeType[]): NativeFunction;
}

interface Koffi {
  load(path: string | null, options?: { readonly lazy?: boolean; readonly global?: boolean }): NativeLibrary;
  address(memory: ArrayBuffer): bigint;
  errno(value?: number): number;
  /** With a prototype: the function at the address. */
  decode(address: bigint, type: NativeType): unknown;
  call(address: bigint, type: NativeType, ...args: unknown[]): unknown;
  proto(result: NativeType, params: NativeType[]): NativeType;
  pointer(type: NativeType): NativeType;
  struct(members: Record<string, NativeType>): NativeType;
  union(members: Record<string, NativeType>): NativeType;
  array(type: NativeType, length: number): NativeType;
  register(callback: (...args: unknown[]) => unknown, type: NativeType): bigint;
  unregister(callback: bigint): void;
}

export interface Native {
  readonly koffi: Koffi;
  /** The symbols of the running process: the C library, and what Node is linked to. */
  readonly process: NativeLibrary;
  readonly memmove: (to: bigint, from: bigint, size: number) => unknown;
  readonly memset: (to: bigint, byte: number, size: number) => unknown;
  readonly strlen: (s: bigint) => number | bigint;
}

let loaded: Native | undefined;
let failed = false;

/** Why `native` gives nothing. */
export let nativeFailure = '';

/** The native call library, or undefined if there is none for this platform. */
export function native(): Native | undefined {
  if (loaded !== undefined || failed) return loaded;
  try {
    const { createRequire } = process.getBuiltinModule('node:module');
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const library = koffi.load(null);
    loaded = {
      koffi,
      process: library,
      memmove: library.func('memmove', 'void *', ['void *', 'void *', 'size_t']) as Native['memmove'],
      memset: library.func('memset', 'void *', ['void *', 'int', 'size_t']) as Native['memset'],
      strlen: library.func('strlen', 'size_t', ['void *']) as Native['strlen'],
    };
  } catch (e) {
    failed = true;
    nativeFailure = (e as Error).message;
  }
  return loaded;
}
