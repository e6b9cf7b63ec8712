/** `allow` and `deny` by the client's address. nginx: src/http/modules/ngx_http_access_module.c. */
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { type Cidr, cidrContains, parseAddress, parseCidr } from '../../conf/modules/cidr.ts';
import { LOG_ERR } from '../../log/log.ts';
import { DECLINED, HTTP_FORBIDDEN, OK } from '../codes.ts';
import { SATISFY_ALL } from '../core/conf.ts';
import { coreModule } from '../core/module.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';

interface Rule {
  readonly who: 'all' | 'unix' | Cidr;
  readonly deny: boolean;
}

interface AccessMain {
  used: boolean;
}

interface AccessLocation {
  rules: readonly Rule[] | undefined;
}

/** ::ffff:0:0/96: IPv4 addresses as an IPv6 socket shows them. */
function isMapped(address: readonly number[]): boolean {
  if (address.length !== 16) return false;
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}

/** The address that rules are compared with; undefined for a unix socket. */
function clientAddress(r: HttpRequest, rules: readonly Rule[]): readonly number[] | undefined {
  const address = parseAddress(r.connection.remoteAddress);
  if (address === undefined || !isMapped(address)) return address;
  const hasInet = rules.some(({ who }) => who === 'all' || (who !== 'unix' && who.address.length === 4));
  return hasInet ? address.slice(12) : address;
}

function applies(who: Rule['who'], address: readonly number[] | undefined): boolean {
  if (who === 'all') return true;
  if (who === 'unix') return address === undefined;
  return address !== undefined && cidrContains(who, address);
}

function accessHandler(r: HttpRequest): number {
  const { rules } = accessModule.location(r);
  if (rules === undefined) return DECLINED;
  const address = clientAddress(r, rules);
  for (const { who, deny } of rules) {
    if (!applies(who, address)) continue;
    if (!deny) return OK;
    if (coreModule.location(r).satisfy === SATISFY_ALL) r.log(LOG_ERR, 'access forbidden by rule');
    return HTTP_FORBIDDEN;
  }
  return DECLINED;
}

function setRule(cf: ConfContext, conf: AccessLocation, args: readonly string[]): string | undefined {
  const text = args[0] as string;
  let who: Rule['who'];
  if (text === 'all') who = 'all';
  else if (text === 'unix:') who = 'unix';
  else {
    const cidr = parseCidr(text);
    if (cidr === undefined) return `invalid parameter "${text}"`;
    if (cidr.lowBits) cf.warn(`low address bits of ${text} are meaningless`);
    who = cidr;
  }
  conf.rules = [...(conf.rules ?? []), { who, deny: cf.name === 'deny' }];
  accessModule.mainOf(httpOf(cf).confs).used = true;
  return undefined;
}

function ruleDirective(name: 'allow' | 'deny', doc: string): Directive<AccessLocation> {
  return {
    name,
    contexts: ['http', 'server', 'location', 'limit_except'],
    args: 1,
    level: 'location',
    slot: { field: 'rules', default: undefined },
    doc,
    set: setRule,
  };
}

export const accessModule = httpModule<AccessMain, object, AccessLocation>({
  name: 'ngx_http_access_module',
  directives: [
    ruleDirective('allow', 'Lets an address or a network in.'),
    ruleDirective('deny', 'Keeps an address or a network out.'),
  ],
  createMain: () => ({ used: false }),
  createLocation: () => ({ rules: undefined }),
  postconfiguration(http) {
    if (accessModule.mainOf(http.confs).used) http.handlers.access.push(accessHandler);
  },
});
