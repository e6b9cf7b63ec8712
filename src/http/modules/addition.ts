/** `add_before_body`, `add_after_body`: other answers around an answer. nginx: src/http/modules/ngx_http_addition_filter_module.c. */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { strSlot } from '../../conf/slots.ts';
import type { Chain } from '../buf.ts';
import { ERROR, HTTP_OK } from '../codes.ts';
import { type TypeList, testContentType, typesSlot } from '../core/types.ts';
import { type BodyFilter, httpOf, prependFilters } from '../cycle.ts';
import { httpModule } from '../module.ts';
import { clearAcceptRanges, clearContentLength, sendLast, weakEtag } from '../output.ts';
import type { HttpRequest } from '../request.ts';
import { createSubrequest } from '../subrequest.ts';

interface AdditionMain {
  used: boolean;
}

interface AdditionLocation {
  before: string;
  after: string;
  types: TypeList;
}

interface AdditionContext {
  beforeSent: boolean;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

function headerFilter(r: HttpRequest): void {
  if (r.headersOut.status !== HTTP_OK || r !== r.main) return;
  const { before, after, types } = additionModule.location(r);
  if ((before === '' && after === '') || !testContentType(r, types)) return;
  additionModule.setContext(r, { beforeSent: false });
  clearContentLength(r);
  clearAcceptRanges(r);
  weakEtag(r);
  r.preserveBody = true;
}

function bodyFilter(r: HttpRequest, chain: Chain | null, next: BodyFilter): number {
  const ctx = additionModule.context(r);
  if (ctx === undefined || chain === null || r.headerOnly) return next(r, chain);
  const { before, after } = additionModule.location(r);
  if (!ctx.beforeSent) {
    ctx.beforeSent = true;
    if (before !== '' && createSubrequest(r, before, '', {}) === undefined) return ERROR;
  }
  if (after === '') {
    additionModule.setContext(r, undefined);
    return next(r, chain);
  }
  let last = false;
  const out = chain.map((b) => {
    if (!b.lastBuf) return b;
    last = true;
    return { ...b, lastBuf: false, lastInChain: true, sync: true };
  });
  const rc = next(r, out);
  if (rc === ERROR || !last) return rc;
  if (createSubrequest(r, after, '', {}) === undefined) return ERROR;
  additionModule.setContext(r, undefined);
  return sendLast(r);
}

function use(cf: ConfContext): undefined {
  additionModule.mainOf(httpOf(cf).confs).used = true;
}

const directives: readonly Directive<AdditionLocation>[] = [
  strSlot<AdditionLocation>('add_before_body', CONTEXTS, 'location', 'before', '', {
    doc: 'A URI whose answer stands in front.',
    post: use,
  }),
  strSlot<AdditionLocation>('add_after_body', CONTEXTS, 'location', 'after', '', {
    doc: 'A URI whose answer stands behind.',
    post: use,
  }),
  typesSlot<AdditionLocation>('addition_types', CONTEXTS, 'location', 'types', ['text/html'], {
    doc: 'Content types of answers that get additions.',
    defaultText: 'text/html',
  }),
];

export const additionModule = httpModule<AdditionMain, object, AdditionLocation, AdditionContext>({
  name: 'ngx_http_addition_filter_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ before: undefined, after: undefined, types: undefined }) as unknown as AdditionLocation,
  postconfiguration(http) {
    if (additionModule.mainOf(http.confs).used) prependFilters(http, headerFilter, bodyFilter);
  },
});
