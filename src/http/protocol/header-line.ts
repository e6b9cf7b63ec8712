/**
 * One line of a request header. nginx: ngx_http_parse_header_line() (src/http/ngx_http_parse.c).
 *
 * Ordinary lines (a name of known spelling, a value without control characters, CR LF) are taken apart with three
 * searches; whatever is not ordinary, or has not arrived completely, goes through the grammar byte by byte.
 */
import { type HeaderName, headerName } from './header-names.ts';
import { PARSE_AGAIN, PARSE_HEADER_DONE, PARSE_INVALID_HEADER, PARSE_OK } from './request-line.ts';

/** A parsed header line. One object serves all lines of a connection. */
export class HeaderLine {
  name: HeaderName = headerName('Host', 0, 4) as HeaderName;
  /** A substring of the text. */
  value = '';
  /** First byte behind the line end; with PARSE_HEADER_DONE, behind the empty line. */
  next = 0;
  /** With PARSE_INVALID_HEADER: the byte that made it so, or the end of the value before a stray CR. */
  badAt = 0;
  /** Where the value ends: for the log line about a name that is skipped. */
  end = 0;
  /** Position of the first NUL byte of the text at or behind the current line, text.length for none. */
  nul = 0;
}

/** Starts on a new text: to be called whenever the text has changed, before its lines are parsed. */
export function prepareHeaderLines(text: string, pos: number, out: HeaderLine): void {
  const nul = text.indexOf('\0', pos);
  out.nul = nul < 0 ? text.length : nul;
}

/**
 * Parses the line that begins at `pos`.
 * @returns PARSE_OK, PARSE_HEADER_DONE at the empty line, PARSE_AGAIN, or PARSE_INVALID_HEADER
 */
export function parseHeaderLine(text: string, pos: number, out: HeaderLine): number {
  const first = text.charCodeAt(pos);
  if (first === 0x0d || first === 0x0a) return emptyLine(text, pos, out);
  const lf = text.indexOf('\n', pos);
  const colon = text.indexOf(':', pos);
  if (lf < 0 || colon < 0 || colon > lf || out.nul < lf || text.charCodeAt(lf - 1) !== 0x0d) {
    return parseOddLine(text, pos, out);
  }
  const name = headerName(text, pos, colon);
  if (name === undefined) return parseOddLine(text, pos, out);
  let start = colon + 1;
  while (text.charCodeAt(start) === 0x20) start++;
  const cr = text.indexOf('\r', start);
  if (cr !== lf - 1) return parseOddLine(text, pos, out);
  let end = cr;
  while (end > start && text.charCodeAt(end - 1) === 0x20) end--;
  out.name = name;
  out.value = text.slice(start, end);
  out.end = end;
  out.next = lf + 1;
  return PARSE_OK;
}

function emptyLine(text: string, pos: number, out: HeaderLine): number {
  let i = pos;
  if (text.charCodeAt(i) === 0x0d) {
    i++;
    if (i === text.length) return PARSE_AGAIN;
    if (text.charCodeAt(i) !== 0x0a) {
      out.badAt = pos;
      return PARSE_INVALID_HEADER;
    }
  }
  out.next = i + 1;
  return PARSE_HEADER_DONE;
}

/** The whole grammar, byte by byte. */
function parseOddLine(text: string, pos: number, out: HeaderLine): number {
  const length = text.length;
  let i = pos;
  let ch = 0;
  // The name, up to a colon or the line end: a line without a colon is a field without a value.
  for (; i < length; i++) {
    ch = text.charCodeAt(i);
    if (i === pos ? ch === 0x3a : ch === 0x3a || ch === 0x0d || ch === 0x0a) break;
    if (ch <= 0x20 || ch === 0x7f) break;
  }
  if (i === length) return PARSE_AGAIN;
  if (i === pos || (ch !== 0x3a && ch !== 0x0d && ch !== 0x0a)) {
    out.badAt = i;
    return PARSE_INVALID_HEADER;
  }
  const nameEnd = i;
  let start = i;
  let end = i;
  if (ch === 0x3a) {
    i++;
    while (i < length && text.charCodeAt(i) === 0x20) i++;
    start = i;
    end = i;
    for (; i < length; i++) {
      ch = text.charCodeAt(i);
      if (ch === 0x0d || ch === 0x0a) break;
      if (ch === 0) {
        out.badAt = i;
        return PARSE_INVALID_HEADER;
      }
      if (ch !== 0x20) end = i + 1;
    }
    if (i === length) return PARSE_AGAIN;
  }
  // CRs may be many; behind them nothing but the LF.
  while (i < length && text.charCodeAt(i) === 0x0d) i++;
  if (i === length) return PARSE_AGAIN;
  if (text.charCodeAt(i) !== 0x0a) {
    out.badAt = end;
    return PARSE_INVALID_HEADER;
  }
  out.name = headerName(text, pos, nameEnd) as HeaderName;
  out.value = text.slice(start, end);
  out.end = end;
  out.next = i + 1;
  return PARSE_OK;
}
