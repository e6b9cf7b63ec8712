/** Clients that are slow, stop, or close their side. The quick server waits 300 ms for each thing. */
import { type RawCase } from '../case.ts';
export declare const slow: readonly RawCase[];
