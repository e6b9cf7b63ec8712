/** Statuses of stream sessions, for $status. nginx: NGX_STREAM_OK, ... (src/stream/ngx_stream.h). */
export * from '../conf/codes.ts';

export const STREAM_OK = 200;
export const STREAM_SPECIAL_RESPONSE = 300;
export const STREAM_BAD_REQUEST = 400;
export const STREAM_FORBIDDEN = 403;
export const STREAM_INTERNAL_SERVER_ERROR = 500;
export const STREAM_BAD_GATEWAY = 502;
export const STREAM_SERVICE_UNAVAILABLE = 503;
