/**
 * The blocks of the core module: `server`, `location`, `limit_except`. Each makes the modules' objects for itself and
 * reads what stands inside. nginx: ngx_http_core_server(), ngx_http_core_location(), ngx_http_core_limit_except().
 */
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import { type HttpCycle, httpOf } from '../cycle.ts';
import { escapeUri } from '../escape.ts';
import { compileHttpRegex } from '../regex.ts';
import {
  METHOD_COPY,
  METHOD_DELETE,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_LOCK,
  METHOD_MKCOL,
  METHOD_MOVE,
  METHOD_OPTIONS,
  METHOD_PATCH,
  METHOD_POST,
  METHOD_PROPFIND,
  METHOD_PROPPATCH,
  METHOD_PUT,
  METHOD_UNLOCK,
} from '../request.ts';
import type { CoreLocation, CoreServer } from './conf.ts';
import { addDefaultListen } from './listen.ts';
import { coreModule } from './module.ts';

/** The objects of all modules for a new location-like block inside `outer`. */
export function createLocationConfs(http: HttpCycle, outer: ConfStack): ConfStack {
  return {
    main: outer.main,
    server: outer.server,
    location: http.modules.map((module) => module.createLocation?.()),
  };
}

/**
 * Hangs a block into the location around it, so that it is merged and found. nginx: ngx_http_add_location().
 */
export function addLocation(cf: ConfContext, outer: CoreLocation, inner: ConfStack): CoreLocation {
  const location = coreModule.locationOf(inner);
  location.confs = inner.location;
  location.file = cf.file;
  location.line = cf.line;
  location.escapedName = escapeUri(location.name, 'uri');
  outer.children.push(location);
  return location;
}

function setServer(cf: ConfContext): undefined {
  const http = httpOf(cf);
  const confs: ConfStack = {
    main: http.confs.main,
    server: http.modules.map((module) => module.createServer?.()),
    location: http.modules.map((module) => module.createLocation?.()),
  };
  const server = coreModule.serverOf(confs);
  server.confs = confs;
  server.file = cf.file;
  server.line = cf.line;
  coreModule.locationOf(confs).confs = confs.location;
  coreModule.mainOf(confs).servers.push(server);
  cf.parseBlock('server', confs);
  if (!server.listen) addDefaultListen(cf, server);
}

/** Modifiers that may be written together with the name. */
const MODIFIER = /^(=|\^~|~\*|~)/;

function nameLocation(cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  let modifier: string;
  let name: string;
  if (args.length === 2) {
    [modifier, name] = args as [string, string];
    if (MODIFIER.exec(modifier)?.[0] !== modifier) return `invalid location modifier "${modifier}"`;
  } else {
    const word = args[0] as string;
    modifier = MODIFIER.exec(word)?.[0] ?? '';
    name = word.slice(modifier.length);
    if (modifier === '' && name.startsWith('@')) location.named = true;
  }
  if (modifier === '=') location.exactMatch = true;
  else if (modifier === '^~') location.noRegex = true;
  else if (modifier !== '') location.regex = compileHttpRegex(cf, name, modifier === '~*');
  location.name = name;
  return undefined;
}

/** Why a location may not stand inside another one. */
function checkNesting(outer: CoreLocation, location: CoreLocation): string | undefined {
  if (outer.exactMatch) return `location "${location.name}" cannot be inside the exact location "${outer.name}"`;
  if (outer.named) return `location "${location.name}" cannot be inside the named location "${outer.name}"`;
  if (location.named) return `named location "${location.name}" can be on the server level only`;
  if (location.regex === undefined && !location.name.startsWith(outer.name)) {
    return `location "${location.name}" is outside location "${outer.name}"`;
  }
  return undefined;
}

function setLocation(cf: ConfContext, _conf: unknown, args: readonly string[]): string | undefined {
  const outerConfs = cf.confs as ConfStack;
  const outer = coreModule.locationOf(outerConfs);
  const confs = createLocationConfs(httpOf(cf), outerConfs);
  const location = coreModule.locationOf(confs);
  const message =
    nameLocation(cf, location, args) ?? (cf.context === 'location' ? checkNesting(outer, location) : undefined);
  if (message !== undefined) return message;
  addLocation(cf, outer, confs);
  cf.parseBlock('location', confs);
  return undefined;
}

const LIMITED_METHODS: Readonly<Record<string, number>> = {
  get: METHOD_GET,
  head: METHOD_HEAD,
  post: METHOD_POST,
  put: METHOD_PUT,
  delete: METHOD_DELETE,
  mkcol: METHOD_MKCOL,
  copy: METHOD_COPY,
  move: METHOD_MOVE,
  options: METHOD_OPTIONS,
  propfind: METHOD_PROPFIND,
  proppatch: METHOD_PROPPATCH,
  lock: METHOD_LOCK,
  unlock: METHOD_UNLOCK,
  patch: METHOD_PATCH,
};

function setLimitExcept(cf: ConfContext, outer: CoreLocation, args: readonly string[]): string | undefined {
  if (outer.limitExcept !== 0) return 'is duplicate';
  let limited = -1;
  for (const arg of args) {
    const method = arg.toLowerCase();
    if (!Object.hasOwn(LIMITED_METHODS, method)) return `invalid method "${arg}"`;
    limited &= ~(LIMITED_METHODS[method] as number);
  }
  if ((limited & METHOD_GET) === 0) limited &= ~METHOD_HEAD;
  outer.limitExcept = limited;
  const confs = createLocationConfs(httpOf(cf), cf.confs as ConfStack);
  outer.limitExceptConfs = confs.location;
  const location = coreModule.locationOf(confs);
  location.name = outer.name;
  location.noname = true;
  location.limitExceptBlock = true;
  addLocation(cf, outer, confs);
  cf.parseBlock('limit_except', confs);
  return undefined;
}

export const serverDirective: Directive<CoreServer> = {
  name: 'server',
  contexts: ['http'],
  args: 0,
  block: 'conf',
  level: 'server',
  doc: 'A virtual server.',
  set: setServer,
};

export const locationDirective: Directive<CoreLocation> = {
  name: 'location',
  contexts: ['server', 'location'],
  args: [1, 2],
  block: 'conf',
  level: 'location',
  doc: 'Configuration for the URIs with a prefix, for one URI (=), or for those that match an expression (~, ~*).',
  set: setLocation,
};

export const limitExceptDirective: Directive<CoreLocation> = {
  name: 'limit_except',
  contexts: ['location'],
  args: { min: 1 },
  block: 'conf',
  level: 'location',
  doc: 'Configuration for requests by any other method than those named.',
  set: setLimitExcept,
};
