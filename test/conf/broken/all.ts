/** All cases, and the modules that ours are run with: those of the program. */
import { MODULES } from '../../../src/cli/modules.ts';
import type { CoreModule } from '../../../src/conf/registry.ts';
import type { BrokenCase } from './case.ts';
import { coreCases } from './core.ts';
import { httpCases } from './http.ts';

export const allCases: readonly BrokenCase[] = [...coreCases, ...httpCases];
export const modules: readonly CoreModule[] = MODULES;
