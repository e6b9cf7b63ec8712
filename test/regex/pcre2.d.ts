/** Option bits of PCRE2 10.x that the tests set (pcre2api(3)). */
export declare const PCRE2: {
    readonly ALLOW_EMPTY_CLASS: 1;
    readonly ALT_BSUX: 2;
    readonly CASELESS: 8;
    readonly DOLLAR_ENDONLY: 16;
    readonly DOTALL: 32;
    readonly DUPNAMES: 64;
    readonly EXTENDED: 128;
    readonly MATCH_UNSET_BACKREF: 512;
    readonly MULTILINE: 1024;
    readonly UNGREEDY: 262144;
    readonly UTF: 524288;
    readonly ANCHORED: 2147483648;
    readonly NO_UTF_CHECK: 1073741824;
};
/** What one compilation and match gave: a compile error, a match error code, or captures (-1 for unset). */
export type Outcome = {
    kind: 'compile-error';
    code: number;
    message: string;
    offset: number;
} | {
    kind: 'error';
    code: number;
} | {
    kind: 'nomatch';
} | {
    kind: 'match';
    ovector: number[];
};
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
/** Opens the library, or gives null where there is none. */
export declare function loadPcre2(): RealPcre2 | null;
