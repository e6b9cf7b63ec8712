/** Content-Length and Transfer-Encoding: what decides where a request ends, with a second request behind it. */
import type { RawCase } from '../case.ts';
export declare const framing: readonly RawCase[];
