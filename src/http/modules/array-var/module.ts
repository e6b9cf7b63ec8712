/**
 * array-var-nginx-module: variables that hold arrays, made by splitting or by set_form_input_multi.
 * Manual: https://github.com/openresty/array-var-nginx-module
 */
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { parseNumber } from '../../../conf/units.ts';
import { LOG_ERR } from '../../../log/log.ts';
import { httpModule } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import { compileComplexValue } from '../../script.ts';
import { declareSettable } from '../rewrite/module.ts';
import { addSetVar, findSetVar } from '../rewrite/set-var.ts';
import { arrayOf, arrayValue } from './arrays.ts';

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'if in server', 'location', 'if in location'];

function fail(r: HttpRequest, message: string): undefined {
  r.log(LOG_ERR, message);
  return undefined;
}

/** The variable of `to=$variable`; undefined for another argument. */
function target(arg: string | undefined): string | undefined {
  return arg?.startsWith('to=') === true ? arg.slice(3) : undefined;
}

function split(r: HttpRequest, args: readonly string[]): string | undefined {
  const [separator, text, limit] = args as [string, string, string | undefined];
  const most = limit === undefined ? 0 : parseNumber(limit);
  if (most === undefined) return fail(r, `array_split: invalid max items: "${limit}"`);
  const items: string[] = [];
  let at = 0;
  while (items.length !== most - 1) {
    // Without a separator, each byte is an item; the last item takes what is left.
    const end = separator === '' ? (at < text.length - 1 ? at + 1 : -1) : text.indexOf(separator, at);
    if (end < 0) break;
    items.push(text.slice(at, end));
    at = end + separator.length;
  }
  items.push(text.slice(at));
  return arrayValue(r, items);
}

function join(r: HttpRequest, args: readonly string[]): string | undefined {
  const [separator, value] = args as [string, string];
  const items = arrayOf(r, value);
  if (items !== undefined) return items.join(separator);
  return fail(r, `array_join: invalid array variable value in the 2nd argument: "${value}"`);
}

function mapOperation(r: HttpRequest, args: readonly string[]): string | undefined {
  const [name, value] = args as [string, string];
  const fn = findSetVar(name);
  if (fn === undefined) {
    return fail(r, `array_map_op: directive "${name}" not found or does not use ndk_set_var_value`);
  }
  const items = arrayOf(r, value);
  if (items === undefined) {
    return fail(r, `array_map_op: invalid array variable value in the 2nd argument: "${value}"`);
  }
  const mapped: string[] = [];
  for (const item of items) {
    const result = fn.run(r, [item]);
    if (result === undefined) return undefined;
    mapped.push(result);
  }
  return arrayValue(r, mapped);
}

function setSplit(cf: ConfContext, _conf: object, args: readonly string[]): undefined {
  const [separator, text, third, fourth] = args as [string, string, string?, string?];
  const direct = target(third);
  if (direct !== undefined) {
    if (fourth !== undefined) throw cf.error(`${cf.name}: unexpected argument "${fourth}"`);
    return addSetVar(cf, split, direct, [separator, text]);
  }
  if (args.length > 4) throw cf.error(`${cf.name}: unexpected argument "${args[4]}"`);
  const limited = third === undefined ? [separator, text] : [separator, text, third];
  const to = target(fourth);
  if (fourth !== undefined && to === undefined) {
    throw cf.error(`${cf.name}: expecting the "to" option at the 4th argument: "${fourth}"`);
  }
  return addSetVar(cf, split, to ?? text, limited);
}

/** `NAME WHAT $array [to=$variable]`. */
function twoArguments(run: typeof join): Directive<object>['set'] {
  return (cf, _conf, args) => {
    const [what, array, third] = args as [string, string, string?];
    const to = target(third);
    if (third !== undefined && to === undefined) throw cf.error(`${cf.name}: unexpected argument "${third}"`);
    return addSetVar(cf, run, to ?? array, [what, array]);
  };
}

function setMap(cf: ConfContext, _conf: object, args: readonly string[]): undefined {
  const [text, array, third] = args as [string, string, string?];
  const to = target(third);
  if (third !== undefined && to === undefined) {
    throw cf.error(`${cf.name}: expecting the "to" option at the 3rd argument: "${third}"`);
  }
  const setItem = declareSettable(cf, '$array_it');
  const template = compileComplexValue(cf, text);
  const run = (r: HttpRequest, [value]: readonly string[]): string | undefined => {
    const items = arrayOf(r, value as string);
    if (items === undefined) {
      return fail(r, `array_map: invalid array variable value in the 2nd argument: "${value}"`);
    }
    const mapped = items.map((item) => {
      setItem(r, item);
      return template.evaluate(r);
    });
    setItem(r, null);
    return arrayValue(r, mapped);
  };
  return addSetVar(cf, run, to ?? array, [array]);
}

const directives: readonly Directive<object>[] = [
  {
    name: 'array_split',
    contexts: CONTEXTS,
    args: { min: 2 },
    level: 'location',
    doc: 'Splits a string: SEPARATOR STRING [MOST ITEMS] [to=$VARIABLE].',
    set: setSplit,
  },
  {
    name: 'array_map',
    contexts: CONTEXTS,
    args: [2, 3],
    level: 'location',
    doc: 'Makes a string of each item, which is $array_it: TEMPLATE $ARRAY [to=$VARIABLE].',
    set: setMap,
  },
  {
    name: 'array_map_op',
    contexts: CONTEXTS,
    args: [2, 3],
    level: 'location',
    doc: 'Applies a directive such as set_quote_sql_str to each item: DIRECTIVE $ARRAY [to=$VARIABLE].',
    set: twoArguments(mapOperation),
  },
  {
    name: 'array_join',
    contexts: CONTEXTS,
    args: [2, 3],
    level: 'location',
    doc: 'Joins the items to a string: SEPARATOR $ARRAY [to=$VARIABLE].',
    set: twoArguments(join),
  },
];

export const arrayVarModule = httpModule({
  name: 'ngx_http_array_var_module',
  directives,
  createLocation: () => ({}),
});
