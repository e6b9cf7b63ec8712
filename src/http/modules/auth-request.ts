/**
 * `auth_request`: another location decides, by the status of its response, whether a request may go on.
 * nginx: src/http/modules/ngx_http_auth_request_module.c.
 */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { LOG_ERR } from '../../log/log.ts';
import {
  AGAIN,
  DECLINED,
  ERROR,
  HTTP_FORBIDDEN,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_OK,
  HTTP_SPECIAL_RESPONSE,
  HTTP_UNAUTHORIZED,
  OK,
} from '../codes.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import { type ComplexValue, compileComplexValue } from '../script.ts';
import { createSubrequest } from '../subrequest.ts';
import { addVariable, getVariableIndex, setIndexed } from '../variables.ts';

interface AuthRequestMain {
  used: boolean;
}

/** One auth_request_set. */
interface Assignment {
  readonly store: (r: HttpRequest, value: string) => void;
  /** Of the subrequest. */
  readonly value: ComplexValue;
}

interface AuthRequestLocation {
  /** Empty for `off`. */
  uri: string | undefined;
  assignments: Assignment[] | undefined;
}

interface AuthRequestContext {
  readonly subrequest: HttpRequest;
  done: boolean;
  /** Of the subrequest's response. */
  status: number;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

function authRequestHandler(r: HttpRequest): number {
  const { uri, assignments } = authRequestModule.location(r);
  if (uri === undefined || uri === '') return DECLINED;
  const ctx = authRequestModule.context(r);
  if (ctx === undefined) return ask(r, uri);
  if (!ctx.done) return AGAIN;
  // Now, so that they stay through internal redirects.
  for (const { store, value } of assignments ?? []) store(r, value.evaluate(ctx.subrequest));
  const { status } = ctx;
  if (status === HTTP_FORBIDDEN) return status;
  if (status === HTTP_UNAUTHORIZED) {
    copyChallenges(r, ctx.subrequest);
    return status;
  }
  if (status >= HTTP_OK && status < HTTP_SPECIAL_RESPONSE) return OK;
  r.log(LOG_ERR, `auth request unexpected status: ${status}`);
  return HTTP_INTERNAL_SERVER_ERROR;
}

function ask(r: HttpRequest, uri: string): number {
  const subrequest = createSubrequest(r, uri, '', {
    waited: true,
    post: (sr, rc) => {
      ctx.done = true;
      ctx.status = sr.headersOut.status;
      return rc;
    },
  });
  if (subrequest === undefined) return ERROR;
  const ctx: AuthRequestContext = { subrequest, done: false, status: 0 };
  // Its own, empty: the client's body is neither read nor taken away from whoever serves the request.
  subrequest.requestBody = { chunks: [], received: 0, file: undefined };
  subrequest.headerOnly = true;
  authRequestModule.setContext(r, ctx);
  return AGAIN;
}

function copyChallenges(r: HttpRequest, subrequest: HttpRequest): void {
  let challenges = subrequest.headersOut.list.getAll('www-authenticate');
  if (challenges.length === 0) challenges = subrequest.upstream?.headers.list.getAll('www-authenticate') ?? [];
  for (const value of challenges) r.headersOut.list.add('WWW-Authenticate', value, 'www-authenticate');
}

function setUri(cf: ConfContext, conf: AuthRequestLocation, args: readonly string[]): string | undefined {
  if (conf.uri !== undefined) return 'is duplicate';
  conf.uri = args[0] === 'off' ? '' : args[0];
  authRequestModule.mainOf(httpOf(cf).confs).used = true;
  return undefined;
}

function notFound(): null {
  return null;
}

function setVariable(cf: ConfContext, conf: AuthRequestLocation, args: readonly string[]): string | undefined {
  const [text, source] = args as [string, string];
  if (!text.startsWith('$')) return `invalid variable name "${text}"`;
  const name = text.slice(1);
  const variable = addVariable(cf, { name, changeable: true });
  const index = getVariableIndex(httpOf(cf), name);
  variable.get ??= notFound;
  const { set, data } = variable;
  const store: Assignment['store'] =
    set === undefined ? (r, value) => setIndexed(r, index, value) : (r, value) => set(r, value, data);
  conf.assignments ??= [];
  conf.assignments.push({ store, value: compileComplexValue(cf, source) });
  return undefined;
}

const directives: readonly Directive<AuthRequestLocation>[] = [
  {
    name: 'auth_request',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    slot: { field: 'uri', default: undefined },
    doc: 'The URI of a subrequest whose status decides: 2xx lets the request in, 401 and 403 keep it out.',
    defaultText: 'off',
    set: setUri,
  },
  {
    name: 'auth_request_set',
    contexts: CONTEXTS,
    args: 2,
    level: 'location',
    slot: { field: 'assignments', default: undefined },
    doc: 'Sets a variable when that subrequest is done, to a value that may refer to its variables.',
    set: setVariable,
  },
];

export const authRequestModule = httpModule<AuthRequestMain, object, AuthRequestLocation, AuthRequestContext>({
  name: 'ngx_http_auth_request_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ uri: undefined, assignments: undefined }),
  postconfiguration(http) {
    if (authRequestModule.mainOf(http.confs).used) http.handlers.access.push(authRequestHandler);
  },
});
