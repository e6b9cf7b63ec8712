/** Choosing the location of a request. nginx: ngx_http_core_find_location(). */
import { ERROR } from '../codes.ts';
import type { HttpRequest } from '../request.ts';

/** Sets `r.locConf`; returns OK, DECLINED, DONE (the location's name has one more slash) or ERROR. */
export function findLocation(_r: HttpRequest): number {
  return ERROR;
}

/** Takes over what a location decides about the request. nginx: ngx_http_update_location_config(). */
export function updateLocationConfig(_r: HttpRequest): void {}
