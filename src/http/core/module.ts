/** ngx_http_core_module: declared here, its directives beside. */
import { httpModule } from '../module.ts';
import type { CoreLocation, CoreMain, CoreServer } from './conf.ts';

export const coreModule = httpModule<CoreMain, CoreServer, CoreLocation>({ name: 'ngx_http_core_module' });
