/** echo_location, echo_subrequest, their asynchronous forms, and echo_exec. */
import { errnoSuffix } from '../../../log/errno.ts';
import { LOG_ERR, LOG_WARN } from '../../../log/log.ts';
import { AGAIN, DONE, ERROR, HTTP_BAD_REQUEST, HTTP_SPECIAL_RESPONSE, OK } from '../../codes.ts';
import { openFile } from '../../core/path.ts';
import { postRequest } from '../../finalize.ts';
import { internalRedirect, namedLocation } from '../../redirect.ts';
import {
  type HttpRequest,
  METHOD_HEAD,
  METHOD_UNKNOWN,
  METHODS,
  noEvent,
  type PostSubrequest,
  type RequestBody,
} from '../../request.ts';
import { createSubrequest, replaceBody } from '../../subrequest.ts';
import { parseUnsafeUri } from '../../unsafe-uri.ts';
import { bodyFirst } from './body.ts';
import { EchoContext, type EchoRun, echoModule, evaluateArguments, FINISHED } from './context.ts';
import { onWritable } from './handler.ts';
import { sendHeaderIfNeeded } from './output.ts';

/** What echo_subrequest was told beside the location. */
interface SubrequestSpec {
  readonly method: string;
  readonly location: string;
  readonly args: string | undefined;
  readonly body: RequestBody | undefined;
}

/** Tells the parent that its subrequest has ended. echo-nginx-module: ngx_http_echo_post_subrequest(). */
function postSubrequest(ctx: EchoContext): PostSubrequest {
  return (r, rc) => {
    if (ctx.ended) return rc;
    ctx.ended = true;
    const parent = r.parent as HttpRequest;
    const parentCtx = echoModule.context(parent);
    if (parentCtx === undefined) return ERROR;
    parentCtx.waiting = false;
    parentCtx.done = true;
    parent.writeEventHandler = onWritable;
    const c = r.connection;
    // It cannot write yet, so nothing else would have the parent go on.
    if (r !== c.active && r.postponed.length > 0 && c.posted[0] !== parent) postRequest(parent);
    return rc;
  };
}

/** Starts a subrequest; the commands behind it wait for its end unless it is asynchronous. */
function start(r: HttpRequest, ctx: EchoContext, spec: SubrequestSpec, asynchronous: boolean): number {
  const target = spec.location === '' ? undefined : parseUnsafeUri(spec.location);
  if (target === undefined) return ERROR;
  const rc = sendHeaderIfNeeded(r, ctx);
  if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
  if (r.headerOnly || rc > OK) return asynchronous ? OK : FINISHED;
  const childCtx = new EchoContext();
  const sr = createSubrequest(
    r,
    target.uri,
    spec.args ?? target.args ?? '',
    asynchronous ? {} : { post: postSubrequest(childCtx) },
  );
  if (sr === undefined) return ERROR;
  // The parent's variables are its own.
  sr.variables = [];
  if (spec.method !== '') {
    sr.method = METHODS.get(spec.method) ?? METHOD_UNKNOWN;
    sr.methodName = spec.method;
    if (sr.method === METHOD_HEAD) sr.headerOnly = true;
    if (!asynchronous) echoModule.setContext(sr, childCtx);
  }
  if (spec.body !== undefined) replaceBody(sr, spec.body);
  return asynchronous ? OK : AGAIN;
}

/** The file of `-f` as a body; undefined (logged) when it cannot be opened. */
function fileBody(r: HttpRequest, name: string): RequestBody | undefined {
  const path = name.startsWith('/') ? name : r.http.cycle.prefix + name;
  const file = openFile(r, path, false);
  if (file.error !== '') {
    r.log(LOG_ERR, `${file.failed} "${path}" failed${errnoSuffix(file.error)}`);
    return undefined;
  }
  r.main.addCleanup(() => file.release());
  return { chunks: [], received: file.size, file: { path, fd: file.fd, size: file.size, moved: false } };
}

/** Reads the arguments: `METHOD location [-q args] [-b body] [-f file]`. */
function parseSpec(r: HttpRequest, values: readonly string[]): SubrequestSpec | undefined {
  const [method = '', location = ''] = values;
  if (location === '') return undefined;
  let args: string | undefined;
  let text = '';
  let file = '';
  for (let i = 2; i < values.length; i += 2) {
    const option = values[i] as string;
    const value = values[i + 1];
    if (option !== '-q' && option !== '-b' && option !== '-f') {
      r.log(LOG_ERR, `unknown option for echo_subrequest*: ${option}`);
      return undefined;
    }
    if (value === undefined) break;
    if (option === '-q') args = value;
    else if (option === '-b') text = value;
    else file = value;
  }
  let body: RequestBody | undefined;
  if (text !== '') body = { chunks: [text], received: text.length, file: undefined };
  else if (file !== '') {
    body = fileBody(r, file);
    if (body === undefined) return undefined;
  }
  return { method, location, args, body };
}

function location(asynchronous: boolean): EchoRun {
  return (r, ctx, command) => {
    const rc = bodyFirst(r, ctx);
    if (rc !== OK) return rc;
    const [path = '', args] = evaluateArguments(r, command);
    return start(r, ctx, { method: '', location: path, args, body: undefined }, asynchronous);
  };
}

function subrequest(asynchronous: boolean): EchoRun {
  return (r, ctx, command) => {
    const rc = bodyFirst(r, ctx);
    if (rc !== OK) return rc;
    const spec = parseSpec(r, evaluateArguments(r, command));
    return spec === undefined ? ERROR : start(r, ctx, spec, asynchronous);
  };
}

export const runLocation: EchoRun = location(false);
export const runLocationAsync: EchoRun = location(true);
export const runSubrequest: EchoRun = subrequest(false);
export const runSubrequestAsync: EchoRun = subrequest(true);

export const runExec: EchoRun = (r, _ctx, command) => {
  const [text = '', given] = evaluateArguments(r, command);
  if (text === '') return HTTP_BAD_REQUEST;
  const target = parseUnsafeUri(text);
  if (target === undefined) return ERROR;
  const args = given ?? target.args ?? '';
  r.writeEventHandler = noEvent;
  if (target.uri.startsWith('@')) {
    if (args !== '') {
      r.log(LOG_WARN, `querystring ${args} ignored when exec'ing named location ${target.uri}`);
    }
    namedLocation(r, target.uri);
  } else {
    internalRedirect(r, target.uri, args);
  }
  return DONE;
};
