/** What a location of the proxy module inherits, and what is worked out from it. nginx: ngx_http_proxy_merge_loc_conf(). */
import type { ConfContext, ConfStack } from '../../../conf/directive.ts';
import { requestPath } from '../../../conf/resources.ts';
import { coreModule } from '../../core/module.ts';
import { literalValue } from '../../script.ts';
import { completeBackend } from '../../upstream/directives.ts';
import { backendTls, mergeBackendSsl } from '../../upstream/ssl-directives.ts';
import type { ProxyLocation, Rewrite } from './conf.ts';
import { compileFields, hiddenFields } from './fields.ts';
import { proxyHandler } from './handler.ts';

const GIGABYTE = 1024 * 1024 * 1024;

/** `proxy_redirect default`: the backend's URL becomes the location's. */
export function defaultRedirect(conf: ProxyLocation): Rewrite {
  const named = (conf.target?.uri ?? '') !== '';
  return {
    kind: 'prefix',
    pattern: literalValue(named ? conf.urlText : `${conf.urlText}/`),
    replacement: literalValue(named ? conf.location : '/'),
  };
}

/** Sizes that depend on each other. Returns what is wrong with them. */
function completeSizes(parent: ProxyLocation, conf: ProxyLocation): string | undefined {
  const { buffers } = conf;
  if (buffers.num < 2) return 'there must be at least 2 "proxy_buffers"';
  const size = Math.max(conf.bufferSize, buffers.size);
  const largest = 'the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"';
  const busy = conf.busyBuffersSize ?? parent.busyBuffersSize ?? 2 * size;
  if (busy < size) return `"proxy_busy_buffers_size" must be equal to or greater than ${largest}`;
  if (busy > (buffers.num - 1) * buffers.size) {
    return '"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer';
  }
  conf.busyBuffersSize ??= parent.busyBuffersSize;
  const write = conf.tempFileWriteSize ?? parent.tempFileWriteSize ?? 2 * size;
  if (write < size) return `"proxy_temp_file_write_size" must be equal to or greater than ${largest}`;
  conf.tempFileWriteSize ??= parent.tempFileWriteSize;
  conf.maxTempFileSize ??= parent.maxTempFileSize ?? GIGABYTE;
  if (conf.maxTempFileSize !== 0 && conf.maxTempFileSize < size) {
    return (
      '"proxy_max_temp_file_size" must be equal to zero to disable temporary files usage or ' +
      `must be equal to or greater than ${largest}`
    );
  }
  return undefined;
}

export function mergeProxyLocation(parent: ProxyLocation, conf: ProxyLocation, cf: ConfContext): void {
  const message = completeSizes(parent, conf);
  if (message !== undefined) throw cf.error(message);
  completeBackend(conf);
  conf.tempPath ??= parent.tempPath ?? requestPath(cf, { path: cf.fullName('proxy_temp'), levels: [1, 2] });
  mergeBackendSsl(parent, conf);
  // A target with variables may turn out to want TLS.
  if (conf.target?.secure === true || conf.url !== undefined) conf.tls = backendTls(cf, 'proxy', conf);
  conf.method ??= parent.method;
  conf.body ??= parent.body;
  conf.limitRate ??= parent.limitRate;
  conf.redirect ??= parent.redirect ?? true;
  if (conf.redirect) {
    conf.redirects ??= parent.redirects;
    if (conf.redirects === undefined && conf.urlText !== '') conf.redirects = [defaultRedirect(conf)];
  } else conf.redirects = undefined;
  conf.hidden =
    conf.hideHeaders === parent.hideHeaders && conf.passHeaders === parent.passHeaders && parent.hidden !== undefined
      ? parent.hidden
      : hiddenFields(conf.hideHeaders, conf.passHeaders);
  conf.fields =
    conf.headersSource === parent.headersSource && parent.fields !== undefined
      ? parent.fields
      : compileFields(cf, conf.headersSource ?? []);
  // What the http block has is worked out once.
  if (conf.hideHeaders === parent.hideHeaders && conf.passHeaders === parent.passHeaders) parent.hidden ??= conf.hidden;
  if (conf.headersSource === parent.headersSource) parent.fields ??= conf.fields;
  const location = coreModule.locationOf(cf.confs as ConfStack);
  if (location.noname && conf.upstream === undefined && conf.url === undefined) {
    conf.upstream = parent.upstream;
    conf.location = parent.location;
    conf.target = parent.target;
    conf.url = parent.url;
    conf.tls = parent.tls;
  }
  if (
    location.limitExceptBlock &&
    location.handler === undefined &&
    (conf.upstream !== undefined || conf.url !== undefined)
  ) {
    location.handler = proxyHandler;
  }
}
