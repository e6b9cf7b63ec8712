/**
 * Keeps the output of a request and its subrequests in order: what comes out of turn waits with the request that it
 * belongs to. nginx: src/http/ngx_http_postpone_filter_module.c.
 */
import type { Chain } from '../buf.ts';
import { ERROR, OK } from '../codes.ts';
import { postRequest } from '../finalize.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';

/** Appends output behind the subrequests that the request waits for. */
function hold(r: HttpRequest, chain: Chain): void {
  const last = r.postponeTo ?? r.postponed[r.postponed.length - 1];
  if (last?.out !== undefined) last.out.push(...chain);
  else r.postponed.push({ request: undefined, out: [...chain] });
}

export const postponeFilterModule = httpModule({
  name: 'ngx_http_postpone_filter_module',
  postconfiguration(http) {
    const next = http.topBodyFilter;
    http.topBodyFilter = (r, chain) => {
      const c = r.connection;
      if (r.background) return OK;
      if (r !== c.active) {
        if (chain !== null) hold(r, chain);
        return OK;
      }
      if (r.postponed.length === 0) return chain !== null || c.buffered ? next(r.main, chain) : OK;
      if (chain !== null) hold(r, chain);
      while (r.postponed.length > 0) {
        const first = r.postponed[0] as (typeof r.postponed)[number];
        if (first.awaited !== undefined && first.awaited > 0) return c.buffered ? next(r.main, null) : OK;
        if (first.request !== undefined) {
          r.postponed.shift();
          c.active = first.request;
          return postRequest(first.request);
        }
        r.postponed.shift();
        if (next(r.main, first.out ?? []) === ERROR) return ERROR;
      }
      return OK;
    };
  },
});
