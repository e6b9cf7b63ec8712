/** The tables by subject. */
import type { RawCase } from '../case.ts';
export declare const subjects: Readonly<Record<string, readonly RawCase[]>>;
