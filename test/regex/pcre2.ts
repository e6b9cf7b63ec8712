// The real PCRE2 library behind koffi: the judge of the differential tests. Where libpcre2-8 is not installed,
// `loadPcre2` gives null and those tests are skipped; the tables in the other tests need no library.
import { createRequire } from 'node:module';

/** Option bits of PCRE2 10.x that the tests set (pcre2api(3)). */
export const PCRE2 = {
  ALLOW_EMPTY_CLASS: 0x1,
  ALT_BSUX: 0x2,
  CASELESS: 0x8,
  DOLLAR_ENDONLY: 0x10,
  DOTALL: 0x20,
  DUPNAMES: 0x40,
  EXTENDED: 0x80,
  MATCH_UNSET_BACKREF: 0x200,
  MULTILINE: 0x400,
  NO_AUTO_POSSESS: 0x4000,
  NO_DOTSTAR_ANCHOR: 0x8000,
  NO_START_OPTIMIZE: 0x10000,
  UNGREEDY: 0x40000,
  UTF: 0x80000,
  ANCHORED: 0x80000000,
  NO_UTF_CHECK: 0x40000000,
} as const;

/** What one compilation and match gave: a compile error, a match error code, or captures (-1 for unset). */
export type Outcome =
  | { kind: 'compile-error'; code: number; message: string; offset: number }
  | { kind: 'error'; code: number }
  | { kind: 'nomatch' }
  | { kind: 'match'; ovector: number[] };

/** A compiled pattern of the real library; `free` it when done. */
export interface RealRegex {
  captureCount: number;
  exec(subject: string, start: number, options?: number): Outcome;
  dfa(subject: string, start: number, options?: number): Outcome;
  free(): void;
}

/** The library's functions the tests need. */
export interface RealPcre2 {
  version: string;
  errorText(code: number): string;
  /** Byte string in, compiled pattern or error out. `matchLimit` 0 leaves the library's default. */
  compile(pattern: string, options: number, jit?: boolean, matchLimit?: number): RealRegex | Outcome;
}

const NAMES = ['libpcre2-8.so.0', 'libpcre2-8.so', 'libpcre2-8.dylib'];

/** Opens the library, or gives null where there is none. */
export function loadPcre2(): RealPcre2 | null {
  const require = createRequire(import.meta.url);
  const koffi = require('koffi');
  let lib: ReturnType<typeof koffi.load> | null = null;
  for (const name of NAMES) {
    try {
      lib = koffi.load(name);
      break;
    } catch {
      // The next name; none of them found means "not installed".
    }
  }
  if (lib === null) return null;
  const compileFn = lib.func(
    'void *pcre2_compile_8(const uint8_t *, size_t, uint32_t, _Out_ int *, _Out_ size_t *, void *)',
  );
  const matchFn = lib.func('int pcre2_match_8(void *, const uint8_t *, size_t, size_t, uint32_t, void *, void *)');
  const dfaFn = lib.func(
    'int pcre2_dfa_match_8(void *, const uint8_t *, size_t, size_t, uint32_t, void *, void *, int *, size_t)',
  );
  const dataFn = lib.func('void *pcre2_match_data_create_from_pattern_8(void *, void *)');
  const freeData = lib.func('void pcre2_match_data_free_8(void *)');
  const freeCode = lib.func('void pcre2_code_free_8(void *)');
  const ovectorFn = lib.func('void *pcre2_get_ovector_pointer_8(void *)');
  const messageFn = lib.func('int pcre2_get_error_message_8(int, uint8_t *, size_t)');
  const infoFn = lib.func('int pcre2_pattern_info_8(void *, uint32_t, _Out_ uint32_t *)');
  const configFn = lib.func('int pcre2_config_8(uint32_t, uint8_t *)');
  const jitFn = lib.func('int pcre2_jit_compile_8(void *, uint32_t)');
  const contextFn = lib.func('void *pcre2_match_context_create_8(void *)');
  const limitFn = lib.func('int pcre2_set_match_limit_8(void *, uint32_t)');
  const freeContext = lib.func('void pcre2_match_context_free_8(void *)');
  const text = (code: number) => {
    const buffer = Buffer.alloc(256);
    messageFn(code, buffer, 256);
    return buffer.toString('latin1', 0, buffer.indexOf(0));
  };
  const versionBuffer = Buffer.alloc(64);
  configFn(11, versionBuffer);
  const workspace = Buffer.alloc(4 * 100_000);
  return {
    version: versionBuffer.toString('latin1', 0, versionBuffer.indexOf(0)),
    errorText: text,
    compile(pattern, options, jit = false, matchLimit = 0) {
      // An empty buffer would reach the library as a null pointer, so there is always a byte more.
      const bytes = Buffer.from(pattern + '\0', 'latin1');
      const code = [0];
      const offset = [0];
      const re = compileFn(bytes, pattern.length, options >>> 0, code, offset, null);
      if (re === null) {
        return { kind: 'compile-error', code: code[0]!, message: text(code[0]!), offset: Number(offset[0]) };
      }
      if (jit) jitFn(re, 1);
      const data = dataFn(re, null);
      const context = matchLimit > 0 ? contextFn(null) : null;
      if (context !== null) limitFn(context, matchLimit);
      const count = [0];
      infoFn(re, 4, count);
      const pairs = count[0]! + 1;
      const outcome = (rc: number, n: number): Outcome => {
        if (rc === -1) return { kind: 'nomatch' };
        if (rc < 0) return { kind: 'error', code: rc };
        const raw = Array.from(koffi.decode(ovectorFn(data), koffi.array('uint64_t', n * 2)) as BigUint64Array);
        return { kind: 'match', ovector: raw.map((v) => (v > 0xffff_ffffn ? -1 : Number(v))) };
      };
      return {
        captureCount: pairs - 1,
        exec(subject, start, matchOptions = 0) {
          const s = Buffer.from(subject + '\0', 'latin1');
          return outcome(matchFn(re, s, subject.length, start, matchOptions, data, context), pairs);
        },
        dfa(subject, start, matchOptions = 0) {
          const s = Buffer.from(subject + '\0', 'latin1');
          return outcome(dfaFn(re, s, subject.length, start, matchOptions, data, context, workspace, 100_000), 1);
        },
        free() {
          freeData(data);
          freeCode(re);
          if (context !== null) freeContext(context);
        },
      };
    },
  };
}
