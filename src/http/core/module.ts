/**
 * ngx_http_core_module: the handle by which everybody reaches its objects. What it declares and does is in define.ts,
 * which may import anything; this file may not, since nearly everything imports it.
 */
import { httpModule } from '../module.ts';
import type { CoreLocation, CoreMain, CoreServer } from './conf.ts';

export const coreModule = httpModule<CoreMain, CoreServer, CoreLocation>({ name: 'ngx_http_core_module' });
