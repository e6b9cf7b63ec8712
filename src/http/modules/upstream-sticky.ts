/**
 * `sticky`: a client's requests go to the server that had its first one, by a cookie that is set, by a route that
 * comes with requests, or by sessions that are learned from answers. nginx:
 * src/http/modules/ngx_http_upstream_sticky_module.c.
 *
 * It stands around a balancing method: it tells that method which server to choose if it can (`PeerConnection.hint`),
 * and looks which one was chosen.
 */
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { requestZone } from '../../conf/resources.ts';
import { parseSize, parseTime } from '../../conf/units.ts';
import { LOG_WARN } from '../../log/log.ts';
import { currentSecond, formatCookieTime } from '../../log/time.ts';
import { MIN_ZONE_SIZE } from '../../shm/layout.ts';
import { OK } from '../codes.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import { type ComplexValue, compileComplexValue } from '../script.ts';
import type { InitPeer, Upstream } from '../upstream/conf.ts';
import { upstreamModule, upstreamOf } from '../upstream/module.ts';
import { PEER_FAILED, PEER_NEXT, type PeerConnection, type PeerSelection } from '../upstream/peer.ts';
import { initRoundRobin } from '../upstream/round-robin.ts';
import { StickySessions } from '../upstream/sticky-sessions.ts';
import { getFlushed, getVariableIndex } from '../variables.ts';

interface Cookie {
  readonly name: string;
  domain: ComplexValue | undefined;
  /** `; path=...`, or ''. */
  path: string;
  /** Seconds; undefined: until the browser is closed. */
  expires: number | 'max' | undefined;
  samesite: ComplexValue | undefined;
  httponly: boolean;
  secure: boolean;
}

interface StickyServer {
  /** Slots of variables; undefined without `sticky`. */
  lookup: number[] | undefined;
  create: number[];
  cookie: Cookie | undefined;
  sessions: StickySessions | undefined;
  /** A session begins with the header of an answer, rather than with its end. */
  learnEarly: boolean;
}

const SAMESITE = new Set(['strict', 'lax', 'none']);
const DEFAULT_TIMEOUT = 600_000;

/** The first of some variables that has a value. */
function firstOf(r: HttpRequest, slots: readonly number[]): string {
  for (const slot of slots) {
    const value = getFlushed(r, slot);
    if (value !== null && value !== '') return value;
  }
  return '';
}

class StickySelection implements PeerSelection {
  readonly #r: HttpRequest;
  readonly #conf: StickyServer;
  readonly #inner: PeerSelection;
  /** What the request says: the server, or its session. */
  readonly #id: string;
  /** The cookie that was set. */
  #cookie = '';

  constructor(r: HttpRequest, conf: StickyServer, inner: PeerSelection) {
    this.#r = r;
    this.#conf = conf;
    this.#inner = inner;
    this.#id = firstOf(r, conf.lookup as number[]);
  }

  get(pc: PeerConnection): number {
    const { sessions, cookie } = this.#conf;
    if (pc.hint === undefined && this.#id !== '') {
      pc.hint = sessions === undefined ? this.#id : sessions.find(this.#id);
    }
    pc.peer = undefined;
    const rc = this.#inner.get(pc);
    pc.hint = undefined;
    if (rc === OK && cookie !== undefined) this.#setCookie(pc, cookie);
    return rc;
  }

  #setCookie(pc: PeerConnection, cookie: Cookie): void {
    const r = this.#r;
    if (pc.peer === undefined) {
      r.log(LOG_WARN, 'balancer does not support sticky');
      return;
    }
    const domain = cookie.domain?.evaluate(r) ?? '';
    let samesite = cookie.samesite?.evaluate(r) ?? '';
    if (samesite !== '' && !SAMESITE.has(samesite.toLowerCase())) samesite = 'strict';
    let text = `${cookie.name}=${pc.peer.sid}`;
    if (cookie.expires === 'max') text += '; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000';
    else if (cookie.expires !== undefined) {
      text += `; expires=${formatCookieTime(currentSecond() + cookie.expires)}; max-age=${cookie.expires}`;
    }
    if (domain !== '') text += `; domain=${domain}`;
    if (cookie.httponly) text += '; httponly';
    if (cookie.secure) text += '; secure';
    if (samesite !== '') text += `; samesite=${samesite}`;
    text += cookie.path;
    const { list } = r.headersOut;
    const before = this.#cookie === '' ? -1 : list.values.indexOf(this.#cookie);
    if (before < 0) list.add('Set-Cookie', text, 'set-cookie');
    else list.setValue(before, text);
    this.#cookie = text;
  }

  onHeader(pc: PeerConnection): void {
    if (this.#conf.learnEarly) this.#learn(pc);
    this.#inner.onHeader?.(pc);
  }

  free(pc: PeerConnection, state: number): void {
    const { sessions, learnEarly } = this.#conf;
    if ((state & (PEER_FAILED | PEER_NEXT)) === 0 && sessions !== undefined && !learnEarly) this.#learn(pc);
    this.#inner.free(pc, state);
  }

  #learn(pc: PeerConnection): void {
    const r = this.#r;
    if (pc.peer === undefined) {
      r.log(LOG_WARN, 'balancer does not support sticky');
      return;
    }
    const { sessions, create } = this.#conf;
    const begun = firstOf(r, create);
    const id = begun !== '' ? begun : this.#id;
    if (id !== '') sessions?.keep(id, pc.peer.sid, begun !== '', r.http.cycle.log);
  }
}

/** Slot of the variable that a parameter such as `$cookie_a` names. */
function slotOf(cf: ConfContext, name: string): number {
  return getVariableIndex(httpOf(cf), name.slice(1));
}

function setSticky(cf: ConfContext, conf: StickyServer, args: readonly string[]): string | undefined {
  const upstream = upstreamOf(cf);
  if (conf.lookup !== undefined) return 'is duplicate';
  conf.lookup = [];
  const inner = upstream.initUpstream ?? initRoundRobin;
  upstream.initUpstream = (context, block) => {
    inner(context, block);
    block.initPeer = stickTo(block.initPeer);
  };
  const [kind, ...rest] = args as [string, ...string[]];
  if (kind === 'cookie') return setCookie(cf, conf, rest);
  if (kind === 'learn') return setLearn(cf, conf, upstream, rest);
  if (kind !== 'route') throw cf.error(`unknown parameter "${kind}"`);
  for (const name of rest) {
    if (!name.startsWith('$')) throw cf.error(`invalid variable name "${name}"`);
    conf.lookup.push(slotOf(cf, name));
  }
  return undefined;
}

function stickTo(init: InitPeer): InitPeer {
  return (r, pc, upstream) => {
    const inner = init(r, pc, upstream);
    if (inner === undefined) return undefined;
    return new StickySelection(r, upstreamStickyModule.serverOf(upstream.confs as ConfStack), inner);
  };
}

function setCookie(cf: ConfContext, conf: StickyServer, args: readonly string[]): string | undefined {
  const [name, ...options] = args as [string, ...string[]];
  if (name === '') return 'empty cookie name';
  const cookie: Cookie = {
    name,
    domain: undefined,
    path: '',
    expires: undefined,
    samesite: undefined,
    httponly: false,
    secure: false,
  };
  const seen = new Set<string>();
  for (const option of options) {
    const equals = option.indexOf('=');
    const key = equals < 0 ? option : option.slice(0, equals);
    const value = option.slice(equals + 1);
    const withValue = key === 'domain' || key === 'path' || key === 'expires' || key === 'samesite';
    if (withValue !== equals >= 0 || (!withValue && key !== 'httponly' && key !== 'secure')) {
      throw cf.error(`unknown parameter "${option}"`);
    }
    if (seen.has(key)) return `parameter "${key}" is duplicate`;
    seen.add(key);
    if (value === '' && (key === 'domain' || key === 'path')) return `no value for "${key}"`;
    if (key === 'domain') cookie.domain = compileComplexValue(cf, value);
    else if (key === 'path') cookie.path = `; path=${value}`;
    else if (key === 'httponly') cookie.httponly = true;
    else if (key === 'secure') cookie.secure = true;
    else if (key === 'expires') {
      cookie.expires = value === 'max' ? 'max' : parseTime(value, 's');
      if (cookie.expires === undefined) return 'invalid "expires" parameter value';
    } else {
      cookie.samesite = compileComplexValue(cf, value);
      if (cookie.samesite.literal !== undefined && !SAMESITE.has(value.toLowerCase())) {
        return 'invalid "samesite" parameter value';
      }
    }
  }
  conf.cookie = cookie;
  conf.lookup?.push(slotOf(cf, `$cookie_${name}`));
  return undefined;
}

function setLearn(
  cf: ConfContext,
  conf: StickyServer,
  upstream: Upstream,
  args: readonly string[],
): string | undefined {
  let name = '';
  let size = 0;
  let timeout: number | undefined;
  for (const arg of args) {
    const equals = arg.indexOf('=');
    const key = equals < 0 ? arg : arg.slice(0, equals);
    const value = arg.slice(equals + 1);
    if (equals < 0) {
      if (key !== 'header') throw cf.error(`unknown parameter "${arg}"`);
      conf.learnEarly = true;
    } else if (key === 'zone') {
      if (size !== 0) return 'duplicate zone';
      const colon = value.indexOf(':');
      if (colon < 0) return 'zone size is not specified';
      if (colon === 0) return 'zone name is not specified';
      name = value.slice(0, colon);
      const parsed = parseSize(value.slice(colon + 1));
      if (parsed === undefined) return 'invalid zone size';
      if (parsed < MIN_ZONE_SIZE) return 'zone is too small';
      size = parsed;
    } else if (key === 'timeout') {
      if (timeout !== undefined) return 'duplicate timeout';
      timeout = parseTime(value, 'ms');
      if (timeout === undefined || timeout === 0) return 'invalid timeout';
    } else if (key === 'create' || key === 'lookup') {
      if (!value.startsWith('$')) return `missing variable in the "${key}" parameter`;
      (key === 'create' ? conf.create : (conf.lookup as number[])).push(slotOf(cf, value));
    } else throw cf.error(`unknown parameter "${arg}"`);
  }
  if (conf.lookup?.length === 0) return '"lookup" parameter is not specified';
  if (conf.create.length === 0) return '"create" parameter is not specified';
  if (size === 0) return '"zone" parameter is not specified';
  const request = requestZone(cf, name, size, 'ngx_http_upstream_sticky_module');
  for (const other of upstreamModule.mainOf(httpOf(cf).confs).upstreams) {
    if (other.confs === undefined || other === upstream) continue;
    if (upstreamStickyModule.serverOf(other.confs).sessions?.request !== request) continue;
    throw cf.error(`sticky zone "${name}" is already used in upstream "${other.host}"`);
  }
  conf.sessions = new StickySessions(request, upstream.host, timeout ?? DEFAULT_TIMEOUT);
  return undefined;
}

export const upstreamStickyModule = httpModule<object, StickyServer>({
  name: 'ngx_http_upstream_sticky_module',
  directives: [
    {
      name: 'sticky',
      contexts: ['upstream'],
      args: { min: 2 },
      level: 'server',
      doc: "Sends a client's requests to the same server: `cookie NAME`, `route $VARIABLE`, or `learn create= lookup= zone=`.",
      set: setSticky,
    },
  ],
  createServer: () => ({ lookup: undefined, create: [], cookie: undefined, sessions: undefined, learnEarly: false }),
  postconfiguration(http) {
    const all = upstreamModule
      .mainOf(http.confs)
      .upstreams.flatMap(({ confs }) =>
        confs === undefined ? [] : (upstreamStickyModule.serverOf(confs).sessions ?? []),
      );
    if (all.length === 0) return;
    http.cycle.hooks.initModule.push((stage) => {
      if (stage === 'worker') return;
      for (const sessions of all) {
        const { owner } = sessions;
        if (owner === sessions.host) continue;
        throw new ConfError(
          `sticky zone "${sessions.request.name}" is used in upstream "${sessions.host}" ` +
            `while previously it was used in upstream "${owner}"`,
        );
      }
    });
    http.cycle.hooks.initProcess.push((worker) => {
      if (worker.id === 0) for (const sessions of all) sessions.expireLater();
    });
  },
});
