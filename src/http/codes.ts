/** Result codes of handlers and filters, as in nginx (src/core/ngx_core.h), and the status codes that nginx names. */

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

export const HTTP_CONTINUE = 100;
export const HTTP_SWITCHING_PROTOCOLS = 101;
export const HTTP_EARLY_HINTS = 103;
export const HTTP_OK = 200;
export const HTTP_CREATED = 201;
export const HTTP_ACCEPTED = 202;
export const HTTP_NO_CONTENT = 204;
export const HTTP_PARTIAL_CONTENT = 206;
export const HTTP_SPECIAL_RESPONSE = 300;
export const HTTP_MOVED_PERMANENTLY = 301;
export const HTTP_MOVED_TEMPORARILY = 302;
export const HTTP_SEE_OTHER = 303;
export const HTTP_NOT_MODIFIED = 304;
export const HTTP_TEMPORARY_REDIRECT = 307;
export const HTTP_PERMANENT_REDIRECT = 308;
export const HTTP_BAD_REQUEST = 400;
export const HTTP_UNAUTHORIZED = 401;
export const HTTP_FORBIDDEN = 403;
export const HTTP_NOT_FOUND = 404;
export const HTTP_NOT_ALLOWED = 405;
export const HTTP_REQUEST_TIME_OUT = 408;
export const HTTP_CONFLICT = 409;
export const HTTP_LENGTH_REQUIRED = 411;
export const HTTP_PRECONDITION_FAILED = 412;
export const HTTP_REQUEST_ENTITY_TOO_LARGE = 413;
export const HTTP_REQUEST_URI_TOO_LARGE = 414;
export const HTTP_UNSUPPORTED_MEDIA_TYPE = 415;
export const HTTP_RANGE_NOT_SATISFIABLE = 416;
export const HTTP_MISDIRECTED_REQUEST = 421;
export const HTTP_TOO_MANY_REQUESTS = 429;
/** Closes the connection without a response. */
export const HTTP_CLOSE = 444;
export const HTTP_REQUEST_HEADER_TOO_LARGE = 494;
export const HTTPS_CERT_ERROR = 495;
export const HTTPS_NO_CERT = 496;
export const HTTP_TO_HTTPS = 497;
export const HTTP_CLIENT_CLOSED_REQUEST = 499;
export const HTTP_INTERNAL_SERVER_ERROR = 500;
export const HTTP_NOT_IMPLEMENTED = 501;
export const HTTP_BAD_GATEWAY = 502;
export const HTTP_SERVICE_UNAVAILABLE = 503;
export const HTTP_GATEWAY_TIME_OUT = 504;
export const HTTP_VERSION_NOT_SUPPORTED = 505;
export const HTTP_INSUFFICIENT_STORAGE = 507;
