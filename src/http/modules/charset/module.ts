/** `charset`: names the charset of answers and converts them. nginx: src/http/modules/ngx_http_charset_filter_module.c. */
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { ConfError } from '../../../conf/error.ts';
import { flagSlot } from '../../../conf/slots.ts';
import { LOG_ERR } from '../../../log/log.ts';
import { type Chain, flagBuf, memoryBuf } from '../../buf.ts';
import { ERROR, HTTP_MOVED_PERMANENTLY, HTTP_MOVED_TEMPORARILY } from '../../codes.ts';
import { type TypeList, testContentType, typesSlot } from '../../core/types.ts';
import { type BodyFilter, type HeaderFilter, httpOf, insertFilters } from '../../cycle.ts';
import { httpModule } from '../../module.ts';
import { clearContentLength } from '../../output.ts';
import type { HttpRequest } from '../../request.ts';
import { getIndexed, getVariableIndex } from '../../variables.ts';
import { CharsetMap, Recoder, type Table } from './tables.ts';

/** A charset that the configuration names. */
interface Charset {
  readonly name: string;
  /** To what it can be converted. */
  readonly tables: Map<Charset, Table>;
}

/** `off`, a charset, or the slot of a variable that names one. */
type Choice = 'off' | Charset | { readonly variable: number };

interface CharsetMain {
  used: boolean;
  /** By name in lower case. */
  readonly charsets: Map<string, Charset>;
  /** Conversions that locations ask for. */
  readonly wanted: { readonly from: Charset; readonly to: Charset }[];
}

interface CharsetLocation {
  charset: Choice;
  sourceCharset: Choice;
  override: boolean;
  types: TypeList;
}

/** What a response is in: its name, and the charset if it is a known one. */
interface Named {
  readonly name: string;
  readonly charset: Charset | undefined;
}

interface CharsetContext {
  /** Undefined: only says what the main request is in. */
  readonly recoder: Recoder | undefined;
  readonly result: Named;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];
const TYPES = [
  'text/html',
  'text/xml',
  'text/plain',
  'text/vnd.wap.wml',
  'application/javascript',
  'application/rss+xml',
];

function named(r: HttpRequest, name: string): Named {
  return { name, charset: charsetModule.main(r).charsets.get(name.toLowerCase()) };
}

/** What a directive chose; undefined when its variable has no value. */
function chosen(r: HttpRequest, choice: Exclude<Choice, 'off'>): Named | undefined {
  if (!('variable' in choice)) return { name: choice.name, charset: choice };
  const name = getIndexed(r, choice.variable);
  return name === null ? undefined : named(r, name);
}

/** What the response is to be in; 'declined' when that is nobody's business, undefined for an error. */
function destination(r: HttpRequest): Named | 'declined' | undefined {
  const out = r.headersOut;
  if (r !== r.main) return mainCharset(r.main);
  if (out.contentType === '') return 'declined';
  if (out.overrideCharset !== '') {
    const override = named(r, out.overrideCharset);
    if (override.charset !== undefined) return override;
    r.log(LOG_ERR, `unknown charset "${out.overrideCharset}" to override`);
    return 'declined';
  }
  const conf = charsetModule.location(r);
  if (conf.charset === 'off') return 'declined';
  const given = charsetOf(r) !== '';
  if (given ? !conf.override : !testContentType(r, conf.types)) return 'declined';
  return chosen(r, conf.charset);
}

/** A subrequest's part must be in what the whole is in. */
function mainCharset(main: HttpRequest): Named | 'declined' {
  const ctx = charsetModule.context(main);
  if (ctx !== undefined) return ctx.result;
  const name = charsetOf(main);
  if (name === '') return 'declined';
  const result = named(main, name);
  charsetModule.setContext(main, { recoder: undefined, result });
  return result;
}

/** The charset that the response came with. */
function charsetOf(r: HttpRequest): string {
  return r.headersOut.charset;
}

function source(r: HttpRequest): Named | 'off' | undefined {
  const given = charsetOf(r);
  if (given !== '') return named(r, given);
  const { sourceCharset } = charsetModule.location(r);
  return sourceCharset === 'off' ? 'off' : chosen(r, sourceCharset);
}

function setCharset(r: HttpRequest, name: string): void {
  if (r !== r.main) return;
  const out = r.headersOut;
  const redirect = out.status === HTTP_MOVED_PERMANENTLY || out.status === HTTP_MOVED_TEMPORARILY;
  out.charset = redirect ? '' : name;
}

/** The charset becomes the type's only parameter. */
function dropParameters(r: HttpRequest): void {
  const out = r.headersOut;
  const semicolon = out.contentType.indexOf(';');
  if (semicolon >= 0) out.contentType = out.contentType.slice(0, semicolon).trimEnd();
}

function headerFilter(r: HttpRequest, next: HeaderFilter): number {
  const to = destination(r);
  if (to === undefined) return ERROR;
  if (to === 'declined') return next(r);
  const from = source(r);
  if (from === undefined) return ERROR;
  if (from === 'off') {
    setCharset(r, to.name);
    return next(r);
  }
  if (to.charset === undefined || from.charset === undefined) {
    if (to.charset !== from.charset || to.name.toLowerCase() !== from.name.toLowerCase())
      return noMap(r, from, to, next);
    setCharset(r, to.name);
    return next(r);
  }
  if (from.charset === to.charset) {
    dropParameters(r);
    setCharset(r, to.name);
    return next(r);
  }
  if ((r.headersOut.list.get('content-encoding') ?? '') !== '') return next(r);
  const table = from.charset.tables.get(to.charset);
  if (table === undefined) return noMap(r, from, to, next);
  dropParameters(r);
  setCharset(r, to.name);
  charsetModule.setContext(r, { recoder: new Recoder(table), result: { name: to.charset.name, charset: to.charset } });
  r.filterNeedInMemory = true;
  if (r === r.main && (isUtf8(to.charset) || isUtf8(from.charset))) clearContentLength(r);
  return next(r);
}

function isUtf8(charset: Charset): boolean {
  return charset.name.toLowerCase() === 'utf-8';
}

function noMap(r: HttpRequest, from: Named, to: Named, next: HeaderFilter): number {
  r.log(LOG_ERR, `no "charset_map" between the charsets "${from.name}" and "${to.name}"`);
  return next(r);
}

function bodyFilter(r: HttpRequest, chain: Chain | null, next: BodyFilter): number {
  const recoder = charsetModule.context(r)?.recoder;
  if (recoder === undefined || chain === null) return next(r, chain);
  const out = chain.map((b) => {
    if (b.data === undefined || b.data.length === 0) return b;
    const text = typeof b.data === 'string' ? b.data : Buffer.from(b.data).toString('latin1');
    const recoded = recoder.push(text);
    // Nothing may have come out: the piece still carries its flags.
    const piece = recoded === '' ? flagBuf() : memoryBuf(recoded);
    piece.sync = recoded === '';
    piece.flush = b.flush;
    piece.lastBuf = b.lastBuf;
    piece.lastInChain = b.lastInChain;
    return piece;
  });
  return next(r, out);
}

/** The charset of a name, known from now on. */
function addCharset(main: CharsetMain, name: string): Charset {
  const key = name.toLowerCase();
  let charset = main.charsets.get(key);
  if (charset === undefined) main.charsets.set(key, (charset = { name, tables: new Map() }));
  return charset;
}

function setChoice(
  cf: ConfContext,
  conf: CharsetLocation,
  field: 'charset' | 'sourceCharset',
  name: string,
): string | undefined {
  if (conf[field] !== undefined) return 'is duplicate';
  const http = httpOf(cf);
  const main = charsetModule.mainOf(http.confs);
  main.used = true;
  if (field === 'charset' && name === 'off') conf.charset = 'off';
  else if (!name.startsWith('$')) conf[field] = addCharset(main, name);
  else if (name === '$') throw cf.error('invalid variable name "$"');
  else conf[field] = { variable: getVariableIndex(http, name.slice(1)) };
  return undefined;
}

function setMap(cf: ConfContext, main: CharsetMain, args: readonly string[]): undefined {
  const [sourceName, destinationName] = args as [string, string];
  const from = addCharset(main, sourceName);
  const to = addCharset(main, destinationName);
  if (from === to) {
    throw cf.error(`"charset_map" between the same charsets "${sourceName}" and "${destinationName}"`);
  }
  if (isUtf8(from)) throw cf.error('"charset_map" with "utf-8" charset should be given in the second column');
  if (from.tables.has(to)) {
    throw cf.error(`duplicate "charset_map" between "${sourceName}" and "${destinationName}"`);
  }
  const map = new CharsetMap(isUtf8(to));
  cf.eachPair(({ words }) => {
    if (words.length !== 2) return 'invalid parameters number';
    const wrong = map.add(words[0] as string, words[1] as string);
    return wrong === undefined ? undefined : `invalid value "${wrong}"`;
  });
  from.tables.set(to, map.forward);
  to.tables.set(from, map.backward);
}

const locationDirectives: readonly Directive<CharsetLocation>[] = [
  {
    name: 'charset',
    contexts: [...CONTEXTS, 'if in location'],
    args: 1,
    level: 'location',
    doc: 'The charset that answers are sent in.',
    defaultText: 'off',
    set: (cf, conf, args) => setChoice(cf, conf, 'charset', args[0] as string),
  },
  {
    name: 'source_charset',
    contexts: [...CONTEXTS, 'if in location'],
    args: 1,
    level: 'location',
    doc: 'The charset that answers come in; they are converted when `charset` is another one.',
    set: (cf, conf, args) => setChoice(cf, conf, 'sourceCharset', args[0] as string),
  },
  flagSlot<CharsetLocation>('override_charset', [...CONTEXTS, 'if in location'], 'location', 'override', false, {
    doc: 'Converts also answers that name their charset.',
    defaultText: 'off',
  }),
  typesSlot<CharsetLocation>('charset_types', CONTEXTS, 'location', 'types', TYPES, {
    doc: 'Content types that get a charset.',
    defaultText: TYPES.join(' '),
  }),
];

const mapDirective: Directive<CharsetMain> = {
  name: 'charset_map',
  contexts: ['http'],
  args: 2,
  block: 'pairs',
  level: 'main',
  doc: 'How one charset is converted to another, and back.',
  set: setMap,
};

export const charsetModule = httpModule<CharsetMain, object, CharsetLocation, CharsetContext>({
  name: 'ngx_http_charset_filter_module',
  directives: [...locationDirectives, mapDirective],
  createMain: () => ({ used: false, charsets: new Map(), wanted: [] }),
  createLocation: () =>
    ({ charset: undefined, sourceCharset: undefined, override: undefined }) as unknown as CharsetLocation,
  mergeLocation(parent, conf, cf) {
    conf.charset ??= parent.charset ?? 'off';
    conf.sourceCharset ??= parent.sourceCharset ?? 'off';
    const { charset: to, sourceCharset: from } = conf;
    if (to === 'off' || from === 'off' || to === from || 'variable' in to || 'variable' in from) return;
    charsetModule.mainOf(httpOf(cf).confs).wanted.push({ from, to });
  },
  postconfiguration(http) {
    const main = charsetModule.mainOf(http.confs);
    for (const { from, to } of main.wanted) {
      if (from.tables.has(to)) continue;
      throw new ConfError(`no "charset_map" between the charsets "${from.name}" and "${to.name}"`);
    }
    if (main.used) insertFilters(http, headerFilter, bodyFilter);
  },
});
