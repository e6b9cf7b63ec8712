/** proxy_cookie_domain, proxy_cookie_path, proxy_cookie_flags on a Set-Cookie. nginx: ngx_http_proxy_rewrite_cookie(). */
import { OK } from '../../codes.ts';
import type { HttpRegex } from '../../regex.ts';
import type { HttpRequest } from '../../request.ts';
import type { ComplexValue } from '../../script.ts';
import type { CookieFlags, ProxyLocation, Rewrite } from './conf.ts';
import { rewritePrefix } from './rewrite.ts';

/** A part of a Set-Cookie between its semicolons. */
interface Attribute {
  name: string;
  value: string | undefined;
}

function parse(text: string): Attribute[] {
  return text.split(';').map((part) => {
    const equals = part.indexOf('=');
    const trim = (s: string) => s.replace(/^ +| +$/g, '');
    if (equals < 0) return { name: trim(part), value: undefined };
    return { name: trim(part.slice(0, equals)), value: trim(part.slice(equals + 1)) };
  });
}

/** Applies the first rewrite that fits. True when one did. */
function rewriteValue(r: HttpRequest, attribute: Attribute, rewrites: readonly Rewrite[]): boolean {
  for (const rewrite of rewrites) {
    const value = rewritePrefix(r, rewrite, attribute.value as string, 0);
    if (value === undefined) continue;
    attribute.value = value;
    return true;
  }
  return false;
}

const SAMESITE: Readonly<Record<string, string>> = {
  'samesite=strict': 'Strict',
  'samesite=lax': 'Lax',
  'samesite=none': 'None',
};

function matches(r: HttpRequest, entry: CookieFlags, name: string): boolean {
  if ('exec' in entry.cookie) return (entry.cookie as HttpRegex).exec(r, name) === OK;
  return (entry.cookie as ComplexValue).evaluate(r).toLowerCase() === name.toLowerCase();
}

/** Sets and removes flags. Returns the attributes when something is to be done. */
function editFlags(r: HttpRequest, attributes: Attribute[], rules: readonly CookieFlags[]): Attribute[] | undefined {
  const name = (attributes[0] as Attribute).name;
  const rule = rules.find((entry) => matches(r, entry, name));
  if (rule === undefined) return undefined;
  const words = new Set(rule.flags.map((flag) => flag.evaluate(r).toLowerCase()));
  let secure: boolean | undefined;
  let httpOnly: boolean | undefined;
  let sameSite: string | false | undefined;
  // As in nginx, adding wins over removing, and the stricter over the looser.
  if (words.has('secure')) secure = true;
  else if (words.has('nosecure')) secure = false;
  if (words.has('httponly')) httpOnly = true;
  else if (words.has('nohttponly')) httpOnly = false;
  const asked = ['samesite=strict', 'samesite=lax', 'samesite=none'].find((word) => words.has(word));
  if (asked !== undefined) sameSite = SAMESITE[asked] as string;
  else if (words.has('nosamesite')) sameSite = false;
  if (secure === undefined && httpOnly === undefined && sameSite === undefined) return undefined;
  const kept: Attribute[] = [];
  attributes.forEach((attribute, i) => {
    const key = i === 0 ? '' : attribute.name.toLowerCase();
    if (key === 'secure') {
      if (secure === false) return;
      secure = undefined;
    } else if (key === 'httponly') {
      if (httpOnly === false) return;
      httpOnly = undefined;
    } else if (key === 'samesite') {
      if (sameSite === false) return;
      if (sameSite !== undefined && attribute.value?.toLowerCase() !== sameSite.toLowerCase()) {
        kept.push({ name: 'SameSite', value: sameSite });
        sameSite = undefined;
        return;
      }
      sameSite = undefined;
    }
    kept.push(attribute);
  });
  if (secure === true) kept.push({ name: 'Secure', value: undefined });
  if (httpOnly === true) kept.push({ name: 'HttpOnly', value: undefined });
  if (typeof sameSite === 'string') kept.push({ name: 'SameSite', value: sameSite });
  return kept;
}

/** The rewritten cookie, or undefined when it stays as it is. */
export function rewriteCookie(r: HttpRequest, conf: ProxyLocation, text: string): string | undefined {
  const { cookieDomains, cookiePaths, cookieFlags } = conf;
  if (cookieDomains === null && cookiePaths === null && cookieFlags === null) return undefined;
  let attributes = parse(text);
  if ((attributes[0] as Attribute).value === undefined) return undefined;
  let changed = false;
  for (const attribute of attributes.slice(1)) {
    if (attribute.value === undefined) continue;
    const key = attribute.name.toLowerCase();
    if (key === 'domain' && cookieDomains !== null) {
      if (rewriteValue(r, attribute, cookieDomains)) changed = true;
    } else if (key === 'path' && cookiePaths !== null) {
      if (rewriteValue(r, attribute, cookiePaths)) changed = true;
    }
  }
  const edited = cookieFlags === null ? undefined : editFlags(r, attributes, cookieFlags);
  if (edited !== undefined) {
    attributes = edited;
    changed = true;
  }
  if (!changed) return undefined;
  return attributes.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)).join('; ');
}
