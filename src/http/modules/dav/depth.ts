/** The Depth field (RFC 4918 section 10.2). nginx: ngx_http_dav_depth(). */
import { LOG_ERR } from '../../../log/log.ts';
import type { HttpRequest } from '../../request.ts';

export const DEPTH_INFINITY = -1;
export const DEPTH_INVALID = -2;

/** 0, 1, DEPTH_INFINITY, or DEPTH_INVALID (logged). */
export function readDepth(r: HttpRequest, fallback: number): number {
  const field = r.headersIn.list.get('depth');
  switch (field) {
    case undefined:
      return fallback;
    case '0':
      return 0;
    case '1':
      return 1;
    case 'infinity':
      return DEPTH_INFINITY;
  }
  r.log(LOG_ERR, `client sent invalid "Depth" header: "${field}"`);
  return DEPTH_INVALID;
}
