/**
 * Reads the head of a backend's response: the status line and the header fields, from text of which more may come.
 * nginx: ngx_http_parse_status_line(), ngx_http_parse_header_line() with its tolerance for backends.
 */

import { type HeaderName, headerName } from '../../protocol/header-names.ts';

/** Results; positive ones are positions behind the line. */
export const LINE_AGAIN = -1;
export const LINE_INVALID = -2;

/** A status line taken apart. */
export interface StatusLine {
  status: number;
  /** `200 OK`. */
  text: string;
  /** Below 1.1. */
  old: boolean;
}

const STATUS_LINE = /^HTTP\/([1-9][0-9]{0,2})\.([0-9]{1,3}) +([0-9]{3})(?:[ .][^\r\n]*)?$/;
const STATUS_LINE_BEGIN = /^(?:HTTP\/(?:[1-9][0-9]{0,2}(?:\.(?:[0-9]{1,3}(?: +(?:[0-9]{1,3})?)?)?)?)?|HTTP|HTT|HT|H|)$/;

/** Reads a status line at `pos`. LINE_INVALID: what comes is no HTTP response. */
export function readStatusLine(text: string, pos: number, out: StatusLine): number {
  const lf = text.indexOf('\n', pos);
  if (lf < 0) {
    const part = text.slice(pos);
    const line = part.endsWith('\r') ? part.slice(0, -1) : part;
    return STATUS_LINE_BEGIN.test(line) || STATUS_LINE.test(line) ? LINE_AGAIN : LINE_INVALID;
  }
  const end = text.charCodeAt(lf - 1) === 0x0d ? lf - 1 : lf;
  // The usual form is taken apart without a regular expression.
  if (
    end - pos >= 12 &&
    text.charCodeAt(pos + 8) === 0x20 &&
    (text.startsWith('HTTP/1.1 ', pos) || text.startsWith('HTTP/1.0 ', pos))
  ) {
    const status = statusNumber(text, pos + 9);
    const next = end - pos === 12 ? 0x20 : text.charCodeAt(pos + 12);
    if (status >= 0 && next === 0x20) {
      const line = text.slice(pos + 9, end);
      if (line.includes('\r')) return LINE_INVALID;
      out.status = status;
      out.text = line;
      out.old = text.charCodeAt(pos + 7) === 0x30;
      return lf + 1;
    }
  }
  const match = STATUS_LINE.exec(text.slice(pos, end));
  if (match === null) return LINE_INVALID;
  out.status = Number(match[3]);
  out.text = (match[0] as string).slice((match[0] as string).indexOf(' ')).trimStart();
  out.old = Number(match[1]) * 1000 + Number(match[2]) < 1001;
  return lf + 1;
}

function statusNumber(text: string, at: number): number {
  const a = text.charCodeAt(at) - 0x30;
  const b = text.charCodeAt(at + 1) - 0x30;
  const c = text.charCodeAt(at + 2) - 0x30;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9 ? a * 100 + b * 10 + c : -1;
}

/** A header field, or the end of the header. */
export interface FieldLine {
  name: string;
  /** What is known of the name; undefined when it cannot be one. */
  known: HeaderName | undefined;
  value: string;
  /** The whole line, when it is just `Name: value\r\n`; else ''. See HeaderList.line. */
  line: string;
  /** The empty line. */
  done: boolean;
  /** A second status line, as some servers send it: to be passed over. */
  ignored: boolean;
  /** Of an invalid line: up to where it is right. */
  badAt: number;
}

/** Reads a line of the header at `pos`. */
export function readFieldLine(text: string, pos: number, out: FieldLine): number {
  const lf = text.indexOf('\n', pos);
  const end = lf < 0 ? text.length : lf;
  const first = text.charCodeAt(pos);
  if (pos < end && first === 0x0d) {
    if (lf < 0 && end === pos + 1) return LINE_AGAIN;
    out.badAt = pos;
    if (end !== pos + 1) return LINE_INVALID;
    out.done = true;
    return lf + 1;
  }
  if (lf === pos) {
    out.done = true;
    return lf + 1;
  }
  out.done = false;
  // The name.
  let i = pos;
  for (; i < end; i++) {
    const ch = text.charCodeAt(i);
    if (ch === 0x3a || ch === 0x0d) break;
    if (ch <= 0x20 || ch === 0x7f) {
      out.badAt = i;
      return LINE_INVALID;
    }
    if (ch === 0x2f && i === pos + 4 && text.startsWith('HTTP', pos)) {
      out.ignored = true;
      return lf < 0 ? LINE_AGAIN : lf + 1;
    }
  }
  if (i === pos) {
    if (lf < 0 && pos === end) return LINE_AGAIN;
    out.badAt = pos;
    return LINE_INVALID;
  }
  out.ignored = false;
  const nameEnd = i;
  let start = i;
  if (i < end && text.charCodeAt(i) === 0x3a) {
    start = i + 1;
    while (start < end && text.charCodeAt(start) === 0x20) start++;
  }
  let valueEnd = end;
  // Carriage returns stand only in front of the line feed, and zeros nowhere.
  for (let k = start; k < end; k++) {
    const ch = text.charCodeAt(k);
    if (ch === 0x0d) {
      if (valueEnd === end) valueEnd = k;
    } else if (ch === 0 || valueEnd !== end) {
      out.badAt = valueEnd === end ? k : valueEnd;
      return LINE_INVALID;
    }
  }
  if (lf < 0) return LINE_AGAIN;
  while (valueEnd > start && text.charCodeAt(valueEnd - 1) === 0x20) valueEnd--;
  out.known = headerName(text, pos, nameEnd);
  out.name = out.known === undefined ? text.slice(pos, nameEnd) : out.known.name;
  const plain = start === nameEnd + 2 && valueEnd === lf - 1 && text.charCodeAt(valueEnd) === 0x0d;
  out.line = plain ? text.slice(pos, lf + 1) : '';
  out.value = text.slice(start, valueEnd);
  return lf + 1;
}
