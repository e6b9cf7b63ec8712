/**
 * The modules that are built into tsresty, besides the core ones of src/conf: the one place that knows both http and
 * the hosts of user code, which know each other by the module contract only.
 */
import { apiModule } from '../api/context.ts';
import type { CoreModule } from '../conf/registry.ts';
import { luaModule } from '../hosts/lua/module.ts';
import { typescriptModule } from '../hosts/typescript/module.ts';
import { httpCoreModule } from '../http/block.ts';
import type { HttpModule } from '../http/module.ts';
import { httpModules } from '../http/modules/index.ts';

const HOSTS = [apiModule, luaModule, typescriptModule] as unknown as readonly HttpModule[];

export const MODULES: readonly CoreModule[] = [httpCoreModule(httpModules(HOSTS))];
