/**
 * form-input-nginx-module: fields of a form in the body as variables, as they stand there, not decoded.
 * Manual: https://github.com/calio/form-input-nginx-module
 */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { LOG_ERR } from '../../log/log.ts';
import { AGAIN, DECLINED, DONE, ERROR, HTTP_SPECIAL_RESPONSE } from '../codes.ts';
import { httpOf } from '../cycle.ts';
import { runPhases } from '../engine.ts';
import { httpModule } from '../module.ts';
import { type HttpRequest, METHOD_POST, METHOD_PUT } from '../request.ts';
import { arrayValue } from './array-var/arrays.ts';
import { addSetVar } from './rewrite/set-var.ts';

interface FormInputMain {
  used: boolean;
}

interface FormInputContext {
  done: boolean;
  /** The phases wait for the body. */
  waiting: boolean;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];
const FORM = 'application/x-www-form-urlencoded';

/** Reads the body of a form before the variables are computed. */
function formInputHandler(r: HttpRequest): number {
  const known = formInputModule.context(r);
  if (known !== undefined) return known.done ? DECLINED : DONE;
  if ((r.method & (METHOD_POST | METHOD_PUT)) === 0) return DECLINED;
  const type = r.headersIn.list.get('content-type') ?? '';
  if (type.slice(0, FORM.length).toLowerCase() !== FORM) return DECLINED;
  const ctx: FormInputContext = { done: false, waiting: false };
  formInputModule.setContext(r, ctx);
  const rc = r.connection.readBody(r, afterBody);
  if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
  if (rc !== AGAIN) return DECLINED;
  ctx.waiting = true;
  return DONE;
}

function afterBody(r: HttpRequest): void {
  const ctx = formInputModule.context(r) as FormInputContext;
  ctx.done = true;
  r.main.count--;
  if (!ctx.waiting) return;
  ctx.waiting = false;
  runPhases(r);
}

function bodyText(chunks: readonly (string | Uint8Array)[]): string {
  return chunks.map((chunk) => (typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'))).join('');
}

/** All values of a field; at most one unless `all`. */
function valuesOf(r: HttpRequest, name: string, all: boolean): string[] {
  const values: string[] = [];
  if (formInputModule.context(r)?.done !== true) return values;
  const { requestBody } = r;
  if (requestBody === undefined) return values;
  if (requestBody.file !== undefined) {
    const message =
      'form-input: in-file buffer found. aborted. consider increasing your client_body_buffer_size setting';
    r.log(LOG_ERR, message);
    return values;
  }
  const prefix = `${name.toLowerCase()}=`;
  for (const pair of bodyText(requestBody.chunks).split('&')) {
    if (pair.slice(0, prefix.length).toLowerCase() !== prefix) continue;
    values.push(pair.slice(prefix.length));
    if (!all) break;
  }
  return values;
}

function setInput(cf: ConfContext, main: FormInputMain, args: readonly string[]): undefined {
  main.used = true;
  const [variable, field] = args as [string, string?];
  const all = cf.name === 'set_form_input_multi';
  return addSetVar(
    cf,
    (r, [name]) => {
      const values = valuesOf(r, name as string, all);
      return all ? arrayValue(r, values) : (values[0] ?? '');
    },
    variable,
    [field ?? variable.slice(1)],
  );
}

function directive(name: string, doc: string): Directive<FormInputMain> {
  return {
    name,
    contexts: CONTEXTS,
    args: [1, 2],
    level: 'location',
    doc,
    set: (cf, _conf, args) => setInput(cf, formInputModule.mainOf(httpOf(cf).confs), args),
  };
}

export const formInputModule = httpModule<FormInputMain, object, object, FormInputContext>({
  name: 'ngx_http_form_input_module',
  directives: [
    directive('set_form_input', "Sets a variable to a field of the request's form: $VARIABLE [FIELD]."),
    directive('set_form_input_multi', 'Sets a variable to the array of all values of a field.'),
  ],
  createMain: () => ({ used: false }),
  createLocation: () => ({}),
  postconfiguration(http) {
    if (formInputModule.mainOf(http.confs).used) http.handlers.rewrite.push(formInputHandler);
  },
});
