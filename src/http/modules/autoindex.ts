/** `autoindex`: lists folders. nginx: src/http/modules/ngx_http_autoindex_module.c. */
import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import type { ContextName, Directive } from '../../conf/directive.ts';
import { enumSlot, flagSlot } from '../../conf/slots.ts';
import { errnoOf, errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT, LOG_ERR, LOG_INFO } from '../../log/log.ts';
import { formatHttpTime } from '../../log/time.ts';
import { memoryBuf } from '../buf.ts';
import {
  DECLINED,
  ERROR,
  HTTP_BAD_REQUEST,
  HTTP_FORBIDDEN,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_NOT_FOUND,
  HTTP_OK,
  OK,
} from '../codes.ts';
import { mapUriToPath } from '../core/path.ts';
import { findArgument } from '../core/variables.ts';
import { httpOf } from '../cycle.ts';
import { escapeHtml, escapeJson, escapeUri } from '../escape.ts';
import { fsPath } from '../fs-path.ts';
import { httpModule } from '../module.ts';
import { outputFilter, sendHeader } from '../output.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD } from '../request.ts';

type Format = 'html' | 'json' | 'jsonp' | 'xml';

interface AutoindexMain {
  used: boolean;
}

interface AutoindexLocation {
  enable: boolean;
  format: Format;
  localtime: boolean;
  exactSize: boolean;
}

interface Entry {
  readonly name: string;
  readonly kind: 'directory' | 'file' | 'other';
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly size: number;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];
const TYPES: Readonly<Record<Format, string>> = {
  html: 'text/html',
  json: 'application/json',
  jsonp: 'application/javascript',
  xml: 'text/xml',
};
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Characters of a name in the page. */
const NAME_LENGTH = 50;

function autoindexHandler(r: HttpRequest): number {
  if (!r.uri.endsWith('/') || (r.method & (METHOD_GET | METHOD_HEAD)) === 0) return DECLINED;
  const conf = autoindexModule.location(r);
  if (!conf.enable) return DECLINED;
  const rc = r.connection.discardBody(r);
  if (rc !== OK) return rc;
  const mapped = mapUriToPath(r);
  if (mapped === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  const path = mapped.length > 1 ? mapped.slice(0, -1) : mapped;
  let { format } = conf;
  let callback = '';
  if (format === 'jsonp') {
    callback = findArgument(r.args, 'callback') ?? '';
    if (!isCallback(r, callback)) return HTTP_BAD_REQUEST;
    if (callback === '') format = 'json';
  }
  let names: string[];
  try {
    names = readdirSync(fsPath(path), 'latin1');
  } catch (e) {
    return refuse(r, path, errnoOf(e));
  }
  const out = r.headersOut;
  out.status = HTTP_OK;
  out.contentType = TYPES[format];
  out.contentTypeKey = '';
  if (format === 'xml') out.charset = 'utf-8';
  const sent = sendHeader(r);
  if (sent === ERROR || sent > OK || r.headerOnly) return sent;
  const entries = entriesOf(r, path, names);
  if (entries === undefined) return ERROR;
  const b = memoryBuf(page(r, conf, format, callback, entries));
  b.lastBuf = r === r.main;
  b.lastInChain = true;
  return outputFilter(r, [b]);
}

function refuse(r: HttpRequest, path: string, error: string): number {
  let level = LOG_ERR;
  let status = HTTP_NOT_FOUND;
  if (error === 'EACCES') status = HTTP_FORBIDDEN;
  else if (error !== 'ENOENT' && error !== 'ENOTDIR' && error !== 'ENAMETOOLONG') {
    level = LOG_CRIT;
    status = HTTP_INTERNAL_SERVER_ERROR;
  }
  r.log(level, `opendir() "${path}" failed${errnoSuffix(error)}`);
  return status;
}

function isCallback(r: HttpRequest, name: string): boolean {
  const wrong = name.length > 128 ? 'too long' : /[^a-zA-Z0-9_.]/.test(name) ? 'invalid' : '';
  if (wrong !== '') r.log(LOG_INFO, `client sent ${wrong} callback name: "${name}"`);
  return wrong === '';
}

/** Folders first, each in the order of bytes; undefined when one cannot be looked at (logged). */
function entriesOf(r: HttpRequest, path: string, names: readonly string[]): Entry[] | undefined {
  const entries: Entry[] = [];
  for (const name of names) {
    if (name.startsWith('.')) continue;
    const file = path === '/' ? `/${name}` : `${path}/${name}`;
    let stats: Stats;
    try {
      stats = statOf(r, file);
    } catch (e) {
      if (errnoOf(e) === 'EACCES') continue;
      return undefined;
    }
    const kind = stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other';
    entries.push({ name, kind, mtime: Math.floor(stats.mtimeMs / 1000), size: stats.size });
  }
  return entries.sort((a, b) => {
    if ((a.kind === 'directory') !== (b.kind === 'directory')) return a.kind === 'directory' ? -1 : 1;
    return a.name < b.name ? -1 : 1;
  });
}

/** What a name stands for; a link that leads nowhere stands for itself. @throws what the system says, logged */
function statOf(r: HttpRequest, file: string): Stats {
  try {
    return statSync(fsPath(file));
  } catch (e) {
    const error = errnoOf(e);
    if (error !== 'ENOENT' && error !== 'ELOOP') {
      r.log(LOG_CRIT, `stat() "${file}" failed${errnoSuffix(error)}`);
      throw e;
    }
  }
  try {
    return lstatSync(fsPath(file));
  } catch (e) {
    r.log(LOG_CRIT, `lstat() "${file}" failed${errnoSuffix(e)}`);
    // Whatever it is, the listing ends here.
    throw Object.assign(new Error(), { code: 'EIO' });
  }
}

function page(r: HttpRequest, conf: AutoindexLocation, format: Format, callback: string, entries: Entry[]): string {
  switch (format) {
    case 'html':
      return htmlPage(r, conf, entries);
    case 'xml':
      return xmlPage(entries);
    case 'json':
      return jsonPage(entries);
    case 'jsonp':
      return `/* callback */\r\n${callback}(${jsonPage(entries)});`;
  }
}

function htmlPage(r: HttpRequest, conf: AutoindexLocation, entries: readonly Entry[]): string {
  const utf8 = r.headersOut.charset.toLowerCase() === 'utf-8';
  const title = escapeHtml(r.uri);
  let out = `<html>\r\n<head><title>Index of ${title}</title></head>\r\n<body>\r\n<h1>Index of ${title}</h1>`;
  out += '<hr><pre><a href="../">../</a>\r\n';
  for (const entry of entries) {
    const isDir = entry.kind === 'directory';
    out += `<a href="${escapeUri(entry.name, 'component')}${isDir ? '/' : ''}">${label(entry, utf8)} `;
    out += `${dateOf(entry.mtime, conf.localtime)} ${sizeOf(entry, conf.exactSize)}\r\n`;
  }
  return `${out}</pre><hr></body>\r\n</html>\r\n`;
}

/** A name's text with the link's end, filled up to the columns that follow. */
function label(entry: Entry, utf8: boolean): string {
  const characters = utf8 ? charactersOf(entry.name) : undefined;
  const length = characters?.length ?? entry.name.length;
  if (length > NAME_LENGTH) {
    const short = characters?.slice(0, NAME_LENGTH - 3).join('') ?? entry.name.slice(0, NAME_LENGTH - 3);
    return `${escapeHtml(short)}..&gt;</a>`;
  }
  const slash = entry.kind === 'directory' && length < NAME_LENGTH ? '/' : '';
  return `${escapeHtml(entry.name)}${slash}</a>${' '.repeat(NAME_LENGTH - length - slash.length)}`;
}

/** The characters of a name in UTF-8; undefined where that is not what it is in. */
function charactersOf(name: string): string[] | undefined {
  if (!/[\x80-\xff]/.test(name)) return undefined;
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) return undefined;
  return Array.from(text, (ch) => Buffer.from(ch, 'utf8').toString('latin1'));
}

const two = (n: number): string => String(n).padStart(2, '0');

function dateOf(mtime: number, local: boolean): string {
  // The offset is today's, as nginx has it, not the one of that day.
  const d = new Date((mtime - (local ? new Date().getTimezoneOffset() * 60 : 0)) * 1000);
  const day = `${two(d.getUTCDate())}-${MONTHS[d.getUTCMonth()]}-${d.getUTCFullYear()}`;
  return `${day} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
}

function sizeOf(entry: Entry, exact: boolean): string {
  const { size } = entry;
  if (entry.kind === 'directory') return '-'.padStart(exact ? 19 : 7);
  if (exact) return String(size).padStart(19);
  if (size <= 9999) return String(size).padStart(7);
  const [unit, letter] = size >= 2 ** 30 ? [2 ** 30, 'G'] : size >= 2 ** 20 ? [2 ** 20, 'M'] : [1024, 'K'];
  // Half a unit and more is rounded up.
  return `${String(Math.floor(size / unit + 0.5)).padStart(6)}${letter}`;
}

function jsonPage(entries: readonly Entry[]): string {
  const items = entries.map((entry) => {
    const size = entry.kind === 'file' ? `, "size":${entry.size}` : '';
    const head = `{ "name":"${escapeJson(entry.name)}", "type":"${entry.kind}"`;
    return `\r\n${head}, "mtime":"${formatHttpTime(entry.mtime)}"${size} }`;
  });
  return `[${items.join(',')}\r\n]`;
}

function xmlPage(entries: readonly Entry[]): string {
  let out = '<?xml version="1.0"?>\r\n<list>\r\n';
  for (const { name, kind, mtime, size } of entries) {
    const when = `${new Date(mtime * 1000).toISOString().slice(0, 19)}Z`;
    const bytes = kind === 'file' ? ` size="${size}"` : '';
    out += `<${kind} mtime="${when}"${bytes}>${escapeHtml(name)}</${kind}>\r\n`;
  }
  return `${out}</list>\r\n`;
}

const directives: readonly Directive<AutoindexLocation>[] = [
  flagSlot<AutoindexLocation>('autoindex', CONTEXTS, 'location', 'enable', false, {
    doc: 'Lists a folder that has no index file.',
    defaultText: 'off',
    post(cf, value) {
      if (value) autoindexModule.mainOf(httpOf(cf).confs).used = true;
      return undefined;
    },
  }),
  enumSlot<AutoindexLocation, Format>(
    'autoindex_format',
    CONTEXTS,
    'location',
    'format',
    { html: 'html', json: 'json', jsonp: 'jsonp', xml: 'xml' },
    'html',
    { doc: 'What a list is written in.', defaultText: 'html' },
  ),
  flagSlot<AutoindexLocation>('autoindex_localtime', CONTEXTS, 'location', 'localtime', false, {
    doc: 'Times in the HTML list are local ones.',
    defaultText: 'off',
  }),
  flagSlot<AutoindexLocation>('autoindex_exact_size', CONTEXTS, 'location', 'exactSize', true, {
    doc: 'Sizes in the HTML list are in bytes, not rounded.',
    defaultText: 'on',
  }),
];

export const autoindexModule = httpModule<AutoindexMain, object, AutoindexLocation>({
  name: 'ngx_http_autoindex_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ enable: undefined }) as unknown as AutoindexLocation,
  postconfiguration(http) {
    if (autoindexModule.mainOf(http.confs).used) http.handlers.content.push(autoindexHandler);
  },
});
