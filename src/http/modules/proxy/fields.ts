/** proxy_set_header, proxy_hide_header, proxy_pass_header: which fields go to the backend, and which come back from it. */
import type { ConfContext } from '../../../conf/directive.ts';
import type { KeyValue } from '../../../conf/slots.ts';
import { type ComplexValue, compileComplexValue } from '../../script.ts';
import type { RequestFields } from './conf.ts';

/** What stands in every request unless it is set otherwise. nginx: ngx_http_proxy_headers. */
const DEFAULTS: readonly (readonly [name: string, value: 'length' | 'chunked' | undefined])[] = [
  ['Host', undefined],
  ['Connection', undefined],
  ['Proxy-Connection', undefined],
  ['Content-Length', 'length'],
  ['Transfer-Encoding', 'chunked'],
  ['TE', undefined],
  ['Keep-Alive', undefined],
  ['Expect', undefined],
  ['Upgrade', undefined],
];

/** Fields that stay with the proxy. nginx: ngx_http_proxy_hide_headers. */
const HIDDEN = [
  'date',
  'server',
  'x-pad',
  'x-accel-expires',
  'x-accel-redirect',
  'x-accel-limit-rate',
  'x-accel-buffering',
  'x-accel-charset',
];

/** nginx: ngx_http_proxy_init_headers(). */
export function compileFields(cf: ConfContext, sources: readonly KeyValue[]): RequestFields {
  const fields: { prefix: string; value: ComplexValue | 'length' | 'chunked' }[] = [];
  const replaced = new Set<string>();
  let host: ComplexValue | undefined;
  for (const { key: name, value } of sources) {
    const key = name.toLowerCase();
    if (key === 'host') {
      host = compileComplexValue(cf, value);
      continue;
    }
    replaced.add(key);
    if (value !== '') fields.push({ prefix: `${name}: `, value: compileComplexValue(cf, value) });
  }
  for (const [name, value] of DEFAULTS) {
    const key = name.toLowerCase();
    if (replaced.has(key)) continue;
    replaced.add(key);
    if (value !== undefined) fields.push({ prefix: `${name}: `, value });
  }
  return { fields, replaced, host };
}

/** Lower-case names of fields that clients do not get. nginx: ngx_http_upstream_hide_headers_hash(). */
export function hiddenFields(hide: readonly string[] | undefined, pass: readonly string[] | undefined): Set<string> {
  const hidden = new Set(HIDDEN);
  for (const name of hide ?? []) hidden.add(name.toLowerCase());
  for (const name of pass ?? []) hidden.delete(name.toLowerCase());
  return hidden;
}
