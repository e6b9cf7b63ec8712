/** When a connection is kept and when it is closed; pipelining. */
import type { RawCase } from '../case.ts';
export declare const keepAlive: readonly RawCase[];
