/** `sub_filter`: replaces words in answers. nginx: src/http/modules/ngx_http_sub_filter_module.c. */
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { flagSlot } from '../../../conf/slots.ts';
import { type Chain, flagBuf, memoryBuf } from '../../buf.ts';
import { OK } from '../../codes.ts';
import { type TypeList, testContentType, typesSlot } from '../../core/types.ts';
import { type BodyFilter, httpOf, prependFilters } from '../../cycle.ts';
import { httpModule } from '../../module.ts';
import { clearContentLength, clearEtag, clearLastModified, weakEtag } from '../../output.ts';
import type { HttpRequest } from '../../request.ts';
import { type ComplexValue, compileComplexValue } from '../../script.ts';
import { asciiLower, SubSearch } from './search.ts';

interface Pair {
  readonly pattern: ComplexValue;
  readonly value: ComplexValue;
}

interface SubMain {
  used: boolean;
}

interface SubLocation {
  pairs: readonly Pair[] | undefined;
  once: boolean;
  lastModified: boolean;
  types: TypeList;
}

interface SubContext {
  readonly search: SubSearch;
  readonly values: readonly ComplexValue[];
  /** Values as they were at their first use. */
  readonly replacements: (string | undefined)[];
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

/** More patterns than that nginx's tables do not hold. */
const MOST_PATTERNS = 255;

function headerFilter(r: HttpRequest): void {
  const conf = subModule.location(r);
  if (conf.pairs === undefined || r.headersOut.contentLength === 0 || !testContentType(r, conf.types)) return;
  const patterns: string[] = [];
  const values: ComplexValue[] = [];
  for (const { pattern, value } of conf.pairs) {
    const text = pattern.literal ?? asciiLower(pattern.evaluate(r));
    if (text === '') continue;
    patterns.push(text);
    values.push(value);
  }
  if (patterns.length === 0) return;
  subModule.setContext(r, { search: new SubSearch(patterns, conf.once), values, replacements: [] });
  r.filterNeedInMemory = true;
  if (r !== r.main) return;
  clearContentLength(r);
  if (conf.lastModified) weakEtag(r);
  else {
    clearLastModified(r);
    clearEtag(r);
  }
}

function bodyFilter(r: HttpRequest, chain: Chain | null, next: BodyFilter): number {
  const ctx = subModule.context(r);
  if (ctx === undefined || chain === null || ctx.search.finished) return next(r, chain);
  const out: Chain = [];
  const emit = (text: string): void => {
    out.push(memoryBuf(text));
  };
  const found = (i: number): void => {
    const value = (ctx.replacements[i] ??= (ctx.values[i] as ComplexValue).evaluate(r));
    if (value !== '') out.push(memoryBuf(value));
  };
  for (const [i, b] of chain.entries()) {
    const before = out.length;
    const last = b.lastBuf || b.lastInChain;
    if (b.data !== undefined || last || b.flush) {
      const text = typeof b.data === 'string' ? b.data : Buffer.from(b.data ?? []).toString('latin1');
      // Only the end of what is there now must not wait.
      ctx.search.push(text, emit, found, b.flush && i === chain.length - 1, last);
    }
    if (!last && !b.flush && !b.sync) continue;
    if (out.length === before) {
      const empty = flagBuf();
      empty.sync = true;
      out.push(empty);
    }
    const end = out[out.length - 1] as Chain[number];
    end.flush = b.flush;
    end.lastBuf = b.lastBuf;
    end.lastInChain = b.lastInChain;
  }
  return out.length === 0 ? OK : next(r, out);
}

function setSubFilter(cf: ConfContext, conf: SubLocation, args: readonly string[]): string | undefined {
  const [pattern, value] = args as [string, string];
  if (pattern === '') return 'empty search pattern';
  const pairs = conf.pairs ?? [];
  if (pairs.length === MOST_PATTERNS) return `number of search patterns exceeds ${MOST_PATTERNS}`;
  conf.pairs = [
    ...pairs,
    { pattern: compileComplexValue(cf, asciiLower(pattern)), value: compileComplexValue(cf, value) },
  ];
  subModule.mainOf(httpOf(cf).confs).used = true;
  return undefined;
}

const directives: readonly Directive<SubLocation>[] = [
  {
    name: 'sub_filter',
    contexts: CONTEXTS,
    args: 2,
    level: 'location',
    slot: { field: 'pairs', default: undefined },
    doc: 'A text, in any case of letters, and what takes its place.',
    set: setSubFilter,
  },
  typesSlot<SubLocation>('sub_filter_types', CONTEXTS, 'location', 'types', ['text/html'], {
    doc: 'Content types of answers that are changed.',
    defaultText: 'text/html',
  }),
  flagSlot<SubLocation>('sub_filter_once', CONTEXTS, 'location', 'once', true, {
    doc: 'Replaces each text once, or wherever it stands.',
    defaultText: 'on',
  }),
  flagSlot<SubLocation>('sub_filter_last_modified', CONTEXTS, 'location', 'lastModified', false, {
    doc: 'Keeps Last-Modified.',
    defaultText: 'off',
  }),
];

export const subModule = httpModule<SubMain, object, SubLocation, SubContext>({
  name: 'ngx_http_sub_filter_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () =>
    ({ pairs: undefined, once: undefined, lastModified: undefined, types: undefined }) as unknown as SubLocation,
  postconfiguration(http) {
    if (subModule.mainOf(http.confs).used) prependFilters(http, headerFilter, bodyFilter);
  },
});
