/** Words, files, and the directives of the main and events contexts. */
import type { BrokenCase } from './case.ts';
export declare const coreCases: readonly BrokenCase[];
