/** Targets of memcached_pass, memc_pass and redis2_pass: an address, an upstream, or variables that make the name of an upstream. */
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import { LOG_ERR } from '../../log/log.ts';
import { type ParsedUrl, parseUrl, UrlError } from '../../net/url.ts';
import { HTTP_INTERNAL_SERVER_ERROR } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import type { PhaseHandler } from '../cycle.ts';
import type { HttpRequest } from '../request.ts';
import { type ComplexValue, compileComplexValue, hasVariables } from '../script.ts';
import type { Upstream } from './conf.ts';
import { findUpstream, referToUpstream, upstreamModule } from './module.ts';

/** Where the target of a location is kept. */
export interface NamedTarget {
  upstream: Upstream | undefined;
  /** Of a target with variables. */
  target: ComplexValue | undefined;
}

/** The setter of NAME_pass. Returns a message when it is wrong. */
export function setNamedTarget(
  cf: ConfContext,
  conf: NamedTarget,
  text: string,
  handler: PhaseHandler,
): string | undefined {
  if (!hasVariables(text)) return setAddress(cf, conf, text, handler);
  if (conf.upstream !== undefined) return 'is duplicate';
  handleWith(cf, handler);
  conf.target = compileComplexValue(cf, text);
  return undefined;
}

function handleWith(cf: ConfContext, handler: PhaseHandler): void {
  const location = coreModule.locationOf(cf.confs as ConfStack);
  location.handler = handler;
  if (location.name.endsWith('/')) location.autoRedirect = true;
}

/** The same where variables have no place. */
export function setAddress(
  cf: ConfContext,
  conf: Pick<NamedTarget, 'upstream'>,
  text: string,
  handler: PhaseHandler,
): string | undefined {
  if (conf.upstream !== undefined) return 'is duplicate';
  handleWith(cf, handler);
  let url: ParsedUrl;
  try {
    url = parseUrl(text, { defaultPort: 0, noResolve: true });
  } catch (e) {
    if (e instanceof UrlError) return `${e.message} in upstream "${text}"`;
    throw e;
  }
  conf.upstream = referToUpstream(cf, url);
  return undefined;
}

/** What a location inherits from the one around it. */
export function inheritNamedTarget(parent: NamedTarget, conf: NamedTarget): void {
  conf.upstream ??= parent.upstream;
  conf.target ??= parent.target;
}

/**
 * The settings with the target that the variables name.
 *
 * @param empty what is logged when they name none
 * @param prefix of the message when there is no such upstream
 * @returns a status when that fails
 */
export function withNamedTarget<C extends NamedTarget>(
  r: HttpRequest,
  conf: C,
  empty: string,
  prefix: string,
): C | number {
  if (conf.target === undefined) return conf;
  const host = conf.target.evaluate(r);
  if (host === '') {
    r.log(LOG_ERR, empty);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  const upstream = findUpstream(upstreamModule.main(r), { host, port: 0, noPort: true });
  if (upstream === undefined) {
    r.log(LOG_ERR, `${prefix}: upstream "${host}" not found`);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  return { ...conf, upstream };
}
