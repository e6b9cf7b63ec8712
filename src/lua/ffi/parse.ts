/**
 * C declarations to types.
 *
 * Understands what ffi.cdef does: C99 declarations with GCC's attributes, `$` for parameters, `[?]`, `&`. Everything
 * here runs once per declaration text; access to cdata never parses.
 */

import {
  ALIGNED,
  BOOLEAN,
  BOOLEAN32,
  COMPLEX_DOUBLE,
  COMPLEX_FLOAT,
  CONST,
  CType,
  DOUBLE,
  FLOAT32,
  functionType,
  INT8,
  INT32,
  INT64,
  integerType,
  Kind,
  LONG_DOUBLE,
  UINT32,
  UINT64,
  UNION,
  UNKNOWN,
  VLA,
  VOID,
  VOLATILE,
  vectorType,
} from './ctype.ts';
import { type Attributes, type Declared, LayoutError, layOut, validBits } from './layout.ts';
import { DeclarationError, Scanner } from './scan.ts';

/** What a name means. */
export type Symbol_ =
  | { readonly kind: 'type'; readonly ct: CType }
  /** A function or variable; `link` is the name it has in the library. */
  | { readonly kind: 'extern'; readonly ct: CType; readonly link: string }
  | { readonly kind: 'constant'; readonly ct: CType; readonly value: number };

/** A parameter for `$`: a type, or a value from Lua for a name or number. */
export type Parameter = CType | string | number;

const BUILTIN = new Map<string, CType>();
for (const bits of [8, 16, 32, 64]) {
  BUILTIN.set(`int${bits}_t`, integerType(bits / 8, false));
  BUILTIN.set(`uint${bits}_t`, integerType(bits / 8, true));
}
for (const name of ['intptr_t', 'ptrdiff_t', 'ssize_t']) BUILTIN.set(name, INT64);
for (const name of ['uintptr_t', 'size_t']) BUILTIN.set(name, UINT64);
BUILTIN.set('wchar_t', INT32);
for (const name of ['va_list', '__builtin_va_list', '__gnuc_va_list']) BUILTIN.set(name, VOID.pointerTo());

const MAX_TYPES = 65000;

/** Names and tags that ffi.cdef has declared in a state. */
export class Names {
  readonly symbols = new Map<string, Symbol_>();
  readonly tags = new Map<string, CType>();
  private types = 0;

  /** Counts a type and its members: a program that makes new types again and again fails as it does in LuaJIT. */
  count(members: number): void {
    this.types += 1 + members;
    if (this.types > MAX_TYPES) throw new DeclarationError('table overflow');
  }

  /** The first declaration of a name counts, as in LuaJIT. */
  declare(name: string, symbol: Symbol_): void {
    if (this.lookup(name)?.kind !== symbol.kind) this.symbols.set(name, symbol);
  }

  lookup(name: string): Symbol_ | undefined {
    const own = this.symbols.get(name);
    if (own !== undefined) return own;
    const ct = BUILTIN.get(name);
    return ct === undefined ? undefined : { kind: 'type', ct };
  }
}

interface Specifiers {
  ct: CType;
  storage: string;
  attributes: DeclarationAttributes;
}

interface DeclarationAttributes extends Attributes {
  qual: number;
  /** Bytes given by mode(). */
  mode: number;
  modeFloat: boolean;
  /** Bytes of a vector. */
  vector: number;
  /** Elements of a vector, by mode(__V4SI__). */
  ptr32: boolean;
  link: string | undefined;
}

interface Declarator {
  name: string | undefined;
  ct: CType;
  bits: number;
  attributes: DeclarationAttributes;
}

interface Value {
  v: number;
  unsigned: boolean;
  /** What a cast made it, if that is a struct or a pointer to one: its constants can be named. */
  ct?: CType;
}

type Wrap = (ct: CType) => CType;

const TYPE_WORDS = new Map<string, string>();
for (const w of 'void char short int long float double signed unsigned'.split(' ')) TYPE_WORDS.set(w, w);
for (const w of ['bool', '_Bool']) TYPE_WORDS.set(w, 'bool');
for (const w of ['complex', '_Complex', '__complex', '__complex__']) TYPE_WORDS.set(w, 'complex');
for (const w of ['__signed', '__signed__']) TYPE_WORDS.set(w, 'signed');
for (const [w, size] of [
  ['__int8', 1],
  ['__int16', 2],
  ['__int32', 4],
  ['__int64', 8],
] as const) {
  TYPE_WORDS.set(w, String(size));
}
const STORAGE = new Set(['typedef', 'extern', 'static', 'auto', 'register', 'inline', '__inline', '__inline__']);
const QUALIFIERS = new Map<string, number>([
  ['const', CONST],
  ['__const', CONST],
  ['__const__', CONST],
  ['volatile', VOLATILE],
  ['__volatile', VOLATILE],
  ['__volatile__', VOLATILE],
]);
const IGNORED = new Set(
  'restrict __restrict __restrict__ __extension__ __cdecl __fastcall __stdcall __thiscall __ptr64 _Noreturn'.split(' '),
);
const ATTRIBUTE = new Set(['__attribute', '__attribute__', '__declspec', '__asm', '__asm__', 'asm', '__ptr32']);
const OTHER_KEYWORDS = new Set(['struct', 'union', 'enum', 'sizeof', '__alignof', '__alignof__', '_Alignof']);

function isKeyword(word: string): boolean {
  return (
    TYPE_WORDS.has(word) ||
    STORAGE.has(word) ||
    QUALIFIERS.has(word) ||
    IGNORED.has(word) ||
    ATTRIBUTE.has(word) ||
    OTHER_KEYWORDS.has(word)
  );
}

const PRECEDENCE: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '>': 7,
  '<=': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
};

/** Integers without conversions: they have a size only. */
const INT128 = new CType(Kind.NUM, 16, 16);
const INT256 = new CType(Kind.NUM, 32, 16);

const MAX_DEPTH = 50;
const SIZE_ERROR = 'size of C type is unknown or too large';

export class DeclarationParser {
  private readonly names: Names;
  private readonly s: Scanner;
  private readonly params: readonly Parameter[];
  private used = 0;
  private depth = 0;
  /** Declarations so far: a single one may omit the semicolon. */
  private count = 0;
  /** Tags may be introduced by their first use (in ffi.cdef). */
  private readonly implicit: boolean;

  constructor(names: Names, source: string, params: readonly Parameter[], implicit: boolean) {
    this.names = names;
    this.params = params;
    this.implicit = implicit;
    this.s = new Scanner(source);
  }

  /** Reads declarations to the end, for ffi.cdef. */
  declarations(): void {
    const { s } = this;
    while (s.kind !== 'end') {
      if (this.opt(';')) continue;
      if (s.text === 'extern' && s.peek() === 'string') {
        s.next();
        s.next();
        if (this.opt('{')) {
          while (!this.is('}') && !this.is('end')) this.declaration();
          this.check('}');
          continue;
        }
      }
      this.declaration();
    }
    this.checkParams();
  }

  /** Reads one type, for ffi.typeof and its like. */
  type(): CType {
    const spec = this.specifiers([]);
    const d = this.declarator(spec, true, false);
    if (this.s.kind !== 'end') throw this.s.error("'<eof>' expected");
    this.checkParams();
    return d.ct;
  }

  private checkParams(): void {
    if (this.used < this.params.length) throw new DeclarationError('wrong number of type parameters');
  }

  private declaration(): void {
    const { s } = this;
    if (this.opt(';')) return;
    const spec = this.specifiers(['typedef', 'extern', 'static', 'inline']);
    if (this.is(';') && (spec.ct.kind === Kind.STRUCT || spec.ct.kind === Kind.ENUM || spec.ct.kind === Kind.NUM)) {
      if (spec.ct.kind !== Kind.NUM) {
        s.next();
        return;
      }
    }
    for (;;) {
      const d = this.declarator(spec, false, true);
      const name = d.name!;
      if (spec.storage === 'typedef') this.names.declare(name, { kind: 'type', ct: d.ct });
      else if (d.ct.kind === Kind.FUNC) {
        this.names.declare(name, { kind: 'extern', ct: d.ct, link: d.attributes.link ?? name });
        if (this.skipBody()) return;
      } else if (spec.storage === 'static') {
        const k = this.initializer(d.ct);
        this.names.symbols.set(name, { kind: 'constant', ct: d.ct, value: k });
      } else this.names.declare(name, { kind: 'extern', ct: d.ct, link: d.attributes.link ?? name });
      if (!this.opt(',')) break;
    }
    if (this.count++ > 0 || !this.is('end')) this.check(';');
  }

  /** The body of an inline function is skipped. */
  private skipBody(): boolean {
    if (!this.opt('{')) return false;
    for (let level = 1; ; this.s.next()) {
      if (this.is('{')) level++;
      else if (this.is('}') && --level === 0) break;
      else if (this.s.kind === 'end') throw this.s.error("'}' expected");
    }
    this.s.next();
    return true;
  }

  private initializer(ct: CType): number {
    if (!ct.isInteger || (ct.qual & CONST) === 0 || ct.size > 4) throw new DeclarationError('invalid C type');
    this.check('=');
    const { v } = this.expression(0);
    switch (ct.size) {
      case 1:
        return ct.isUnsigned ? v & 255 : (v << 24) >> 24;
      case 2:
        return ct.isUnsigned ? v & 65535 : (v << 16) >> 16;
      default:
        return ct.isUnsigned ? v >>> 0 : v | 0;
    }
  }

  // Tokens

  private is(kind: string): boolean {
    return this.s.kind === kind;
  }

  private opt(kind: string): boolean {
    if (this.s.kind !== kind) return false;
    this.s.next();
    return true;
  }

  private check(kind: string): void {
    if (!this.opt(kind)) throw this.s.error(`'${kind}' expected`);
  }

  /** The next parameter for `$`. The current token becomes it: a name, an integer, or a type. */
  private parameter(): Parameter {
    if (this.used >= this.params.length) throw new DeclarationError('wrong number of type parameters');
    return this.params[this.used++]!;
  }

  /** A name that is not a keyword, or `$` standing for one. */
  private optName(): string | undefined {
    const { s } = this;
    if (s.kind === 'name' && !isKeyword(s.text)) {
      const { text } = s;
      s.next();
      return text;
    }
    if (s.kind === '$' && typeof this.params[this.used] === 'string') {
      const p = this.parameter() as string;
      s.next();
      return p;
    }
    return undefined;
  }

  private needName(): string {
    return (
      this.optName() ??
      (() => {
        throw this.s.error("'<identifier>' expected");
      })()
    );
  }

  /** Whether a type starts here, to tell casts and parameters from other things in parentheses. */
  private startsType(): boolean {
    const { s } = this;
    if (s.kind === '$') return this.params[this.used] instanceof CType;
    if (s.kind !== 'name') return false;
    const { text } = s;
    if (text === 'struct' || text === 'union' || text === 'enum') return true;
    if (TYPE_WORDS.has(text) || QUALIFIERS.has(text) || STORAGE.has(text)) return true;
    return this.names.lookup(text)?.kind === 'type';
  }

  // Attributes

  private newAttributes(): DeclarationAttributes {
    return {
      qual: 0,
      packed: false,
      aligned: 0,
      mode: 0,
      modeFloat: false,
      vector: 0,
      ptr32: false,
      link: undefined,
    };
  }

  private attributes(a: DeclarationAttributes): void {
    const { s } = this;
    while (s.kind === 'name') {
      const { text } = s;
      const qual = QUALIFIERS.get(text);
      if (qual !== undefined) a.qual |= qual;
      else if (text === '__ptr32') a.ptr32 = true;
      else if (text === '__attribute__' || text === '__attribute') {
        s.next();
        this.gccAttribute(a);
        continue;
      } else if (text === '__declspec') {
        s.next();
        this.check('(');
        while (s.kind === 'name') this.oneAttribute(a, s.text === 'align' ? 'aligned' : s.text);
        this.check(')');
        continue;
      } else if (text === 'asm' || text === '__asm__' || text === '__asm') {
        s.next();
        this.check('(');
        let link = '';
        while (this.is('string')) {
          link += s.text;
          s.next();
        }
        this.check(')');
        a.link = link;
        continue;
      } else if (!IGNORED.has(text)) return;
      s.next();
    }
  }

  private gccAttribute(a: DeclarationAttributes): void {
    const { s } = this;
    this.check('(');
    this.check('(');
    while (s.kind === 'name' || s.kind === ',') {
      if (this.opt(',')) continue;
      this.oneAttribute(a, s.text.replace(/^__(\w+)__$/, '$1'));
    }
    this.check(')');
    this.check(')');
  }

  private oneAttribute(a: DeclarationAttributes, name: string): void {
    const { s } = this;
    s.next();
    switch (name) {
      case 'packed':
        a.packed = true;
        return;
      case 'aligned':
        a.aligned = 16;
        if (this.opt('(')) {
          a.aligned = this.expression(0).v;
          this.check(')');
        }
        return;
      case 'vector_size':
        this.check('(');
        a.vector = this.expression(0).v;
        this.check(')');
        return;
      case 'mode': {
        this.check('(');
        const m = /^(?:__)?(?:V(\d+))?([QHSDTO])([IF])/.exec(s.text);
        if (m !== null) {
          a.mode = { Q: 1, H: 2, S: 4, D: 8, T: 16, O: 32 }[m[2]!]!;
          a.modeFloat = m[3] === 'F';
          if (m[1] !== undefined) a.vector = Number(m[1]) * a.mode;
        }
        s.next();
        this.check(')');
        return;
      }
    }
    if (this.opt('(')) {
      for (let level = 1; level > 0 && s.kind !== 'end'; s.next()) {
        if (s.kind === '(') level++;
        else if (s.kind === ')') level--;
      }
    }
  }

  // Specifiers

  private specifiers(allowed: readonly string[]): Specifiers {
    const { s } = this;
    const a = this.newAttributes();
    const words = new Set<string>();
    let longs = 0;
    let size = 0;
    let ct: CType | undefined;
    let storage = '';
    for (;;) {
      this.attributes(a);
      if (s.kind === '$') {
        if (ct !== undefined || words.size > 0 || typeof this.params[this.used] === 'string') break;
        const p = this.parameter();
        if (!(p instanceof CType)) throw s.error('declaration specifier expected');
        ct = p;
        s.next();
        continue;
      }
      if (s.kind !== 'name') break;
      const { text } = s;
      if (STORAGE.has(text)) {
        const plain = text.replaceAll('_', '');
        if (!allowed.includes(plain)) throw s.error('bad storage class');
        if (plain !== 'inline') storage = plain;
        s.next();
        continue;
      }
      const word = TYPE_WORDS.get(text);
      if (word !== undefined) {
        const own = basicSize(word);
        if (ct !== undefined) break;
        if (own > 0) {
          if (size > 0) break;
          size = own;
        }
        if (word === 'long') longs++;
        words.add(word);
        s.next();
        continue;
      }
      if (ct !== undefined || size > 0) break;
      if (words.size > 0) break;
      if (text === 'struct' || text === 'union') {
        ct = this.struct(text === 'union', a);
        continue;
      }
      if (text === 'enum') {
        ct = this.enumeration(a);
        continue;
      }
      const symbol = isKeyword(text) ? undefined : this.names.lookup(text);
      if (symbol?.kind !== 'type') break;
      ct = symbol.ct;
      s.next();
    }
    ct ??= this.basicType(words, size, longs);
    if (a.qual !== 0) ct = ct.qualified(a.qual);
    a.qual = 0;
    return { ct, storage, attributes: a };
  }

  private basicType(words: ReadonlySet<string>, given: number, longs: number): CType {
    let size = given;
    if (words.has('complex')) return size === 4 && !words.has('double') ? COMPLEX_FLOAT : COMPLEX_DOUBLE;
    if (words.has('void')) return VOID;
    const unsigned = words.has('unsigned');
    if (words.has('bool')) return size === 4 ? BOOLEAN32 : BOOLEAN;
    if (words.has('float') || words.has('double')) {
      if (longs > 0) return LONG_DOUBLE;
      return words.has('float') ? FLOAT32 : DOUBLE;
    }
    if (words.has('char')) size = 1;
    else if (words.has('short')) size = 2;
    else if (longs > 0) size = 8;
    else if (size === 0) {
      if (!words.has('int') && !words.has('signed') && !unsigned) throw this.s.error('declaration specifier expected');
      size = 4;
    }
    return integerType(size, unsigned);
  }

  // Structs and enums

  /** Reads the tag after struct, union or enum: the type, new if it has none. */
  private tagged(kind: number, flags: number, a: DeclarationAttributes): CType {
    const { s } = this;
    s.next();
    this.attributes(a);
    let ct: CType;
    let name: string | undefined;
    if (s.kind === '$' && this.params[this.used] instanceof CType) {
      ct = (this.parameter() as CType).raw;
      s.next();
    } else if (this.is('{')) ct = new CType(kind, UNKNOWN, 1, flags);
    else {
      name = this.needName();
      const known = this.names.tags.get(name);
      if (known !== undefined) {
        if (known.kind !== kind || (known.flags & UNION) !== (flags & UNION)) {
          throw new DeclarationError(`attempt to redefine '${name}'`);
        }
        ct = known;
      } else {
        if (!this.implicit) throw new DeclarationError(`undeclared or implicit tag '${name}'`);
        ct = new CType(kind, UNKNOWN, 1, flags, kind === Kind.ENUM ? UINT32 : undefined, name);
        this.names.tags.set(name, ct);
      }
    }
    if (this.is('{') && (ct.fields !== undefined || ct.members !== undefined)) {
      throw new DeclarationError(`attempt to redefine '${ct.name}'${s.line > 1 ? ` at line ${s.line}` : ''}`);
    }
    return ct;
  }

  private struct(isUnion: boolean, a: DeclarationAttributes): CType {
    const { s } = this;
    const ct = this.tagged(Kind.STRUCT, isUnion ? UNION : 0, a);
    if (!this.opt('{')) return ct;
    const declared: Declared[] = [];
    let ended = false;
    while (!this.is('}')) {
      const spec = this.specifiers(['static']);
      const isStatic = spec.storage === 'static';
      for (;;) {
        if (ended) throw s.error("'}' expected");
        if (isStatic) {
          const d = this.declarator(spec, false, true);
          const constant = this.initializer(d.ct);
          declared.push({ name: d.name, ct: d.ct, bits: -1, attributes: d.attributes, constant });
        } else {
          const d = this.declarator(spec, true, true, true);
          const { raw } = d.ct;
          if (d.bits < 0) {
            if (raw.kind === Kind.ARRAY && raw.size === UNKNOWN) ended = true;
            if (d.name === undefined && raw.kind !== Kind.ENUM && !(raw.kind === Kind.STRUCT && !(raw.flags & VLA))) {
              throw s.error("'<identifier>' expected");
            }
          } else if (!validBits(d.ct, d.bits, d.name !== undefined)) {
            throw new DeclarationError("invalid value near ':'");
          }
          if (d.name === undefined && raw.kind === Kind.ENUM) this.addConstants(declared, raw, d.attributes);
          else if (raw.kind === Kind.FUNC) throw new DeclarationError(SIZE_ERROR);
          else declared.push({ name: d.name, ct: d.ct, bits: d.bits, attributes: d.attributes, constant: undefined });
        }
        if (!this.opt(',')) break;
      }
      this.check(';');
    }
    this.check('}');
    this.attributes(a);
    this.names.count(declared.length);
    try {
      layOut(ct, declared, a, s.pack);
    } catch (e) {
      throw e instanceof LayoutError ? new DeclarationError(e.message) : e;
    }
    return ct;
  }

  private addConstants(declared: Declared[], ct: CType, attributes: Attributes): void {
    for (const m of ct.members?.values() ?? []) {
      declared.push({ name: m.name, ct: m.ct, bits: -1, attributes, constant: m.constant });
    }
  }

  private enumeration(a: DeclarationAttributes): CType {
    const ct = this.tagged(Kind.ENUM, 0, a);
    if (!this.opt('{')) return ct;
    const members = new Map();
    let next: Value = { v: 0, unsigned: false };
    let negative = false;
    do {
      const name = this.needName();
      if (this.names.symbols.has(name)) throw new DeclarationError(`attempt to redefine '${name}'`);
      if (this.opt('=')) {
        next = this.expression(0);
        if (next.unsigned && next.v < 0x80000000) next = { v: next.v, unsigned: false };
        if (!next.unsigned && next.v < 0) negative = true;
      }
      const type = next.unsigned ? UINT32 : INT32;
      members.set(name, { name, ct: type, offset: 0, bits: -1, bit: 0, constant: next.v });
      this.names.symbols.set(name, { kind: 'constant', ct: type, value: next.v });
      const v = next.v + 1;
      next = v >= 0x80000000 ? { v: v >>> 0, unsigned: true } : { v, unsigned: false };
    } while (this.opt(',') && !this.is('}'));
    this.check('}');
    this.names.count(members.size);
    ct.members = members;
    ct.child = negative ? INT32 : UINT32;
    ct.size = 4;
    ct.align = 4;
    return ct;
  }

  // Declarators

  private declarator(spec: Specifiers, abstract: boolean, direct: boolean, bitField = false): Declarator {
    const attributes: DeclarationAttributes = { ...spec.attributes };
    const d: Declarator = { name: undefined, ct: spec.ct, bits: -1, attributes };
    const wrap = this.declaratorPart(d, abstract, direct);
    if (bitField && this.opt(':')) {
      d.bits = this.expression(0).v;
      if (d.bits < 0) throw new DeclarationError("invalid value near ':'");
    }
    this.attributes(attributes);
    let base = spec.ct;
    if (attributes.mode > 0 && base.kind === Kind.NUM) base = modeType(attributes, base);
    if (attributes.vector > 0) base = vectorType(base, attributes.vector);
    if (attributes.qual !== 0) base = base.qualified(attributes.qual);
    d.ct = wrap(base);
    if (attributes.aligned > 0 && !bitField && spec.ct.kind !== Kind.FUNC) d.ct = alignedType(d.ct, attributes.aligned);
    return d;
  }

  private declaratorPart(d: Declarator, abstract: boolean, direct: boolean): Wrap {
    if (++this.depth > MAX_DEPTH) throw new DeclarationError('chunk has too many syntax levels');
    const { attributes: a } = d;
    // What stands nearest to the name is the outermost type: collected from the outside in.
    const pointers: Wrap[] = [];
    for (;;) {
      if (this.opt('*')) {
        const own = { ...this.newAttributes(), ptr32: a.ptr32 };
        this.attributes(own);
        if (own.link !== undefined) a.link = own.link;
        const short = own.ptr32;
        a.ptr32 = false;
        pointers.push((ct) => {
          if (ct.kind === Kind.REF) throw new DeclarationError('invalid C type');
          const p = short ? new CType(Kind.PTR, 4, 4, 0, ct) : ct.pointerTo();
          return own.qual === 0 ? p : p.qualified(own.qual);
        });
      } else if (this.opt('&') || this.opt('&&')) {
        pointers.push((ct) => (ct.kind === Kind.REF ? ct : ct.referenceTo()));
        this.attributes(a);
      } else break;
    }
    let inner: Wrap | undefined;
    const tails: Wrap[] = [];
    if (this.opt('(')) {
      this.attributes(a);
      if (abstract && (this.is(')') || this.startsType())) tails.push(this.functionTail());
      else {
        inner = this.declaratorPart(d, abstract, direct);
        this.check(')');
      }
    } else {
      const { s } = this;
      const isName =
        (s.kind === 'name' && !isKeyword(s.text)) || (s.kind === '$' && typeof this.params[this.used] === 'string');
      if (isName) {
        if (!direct) throw s.error("'<eof>' expected");
        d.name = this.optName();
      } else if (!abstract) throw s.error("'<identifier>' expected");
    }
    for (;;) {
      if (this.opt('[')) tails.push(this.arrayTail());
      else if (this.opt('(')) tails.push(this.functionTail());
      else break;
    }
    this.depth--;
    return (base) => {
      let ct = base;
      for (const p of pointers) ct = p(ct);
      for (let i = tails.length - 1; i >= 0; i--) ct = tails[i]!(ct);
      return inner === undefined ? ct : inner(ct);
    };
  }

  private arrayTail(): Wrap {
    const a = this.newAttributes();
    this.attributes(a);
    let count = UNKNOWN;
    let vla = false;
    if (this.opt('?')) vla = true;
    else if (!this.is(']')) {
      count = this.expression(0).v;
      if (count < 0) throw new DeclarationError(SIZE_ERROR);
    }
    this.check(']');
    return (ct) => {
      const { raw } = ct;
      if (raw.kind === Kind.REF || raw.kind === Kind.FUNC) throw new DeclarationError('invalid C type');
      if (
        raw.size === UNKNOWN ||
        (raw.flags & VLA && raw.kind !== Kind.NUM) ||
        raw.size * Math.max(count, 0) > 0x7fffffff
      ) {
        throw new DeclarationError(SIZE_ERROR);
      }
      return ct.arrayOf(count, vla);
    };
  }

  private functionTail(): Wrap {
    const params: CType[] = [];
    let vararg = false;
    if (!this.is(')')) {
      do {
        if (this.opt('...')) {
          vararg = true;
          break;
        }
        const { ct } = this.declarator(this.specifiers(['register']), true, true);
        if (ct.kind === Kind.VOID) break;
        if (ct.kind === Kind.ARRAY) params.push(ct.child!.pointerTo());
        else params.push(ct.kind === Kind.FUNC ? ct.pointerTo() : ct);
      } while (this.opt(','));
    }
    this.check(')');
    return (ct) => {
      if (ct.kind === Kind.ARRAY || ct.kind === Kind.FUNC) throw new DeclarationError('invalid C type');
      return functionType(ct, params, vararg);
    };
  }

  // Constant expressions, of 32 bit integers

  private expression(minimum: number): Value {
    let left = this.unary();
    for (;;) {
      const op = this.s.kind;
      if (op === '?' && minimum === 0) {
        this.s.next();
        const yes = this.expression(0);
        this.check(':');
        const no = this.expression(0);
        const chosen = left.v !== 0 ? yes : no;
        left = value(chosen.v, yes.unsigned || no.unsigned);
        continue;
      }
      const precedence = PRECEDENCE[op];
      if (precedence === undefined || precedence < minimum) return left;
      this.s.next();
      left = this.binary(op, left, this.expression(precedence + 1));
    }
  }

  private binary(op: string, a: Value, b: Value): Value {
    const unsigned = a.unsigned || b.unsigned;
    const x = unsigned ? a.v >>> 0 : a.v;
    const y = unsigned ? b.v >>> 0 : b.v;
    switch (op) {
      case '||':
        return bool(a.v !== 0 || b.v !== 0);
      case '&&':
        return bool(a.v !== 0 && b.v !== 0);
      case '|':
        return value(x | y, unsigned);
      case '^':
        return value(x ^ y, unsigned);
      case '&':
        return value(x & y, unsigned);
      case '==':
        return bool(x === y);
      case '!=':
        return bool(x !== y);
      case '<':
        return bool(x < y);
      case '>':
        return bool(x > y);
      case '<=':
        return bool(x <= y);
      case '>=':
        return bool(x >= y);
      case '<<':
        return value(a.v << b.v, a.unsigned);
      case '>>':
        return value(a.unsigned ? a.v >>> b.v : a.v >> b.v, a.unsigned);
      case '+':
        return value(x + y, unsigned);
      case '-':
        return value(x - y, unsigned);
      case '*':
        return value(Math.imul(x, y), unsigned);
      default:
        if (y === 0) throw new DeclarationError('invalid value');
        return value(op === '/' ? Math.trunc(x / y) : x % y, unsigned);
    }
  }

  private unary(): Value {
    const { s } = this;
    if (this.opt('-')) {
      const e = this.unary();
      return value(-e.v, e.unsigned);
    }
    if (this.opt('+')) return this.unary();
    if (this.opt('~')) {
      const e = this.unary();
      return value(~e.v, e.unsigned);
    }
    if (this.opt('!')) return bool(this.unary().v === 0);
    if (this.opt('(')) {
      if (this.startsType()) {
        const { ct } = this.declarator(this.specifiers([]), true, false);
        this.check(')');
        return convert(this.unary(), ct);
      }
      const e = this.expression(0);
      this.check(')');
      if (e.ct !== undefined && (this.opt('.') || this.opt('->'))) return this.memberConstant(e.ct);
      return e;
    }
    if (s.kind === 'integer') {
      const v = value(s.value, s.unsigned);
      s.next();
      return v;
    }
    if (s.kind === '$') {
      const p = this.parameter();
      if (typeof p !== 'number') throw new DeclarationError('wrong number of type parameters');
      s.next();
      return value(p, false);
    }
    if (s.kind === 'name') {
      if (/^(?:sizeof|__alignof(?:__)?|_Alignof)$/.test(s.text)) return this.sizeOf(s.text === 'sizeof');
      const symbol = this.names.symbols.get(s.text);
      if (symbol?.kind === 'extern' && s.peek() === '.') {
        s.next();
        s.next();
        return this.memberConstant(symbol.ct);
      }
      if (symbol?.kind === 'constant') {
        s.next();
        return value(symbol.value, symbol.ct.isUnsigned && symbol.ct.size === 4);
      }
    }
    throw s.error(this.is('malformed number') ? s.kind : 'unexpected symbol');
  }

  private memberConstant(ct: CType): Value {
    const m = ct.raw.members?.get(this.s.text);
    if (m?.constant === undefined) throw this.s.error('unexpected symbol');
    this.s.next();
    return value(m.constant, m.ct.isUnsigned && m.ct.size === 4);
  }

  private stringType(): CType {
    let n = 1;
    for (; this.is('string'); this.s.next()) n += this.s.text.length;
    return INT8.arrayOf(n);
  }

  private sizeOf(size: boolean): Value {
    this.s.next();
    let ct: CType;
    if (this.is('(')) {
      this.s.next();
      if (this.startsType()) ({ ct } = this.declarator(this.specifiers([]), true, false));
      else if (this.is('string')) ct = this.stringType();
      else {
        this.expression(0);
        ct = INT32;
      }
      this.check(')');
    } else if (this.is('string')) ct = this.stringType();
    else {
      this.unary();
      ct = INT32;
    }
    if (ct.raw.size < 0) throw new DeclarationError(SIZE_ERROR);
    return value(size ? ct.raw.size : ct.raw.align, true);
  }
}

function basicSize(word: string): number {
  switch (word) {
    case 'char':
    case '1':
      return 1;
    case '2':
      return 2;
    case 'float':
    case 'int':
    case '4':
      return 4;
    case 'double':
    case '8':
      return 8;
    case 'void':
      return 1;
    default:
      return 0;
  }
}

/** The type with a larger alignment. */
function alignedType(ct: CType, align: number): CType {
  if (ct.kind === Kind.FUNC) return ct;
  return new CType(ct.kind, ct.size, align, ct.flags | ALIGNED, ct.child, ct.name, ct.raw, ct.qual);
}

function modeType(a: DeclarationAttributes, base: CType): CType {
  let ct = base;
  if (a.modeFloat) ct = a.mode === 4 ? FLOAT32 : a.mode === 8 ? DOUBLE : LONG_DOUBLE;
  else if (a.mode <= 8) ct = integerType(a.mode, base.isUnsigned);
  else ct = a.mode === 16 ? INT128 : INT256;
  return base.qual === 0 ? ct : ct.qualified(base.qual);
}

function value(v: number, unsigned: boolean): Value {
  return { v: unsigned ? v >>> 0 : v | 0, unsigned };
}

function bool(b: boolean): Value {
  return { v: b ? 1 : 0, unsigned: false };
}

function convert(e: Value, ct: CType): Value {
  if (ct.kind === Kind.STRUCT) return { ...e, ct };
  if (ct.kind === Kind.PTR && ct.child!.kind === Kind.STRUCT) return { ...e, ct: ct.child! };
  if (ct.kind !== Kind.NUM) return e;
  switch (ct.size) {
    case 1:
      return value(ct.isBool ? +(e.v !== 0) : ct.isUnsigned ? e.v & 255 : (e.v << 24) >> 24, false);
    case 2:
      return value(ct.isUnsigned ? e.v & 65535 : (e.v << 16) >> 16, false);
    default:
      return value(e.v, ct.isUnsigned);
  }
}
