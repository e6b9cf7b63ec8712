/** Where the members of a struct lie. The rules are GCC's for x86-64 and arm64, bit-fields included. */

import {
  ALIGNED,
  BOOL,
  CONST,
  type CType,
  complete,
  type Field,
  FLOAT,
  HAS_CONST,
  Kind,
  UNION,
  UNKNOWN,
  VLA,
} from './ctype.ts';

/** What `__attribute__` and `#pragma pack` say of a declaration. */
export interface Attributes {
  packed: boolean;
  /** Bytes; 0 if not given. */
  aligned: number;
}

/** A member as it was declared. */
export interface Declared {
  readonly name: string | undefined;
  readonly ct: CType;
  /** Width of a bit-field, or -1. */
  readonly bits: number;
  readonly attributes: Attributes;
  readonly constant: number | undefined;
}

/** Thrown for a struct that has no layout. */
export class LayoutError extends Error {}

/** Gives a struct or union its members. `pack` is the largest alignment of a member, or 0. */
export function layOut(struct: CType, declared: readonly Declared[], own: Attributes, pack: number): void {
  const isUnion = (struct.flags & UNION) !== 0;
  const fields: Field[] = [];
  let bit = 0;
  let end = 0;
  let structAlign = Math.max(1, own.aligned);
  for (const d of declared) {
    const { name, ct } = d;
    if (d.constant !== undefined) {
      fields.push({ name, ct, offset: 0, bits: -1, bit: 0, constant: d.constant });
      continue;
    }
    const { raw } = ct;
    let { size } = raw;
    if (raw.flags & VLA && (raw.kind === Kind.ARRAY || raw.kind === Kind.STRUCT)) struct.flags |= VLA;
    if (size === UNKNOWN || (raw.kind === Kind.STRUCT && raw.flags & VLA)) {
      if (raw.kind !== Kind.ARRAY || isUnion) throw new LayoutError('size of C type is unknown or too large');
      size = 0;
    }
    if (size >= 0x20000000) throw new LayoutError('size of C type is unknown or too large');
    if (ct.qual & CONST || (raw.kind === Kind.STRUCT && raw.flags & HAS_CONST)) struct.flags |= HAS_CONST;
    const { packed, aligned } = d.attributes;
    const isPacked = packed || own.packed;
    let align = ct.flags & ALIGNED ? ct.align : raw.align;
    if (isPacked) align = Math.max(1, aligned);
    else if (aligned > align) align = aligned;
    if (pack > 0 && pack < align) align = pack;
    if (align > structAlign) structAlign = align;
    const unit = align * 8;
    let width = size * 8;
    const alignBit = (): void => {
      bit = Math.ceil(bit / unit) * unit;
    };
    if (d.bits < 0) {
      alignBit();
      fields.push({ name, ct, offset: bit / 8, bits: -1, bit: 0, constant: undefined });
    } else {
      const container = width;
      width = d.bits;
      if (width === 0 || aligned > 0 || (!isPacked && (bit % unit) + width > container)) alignBit();
      if (width === container && bit % unit === 0) {
        fields.push({ name, ct, offset: bit / 8, bits: -1, bit: 0, constant: undefined });
      } else if (name !== undefined) {
        const offset = Math.floor(bit / container) * size;
        fields.push({ name, ct, offset, bits: width, bit: bit % container, constant: undefined });
      }
    }
    if (isUnion) end = Math.max(end, width);
    else {
      bit += width;
      end = bit;
    }
  }
  const unit = structAlign * 8;
  complete(struct, fields, (Math.ceil(end / unit) * unit) / 8, structAlign);
}

/** Whether a type may have bit-fields of the width. */
export function validBits(ct: CType, bits: number, named: boolean): boolean {
  const { raw } = ct;
  if (raw.kind !== Kind.NUM || raw.flags & FLOAT || (bits === 0 && named) || raw.size > 4) return false;
  return bits >= 0 && bits <= (raw.flags & BOOL ? 1 : raw.size * 8);
}
