/** The end of the body filters: what arrives here goes to the connection. nginx: ngx_http_write_filter_module.c. */
import { httpModule } from '../module.ts';

export const writeFilterModule = httpModule({
  name: 'ngx_http_write_filter_module',
  postconfiguration(http) {
    http.topBodyFilter = (r, chain) => r.connection.write(r, '', chain);
  },
});
