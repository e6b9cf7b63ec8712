/**
 * `add_header`, `add_trailer`, `expires` and how they are inherited.
 * nginx: src/http/modules/ngx_http_headers_filter_module.c.
 */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { enumSlot } from '../../conf/slots.ts';
import { parseTime } from '../../conf/units.ts';
import { currentSecond, formatHttpTime, httpTime } from '../../log/time.ts';
import type { Chain } from '../buf.ts';
import {
  HTTP_CREATED,
  HTTP_MOVED_PERMANENTLY,
  HTTP_MOVED_TEMPORARILY,
  HTTP_NO_CONTENT,
  HTTP_NOT_MODIFIED,
  HTTP_OK,
  HTTP_PARTIAL_CONTENT,
  HTTP_PERMANENT_REDIRECT,
  HTTP_SEE_OTHER,
  HTTP_TEMPORARY_REDIRECT,
} from '../codes.ts';
import { httpOf } from '../cycle.ts';
import { HeaderList } from '../headers.ts';
import { parseHttpTime } from '../http-time.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import { type ComplexValue, compileComplexValue } from '../script.ts';

/** One add_header or add_trailer. */
interface AddedField {
  readonly name: string;
  readonly key: string;
  readonly value: ComplexValue;
  /** Whatever the status. */
  readonly always: boolean;
}

/** A time of `expires`, in seconds: from now, from the file's time, or from midnight. */
interface Expires {
  readonly kind: 'epoch' | 'max' | 'off' | 'access' | 'modified' | 'daily';
  readonly time: number;
}

type Inherit = 'off' | 'on' | 'merge';

interface HeadersMain {
  used: boolean;
  trailersUsed: boolean;
}

interface HeadersLocation {
  /** A value with variables is read for each request; `kind` says from when it counts. */
  expires: Expires | { readonly kind: 'access' | 'modified'; readonly value: ComplexValue } | undefined;
  headers: readonly AddedField[] | undefined;
  trailers: readonly AddedField[] | undefined;
  headersInherit: Inherit;
  trailersInherit: Inherit;
}

/** Statuses whose responses are changed without `always`. */
const CHANGED = new Set([
  HTTP_OK,
  HTTP_CREATED,
  HTTP_NO_CONTENT,
  HTTP_PARTIAL_CONTENT,
  HTTP_MOVED_PERMANENTLY,
  HTTP_MOVED_TEMPORARILY,
  HTTP_SEE_OTHER,
  HTTP_NOT_MODIFIED,
  HTTP_TEMPORARY_REDIRECT,
  HTTP_PERMANENT_REDIRECT,
]);

/** Parses the value of `expires`; a string is what is wrong with it. */
function parseExpires(text: string, from: 'access' | 'modified'): Expires | string {
  if (from === 'access' && (text === 'epoch' || text === 'max' || text === 'off')) return { kind: text, time: 0 };
  let kind: Expires['kind'] = from;
  let rest = text;
  let sign = 1;
  if (text.startsWith('@')) {
    if (from === 'modified') return 'daily time cannot be used with "modified" parameter';
    kind = 'daily';
    rest = text.slice(1);
  } else if (text.startsWith('+') || text.startsWith('-')) {
    if (text.startsWith('-')) sign = -1;
    rest = text.slice(1);
  }
  const time = parseTime(rest, 's');
  if (time === undefined) return 'invalid value';
  if (kind === 'daily' && time > 24 * 60 * 60) return 'daily time value must be less than 24 hours';
  return { kind, time: sign * time };
}

/** The next moment of the day, local time, that is so many seconds behind midnight. nginx: ngx_next_time(). */
function nextTime(seconds: number): number {
  const now = currentSecond();
  const date = new Date(now * 1000);
  date.setHours(Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60, 0);
  if (date.getTime() / 1000 <= now) date.setDate(date.getDate() + 1);
  return date.getTime() / 1000;
}

function setFields(r: HttpRequest, expires: string, cacheControl: string): void {
  const { list } = r.headersOut;
  list.set('Expires', expires, 'expires');
  list.set('Cache-Control', cacheControl, 'cache-control');
}

function applyExpires(r: HttpRequest, conf: HeadersLocation): void {
  let expires = conf.expires as NonNullable<HeadersLocation['expires']>;
  let negative = false;
  if ('value' in expires) {
    const parsed = parseExpires(expires.value.evaluate(r), expires.kind);
    if (typeof parsed === 'string') return;
    expires = parsed;
  } else negative = expires.time < 0;
  const now = currentSecond();
  let at: number;
  let age: number;
  switch (expires.kind) {
    case 'off':
      return;
    case 'epoch':
      setFields(r, 'Thu, 01 Jan 1970 00:00:01 GMT', 'no-cache');
      return;
    case 'max':
      setFields(r, 'Thu, 31 Dec 2037 23:55:55 GMT', 'max-age=315360000');
      return;
    case 'daily':
      at = nextTime(expires.time);
      age = at - now;
      break;
    default:
      if (expires.time === 0) {
        setFields(r, httpTime(), 'max-age=0');
        return;
      }
      if (expires.kind === 'access' || r.headersOut.lastModified === -1) {
        age = expires.time;
        at = now + age;
      } else {
        at = r.headersOut.lastModified + expires.time;
        age = at - now;
      }
  }
  setFields(r, formatHttpTime(at), negative || age < 0 ? 'no-cache' : `max-age=${age}`);
}

function addField(r: HttpRequest, field: AddedField): void {
  const value = field.value.evaluate(r);
  const { list } = r.headersOut;
  if (field.key === 'last-modified' || field.key === 'etag') {
    if (value === '') list.remove(field.key);
    else list.set(field.name, value, field.key);
    if (field.key === 'last-modified') r.headersOut.lastModified = value === '' ? -1 : parseHttpTime(value);
  } else if (value !== '') list.add(field.name, value, field.key);
}

function headersFilter(r: HttpRequest): void {
  const conf = headersModule.location(r);
  if (conf.expires === undefined && conf.headers === undefined && conf.trailers === undefined) return;
  const changed = CHANGED.has(r.headersOut.status);
  if (conf.expires !== undefined && changed) applyExpires(r, conf);
  for (const field of conf.headers ?? []) if (changed || field.always) addField(r, field);
  if (conf.trailers?.some((field) => changed || field.always)) r.expectTrailers = true;
}

function addTrailers(r: HttpRequest, chain: Chain): void {
  const conf = headersModule.location(r);
  if (conf.trailers === undefined || !r.expectTrailers || r.headerOnly) return;
  if (!chain.some((b) => b.lastBuf)) return;
  const changed = CHANGED.has(r.headersOut.status);
  for (const { name, key, value: source, always } of conf.trailers) {
    if (!changed && !always) continue;
    const value = source.evaluate(r);
    if (value !== '') (r.headersOut.trailers ??= new HeaderList()).add(name, value, key);
  }
}

function setExpires(cf: ConfContext, conf: HeadersLocation, args: readonly string[]): string | undefined {
  if (conf.expires !== undefined) return 'is duplicate';
  if (args.length === 2 && args[0] !== 'modified') return 'invalid value';
  const kind = args.length === 2 ? 'modified' : 'access';
  const value = compileComplexValue(cf, args[args.length - 1] as string);
  headersModule.mainOf(httpOf(cf).confs).used = true;
  if (value.literal === undefined) {
    conf.expires = { kind, value };
    return undefined;
  }
  const parsed = parseExpires(value.literal, kind);
  if (typeof parsed === 'string') {
    return parsed.startsWith('daily') ? `"expires" directive ${parsed}` : parsed;
  }
  conf.expires = parsed;
  return undefined;
}

function setAdd(cf: ConfContext, conf: HeadersLocation, args: readonly string[]): string | undefined {
  const [name, text, flag] = args as [string, string, string | undefined];
  const value = compileComplexValue(cf, text);
  if (flag !== undefined && flag !== 'always') return `invalid parameter "${flag}"`;
  const field: AddedField = { name, key: name.toLowerCase(), value, always: flag === 'always' };
  const main = headersModule.mainOf(httpOf(cf).confs);
  main.used = true;
  if (cf.name === 'add_header') conf.headers = [...(conf.headers ?? []), field];
  else {
    main.trailersUsed = true;
    conf.trailers = [...(conf.trailers ?? []), field];
  }
  return undefined;
}

/** What a block has of the one around it, besides its own. */
function inherit(
  outer: readonly AddedField[] | undefined,
  own: readonly AddedField[] | undefined,
  how: Inherit,
): readonly AddedField[] | undefined {
  if (how === 'off' || outer === undefined) return own;
  if (own === undefined) return outer;
  return how === 'merge' ? [...own, ...outer] : own;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location', 'if in location'];
const INHERIT = { off: 'off', on: 'on', merge: 'merge' } as const;

const directives: readonly Directive<HeadersLocation>[] = [
  {
    name: 'expires',
    contexts: CONTEXTS,
    args: [1, 2],
    level: 'location',
    doc: 'Expires and Cache-Control by a time from now, from the time of the file, or of the day.',
    defaultText: 'off',
    set: setExpires,
  },
  {
    name: 'add_header',
    contexts: CONTEXTS,
    args: [2, 3],
    level: 'location',
    doc: 'A further field in the header of responses with a usual status, or of all.',
    set: setAdd,
  },
  {
    name: 'add_trailer',
    contexts: CONTEXTS,
    args: [2, 3],
    level: 'location',
    doc: 'A field behind the body of responses in chunks.',
    set: setAdd,
  },
  enumSlot<HeadersLocation, Inherit>(
    'add_header_inherit',
    CONTEXTS,
    'location',
    'headersInherit',
    INHERIT,
    'on',
    "Whether the outer block's add_header hold: when there are none here, never, or always.",
  ),
  enumSlot<HeadersLocation, Inherit>(
    'add_trailer_inherit',
    CONTEXTS,
    'location',
    'trailersInherit',
    INHERIT,
    'on',
    'The same for add_trailer.',
  ),
];

export const headersModule = httpModule<HeadersMain, object, HeadersLocation>({
  name: 'ngx_http_headers_filter_module',
  directives,
  createMain: () => ({ used: false, trailersUsed: false }),
  createLocation: () =>
    ({
      expires: undefined,
      headers: undefined,
      trailers: undefined,
      headersInherit: undefined,
      trailersInherit: undefined,
    }) as unknown as HeadersLocation,
  mergeLocation(parent, conf) {
    conf.expires ??= parent.expires;
    conf.headers = inherit(parent.headers, conf.headers, conf.headersInherit);
    conf.trailers = inherit(parent.trailers, conf.trailers, conf.trailersInherit);
  },
  postconfiguration(http) {
    const main = headersModule.mainOf(http.confs);
    if (!main.used) return;
    const nextHeader = http.topHeaderFilter;
    http.topHeaderFilter = (r) => {
      if (r === r.main) headersFilter(r);
      return nextHeader(r);
    };
    if (!main.trailersUsed) return;
    const nextBody = http.topBodyFilter;
    http.topBodyFilter = (r, chain) => {
      if (chain !== null) addTrailers(r, chain);
      return nextBody(r, chain);
    };
  },
});
