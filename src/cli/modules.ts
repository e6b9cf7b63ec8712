/**
 * The modules that are built into tsresty, besides the core ones of src/conf: the one place that knows both http,
 * stream and the hosts of user code, which know each other by the module contract only.
 */
import { apiModule, streamApiModule } from '../api/context.ts';
import type { CoreModule } from '../conf/registry.ts';
import { luaModule } from '../hosts/lua/module.ts';
import { streamLuaModule } from '../hosts/lua/stream/module.ts';
import { typescriptModule } from '../hosts/typescript/module.ts';
import { httpCoreModule } from '../http/block.ts';
import type { HttpModule } from '../http/module.ts';
import { httpModules } from '../http/modules/index.ts';
import { streamCoreModule } from '../stream/block.ts';
import type { StreamModule } from '../stream/module.ts';
import { streamModules } from '../stream/modules/index.ts';
import { streamSslModule } from '../stream-ssl/module.ts';

const HOSTS = [apiModule, luaModule, typescriptModule] as unknown as readonly HttpModule[];

const STREAM_HOSTS = [streamSslModule, streamApiModule, streamLuaModule] as unknown as readonly StreamModule[];

export const MODULES: readonly CoreModule[] = [
  httpCoreModule(httpModules(HOSTS)),
  streamCoreModule(streamModules(STREAM_HOSTS)),
];
