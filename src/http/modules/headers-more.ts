/**
 * headers-more-nginx-module: sets and clears any field of the response's header, also those that the server writes itself,
 * and of the request's. Manual: https://github.com/openresty/headers-more-nginx-module
 */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { parseNumber } from '../../conf/units.ts';
import { DECLINED, ERROR, OK } from '../codes.ts';
import { httpOf } from '../cycle.ts';
import { CONNECTION_CLOSE, CONNECTION_KEEP_ALIVE, CONNECTION_UNSET } from '../headers.ts';
import { httpModule } from '../module.ts';
import { validateHost } from '../protocol/host.ts';
import { setBrowser } from '../protocol/user-agent.ts';
import { HTTP_VERSION_10, type HttpRequest } from '../request.ts';
import { type ComplexValue, compileComplexValue, literalValue } from '../script.ts';

/** A field to set, or with an empty value to clear. */
interface Field {
  /** For a wildcard without its asterisk. */
  readonly name: string;
  readonly key: string;
  readonly wildcard: boolean;
  readonly value: ComplexValue;
}

/** One directive. */
interface Command {
  readonly input: boolean;
  readonly fields: readonly Field[];
  /** -t: only for these content types. */
  readonly types: readonly string[];
  /** -s: only for these statuses. */
  readonly statuses: readonly number[];
  /** -a: beside those that are there. */
  readonly append: boolean;
  /** -r: only in place of one that is there. */
  readonly replace: boolean;
}

interface HeadersMoreMain {
  filterUsed: boolean;
  handlerUsed: boolean;
}

interface HeadersMoreLocation {
  commands: Command[] | undefined;
}

/** Fields of responses that the server keeps track of: they cannot be had twice. */
const SINGLE_OUTPUT = new Set([
  'server',
  'date',
  'content-encoding',
  'location',
  'refresh',
  'last-modified',
  'content-range',
  'accept-ranges',
  'www-authenticate',
  'expires',
  'content-length',
  'content-type',
  'cache-control',
]);

// The response.

function matches(field: Field, key: string): boolean {
  return field.wildcard ? key.startsWith(field.key) : key === field.key;
}

/** Gives the first field that fits the value and drops the others; adds one when there is none. */
function setOutput(r: HttpRequest, field: Field, value: string, append: boolean): void {
  const { list } = r.headersOut;
  let matched = false;
  if (!append) {
    for (let i = 0; i < list.length; i++) {
      if (!matches(field, list.keys[i] as string)) continue;
      if (value === '' || matched) list.removeAt(i--);
      else list.setValue(i, value);
      matched = true;
    }
  }
  if (!matched && value !== '') list.add(field.wildcard ? `${field.name}*` : field.name, value);
}

function setContentType(r: HttpRequest, value: string): void {
  const out = r.headersOut;
  out.contentType = value;
  out.contentTypeKey = '';
  const charset = /; *charset="?(.*?)"?$/is.exec(value);
  if (charset !== null) out.charset = charset[1] as string;
  out.list.remove('content-type');
}

/** Returns OK, or ERROR for a length that is none. */
function setField(r: HttpRequest, field: Field, value: string, append: boolean): number {
  const out = r.headersOut;
  if (!field.wildcard) {
    switch (field.key) {
      case 'server':
        out.server = '';
        break;
      case 'date':
        out.date = '';
        break;
      case 'content-type':
        setContentType(r, value);
        return OK;
      case 'content-length': {
        const length = value === '' ? -1 : parseNumber(value);
        if (length === undefined) return ERROR;
        out.contentLength = length;
        break;
      }
      case 'last-modified':
        if (value === '') out.lastModified = -1;
        break;
      case 'accept-ranges':
        if (value === '') r.allowRanges = false;
        break;
      case 'location':
        out.locationAsIs = false;
        break;
    }
  }
  setOutput(r, field, value, append);
  return OK;
}

function outputApplies(r: HttpRequest, command: Command): boolean {
  const { types, statuses } = command;
  if (types.length > 0) {
    // Without a charset, but with other parameters.
    const type = r.headersOut.contentType.replace(/; *charset=.*$/is, '');
    if (!types.includes(type)) return false;
  }
  return statuses.length === 0 || statuses.includes(r.headersOut.status);
}

function runOutput(r: HttpRequest): number {
  const { commands } = headersMoreModule.location(r);
  if (commands === undefined) return OK;
  for (const command of commands) {
    if (command.input || !outputApplies(r, command)) continue;
    for (const field of command.fields) {
      if (setField(r, field, field.value.evaluate(r), command.append) !== OK) return ERROR;
    }
  }
  return OK;
}

// The request.

function setInput(r: HttpRequest, field: Field, value: string, replace: boolean): void {
  const { list } = r.headersIn;
  let matched = false;
  for (let i = 0; i < list.length; i++) {
    const key = list.keys[i] as string;
    if (field.wildcard ? value !== '' || !key.startsWith(field.key) : key !== field.key) continue;
    if (value === '' || matched) list.removeAt(i--);
    else list.setValue(i, value);
    matched = true;
  }
  if (!matched && value !== '' && !replace) list.add(field.wildcard ? `${field.name}*` : field.name, value);
}

/** What the server itself takes from a field. Returns OK, or ERROR for a value that cannot be. */
function takeInput(r: HttpRequest, key: string, value: string): number {
  const headers = r.headersIn;
  switch (key) {
    case 'host':
      if (value === '') {
        headers.server = '';
        return OK;
      }
      headers.server = validateHost(value)?.host;
      return headers.server === undefined ? ERROR : OK;
    case 'connection': {
      headers.connectionType = CONNECTION_UNSET;
      const word = value.toLowerCase();
      if (word.includes('close')) {
        headers.connectionType = CONNECTION_CLOSE;
        headers.keepAliveSeconds = -1;
        r.keepalive = false;
      } else if (word.includes('keep-alive')) headers.connectionType = CONNECTION_KEEP_ALIVE;
      return OK;
    }
    case 'user-agent':
      setBrowser(headers, value);
      return OK;
    case 'content-length': {
      const length = value === '' ? -1 : parseNumber(value);
      if (length === undefined) return ERROR;
      headers.contentLength = length;
      return OK;
    }
    default:
      return OK;
  }
}

function inputHandler(r: HttpRequest): number {
  const { commands } = headersMoreModule.location(r);
  if (commands === undefined || r.httpVersion < HTTP_VERSION_10) return DECLINED;
  for (const command of commands) {
    if (!command.input) continue;
    if (command.types.length > 0) {
      const type = r.headersIn.list.get('content-type');
      if (type === undefined || !command.types.includes(type)) continue;
    }
    for (const field of command.fields) {
      const value = field.value.evaluate(r);
      if (!field.wildcard && takeInput(r, field.key, value) !== OK) return ERROR;
      setInput(r, field, value, command.replace);
    }
  }
  return DECLINED;
}

// The configuration.

/** `Name: value`; a message when there is no name. */
function parseField(cf: ConfContext, text: string, clear: boolean): Field | string {
  const match = /^\s*([^:\s][^:\s]*)[:\s]*(.*)$/s.exec(text);
  const name = match?.[1];
  if (match === null || name === undefined) return `${cf.name}: no key found in the header argument: ${text}`;
  const wildcard = name.endsWith('*');
  if (wildcard && name.length < 2) return `${cf.name}: wildcard key too short: ${text}`;
  const plain = wildcard ? name.slice(0, -1) : name;
  const value = match[2] as string;
  return {
    name: plain,
    key: plain.toLowerCase(),
    wildcard,
    value: clear || value === '' ? literalValue('') : compileComplexValue(cf, value),
  };
}

function parseStatuses(cf: ConfContext, text: string): number[] | string {
  const bad = /[^\d\s]/.exec(text);
  if (bad !== null) return `${cf.name}: invalid digit "${bad[0]}" found in the status code list "${text}"`;
  return text.split(/\s+/).filter(Boolean).map(Number);
}

function setCommand(
  cf: ConfContext,
  conf: HeadersMoreLocation,
  args: readonly string[],
  input: boolean,
  clear: boolean,
): string | undefined {
  const fields: Field[] = [];
  const types: string[] = [];
  const statuses: number[] = [];
  let append = false;
  let replace = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '') continue;
    if (!arg.startsWith('-')) {
      const field = parseField(cf, arg, clear);
      if (typeof field === 'string') return field;
      fields.push(field);
    } else if (arg === '-t' || (arg === '-s' && !input)) {
      const list = args[++i];
      if (list === undefined) return `${cf.name}: option ${arg} takes an argument.`;
      if (arg === '-t') types.push(...list.split(/[\s;]+/).filter(Boolean));
      else {
        const parsed = parseStatuses(cf, list);
        if (typeof parsed === 'string') return parsed;
        statuses.push(...parsed);
      }
    } else if (arg === '-a' && cf.name === 'more_set_headers') append = true;
    else if (arg === '-r' && input) replace = true;
    else return `${cf.name}: invalid option name: "${arg}"`;
  }
  const single = append ? fields.find((field) => SINGLE_OUTPUT.has(field.key)) : undefined;
  if (single !== undefined) return `${cf.name}: can not append builtin headers "${single.name}"`;
  conf.commands ??= [];
  conf.commands.push({ input, fields, types, statuses, append, replace });
  const main = headersMoreModule.mainOf(httpOf(cf).confs);
  if (input) main.handlerUsed = true;
  else main.filterUsed = true;
  return undefined;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location', 'if in location'];

function directive(name: string, input: boolean, clear: boolean, doc: string): Directive<HeadersMoreLocation> {
  return {
    name,
    contexts: CONTEXTS,
    args: { min: 1 },
    level: 'location',
    doc,
    set: (cf, conf, args) => setCommand(cf, conf, args, input, clear),
  };
}

export const headersMoreModule = httpModule<HeadersMoreMain, object, HeadersMoreLocation>({
  name: 'ngx_http_headers_more_filter_module',
  directives: [
    directive('more_set_headers', false, false, 'Sets fields of the response, also those that are there.'),
    directive('more_clear_headers', false, true, 'Removes fields from the response.'),
    directive('more_set_input_headers', true, false, 'Sets fields of the request.'),
    directive('more_clear_input_headers', true, true, 'Removes fields from the request.'),
  ],
  createMain: () => ({ filterUsed: false, handlerUsed: false }),
  createLocation: () => ({ commands: undefined }),
  mergeLocation(parent, conf) {
    if (conf.commands === undefined) conf.commands = parent.commands;
    else if (parent.commands !== undefined) conf.commands = [...parent.commands, ...conf.commands];
  },
  postconfiguration(http) {
    const main = headersMoreModule.mainOf(http.confs);
    if (main.filterUsed) {
      const next = http.topHeaderFilter;
      http.topHeaderFilter = (r) => (runOutput(r) === OK ? next(r) : ERROR);
    }
    if (main.handlerUsed) http.postponed.push({ phase: 'rewrite', handler: inputHandler });
  },
});
