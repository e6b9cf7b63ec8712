/** Result codes of handlers, as in nginx (src/core/ngx_core.h): http and stream add statuses of their own. */

export const OK = 0;
export const ERROR = -1;
/** The operation goes on later; the handler will be called again. */
export const AGAIN = -2;
export const BUSY = -3;
/** The handler has taken the request over and finalizes it itself. */
export const DONE = -4;
/** Not mine: go on with the next handler. */
export const DECLINED = -5;
export const ABORT = -6;
