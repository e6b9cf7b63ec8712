import type { RegexOptions } from '../../src/regex/options.ts';
/** One pattern with subjects and the offsets to search from. `bits` are the options for the real library. */
export interface Case {
    pattern: string;
    options: RegexOptions;
    bits: number;
    subjects: [subject: string, start: number][];
}
/** How far the grammar goes. */
export interface Features {
    /** Recursion, conditions, \K and verbs. */
    exotic?: boolean;
    dfa?: boolean;
    utf?: boolean;
}
/** A generator of cases; the same seed gives the same cases. */
export declare function generate(seed: number, features?: Features): () => Case;
