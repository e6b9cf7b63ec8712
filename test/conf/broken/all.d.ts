import type { CoreModule } from '../../../src/conf/registry.ts';
import type { BrokenCase } from './case.ts';
export declare const allCases: readonly BrokenCase[];
export declare const modules: readonly CoreModule[];
