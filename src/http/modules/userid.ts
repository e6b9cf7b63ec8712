/** `userid`: a cookie by which a client is known again. nginx: src/http/modules/ngx_http_userid_filter_module.c. */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { bitmaskSlot, enumSlot, numSlot, refuse, type SlotParser, slot, strSlot } from '../../conf/slots.ts';
import { parseTime } from '../../conf/units.ts';
import { LOG_ERR, LOG_NOTICE } from '../../log/log.ts';
import { currentSecond, formatCookieTime } from '../../log/time.ts';
import { addressBytes } from '../../net/address.ts';
import { ERROR } from '../codes.ts';
import { findCookieLine } from '../core/variables.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import { getIndexed, getVariableIndex, type VariableSpec, type VariableValue } from '../variables.ts';

const OFF = 0;
const LOG = 1;
const V1 = 2;
const ON = 3;

const FLAG_OFF = 0x02;
const FLAG_SECURE = 0x04;
const FLAG_HTTPONLY = 0x08;
const FLAG_SAMESITE = 0x10;
const FLAG_STRICT = 0x20;
const FLAG_LAX = 0x40;
const FLAG_NONE = 0x80;

/** `userid_expires max`. */
const MAX_EXPIRES = 2145916555;

interface UseridMain {
  used: boolean;
  resetIndex: number;
}

interface UseridLocation {
  enable: number;
  /** -1 when not set. */
  service: number;
  name: string;
  /** With `; domain=` in front, or ''. */
  domain: string;
  path: string;
  /** Seconds. */
  expires: number;
  flags: number;
  p3p: string;
  /** '' for none. */
  mark: string;
}

interface UseridContext {
  /** 16 bytes as they are coded in the cookie; undefined when none came. */
  got: Buffer | undefined;
  set: Buffer | undefined;
  cookie: string;
  reset: boolean;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

/** In cookies of this process: the moment of its start, and numbers that are each used once. */
let startValue = 0;
let sequenceV1 = 1;
const FIRST_SEQUENCE = 0x03030302;
let sequence = FIRST_SEQUENCE;

function contextOf(r: HttpRequest, conf: UseridLocation): UseridContext {
  const known = useridModule.context(r);
  if (known !== undefined) return known;
  const ctx: UseridContext = { got: undefined, set: undefined, cookie: '', reset: false };
  useridModule.setContext(r, ctx);
  const found = findCookieLine(r.headersIn.list, conf.name);
  if (found === null) return ctx;
  ctx.cookie = found.value;
  if (found.value.length < 22) {
    r.log(LOG_ERR, `client sent too short userid cookie "${found.line}"`);
    return ctx;
  }
  // No more than these: a mark may follow, and much else that is no padding.
  const digits = found.value.slice(0, 22);
  const valid = /^[A-Za-z0-9+/]*(=|$)/.test(digits);
  const bytes = valid ? Buffer.from(digits.replace(/=.*/, ''), 'base64') : undefined;
  if (bytes === undefined || digits.replace(/=.*/, '').length % 4 === 1) {
    r.log(LOG_ERR, `client sent invalid userid cookie "${found.line}"`);
    return ctx;
  }
  const got = Buffer.alloc(16);
  bytes.copy(got);
  if (got.readUInt32LE(12) !== 0) ctx.got = got;
  return ctx;
}

/** Makes an identifier when the client needs one. False when $uid_reset has no value. */
function create(r: HttpRequest, ctx: UseridContext, conf: UseridLocation): boolean {
  if (ctx.set !== undefined) return true;
  if (ctx.got !== undefined) {
    const reset = getIndexed(r, useridModule.main(r).resetIndex);
    if (reset === null) return false;
    if (reset === '' || reset === '0') {
      const marked = ctx.cookie.length > 23 && ctx.cookie[22] === conf.mark && ctx.cookie[23] === '=';
      if (conf.mark !== '' && !marked) ctx.set = ctx.got;
      return true;
    }
    ctx.reset = true;
    if (reset === 'log') r.log(LOG_NOTICE, `userid cookie "${conf.name}=${hex(ctx.got)}" was reset`);
  }
  ctx.set = conf.enable === V1 ? newV1(conf) : newV2(r, conf);
  return true;
}

function newV1(conf: UseridLocation): Buffer {
  const uid = Buffer.alloc(16);
  uid.writeUInt32LE(conf.service < 0 ? 0 : conf.service % 2 ** 32, 0);
  uid.writeUInt32LE(currentSecond() >>> 0, 4);
  uid.writeUInt32LE(startValue, 8);
  uid.writeUInt32LE(sequenceV1, 12);
  sequenceV1 = (sequenceV1 + 0x100) >>> 0;
  return uid;
}

function newV2(r: HttpRequest, conf: UseridLocation): Buffer {
  const uid = Buffer.alloc(16);
  if (conf.service >= 0) uid.writeUInt32BE(conf.service % 2 ** 32, 0);
  else {
    const { localAddress } = r.connection;
    if (!localAddress.startsWith('unix:')) uid.set(addressBytes(localAddress).slice(-4), 0);
  }
  uid.writeUInt32BE(currentSecond() >>> 0, 4);
  uid.writeUInt32BE(startValue, 8);
  uid.writeUInt32BE(sequence, 12);
  sequence = (sequence + 0x100) >>> 0;
  if (sequence < FIRST_SEQUENCE) sequence = FIRST_SEQUENCE;
  return uid;
}

/** As logs show it: four numbers of the machine's byte order. */
function hex(uid: Buffer): string {
  let text = '';
  for (let i = 0; i < 16; i += 4) text += uid.readUInt32LE(i).toString(16).toUpperCase().padStart(8, '0');
  return text;
}

function setCookie(r: HttpRequest, ctx: UseridContext, conf: UseridLocation): boolean {
  if (!create(r, ctx, conf)) return false;
  const { set: uid } = ctx;
  if (uid === undefined) return true;
  let value: string;
  if (ctx.got === undefined || ctx.reset) {
    value = uid.toString('base64');
    if (conf.mark !== '') value = `${value.slice(0, 22)}${conf.mark}=`;
  } else {
    value = `${ctx.cookie.slice(0, 22)}${conf.mark}=`;
  }
  let cookie = `${conf.name}=${value}`;
  if (conf.expires === MAX_EXPIRES) cookie += '; expires=Thu, 31-Dec-37 23:55:55 GMT';
  else if (conf.expires !== 0) cookie += `; expires=${formatCookieTime(currentSecond() + conf.expires)}`;
  cookie += conf.domain + conf.path;
  if ((conf.flags & FLAG_SECURE) !== 0) cookie += '; secure';
  if ((conf.flags & FLAG_HTTPONLY) !== 0) cookie += '; httponly';
  if ((conf.flags & FLAG_STRICT) !== 0) cookie += '; samesite=strict';
  if ((conf.flags & FLAG_LAX) !== 0) cookie += '; samesite=lax';
  if ((conf.flags & FLAG_NONE) !== 0) cookie += '; samesite=none';
  const { list } = r.headersOut;
  list.add('Set-Cookie', cookie, 'set-cookie');
  if (conf.p3p !== '') list.add('P3P', conf.p3p, 'p3p');
  return true;
}

function gotVariable(r: HttpRequest): VariableValue {
  const conf = useridModule.location(r.main);
  if (conf.enable === OFF) return null;
  const { got } = contextOf(r.main, conf);
  return got === undefined ? null : `${conf.name}=${hex(got)}`;
}

function setVariable(r: HttpRequest): VariableValue {
  const conf = useridModule.location(r.main);
  if (conf.enable < V1) return null;
  const ctx = contextOf(r.main, conf);
  if (!create(r.main, ctx, conf) || ctx.set === undefined) return null;
  return `${conf.name}=${hex(ctx.set)}`;
}

const variables: readonly VariableSpec[] = [
  { name: 'uid_got', get: gotVariable },
  { name: 'uid_set', get: setVariable },
  { name: 'uid_reset', get: () => '', changeable: true },
];

const parseExpires: SlotParser<number> = (_cf, [text]) => {
  if (text === 'max') return MAX_EXPIRES;
  if (text === 'off') return 0;
  return parseTime(text as string, 's') ?? refuse('invalid value');
};

const parseMark: SlotParser<string> = (_cf, [text]) => {
  if (text === 'off') return '';
  if (/^[0-9A-Za-z=]$/.test(text as string)) return text as string;
  return refuse('"userid_mark" directive value must be "off" or a single letter, digit or "="');
};

const directives: readonly Directive<UseridLocation>[] = [
  enumSlot<UseridLocation, number>(
    'userid',
    CONTEXTS,
    'location',
    'enable',
    { off: OFF, log: LOG, v1: V1, on: ON },
    OFF,
    {
      doc: 'Sets a cookie with an identifier, or only reads it for the log.',
      defaultText: 'off',
      post(cf: ConfContext, value) {
        if (value >= V1) useridModule.mainOf(httpOf(cf).confs).used = true;
        return undefined;
      },
    },
  ),
  numSlot<UseridLocation>('userid_service', CONTEXTS, 'location', 'service', -1, {
    doc: "The server's number in identifiers, instead of its address.",
  }),
  strSlot<UseridLocation>('userid_name', CONTEXTS, 'location', 'name', 'uid', "The cookie's name."),
  slot<UseridLocation, string>({
    name: 'userid_domain',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    field: 'domain',
    default: '',
    parse: (_cf, [text]) => (text === 'none' ? '' : `; domain=${text}`),
    extra: { doc: "The cookie's domain.", defaultText: 'none' },
  }),
  slot<UseridLocation, string>({
    name: 'userid_path',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    field: 'path',
    default: '; path=/',
    parse: (_cf, [text]) => `; path=${text}`,
    extra: { doc: "The cookie's path.", defaultText: '/' },
  }),
  slot<UseridLocation, number>({
    name: 'userid_expires',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    field: 'expires',
    default: 0,
    parse: parseExpires,
    extra: { doc: 'How long the client keeps the cookie.', defaultText: 'off' },
  }),
  bitmaskSlot<UseridLocation>(
    'userid_flags',
    CONTEXTS,
    'location',
    'flags',
    {
      off: FLAG_OFF,
      secure: FLAG_SECURE,
      httponly: FLAG_HTTPONLY,
      'samesite=strict': FLAG_SAMESITE | FLAG_STRICT,
      'samesite=lax': FLAG_SAMESITE | FLAG_LAX,
      'samesite=none': FLAG_SAMESITE | FLAG_NONE,
    },
    FLAG_OFF,
    [1, 2, 3],
    { doc: "The cookie's attributes.", defaultText: 'off' },
  ),
  slot<UseridLocation, string>({
    name: 'userid_p3p',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    field: 'p3p',
    default: '',
    parse: (_cf, [text]) => (text === 'none' ? '' : (text as string)),
    extra: { doc: 'A P3P field beside the cookie.', defaultText: 'none' },
  }),
  slot<UseridLocation, string>({
    name: 'userid_mark',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    field: 'mark',
    default: '',
    parse: parseMark,
    extra: { doc: 'A letter in place of the first padding; cookies without it are sent anew.', defaultText: 'off' },
  }),
];

export const useridModule = httpModule<UseridMain, object, UseridLocation, UseridContext>({
  name: 'ngx_http_userid_filter_module',
  directives,
  variables,
  createMain: () => ({ used: false, resetIndex: -1 }),
  createLocation: () => ({}) as UseridLocation,
  postconfiguration(http) {
    const main = useridModule.mainOf(http.confs);
    const named = http.indexed.some(({ name }) => name === 'uid_set');
    if (!main.used && !named) return;
    main.resetIndex = getVariableIndex(http, 'uid_reset');
    if (!main.used) return;
    const next = http.topHeaderFilter;
    http.topHeaderFilter = (r) => {
      if (r === r.main) {
        const conf = useridModule.location(r);
        if (conf.enable >= V1 && !setCookie(r, contextOf(r, conf), conf)) return ERROR;
      }
      return next(r);
    };
  },
  initWorker() {
    const microseconds = Math.floor((performance.timeOrigin + performance.now()) * 1000) % 1_000_000;
    startValue = ((Math.floor(microseconds / 20) << 16) | process.pid) >>> 0;
  },
});
