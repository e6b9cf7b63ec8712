/**
 * What the server calls itself: in `Server:`, on error pages and in `-v`.
 *
 * TSRESTY_IDENTITY=nginx in the environment makes it say nginx, for test suites and scripts that look for that name.
 */
export interface Identity {
  readonly name: string;
  readonly version: string;
  /** `name/version`. */
  readonly full: string;
}

/** The version of nginx whose behaviour is the reference; also ngx.config.nginx_version. */
export const NGINX_VERSION = '1.31.3';
/** tsresty's own version, that of package.json. */
export const TSRESTY_VERSION = '0.1.0';

export const identity: Identity =
  process.env['TSRESTY_IDENTITY'] === 'nginx'
    ? { name: 'nginx', version: NGINX_VERSION, full: `nginx/${NGINX_VERSION}` }
    : { name: 'tsresty', version: TSRESTY_VERSION, full: `tsresty/${TSRESTY_VERSION}` };
