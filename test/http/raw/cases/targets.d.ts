/** Request targets: decoding, normalisation, absolute forms, what is refused. */
import type { RawCase } from '../case.ts';
export declare const targets: readonly RawCase[];
