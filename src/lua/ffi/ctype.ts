/**
 * C types as the ffi library sees them.
 *
 * Derived types (pointers, arrays, references, qualified variants) are interned on the type they derive from, so that
 * equal types are one object: converters and accessors are made once per type and reached without a lookup. Structs,
 * unions and enums are equal only to themselves. Sizes and layouts are those of the 64 bit SysV ABI.
 */

import type { LuaTable } from '../table.ts';

/** What a type is. */
export const Kind = {
  NUM: 0,
  VOID: 1,
  STRUCT: 2,
  ENUM: 3,
  PTR: 4,
  REF: 5,
  ARRAY: 6,
  COMPLEX: 7,
  VECTOR: 8,
  FUNC: 9,
  /** The type of what ffi.typeof returns. */
  CTYPEID: 10,
} as const;

export const UNSIGNED = 1;
export const BOOL = 2;
export const FLOAT = 4;
export const UNION = 8;
/** An array of variable length, or a struct that ends with one. */
export const VLA = 16;
export const VARARG = 32;

/** A variant of a type with an alignment of its own. */
export const ALIGNED = 128;
/** A struct with a const member. */
export const HAS_CONST = 64;

export const CONST = 1;
export const VOLATILE = 2;

/** The size of incomplete types and arrays without a length. */
export const UNKNOWN = -1;

/** A member of a struct, or a constant that was declared in it. */
export interface Field {
  readonly name: string | undefined;
  readonly ct: CType;
  /** Bytes from the start of the struct; of a bit-field, its container's. */
  readonly offset: number;
  /** Bits of a bit-field; -1 for a plain field. */
  readonly bits: number;
  /** First bit in the container. */
  readonly bit: number;
  /** Value of a `static const` or enum constant; it takes no space. */
  readonly constant: number | undefined;
}

/** How a value lies in memory, for the short ways of access.ts. */
export const Code = {
  /** Nothing simple. */
  OTHER: 0,
  INT8: 1,
  UINT8: 2,
  INT16: 3,
  UINT16: 4,
  INT32: 5,
  UINT32: 6,
  FLOAT32: 7,
  DOUBLE: 8,
  BOOLEAN: 9,
  POINTER: 10,
  INT64: 11,
  UINT64: 12,
  /** A struct or an array: what is read is a reference to it. */
  OBJECT: 13,
} as const;

function codeOf(kind: number, size: number, flags: number): number {
  if (kind === Kind.STRUCT || kind === Kind.ARRAY) return Code.OBJECT;
  if (kind === Kind.PTR && size === 8) return Code.POINTER;
  if (kind !== Kind.NUM) return Code.OTHER;
  if (flags & FLOAT) return size === 4 ? Code.FLOAT32 : size === 8 ? Code.DOUBLE : Code.OTHER;
  if (flags & BOOL) return size === 1 ? Code.BOOLEAN : Code.OTHER;
  const unsigned = flags & UNSIGNED ? 1 : 0;
  switch (size) {
    case 1:
      return Code.INT8 + unsigned;
    case 2:
      return Code.INT16 + unsigned;
    case 4:
      return Code.INT32 + unsigned;
    case 8:
      return Code.INT64 + unsigned;
    default:
      return Code.OTHER;
  }
}

function recordIn(child: CType | undefined): CType | undefined {
  return child?.kind === Kind.STRUCT ? child : undefined;
}

let nextId = 128;

export class CType {
  readonly kind: number;
  /** One of `Code`. */
  readonly code: number;
  /** The struct, pointed to, referred to or the type itself, whose members string keys are, with its qualifiers. */
  readonly record: CType | undefined;
  /** Bytes, or UNKNOWN. */
  size: number;
  /** Bytes. */
  align: number;
  flags: number;
  /** Pointed to, element, return or underlying type. */
  child: CType | undefined;
  /** Tag of a struct, union or enum. */
  name: string | undefined;
  /** Members in order; undefined while a struct is incomplete. */
  fields: Field[] | undefined = undefined;
  /** Members by name, with those of nameless nested structs. Also the constants of an enum. */
  members: Map<string, Field> | undefined = undefined;
  params: readonly CType[] = [];
  /** CONST, VOLATILE. */
  readonly qual: number;
  /** The type without qualifiers. */
  readonly raw: CType;
  /** The table given to ffi.metatype. */
  metatype: LuaTable | undefined = undefined;
  /** Slots for what other files derive from the type, once. */
  readonly cache: Record<'get' | 'set' | 'call' | 'native' | 'bound' | 'construct', unknown> = {
    get: undefined,
    set: undefined,
    call: undefined,
    native: undefined,
    bound: undefined,
    construct: undefined,
  };
  /** Compatible pointer sources seen so far; see convert.ts. */
  compatible: Map<CType, boolean> | undefined = undefined;
  private pointer: CType | undefined = undefined;
  private reference: CType | undefined = undefined;
  private arrays: Map<number, CType> | undefined = undefined;
  private variants: CType[] | undefined = undefined;
  private number = 0;

  constructor(
    kind: number,
    size: number,
    align: number,
    flags = 0,
    child?: CType,
    name?: string,
    raw?: CType,
    qual = 0,
  ) {
    this.kind = kind;
    this.code = codeOf(kind, size, flags);
    this.record = kind === Kind.STRUCT ? this : kind === Kind.PTR || kind === Kind.REF ? recordIn(child) : undefined;
    this.size = size;
    this.align = align;
    this.flags = flags;
    this.child = child;
    this.name = name;
    this.raw = raw ?? this;
    this.qual = qual;
  }

  /** Whether it may not be written to: it is const, or has a const part. */
  get isConstant(): boolean {
    let t: CType = this;
    while (t.kind === Kind.ARRAY) t = t.child!;
    return (t.qual & CONST) !== 0 || (t.kind === Kind.STRUCT && (t.raw.flags & HAS_CONST) !== 0);
  }

  /** A number for types without a name. */
  get id(): number {
    if (this.number === 0) this.number = nextId++;
    return this.number;
  }

  /** `T *` */
  pointerTo(): CType {
    this.pointer ??= new CType(Kind.PTR, 8, 8, 0, this);
    return this.pointer;
  }

  /** `T &` */
  referenceTo(): CType {
    this.reference ??= new CType(Kind.REF, 8, 8, 0, this);
    return this.reference;
  }

  /** `T[count]`; UNKNOWN for `T[]`, `vla` for `T[?]`. */
  arrayOf(count: number, vla = false): CType {
    const key = vla ? -2 : count;
    this.arrays ??= new Map();
    let a = this.arrays.get(key);
    if (a === undefined) {
      const size = count < 0 ? UNKNOWN : count * this.raw.size;
      a = new CType(Kind.ARRAY, size, this.align, vla ? VLA : 0, this);
      this.arrays.set(key, a);
    }
    return a;
  }

  /** The type with more qualifiers. Those of an array are its elements'. */
  qualified(qual: number): CType {
    const all = this.qual | qual;
    if (all === this.qual) return this;
    if (this.kind === Kind.ARRAY) {
      return this.child!.qualified(qual).arrayOf(this.size < 0 ? UNKNOWN : this.count, (this.flags & VLA) !== 0);
    }
    const { raw } = this;
    raw.variants ??= [];
    let v = raw.variants[all];
    if (v === undefined) {
      v = new CType(raw.kind, raw.size, raw.align, raw.flags, raw.child, raw.name, raw, all);
      raw.variants[all] = v;
    }
    return v;
  }

  /** Elements of an array of known size. */
  get count(): number {
    const size = this.child!.raw.size;
    return size > 0 ? this.size / size : 0;
  }

  get isUnsigned(): boolean {
    return (this.raw.flags & UNSIGNED) !== 0;
  }
  get isBool(): boolean {
    return (this.raw.flags & BOOL) !== 0;
  }
  get isFloat(): boolean {
    return (this.raw.flags & FLOAT) !== 0;
  }
  /** An integer that is not a bool. */
  get isInteger(): boolean {
    return this.kind === Kind.NUM && (this.raw.flags & (BOOL | FLOAT)) === 0;
  }
}

const int = (size: number, flags = 0): CType => new CType(Kind.NUM, size, size, flags);

export const INT8 = int(1);
export const UINT8 = int(1, UNSIGNED);
export const INT16 = int(2);
export const UINT16 = int(2, UNSIGNED);
export const INT32 = int(4);
export const UINT32 = int(4, UNSIGNED);
export const INT64 = int(8);
export const UINT64 = int(8, UNSIGNED);
export const BOOLEAN = int(1, BOOL | UNSIGNED);
/** `_Bool int` */
export const BOOLEAN32 = int(4, BOOL | UNSIGNED);
export const FLOAT32 = int(4, FLOAT);
export const DOUBLE = int(8, FLOAT);
/** `long double`: it has a size and an alignment, but no conversions. */
export const LONG_DOUBLE = new CType(Kind.NUM, 16, 16, FLOAT);
export const VOID = new CType(Kind.VOID, UNKNOWN, 1);
export const COMPLEX_DOUBLE = new CType(Kind.COMPLEX, 16, 8, 0, DOUBLE);
export const COMPLEX_FLOAT = new CType(Kind.COMPLEX, 8, 4, 0, FLOAT32);
export const CTYPEID = new CType(Kind.CTYPEID, 4, 4);
export const CHAR = INT8;
export const VOID_PTR = VOID.pointerTo();
export const CONST_VOID_PTR = VOID.qualified(CONST).pointerTo();
export const CONST_CHAR_PTR = CHAR.qualified(CONST).pointerTo();
export const CONST_CHAR_ARRAY = CHAR.qualified(CONST).arrayOf(UNKNOWN);

/** An integer type by its bytes. */
export function integerType(size: number, unsigned: boolean): CType {
  switch (size) {
    case 1:
      return unsigned ? UINT8 : INT8;
    case 2:
      return unsigned ? UINT16 : INT16;
    case 8:
      return unsigned ? UINT64 : INT64;
    default:
      return unsigned ? UINT32 : INT32;
  }
}

const functions = new Map<string, CType>();

/** A function type. */
export function functionType(result: CType, params: readonly CType[], vararg: boolean): CType {
  const key = `${result.id}(${params.map((p) => p.id)}${vararg ? '...' : ''}`;
  let f = functions.get(key);
  if (f === undefined) {
    f = new CType(Kind.FUNC, UNKNOWN, 1, vararg ? VARARG : 0, result);
    f.params = params;
    // Types of structs would be kept alive for ever.
    if (isBasic(result) && params.every(isBasic)) functions.set(key, f);
  }
  return f;
}

function isBasic(ct: CType): boolean {
  let t = ct;
  while (t.child !== undefined && t.kind !== Kind.ENUM && t.kind !== Kind.FUNC) t = t.child;
  return t.kind === Kind.NUM || t.kind === Kind.VOID;
}

/** A vector of `bytes` bytes: `T __attribute__((vector_size(bytes)))`. */
export function vectorType(element: CType, bytes: number): CType {
  return new CType(Kind.VECTOR, bytes, Math.min(bytes, 16), 0, element);
}

/** Completes a struct or union. `fields` are those declared directly in it; a nameless struct shows its members. */
export function complete(ct: CType, fields: Field[], size: number, align: number): void {
  ct.fields = fields;
  ct.members = new Map();
  addMembers(ct.members, fields, 0, 0);
  ct.size = size;
  ct.align = align;
}

function addMembers(members: Map<string, Field>, fields: readonly Field[], offset: number, qual: number): void {
  for (const f of fields) {
    if (f.name !== undefined) {
      const same = offset === 0 && qual === 0;
      if (members.has(f.name)) continue;
      members.set(f.name, same ? f : { ...f, offset: f.offset + offset, ct: f.ct.qualified(qual) });
    } else if (f.ct.kind === Kind.STRUCT && f.bits < 0)
      addMembers(members, f.ct.raw.fields ?? [], offset + f.offset, qual | f.ct.qual);
  }
}

/** The type behind a reference, without qualifiers. */
export function target(ct: CType): CType {
  return ct.kind === Kind.REF ? ct.child!.raw : ct.raw;
}

function qualifiers(qual: number): string {
  return (qual & CONST ? 'const ' : '') + (qual & VOLATILE ? 'volatile ' : '');
}

function numberName(ct: CType): string {
  const { flags, size } = ct.raw;
  if (flags & BOOL) return 'bool';
  if (flags & FLOAT) return size === 8 ? 'double' : size === 4 ? 'float' : 'long double';
  if (size === 8) return flags & UNSIGNED ? 'uint64_t' : 'int64_t';
  return (flags & UNSIGNED ? 'unsigned ' : '') + (size === 1 ? 'char' : size === 2 ? 'short' : 'int');
}

/** The C declaration of a type as LuaJIT writes it: "const char *", "int (*)[4]", "struct foo &". */
export function typeText(type: CType): string {
  let ct = type;
  let front = '';
  let back = '';
  let pointer = false;
  const wrap = (): void => {
    if (pointer) {
      front = '(' + front;
      back += ')';
      pointer = false;
    }
  };
  const join = (base: string): string => {
    const inner = front + back;
    return base + (inner === '' ? '' : ' ' + inner);
  };
  for (;;) {
    switch (ct.kind) {
      case Kind.NUM:
        return join(qualifiers(ct.qual) + numberName(ct));
      case Kind.VOID:
        return join(qualifiers(ct.qual) + 'void');
      case Kind.STRUCT:
        return join(qualifiers(ct.qual) + (ct.raw.flags & UNION ? 'union ' : 'struct ') + (ct.raw.name ?? ct.raw.id));
      case Kind.ENUM:
        return join(qualifiers(ct.qual) + 'enum ' + (ct.raw.name ?? ct.raw.id));
      case Kind.CTYPEID:
        return join('ctype');
      case Kind.COMPLEX:
        return join(qualifiers(ct.qual) + (ct.raw.size === 8 ? 'complex float' : 'complex'));
      case Kind.REF:
        front = '&' + front;
        pointer = true;
        break;
      case Kind.PTR: {
        const q = qualifiers(ct.qual).trim();
        front = (ct.size === 4 ? '*__ptr32 ' : '*') + q + (q !== '' && front !== '' ? ' ' : '') + front;
        pointer = true;
        break;
      }
      case Kind.ARRAY:
        wrap();
        back += ct.raw.size >= 0 ? `[${ct.count}]` : ct.flags & VLA ? '[?]' : '[]';
        break;
      case Kind.VECTOR:
        front = `__attribute__((vector_size(${ct.size})))` + (front === '' ? '' : ' ' + front);
        break;
      case Kind.FUNC:
        wrap();
        back += '()';
        break;
    }
    ct = ct.child!;
  }
}
