/**
 * ngx_stream_core_module: the handle by which everybody reaches its objects. What it declares is in define.ts, which
 * may import anything; this file may not, since nearly everything imports it.
 */
import { streamModule } from '../module.ts';
import type { CoreMain, CoreServer } from './conf.ts';

export const coreModule = streamModule<CoreMain, CoreServer>({ name: 'ngx_stream_core_module' });
