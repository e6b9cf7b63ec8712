/** Setters of proxy_pass, proxy_redirect and the proxy_cookie_* directives. */
import type { ConfContext, ConfStack } from '../../../conf/directive.ts';
import { type ParsedUrl, parseUrl, UrlError } from '../../../net/url.ts';
import { coreModule } from '../../core/module.ts';
import { compileHttpRegex } from '../../regex.ts';
import { compileComplexValue, hasVariables } from '../../script.ts';
import { referToUpstream } from '../../upstream/module.ts';
import type { ProxyLocation } from './conf.ts';
import { proxyHandler } from './handler.ts';
import { defaultRedirect } from './merge.ts';
import { compileRewrite } from './rewrite.ts';
import { schemeOf, targetOf } from './target.ts';

export function setPass(cf: ConfContext, conf: ProxyLocation, args: readonly string[]): string | undefined {
  if (conf.upstream !== undefined || conf.url !== undefined) return 'is duplicate';
  const location = coreModule.locationOf(cf.confs as ConfStack);
  location.handler = proxyHandler;
  if (location.name.endsWith('/')) location.autoRedirect = true;
  const text = args[0] as string;
  if (hasVariables(text)) {
    conf.url = compileComplexValue(cf, text);
    return undefined;
  }
  const scheme = schemeOf(text);
  if (scheme === undefined) return 'invalid URL prefix';
  const schema = text.slice(0, scheme.length + 3);
  const rest = text.slice(schema.length);
  const defaultPort = scheme === 'https' ? 443 : 80;
  let url: ParsedUrl;
  try {
    url = parseUrl(rest, { defaultPort, uriPart: true, noResolve: true });
  } catch (e) {
    if (e instanceof UrlError) return `${e.message} in upstream "${rest}"`;
    throw e;
  }
  conf.upstream = referToUpstream(cf, url);
  conf.target = targetOf(schema, url, defaultPort);
  conf.location = location.name;
  if (location.named || location.regex !== undefined || location.noname) {
    if (url.uri !== '') {
      return (
        '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, ' +
        'or inside "if" statement, or inside "limit_except" block'
      );
    }
    conf.location = '';
  }
  conf.urlText = text;
  return undefined;
}

export function setRedirect(cf: ConfContext, conf: ProxyLocation, args: readonly string[]): string | undefined {
  if (conf.redirect === false) return 'is duplicate';
  const [first, second] = args as [string, string | undefined];
  if (second === undefined && first === 'off') {
    if (conf.redirects !== undefined) return 'is duplicate';
    conf.redirect = false;
    return undefined;
  }
  conf.redirect = true;
  conf.redirects ??= [];
  if (second !== undefined) {
    conf.redirects.push(compileRewrite(cf, first, second, 'prefix'));
    return undefined;
  }
  if (first !== 'default') return `invalid parameter "${first}"`;
  if (conf.url !== undefined) {
    return '"proxy_redirect default" cannot be used with "proxy_pass" directive with variables';
  }
  if (conf.urlText === '') return '"proxy_redirect default" should be placed after the "proxy_pass" directive';
  conf.redirects.push(defaultRedirect(conf));
  return undefined;
}

/** `off` alone, or something to add; a message when both are asked for. */
function addOrOff<T>(
  before: readonly T[] | null | undefined,
  args: readonly string[],
  add: () => T,
): readonly T[] | null | string {
  if (before === null) return 'is duplicate';
  if (args.length > 1) return [...(before ?? []), add()];
  if (args[0] !== 'off') return `invalid parameter "${args[0]}"`;
  return before === undefined ? null : 'is duplicate';
}

export function setCookieRewrite(
  kind: 'domain' | 'prefix',
  field: 'cookieDomains' | 'cookiePaths',
): (cf: ConfContext, conf: ProxyLocation, args: readonly string[]) => string | undefined {
  return (cf, conf, args) => {
    const result = addOrOff(conf[field], args, () => compileRewrite(cf, args[0] as string, args[1] as string, kind));
    if (typeof result === 'string') return result;
    conf[field] = result;
    return undefined;
  };
}

export function setCookieFlags(cf: ConfContext, conf: ProxyLocation, args: readonly string[]): string | undefined {
  const result = addOrOff(conf.cookieFlags, args, () => {
    const name = args[0] as string;
    return {
      cookie: name.startsWith('~') ? compileHttpRegex(cf, name.slice(1), true) : compileComplexValue(cf, name),
      flags: args.slice(1).map((word) => compileComplexValue(cf, word)),
    };
  });
  if (typeof result === 'string') return result;
  conf.cookieFlags = result;
  return undefined;
}
