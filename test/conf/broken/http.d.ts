/** The http block: servers, locations, rewriting, variables, upstreams, logs. */
import type { BrokenCase } from './case.ts';
export declare const httpCases: readonly BrokenCase[];
