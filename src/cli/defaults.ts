/** Defaults that nginx has compiled in. Ours are relative to the prefix, which is the current folder without -p. */

export const DEFAULT_CONF = 'conf/nginx.conf';
export const DEFAULT_ERROR_LOG = 'logs/error.log';
