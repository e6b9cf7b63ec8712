/** Header lines: names, values, line ends, duplicates. */
import type { RawCase } from '../case.ts';
export declare const headerLines: readonly RawCase[];
