/** Results of reading a response's header, besides OK, AGAIN and ERROR. */

/** The response is not what it should be: the next peer may be asked. */
export const INVALID_HEADER = 40;
/** An interim response with early hints was read: the final one follows. */
export const EARLY_HINTS = 41;
