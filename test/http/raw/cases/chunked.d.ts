/** Chunked bodies that are read: sizes, extensions, line ends, trailers. The answer shows the body. */
import type { RawCase } from '../case.ts';
export declare const chunked: readonly RawCase[];
