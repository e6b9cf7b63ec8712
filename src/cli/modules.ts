/** The core modules that are built into tsresty, besides those of src/conf. */
import type { CoreModule } from '../conf/registry.ts';
import { httpCoreModule } from '../http/block.ts';

export const MODULES: readonly CoreModule[] = [httpCoreModule];
