/**
 * redis2-nginx-module: Redis as a location; what it answers is the body, as it came.
 * Manual: https://github.com/openresty/redis2-nginx-module
 */
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { strSlot } from '../../../conf/slots.ts';
import { parseNumber } from '../../../conf/units.ts';
import { LOG_ERR, LOG_WARN } from '../../../log/log.ts';
import { latin1Slice } from '../../../net/latin1.ts';
import { AGAIN, DONE, ERROR, HTTP_OK, HTTP_SPECIAL_RESPONSE, OK } from '../../codes.ts';
import { setContentType } from '../../core/types.ts';
import { httpModule } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import { type ComplexValue, compileComplexValue, complexValueSlot } from '../../script.ts';
import type { UpstreamSettings } from '../../upstream/conf.ts';
import { ANSWER_REASONS, backendDirectives, completeBackend, plainBackend } from '../../upstream/directives.ts';
import { Exchange } from '../../upstream/exchange.ts';
import { inheritNamedTarget, type NamedTarget, setNamedTarget, withNamedTarget } from '../../upstream/named-target.ts';
import { INVALID_HEADER } from '../../upstream/results.ts';
import type { UpstreamState } from '../../upstream/state.ts';
import { ReplyScanner } from './reply.ts';

interface Redis2Location extends UpstreamSettings, NamedTarget {
  /** Words of each redis2_query. */
  queries: readonly (readonly ComplexValue[])[] | undefined;
  rawQuery: ComplexValue | undefined;
  /** Of redis2_raw_queries: how many there are. */
  rawCount: ComplexValue | undefined;
  literalQuery: string;
}

const LOCATION: readonly ContextName[] = ['location', 'if in location'];

/** What is sent, and how many replies will come. */
interface Query {
  readonly text: string;
  readonly count: number;
}

/** Words as Redis reads commands. */
function command(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

class Redis2Exchange extends Exchange {
  override readonly conf: Redis2Location;
  readonly schema = 'redis2://';
  #count = 1;
  #scanner = new ReplyScanner(1);

  constructor(r: HttpRequest, conf: Redis2Location) {
    super(r, conf);
    this.conf = conf;
  }

  protected createRequest(): number {
    const query = this.#query();
    if (typeof query === 'string') {
      this.r.log(LOG_ERR, query);
      return ERROR;
    }
    this.requestText = query.text;
    this.#count = query.count;
    this.#scanner = new ReplyScanner(query.count);
    return OK;
  }

  /** The query, or what is wrong with it. */
  #query(): Query | string {
    const { r, conf } = this;
    if (conf.queries !== undefined) {
      const texts = conf.queries.map((words) => command(words.map((word) => word.evaluate(r))));
      return { text: texts.join(''), count: texts.length };
    }
    if (conf.literalQuery !== '') return { text: conf.literalQuery, count: 1 };
    if (conf.rawQuery === undefined) return 'no redis2 query specified or the query is empty';
    const text = conf.rawQuery.evaluate(r);
    if (text === '') return 'the redis query is empty';
    if (conf.rawCount === undefined) return { text, count: 1 };
    const given = conf.rawCount.evaluate(r);
    if (given === '') return 'the N argument to redis2_raw_queries is empty';
    const count = parseNumber(given);
    return count === undefined || count === 0 ? 'the N argument to redis2_raw_queries is invalid' : { text, count };
  }

  protected reinit(): void {
    this.#scanner = new ReplyScanner(this.#count);
  }

  protected readHeader(): number {
    const first = this.text[this.pos];
    if (first === undefined) return AGAIN;
    if (!'+-:$*'.includes(first)) {
      this.r.log(LOG_ERR, `redis2 sent invalid response: "${this.text.slice(this.pos)}"`);
      return INVALID_HEADER;
    }
    this.headers.status = HTTP_OK;
    (this.state as UpstreamState).status = HTTP_OK;
    return OK;
  }

  initBody(): void {
    // Nothing but the replies themselves tells where they end.
    this.length = 1;
  }

  readBody(data: string | Buffer): number {
    const text = typeof data === 'string' ? data : latin1Slice(data, 0, data.length);
    const used = this.#scanner.push(text);
    if (used < 0) {
      this.r.log(LOG_ERR, `Redis server returned invalid response near "${text.slice(0, 100)}"`);
      this.length = 0;
      return ERROR;
    }
    if (used > 0) this.addPending(used === text.length ? text : text.slice(0, used));
    if (this.#scanner.left > 0) return OK;
    this.length = 0;
    if (used === text.length) this.keepalive = true;
    else {
      const extra = text.slice(used);
      this.r.log(LOG_WARN, `Redis server returned extra bytes: "${extra}" (len ${extra.length})`);
    }
    return OK;
  }
}

function redis2Handler(r: HttpRequest): number {
  setContentType(r);
  const conf = withNamedTarget(r, redis2Module.location(r), 'handler: empty "redis2_pass" target', 'redis2');
  if (typeof conf === 'number') return conf;
  const exchange = new Redis2Exchange(r, conf);
  const rc = r.connection.readBody(r, () => exchange.start());
  return rc >= HTTP_SPECIAL_RESPONSE ? rc : DONE;
}

function conflict(cf: ConfContext, other: string): Error {
  return cf.error(`"${cf.name}" directive conflicts with ${other}`);
}

// The directives of all backends that this module has.
const SHARED = new Set(['bind', 'connect_timeout', 'send_timeout', 'read_timeout', 'buffer_size', 'next_upstream']);

const directives: readonly Directive<Redis2Location>[] = [
  {
    name: 'redis2_pass',
    contexts: LOCATION,
    args: 1,
    level: 'location',
    doc: 'The Redis server, or the upstream of servers.',
    set: (cf, conf, args) => setNamedTarget(cf, conf, args[0] as string, redis2Handler),
  },
  {
    name: 'redis2_query',
    contexts: LOCATION,
    args: { min: 1 },
    level: 'location',
    slot: { field: 'queries', default: undefined },
    doc: 'A command and its arguments; several are sent together.',
    set(cf, conf, args) {
      if (conf.literalQuery !== undefined && conf.literalQuery !== '') throw conflict(cf, 'redis2_literal_raw_query');
      if (conf.rawQuery !== undefined) throw conflict(cf, 'redis2_raw_query');
      conf.queries = [...(conf.queries ?? []), args.map((arg) => compileComplexValue(cf, arg))];
      return undefined;
    },
  },
  complexValueSlot<Redis2Location>(
    'redis2_raw_query',
    LOCATION,
    'location',
    'rawQuery',
    undefined,
    'One command as it goes over the wire.',
  ),
  {
    name: 'redis2_raw_queries',
    contexts: LOCATION,
    args: 2,
    level: 'location',
    slot: { field: 'rawCount', default: undefined },
    doc: 'Several commands as they go over the wire: how many, and these.',
    set(cf, conf, args) {
      conf.rawCount = compileComplexValue(cf, args[0] as string);
      conf.rawQuery = compileComplexValue(cf, args[1] as string);
      return undefined;
    },
  },
  strSlot<Redis2Location>(
    'redis2_literal_raw_query',
    LOCATION,
    'location',
    'literalQuery',
    '',
    'One command as it goes over the wire, without variables.',
  ),
  ...backendDirectives<Redis2Location>('redis2', ANSWER_REASONS)
    .filter(({ name }) => SHARED.has(name.slice('redis2_'.length)))
    // It knows no `transparent`.
    .map((directive) => (directive.name === 'redis2_bind' ? { ...directive, args: 1 } : directive)),
];

export const redis2Module = httpModule<object, object, Redis2Location>({
  name: 'ngx_http_redis2_module',
  directives,
  createLocation: () => {
    const shared = { ...plainBackend(), ignoreClientAbort: true, forceRanges: false };
    const fixed = { local: undefined, socketKeepalive: false, nextUpstreamTries: 0, nextUpstreamTimeout: 0 };
    const own = { upstream: undefined, target: undefined, queries: undefined, rawCount: undefined };
    return { ...shared, ...fixed, ...own } as unknown as Redis2Location;
  },
  mergeLocation(parent, conf) {
    completeBackend(conf);
    inheritNamedTarget(parent, conf);
  },
});
