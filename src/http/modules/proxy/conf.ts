/** Configuration of the proxy module, and its module object, whose functions are in module.ts. nginx: ngx_http_proxy_loc_conf_t. */
import type { KeyValue } from '../../../conf/slots.ts';
import { httpModule } from '../../module.ts';
import type { HttpRegex } from '../../regex.ts';
import type { ComplexValue } from '../../script.ts';
import type { UpstreamSettings } from '../../upstream/conf.ts';
import type { BackendSslFields } from '../../upstream/ssl-directives.ts';

/** Parts of the target URL. nginx: ngx_http_proxy_vars_t. */
export interface ProxyTarget {
  /** `http://` or `https://`, as written. */
  readonly schema: string;
  readonly secure: boolean;
  /** $proxy_host: the Host that the backend gets when nothing else is said. */
  readonly hostHeader: string;
  /** $proxy_port; '' for unix sockets. */
  readonly port: string;
  /** Behind the host; '' when the URL has none. */
  readonly uri: string;
}

/** Fields of the request to the backend. */
export interface RequestFields {
  /** In order: the name with its colon, and what makes the value; a field with an empty value is left out. */
  readonly fields: readonly { readonly prefix: string; readonly value: ComplexValue | 'length' | 'chunked' }[];
  /** Lower-case names of fields of the client's that are not passed on. */
  readonly replaced: ReadonlySet<string>;
  /** The value of Host, when it is set. */
  readonly host: ComplexValue | undefined;
}

/** What `proxy_redirect`, `proxy_cookie_domain` and `proxy_cookie_path` replace, and by what. */
export interface Rewrite {
  readonly kind: 'prefix' | 'regex' | 'domain';
  readonly pattern: ComplexValue | HttpRegex;
  readonly replacement: ComplexValue;
}

/** `proxy_cookie_flags`. */
export interface CookieFlags {
  readonly cookie: ComplexValue | HttpRegex;
  readonly flags: readonly ComplexValue[];
}

export interface ProxyLocation extends UpstreamSettings, BackendSslFields {
  /** Of a URL without variables. */
  target: ProxyTarget | undefined;
  /** The URL with its variables. */
  url: ComplexValue | undefined;
  /** The URL as written, without variables. */
  urlText: string;
  /** Name of the location that proxy_pass stands in; '' where no part of the URI is replaced. */
  location: string;
  method: ComplexValue | undefined;
  /** HTTP_VERSION_10 or _11. */
  httpVersion: number;
  headersSource: readonly KeyValue[];
  fields: RequestFields | undefined;
  /** `proxy_set_body`. */
  body: ComplexValue | undefined;
  /** False for `proxy_redirect off`. */
  redirect: boolean;
  redirects: Rewrite[] | undefined;
  /** Null: off. */
  cookieDomains: readonly Rewrite[] | null;
  cookiePaths: readonly Rewrite[] | null;
  cookieFlags: readonly CookieFlags[] | null;
  hideHeaders: readonly string[];
  passHeaders: readonly string[];
  headersHashMaxSize: number;
  headersHashBucketSize: number;
  /** Accepted and checked; what is written at once is decided by the connection. */
  busyBuffersSize: number;
  sendLowat: number;
  tempFileWriteSize: number;
}

export const proxyModule = httpModule<object, object, ProxyLocation>({ name: 'ngx_http_proxy_module' });
