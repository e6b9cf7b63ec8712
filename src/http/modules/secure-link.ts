/** `secure_link`: links that carry a checksum and may expire. nginx: src/http/modules/ngx_http_secure_link_module.c. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { strSlot } from '../../conf/slots.ts';
import { parseNumber } from '../../conf/units.ts';
import { currentSecond } from '../../log/time.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import { type ComplexValue, complexValueSlot } from '../script.ts';
import type { VariableSpec, VariableValue } from '../variables.ts';

interface SecureLinkLocation {
  link: ComplexValue | undefined;
  md5: ComplexValue | undefined;
  secret: string | undefined;
}

/** The time in the link, as it stands there. */
interface SecureLinkContext {
  readonly expires: string;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

function md5(text: string): Buffer {
  return createHash('md5').update(text, 'latin1').digest();
}

/** 16 bytes in base64 with the letters of URLs; undefined when it is something else. */
function decodeChecksum(text: string): Buffer | undefined {
  if (text.length > 24) return undefined;
  const digits = text.split('=', 1)[0] as string;
  if (!/^[A-Za-z0-9_-]*$/.test(digits) || digits.length % 4 === 1) return undefined;
  const bytes = Buffer.from(digits, 'base64url');
  return bytes.length === 16 ? bytes : undefined;
}

function secureLink(r: HttpRequest): VariableValue {
  const { link, md5: source, secret } = secureLinkModule.location(r);
  if (secret !== undefined) return linkBySecret(r, secret);
  if (link === undefined || source === undefined) return null;
  let text = link.evaluate(r);
  let expires = 0;
  const comma = text.indexOf(',');
  if (comma >= 0) {
    const time = text.slice(comma + 1);
    text = text.slice(0, comma);
    expires = parseNumber(time) ?? 0;
    if (expires === 0) return null;
    secureLinkModule.setContext(r, { expires: time });
  }
  const checksum = decodeChecksum(text);
  if (checksum === undefined || !timingSafeEqual(checksum, md5(source.evaluate(r)))) return null;
  return expires !== 0 && expires < currentSecond() ? '0' : '1';
}

/** The link of `/PREFIX/MD5/LINK`, where the checksum is that of link and secret. */
function linkBySecret(r: HttpRequest, secret: string): VariableValue {
  const uri = r.unparsedUri;
  const start = uri.indexOf('/', 1) + 1;
  if (start === 0) return null;
  const end = uri.indexOf('/', start);
  if (end < 0) return null;
  const link = uri.slice(end + 1);
  const checksum = uri.slice(start, end);
  if (link === '' || !/^[0-9a-fA-F]{32}$/.test(checksum)) return null;
  return timingSafeEqual(Buffer.from(checksum, 'hex'), md5(link + secret)) ? link : null;
}

const variables: readonly VariableSpec[] = [
  { name: 'secure_link', get: secureLink },
  { name: 'secure_link_expires', get: (r) => secureLinkModule.context(r)?.expires ?? null },
];

function merge(parent: SecureLinkLocation, conf: SecureLinkLocation, cf: ConfContext): void {
  if (conf.secret !== undefined) {
    if (conf.link === undefined && conf.md5 === undefined) return;
    throw cf.error('"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5"');
  }
  conf.link ??= parent.link;
  conf.md5 ??= parent.md5;
  if (conf.link === undefined && conf.md5 === undefined) conf.secret = parent.secret;
}

/** Inherited together, not one by one: see merge(). */
function own(directive: Directive<SecureLinkLocation>): Directive<SecureLinkLocation> {
  const { slot: _slot, ...rest } = directive;
  return rest;
}

const directives: readonly Directive<SecureLinkLocation>[] = [
  own(
    complexValueSlot<SecureLinkLocation>(
      'secure_link',
      CONTEXTS,
      'location',
      'link',
      undefined,
      'Where the checksum of a link stands and, behind a comma, the time until which it is valid.',
    ),
  ),
  own(
    complexValueSlot<SecureLinkLocation>(
      'secure_link_md5',
      CONTEXTS,
      'location',
      'md5',
      undefined,
      'What the checksum is made of.',
    ),
  ),
  own(
    strSlot<SecureLinkLocation>(
      'secure_link_secret',
      CONTEXTS,
      'location',
      'secret',
      undefined,
      'A secret word for links of the form /PREFIX/MD5/LINK.',
    ),
  ),
];

export const secureLinkModule = httpModule<object, object, SecureLinkLocation, SecureLinkContext>({
  name: 'ngx_http_secure_link_module',
  directives,
  variables,
  createLocation: () => ({ link: undefined, md5: undefined, secret: undefined }),
  mergeLocation: merge,
});
