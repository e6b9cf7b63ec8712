/** Bodies by length: whole, in pieces, too large, expected, in memory or in a file (the body is then not shown). */
import type { RawCase } from '../case.ts';
export declare const bodies: readonly RawCase[];
