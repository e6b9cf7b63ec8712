/** `valid_referers` and `$invalid_referer`. nginx: src/http/modules/ngx_http_referer_module.c. */
import type { ConfContext, ConfStack, ContextName, Directive } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { numSlot } from '../../conf/slots.ts';
import { compileErrorText, RegexError } from '../../regex/errors.ts';
import { compileRegex } from '../../regex/regex.ts';
import { coreModule } from '../core/module.ts';
import { WildcardNames } from '../core/server-name.ts';
import { httpModule } from '../module.ts';
import { HttpRegex } from '../regex.ts';
import type { HttpRequest } from '../request.ts';

/** What valid referers look like. */
interface Referers {
  /** Hosts, with what the path must begin with, or ''. */
  readonly hosts: WildcardNames<string>;
  /** Tried on the text behind the scheme. */
  readonly regexes: HttpRegex[];
  /** Server names that are expressions: tried on the host. */
  readonly hostRegexes: HttpRegex[];
  /** `none`, `blocked`, `server_names`. */
  none: boolean;
  blocked: boolean;
  serverNames: boolean;
}

interface RefererLocation {
  referers: Referers | undefined;
  hashMaxSize: number;
  hashBucketSize: number;
}

const CONTEXTS: readonly ContextName[] = ['server', 'location'];
const MAX_HOST = 256;
/** The length of the shortest URL that is looked at: `http://i.ru`. */
const SHORTEST = 11;

function isValid(r: HttpRequest): boolean {
  const { referers } = refererModule.location(r);
  if (referers === undefined) return true;
  const { hosts, regexes, hostRegexes, none, blocked } = referers;
  if (hosts.size + regexes.length + hostRegexes.length === 0) return true;
  const value = r.headersIn.list.get('referer');
  if (value === undefined) return none;
  const scheme = value.length < SHORTEST ? null : /^https?:\/\//i.exec(value);
  if (scheme === null) return blocked;
  const rest = value.slice(scheme[0].length);
  let end = rest.search(/[/:]/);
  if (end < 0) end = rest.length;
  if (end > MAX_HOST) return false;
  const host = rest.slice(0, end).toLowerCase();
  const uri = hosts.find(host);
  if (uri !== undefined) {
    const slash = rest.indexOf('/', end);
    return uri === '' || (slash >= 0 && rest.startsWith(uri, slash));
  }
  return hostRegexes.some((regex) => regex.test(host)) || regexes.some((regex) => regex.test(rest));
}

function invalidReferer(r: HttpRequest): string {
  return isValid(r) ? '' : '1';
}

function addHost(fail: (message: string) => Error, referers: Referers, host: string, uri: string): void {
  const result = referers.hosts.add(host.toLowerCase(), uri);
  if (result === 'invalid') throw fail(`invalid hostname or wildcard "${host}"`);
  if (result === 'conflict') throw fail(`conflicting parameter "${host}"`);
}

function addRegex(cf: ConfContext, referers: Referers, text: string): void {
  const pattern = text.slice(1);
  if (pattern === '') throw cf.error(`empty regex in "${text}"`);
  try {
    referers.regexes.push(new HttpRegex(compileRegex(pattern, { caseless: true }), []));
  } catch (e) {
    if (e instanceof RegexError) throw cf.error(compileErrorText(pattern, e));
    throw e;
  }
}

function setReferers(cf: ConfContext, conf: RefererLocation, args: readonly string[]): string | undefined {
  conf.referers ??= {
    hosts: new WildcardNames(),
    regexes: [],
    hostRegexes: [],
    none: false,
    blocked: false,
    serverNames: false,
  };
  const { referers } = conf;
  for (const arg of args) {
    if (arg === '') return `invalid referer "${arg}"`;
    if (arg === 'none') referers.none = true;
    else if (arg === 'blocked') referers.blocked = true;
    else if (arg === 'server_names') referers.serverNames = true;
    else if (arg.startsWith('~')) addRegex(cf, referers, arg);
    else {
      const slash = arg.indexOf('/');
      const host = slash < 0 ? arg : arg.slice(0, slash);
      addHost((message) => cf.error(message), referers, host, slash < 0 ? '' : arg.slice(slash));
    }
  }
  return undefined;
}

function merge(parent: RefererLocation, conf: RefererLocation, cf: ConfContext): void {
  const { referers } = conf;
  if (referers === undefined) {
    conf.referers = parent.referers;
    return;
  }
  const fail = (message: string) => new ConfError(message);
  if (referers.serverNames) {
    for (const { name, regex } of coreModule.serverOf(cf.confs as ConfStack).serverNames) {
      if (regex === undefined) addHost(fail, referers, name, '');
      else referers.hostRegexes.push(regex);
    }
  }
  if ((referers.none || referers.blocked) && referers.hosts.size === 0) {
    throw fail(
      'the "none" or "blocked" referers are specified in the "valid_referers" directive without any valid referer',
    );
  }
  // What only the surrounding block says still holds.
  const outer = parent.referers;
  if (outer === undefined) return;
  if (referers.regexes.length === 0) referers.regexes.push(...outer.regexes);
  if (referers.hostRegexes.length === 0) referers.hostRegexes.push(...outer.hostRegexes);
}

const directives: readonly Directive<RefererLocation>[] = [
  {
    name: 'valid_referers',
    contexts: CONTEXTS,
    args: { min: 1 },
    level: 'location',
    doc: 'The values of Referer for which $invalid_referer is empty.',
    set: setReferers,
  },
  numSlot<RefererLocation>('referer_hash_max_size', CONTEXTS, 'location', 'hashMaxSize', 2048, 'Accepted; not needed.'),
  numSlot<RefererLocation>(
    'referer_hash_bucket_size',
    CONTEXTS,
    'location',
    'hashBucketSize',
    64,
    'Accepted; not needed.',
  ),
];

export const refererModule = httpModule<object, object, RefererLocation>({
  name: 'ngx_http_referer_module',
  directives,
  variables: [{ name: 'invalid_referer', get: invalidReferer, changeable: true }],
  createLocation: () =>
    ({ referers: undefined, hashMaxSize: undefined, hashBucketSize: undefined }) as unknown as RefererLocation,
  mergeLocation: merge,
});
