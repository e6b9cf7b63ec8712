/** Methods, versions, spaces and line ends of the request line. */
import type { RawCase } from '../case.ts';
export declare const requestLine: readonly RawCase[];
