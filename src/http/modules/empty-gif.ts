/** `empty_gif`: one transparent pixel, from memory. nginx: src/http/modules/ngx_http_empty_gif_module.c. */
import type { ConfStack, Directive } from '../../conf/directive.ts';
import { HTTP_NOT_ALLOWED, HTTP_OK } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { httpModule } from '../module.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD } from '../request.ts';
import { literalValue } from '../script.ts';
import { sendResponse } from '../send-response.ts';

/** GIF89a, 1x1, a global table of black and white, the first of them transparent, and one coded pixel of it. */
const PIXEL = literalValue(
  Buffer.from('47494638396101000100800100000000ffffff21f90401000001002c00000000010001000002024c01003b', 'hex').toString(
    'latin1',
  ),
);

/** Seconds since 1970: a date that never changes, so that clients may keep the picture. */
const LAST_MODIFIED = 23349600;

function emptyGifHandler(r: HttpRequest): number {
  if ((r.method & (METHOD_GET | METHOD_HEAD)) === 0) return HTTP_NOT_ALLOWED;
  r.headersOut.lastModified = LAST_MODIFIED;
  return sendResponse(r, HTTP_OK, 'image/gif', PIXEL);
}

const directives: readonly Directive<object>[] = [
  {
    name: 'empty_gif',
    contexts: ['location'],
    args: 0,
    level: 'location',
    doc: 'Answers with a transparent picture of one pixel.',
    set(cf) {
      coreModule.locationOf(cf.confs as ConfStack).handler = emptyGifHandler;
      return undefined;
    },
  },
];

export const emptyGifModule = httpModule<object, object, object>({
  name: 'ngx_http_empty_gif_module',
  directives,
  createLocation: () => ({}),
});
