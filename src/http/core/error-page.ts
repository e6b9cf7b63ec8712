/** `error_page`: a URI, named location or redirect in place of a status. nginx: ngx_http_core_error_page(). */
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { parseNumber } from '../../conf/units.ts';
import {
  HTTP_BAD_REQUEST,
  HTTP_CLIENT_CLOSED_REQUEST,
  HTTP_REQUEST_HEADER_TOO_LARGE,
  HTTP_TO_HTTPS,
  HTTPS_CERT_ERROR,
  HTTPS_NO_CERT,
} from '../codes.ts';
import { type ComplexValue, compileComplexValue, literalValue } from '../script.ts';
import type { CoreLocation, ErrorPage } from './conf.ts';

/** Statuses of nginx's own that the client sees as 400. */
const SHOWN_AS_BAD_REQUEST = new Set([HTTP_TO_HTTPS, HTTPS_CERT_ERROR, HTTPS_NO_CERT, HTTP_REQUEST_HEADER_TOO_LARGE]);

function setErrorPage(cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  const uri = args[args.length - 1] as string;
  let statuses = args.slice(0, -1);
  let overwrite = -1;
  const last = statuses[statuses.length - 1] as string;
  if (last.startsWith('=')) {
    if (statuses.length === 1) return `invalid value "${last}"`;
    const code = last === '=' ? 0 : parseNumber(last.slice(1));
    if (code === undefined) return `invalid value "${last}"`;
    overwrite = code;
    statuses = statuses.slice(0, -1);
  }
  let value: ComplexValue = compileComplexValue(cf, uri);
  let uriArgs = '';
  if (value.literal !== undefined && uri.startsWith('/')) {
    const mark = uri.indexOf('?');
    if (mark >= 0) {
      value = literalValue(uri.slice(0, mark));
      uriArgs = uri.slice(mark + 1);
    }
  }
  const pages: ErrorPage[] = [...(location.errorPages ?? [])];
  for (const text of statuses) {
    const status = parseNumber(text);
    if (status === undefined || status === HTTP_CLIENT_CLOSED_REQUEST) return `invalid value "${text}"`;
    if (status < 300 || status > 599) return `value "${text}" must be between 300 and 599`;
    const shown = overwrite === -1 && SHOWN_AS_BAD_REQUEST.has(status) ? HTTP_BAD_REQUEST : overwrite;
    pages.push({ status, overwrite: shown, value, args: uriArgs });
  }
  location.errorPages = pages;
  return undefined;
}

export const errorPageDirective: Directive<CoreLocation> = {
  name: 'error_page',
  contexts: ['http', 'server', 'location', 'if in location'],
  args: { min: 2 },
  level: 'location',
  slot: { field: 'errorPages', default: undefined },
  doc: 'What is answered in place of a status: another URI, a named location or a redirect.',
  set: setErrorPage,
};
