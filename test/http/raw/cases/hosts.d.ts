/** Host fields and the choice of the server. */
import type { RawCase } from '../case.ts';
export declare const hosts: readonly RawCase[];
