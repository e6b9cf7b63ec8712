/** Variables of the echo module: what the present (sub)request is, where `$request_method` and others mean the client's. */
import { bodyString } from '../../protocol/body.ts';
import type { HttpRequest } from '../../request.ts';
import type { VariableSpec, VariableValue } from '../../variables.ts';
import { echoModule } from './context.ts';
import { foreachItem } from './foreach.ts';
import { timerElapsed } from './sleep.ts';

function requestUri(r: HttpRequest): VariableValue {
  return r.uri === '' ? null : r.uri;
}

function requestBody(r: HttpRequest): VariableValue {
  const text = bodyString(r);
  return text === undefined || text === '' ? null : text;
}

function increment(r: HttpRequest): VariableValue {
  const ctx = echoModule.context(r.main);
  return ctx === undefined ? null : String(++ctx.counter);
}

function responseStatus(r: HttpRequest): VariableValue {
  return r.headersOut.status === 0 ? null : String(r.headersOut.status);
}

export const echoVariables: readonly VariableSpec[] = [
  { name: 'echo_timer_elapsed', get: timerElapsed, noCacheable: true },
  { name: 'echo_request_method', get: (r) => r.methodName, noCacheable: true },
  { name: 'echo_cacheable_request_uri', get: requestUri },
  { name: 'echo_request_uri', get: requestUri, noCacheable: true },
  { name: 'echo_client_request_method', get: (r) => r.main.methodName, noCacheable: true },
  { name: 'echo_request_body', get: requestBody, noCacheable: true },
  { name: 'echo_client_request_headers', get: (r) => r.main.rawHeader, noCacheable: true },
  { name: 'echo_it', get: foreachItem, noCacheable: true },
  { name: 'echo_incr', get: increment, noCacheable: true },
  { name: 'echo_response_status', get: responseStatus, noCacheable: true },
];
