// The module string.buffer: https://htmlpreview.github.io/?https://github.com/LuaJIT/LuaJIT/blob/v2.1/doc/ext_buffer.html
//
// A buffer holds a JavaScript string, which V8 appends to without copying. The methods that give out memory (reserve,
// commit, ref, putcdata) have nothing to point into and raise an error.

import { first, ret2, retN } from '../call.ts';
import { callNow } from '../coroutine.ts';
import { argError, throwError } from '../error.ts';
import { CData, cdataOperations } from '../ffi/cdata.ts';
import { formatNumber } from '../number.ts';
import { metamethod } from '../runtime.ts';
import { LuaTable } from '../table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, Userdata } from '../value.ts';
import { argNumber, argString, typeError } from './args.ts';
import { formatString } from './format.ts';
import { natives } from './native.ts';
import { type Dictionaries, decodeAt, encodeValue, makeDictionaries } from './serialize.ts';

const MAX_LENGTH = 0x7fffff00; // LJ_MAX_BUF

/** A string buffer. */
export class LuaBuffer extends Userdata {
  /** All that was put in; what has been taken out again is before `start`. */
  private text = '';
  private start = 0;
  readonly dictionaries: Dictionaries;

  constructor(metatable: LuaTable, dictionaries: Dictionaries) {
    super(metatable);
    this.dictionaries = dictionaries;
  }

  /** What reserve gave out, until commit. */
  reserved: CData | undefined = undefined;
  reservedSize = 0;

  reserve(pointer: CData | undefined, size: number): void {
    this.reserved = pointer;
    this.reservedSize = size;
  }

  get length(): number {
    return this.text.length - this.start;
  }

  put(bytes: string): void {
    this.text += bytes;
  }

  set(bytes: string): void {
    this.text = bytes;
    this.start = 0;
  }

  /** Takes up to n bytes out. */
  take(n: number): string {
    const bytes = this.text.substring(this.start, this.start + n);
    this.skip(n);
    return bytes;
  }

  skip(n: number): void {
    this.start += n;
    if (this.start >= this.text.length) this.set('');
  }

  override toString(): string {
    return this.start === 0 ? this.text : this.text.substring(this.start);
  }
}

function self(v: LuaValue, fname: string, given: number): LuaBuffer {
  if (v instanceof LuaBuffer) return v;
  typeError(v, 1, fname, 'buffer', given);
}

function argLength(v: LuaValue, n: number, fname: string, given: number): number {
  const length = Math.trunc(argNumber(v, n, fname, given));
  if (!(length >= 0 && length <= MAX_LENGTH)) argError(n, fname, 'number out of range');
  return length;
}

function textOf(buffer: LuaBuffer, v: LuaValue, n: number, given: number): string {
  if (typeof v === 'string') return v;
  if (typeof v === 'number') return formatNumber(v);
  if (v instanceof LuaBuffer) {
    if (v === buffer) argError(n, 'put', 'cannot put buffer into itself');
    return v.toString();
  }
  const handler = metamethod(v, '__tostring');
  if (handler !== undefined) {
    const text = first(callNow(handler, [v]));
    if (typeof text === 'string') return text;
    if (typeof text === 'number') return formatNumber(text);
    v = text;
  }
  typeError(v, n, 'put', 'string/number/__tostring', given);
}

/** Concatenation takes buffers as their contents. */
function operand(v: LuaValue): string {
  if (typeof v === 'string') return v;
  if (typeof v === 'number') return formatNumber(v);
  if (v instanceof LuaBuffer) return v.toString();
  throwError(`attempt to concatenate a ${typeof v === 'object' ? 'table' : v === undefined ? 'nil' : typeof v} value`);
}

const METHODS = natives({
  commit(v, size) {
    const buffer = self(v, 'commit', arguments.length);
    const n = argLength(size, 2, 'commit', arguments.length);
    if (n > buffer.reservedSize) argError(2, 'commit', 'number out of range');
    if (n > 0) buffer.put(cdataOperations.bytesAt(buffer.reserved, n));
    buffer.reserve(undefined, 0);
    return buffer;
  },
  putcdata(v, pointer, size) {
    const buffer = self(v, 'putcdata', arguments.length);
    const n = argLength(size, 3, 'putcdata', arguments.length);
    if (!(pointer instanceof CData)) typeError(pointer, 2, 'putcdata', 'cdata', arguments.length);
    buffer.put(cdataOperations.bytesAt(pointer, n));
    return buffer;
  },
  // A copy: what is written there does not reach the buffer.
  ref(v) {
    const text = self(v, 'ref', arguments.length).toString();
    const pointer = cdataOperations.newBytes(text.length);
    const { bytes } = pointer.block!;
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return ret2(pointer, text.length);
  },
  reserve(v, size) {
    const buffer = self(v, 'reserve', arguments.length);
    const n = argLength(size, 2, 'reserve', arguments.length);
    const pointer = cdataOperations.newBytes(n);
    buffer.reserve(pointer, n);
    return ret2(pointer, n);
  },
  decode(v) {
    const buffer = self(v, 'decode', arguments.length);
    const { value, end } = decodeAt(buffer.toString(), buffer.dictionaries);
    buffer.skip(end);
    return value;
  },
  encode(v, value) {
    const buffer = self(v, 'encode', arguments.length);
    if (arguments.length < 2) argError(2, 'encode', 'value expected');
    buffer.put(encodeValue(value, buffer.dictionaries));
    return buffer;
  },
  free(v) {
    const buffer = self(v, 'free', arguments.length);
    buffer.set('');
    return buffer;
  },
  get(v, ...lengths) {
    const buffer = self(v, 'get', arguments.length);
    if (lengths.length === 0) return buffer.take(MAX_LENGTH);
    return retN(
      lengths.map((n, i) => buffer.take(n === undefined ? MAX_LENGTH : argLength(n, i + 2, 'get', lengths.length + 1))),
    );
  },
  put(v, ...values) {
    const buffer = self(v, 'put', arguments.length);
    for (let i = 0; i < values.length; i++) buffer.put(textOf(buffer, values[i], i + 2, values.length + 1));
    return buffer;
  },
  putf(v, format, ...values) {
    const buffer = self(v, 'putf', arguments.length);
    buffer.put(formatString(argString(format, 2, 'putf', arguments.length), values));
    return buffer;
  },
  reset(v) {
    const buffer = self(v, 'reset', arguments.length);
    buffer.set('');
    return buffer;
  },
  set(v, text) {
    const buffer = self(v, 'set', arguments.length);
    if (typeof text !== 'string') typeError(text, 2, 'set', 'string', arguments.length);
    buffer.set(text);
    return buffer;
  },
  skip(v, n) {
    const buffer = self(v, 'skip', arguments.length);
    buffer.skip(argLength(n, 2, 'skip', arguments.length));
    return buffer;
  },
  tostring: (v) => self(v, 'tostring', 1).toString(),
  __tostring: (v) => self(v, '__tostring', 1).toString(),
  __len: (v) => self(v, '__len', 1).length,
  __concat: (a, b) => operand(a) + operand(b),
});

/** Makes the module for a state. */
export function openBuffer(): LuaTable {
  const metatable = LuaTable.fromObject(METHODS);
  metatable.setStr('__index', metatable);
  metatable.setStr('__metatable', 'buffer');
  const functions: Record<string, LuaFunction> = {
    'C:new'(size: LuaValue, options: LuaValue): LuaResult {
      const withSize = arguments.length > 0 && !(size instanceof LuaTable);
      if (withSize && size !== undefined) argLength(size, 1, 'new', arguments.length);
      const table = withSize ? options : size;
      if (arguments.length > (withSize ? 1 : 0) && !(table instanceof LuaTable))
        typeError(table, withSize ? 2 : 1, 'new', 'table', arguments.length);
      return new LuaBuffer(metatable, makeDictionaries(table instanceof LuaTable ? table : undefined));
    },
    'C:encode'(value: LuaValue): LuaResult {
      if (arguments.length === 0) argError(1, 'encode', 'value expected');
      return encodeValue(value, makeDictionaries(undefined));
    },
    'C:decode'(text: LuaValue): LuaResult {
      if (text instanceof LuaBuffer) text = text.toString();
      if (typeof text !== 'string') typeError(text, 1, 'decode', 'string', arguments.length);
      const { value, end } = decodeAt(text, makeDictionaries(undefined));
      if (end < text.length) throwError('left-over data in buffer');
      return value;
    },
  };
  const t = new LuaTable();
  for (const [name, fn] of Object.entries(functions)) t.setStr(name.slice(2), fn);
  return t;
}
