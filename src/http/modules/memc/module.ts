/**
 * memc-nginx-module: memcached as a location, with its commands get, set, add, replace, append, prepend, delete, incr,
 * decr, flush_all, stats and version. Manual: https://github.com/openresty/memc-nginx-module
 */
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { flagSlot } from '../../../conf/slots.ts';
import { LOG_ERR } from '../../../log/log.ts';
import { formatHttpTime } from '../../../log/time.ts';
import { AGAIN, DONE, ERROR, HTTP_BAD_GATEWAY, HTTP_BAD_REQUEST, HTTP_FORBIDDEN, OK } from '../../codes.ts';
import { setContentType } from '../../core/types.ts';
import { httpOf } from '../../cycle.ts';
import { escapeUri } from '../../escape.ts';
import { httpModule } from '../../module.ts';
import {
  type HttpRequest,
  METHOD_DELETE,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_POST,
  METHOD_PUT,
  type RequestBody,
} from '../../request.ts';
import type { UpstreamSettings } from '../../upstream/conf.ts';
import { ANSWER_REASONS, backendDirectives, completeBackend, plainBackend } from '../../upstream/directives.ts';
import { Exchange } from '../../upstream/exchange.ts';
import { inheritNamedTarget, type NamedTarget, setNamedTarget, withNamedTarget } from '../../upstream/named-target.ts';
import type { UpstreamState } from '../../upstream/state.ts';
import { getIndexed, getVariableIndex, setIndexed, type VariableSpec } from '../../variables.ts';
import { ValueExchange } from '../memcached/value-exchange.ts';
import { readReply } from './reply.ts';

type Variable = 'key' | 'cmd' | 'flags' | 'exptime' | 'value';

interface MemcMain {
  /** Slots of the variables; undefined without memc_pass. */
  slots: Readonly<Record<Variable, number>> | undefined;
}

interface MemcLocation extends UpstreamSettings, NamedTarget {
  /** Undefined: all. */
  allowed: ReadonlySet<string> | undefined;
  flagsToLastModified: boolean;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];
const STORAGE = new Set(['set', 'add', 'replace', 'append', 'prepend']);
const COMMANDS = new Set([...STORAGE, 'get', 'delete', 'incr', 'decr', 'flush_all', 'stats', 'version']);

/** The value of $memc_NAME; '' when it is not set. */
function setting(r: HttpRequest, name: Variable): string {
  return getIndexed(r, slotOf(r, name)) ?? '';
}

function slotOf(r: HttpRequest, name: Variable): number {
  return (memcModule.main(r).slots as Readonly<Record<Variable, number>>)[name];
}

/** The key as it goes over the wire; undefined when there is none, which is logged. */
function keyOf(r: HttpRequest): string | undefined {
  const key = setting(r, 'key');
  if (key !== '') return escapeUri(key, 'memcached');
  r.log(LOG_ERR, 'the "$memc_key" variable is not set');
  return undefined;
}

class MemcGet extends ValueExchange {
  override readonly conf: MemcLocation;

  constructor(r: HttpRequest, conf: MemcLocation) {
    super(r, conf);
    this.conf = conf;
  }

  protected createRequest(): number {
    const key = keyOf(this.r);
    if (key === undefined) return ERROR;
    this.key = key;
    this.requestText = `get ${key}\r\n`;
    return OK;
  }

  protected override readFlags(flags: string): boolean {
    const { r, conf } = this;
    setIndexed(r, slotOf(r, 'flags'), flags);
    if (conf.flagsToLastModified) r.headersOut.lastModified = /^\d+$/.test(flags) ? Number(flags) : -1;
    return true;
  }
}

/** Any other command: what memcached says is the answer's body. */
class MemcCommand extends Exchange {
  readonly schema = 'memcached://';
  readonly #command: string;

  constructor(r: HttpRequest, conf: MemcLocation, command: string) {
    super(r, conf);
    this.#command = command;
  }

  protected createRequest(): number {
    const { r } = this;
    const command = this.#command;
    const exptime = setting(r, 'exptime');
    if (command === 'stats' || command === 'version') this.requestText = `${command}\r\n`;
    else if (command === 'flush_all') this.requestText = exptime === '' ? 'flush_all\r\n' : `flush_all ${exptime}\r\n`;
    else {
      const key = keyOf(r);
      if (key === undefined) return ERROR;
      if (command === 'delete') this.requestText = `delete ${key}${exptime === '' ? '' : ` ${exptime}`}\r\n`;
      else if (command === 'incr' || command === 'decr') {
        this.requestText = `${command} ${key} ${setting(r, 'value')}\r\n`;
      } else return this.#createStorage(key, exptime);
    }
    return OK;
  }

  #createStorage(key: string, exptime: string): number {
    const { r } = this;
    // What was sent can be read from the variables afterwards.
    if (exptime === '') setIndexed(r, slotOf(r, 'exptime'), '0');
    if (setting(r, 'flags') === '') setIndexed(r, slotOf(r, 'flags'), '0');
    const head = `${this.#command} ${key} ${setting(r, 'flags')} ${setting(r, 'exptime')}`;
    const value = getIndexed(r, slotOf(r, 'value'));
    if (value !== null) {
      this.requestText = `${head} ${value.length}\r\n${value}\r\n`;
      return OK;
    }
    const size = r.requestBody === undefined ? 0 : bodySize(r.requestBody);
    if (size === 0) {
      r.log(LOG_ERR, 'neither the "$memc_value" variable nor the request body is available');
      return ERROR;
    }
    this.requestText = `${head} ${size}\r\n`;
    this.sendBody = true;
    this.requestTail = '\r\n';
    return OK;
  }

  protected reinit(): void {}

  protected readHeader(): number {
    const { headers, r } = this;
    const text = this.text.slice(this.pos);
    const reply = readReply(this.#command, text);
    if (reply.kind === 'part') return AGAIN;
    if (reply.kind === 'wrong') {
      const { at } = reply;
      const what = `command "${this.#command}" at pos ${at}: ${text.slice(0, at)}`;
      r.log(LOG_ERR, `memcached sent invalid response for ${what}`);
      headers.status = HTTP_BAD_GATEWAY;
      headers.contentLength = 0;
    } else {
      headers.status = reply.status;
      headers.contentLength = reply.length;
      this.keepalive = true;
    }
    (this.state as UpstreamState).status = headers.status;
    return OK;
  }

  initBody(): void {
    this.length = this.headers.contentLength;
  }

  readBody(data: string | Buffer): number {
    const size = Math.min(this.length, data.length);
    if (size > 0) this.addPending(typeof data === 'string' ? data.slice(0, size) : data.subarray(0, size));
    this.length -= size;
    if (size < data.length) this.keepalive = false;
    return OK;
  }
}

function bodySize(body: RequestBody): number {
  let size = body.file?.size ?? 0;
  for (const chunk of body.chunks) size += chunk.length;
  return size;
}

/** The command that a method stands for. */
function defaultCommand(r: HttpRequest): string | undefined {
  switch (r.method) {
    case METHOD_GET:
    case METHOD_HEAD:
      return 'get';
    case METHOD_POST:
      return 'add';
    case METHOD_PUT:
      return 'set';
    case METHOD_DELETE:
      return 'delete';
    default:
      return undefined;
  }
}

function refuse(r: HttpRequest, status: number, message: string): number {
  r.log(LOG_ERR, message);
  return status;
}

/** What is wrong with the variables of a command; 0 when nothing is. */
function checkVariables(r: HttpRequest, command: string): number {
  const storage = STORAGE.has(command);
  const exptime = storage || command === 'flush_all' || command === 'delete' ? setting(r, 'exptime') : '';
  if (!/^\d{0,10}$/.test(exptime)) {
    return refuse(r, HTTP_BAD_REQUEST, `variable "$memc_exptime" takes invalid value: ${exptime}`);
  }
  const flags = storage ? setting(r, 'flags') : '';
  if (!/^\d{0,10}$/.test(flags)) {
    return refuse(r, HTTP_BAD_REQUEST, `variable "$memc_flags" takes invalid value: ${flags}`);
  }
  if (command !== 'incr' && command !== 'decr') return OK;
  const value = setting(r, 'value');
  if (value === '') {
    return refuse(r, HTTP_BAD_REQUEST, `the "$memc_value" variable is required for command "${command}"`);
  }
  if (/^\d{1,20}$/.test(value)) return OK;
  return refuse(r, HTTP_BAD_REQUEST, `variable "$memc_value" is invalid for incr/decr: ${value}`);
}

function memcHandler(r: HttpRequest): number {
  let command = setting(r, 'cmd');
  if (command === '') {
    const implied = defaultCommand(r);
    if (implied === undefined) {
      const message = `ngx_memc: $memc_cmd variable not found for HTTP ${r.methodName} requests`;
      return refuse(r, HTTP_BAD_REQUEST, message);
    }
    command = implied;
    setIndexed(r, slotOf(r, 'cmd'), command);
  } else if (!COMMANDS.has(command)) {
    return refuse(r, HTTP_BAD_REQUEST, `ngx_memc: unknown $memc_cmd "${command}"`);
  }
  const own = memcModule.location(r);
  if (own.allowed?.has(command) === false) {
    return refuse(r, HTTP_FORBIDDEN, `ngx_memc: memcached command "${command}" not allowed`);
  }
  setContentType(r);
  const conf = withNamedTarget(r, own, 'memc: handler: empty "memc_pass" target', 'memc');
  if (typeof conf === 'number') return conf;
  const wrong = checkVariables(r, command);
  if (wrong !== OK) return wrong;
  const exchange = command === 'get' ? new MemcGet(r, conf) : new MemcCommand(r, conf, command);
  const rc = r.connection.readBody(r, () => exchange.start());
  return rc === ERROR || rc > OK ? rc : DONE;
}

function setPass(cf: ConfContext, conf: MemcLocation, args: readonly string[]): string | undefined {
  const http = httpOf(cf);
  const index = (name: Variable): number => getVariableIndex(http, `memc_${name}`);
  memcModule.mainOf(http.confs).slots ??= {
    key: index('key'),
    cmd: index('cmd'),
    flags: index('flags'),
    exptime: index('exptime'),
    value: index('value'),
  };
  return setNamedTarget(cf, conf, args[0] as string, memcHandler);
}

function setAllowed(cf: ConfContext, conf: MemcLocation, args: readonly string[]): undefined {
  for (const command of args) {
    if (!COMMANDS.has(command)) {
      throw cf.error(`Unknown memcached command "${command}" used in "memc_cmds_allowed"`);
    }
  }
  conf.allowed = new Set(args);
}

/** A directive of old versions. */
function gone(name: string, parameter: string): Directive<MemcLocation> {
  return {
    name,
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    doc: `Refused: ${parameter} of "server" in "upstream" takes its place.`,
    set(cf) {
      const hint = `use the "${parameter}" parameter of the "server" directive inside the "upstream" block`;
      throw cf.error(`"${name}" is not supported, ${hint}`);
    },
  };
}

// The directives of all backends that this module has.
const SHARED = new Set(['connect_timeout', 'send_timeout', 'read_timeout', 'buffer_size', 'next_upstream']);

const directives: readonly Directive<MemcLocation>[] = [
  {
    name: 'memc_pass',
    contexts: ['location', 'if in location'],
    args: 1,
    level: 'location',
    doc: 'The memcached server, or the upstream of servers; the command is in $memc_cmd.',
    set: setPass,
  },
  {
    name: 'memc_cmds_allowed',
    contexts: [...CONTEXTS, 'if in location'],
    args: { min: 1 },
    level: 'location',
    slot: { field: 'allowed', default: undefined },
    doc: 'The commands that may be given.',
    set: setAllowed,
  },
  ...backendDirectives<MemcLocation>('memc', ANSWER_REASONS).filter(({ name }) =>
    SHARED.has(name.slice('memc_'.length)),
  ),
  gone('memc_upstream_max_fails', 'max_fails'),
  gone('memc_upstream_fail_timeout', 'fail_timeout'),
  flagSlot<MemcLocation>(
    'memc_flags_to_last_modified',
    ['location', 'if in location'],
    'location',
    'flagsToLastModified',
    false,
    'The flags of values are times: Last-Modified of the answer.',
  ),
  flagSlot<MemcLocation>(
    'memc_ignore_client_abort',
    ['location', 'if in location'],
    'location',
    'ignoreClientAbort',
    false,
    'Whether a command goes on when the client leaves.',
  ),
];

const variables: readonly VariableSpec[] = [
  ...(['key', 'cmd', 'flags', 'exptime', 'value'] as const).map(
    (name): VariableSpec => ({ name: `memc_${name}`, changeable: true, get: () => null }),
  ),
  {
    name: 'memc_flags_as_http_time',
    get(r) {
      if (memcModule.main(r).slots === undefined) return null;
      const flags = setting(r, 'flags');
      return /^\d+$/.test(flags) ? formatHttpTime(Number(flags)) : null;
    },
  },
];

export const memcModule = httpModule<MemcMain, object, MemcLocation>({
  name: 'ngx_http_memc_module',
  directives,
  variables,
  createMain: () => ({ slots: undefined }),
  createLocation: () => {
    const shared = { ...plainBackend(), ignoreClientAbort: undefined, forceRanges: false };
    const fixed = { local: null, socketKeepalive: false, nextUpstreamTries: 0, nextUpstreamTimeout: 0 };
    const own = { upstream: undefined, target: undefined, allowed: undefined, flagsToLastModified: undefined };
    return { ...shared, ...fixed, ...own } as unknown as MemcLocation;
  },
  mergeLocation(parent, conf) {
    completeBackend(conf);
    inheritNamedTarget(parent, conf);
  },
});
