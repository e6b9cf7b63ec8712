/**
 * The path, arguments and extension of a request target: decoded and normalised where it is needed.
 * nginx: ngx_http_parse_complex_uri(), ngx_http_process_request_uri().
 */
import { latin1Slice } from '../../net/latin1.ts';
import type { HttpRequest } from '../request.ts';
import type { RequestLine } from './request-line.ts';

// Where the path is normalised; grows to the longest target seen.
let scratch = Buffer.allocUnsafe(1024);

/**
 * Sets uri, args, exten and the flags of the request from its parsed request line.
 * @returns false when the target is refused: a bad %XX, %00, or more `..` than segments
 */
export function setRequestUri(r: HttpRequest, text: string, line: RequestLine, mergeSlashes: boolean): boolean {
  const { uriStart, uriEnd, argsStart } = line;
  r.complexUri = line.complexUri;
  r.quotedUri = line.quotedUri;
  r.plusInUri = line.plusInUri;
  r.emptyPathInUri = line.emptyPathInUri;
  r.validUnparsedUri = !line.emptyPathInUri;
  r.unparsedUri = text.slice(uriStart, uriEnd);
  if (line.complexUri || line.quotedUri || line.emptyPathInUri) {
    return normalise(r, text, uriStart, uriEnd, mergeSlashes);
  }
  if (argsStart < 0) {
    r.uri = r.unparsedUri;
    if (line.extStart >= 0) r.exten = text.slice(line.extStart, uriEnd);
  } else {
    r.uri = text.slice(uriStart, argsStart - 1);
    r.args = text.slice(argsStart, uriEnd);
    if (line.extStart >= 0) r.exten = text.slice(line.extStart, argsStart - 1);
  }
  return true;
}

// Where in a path we are: in a segment; behind a slash; behind `/.`; behind `/..`.
const USUAL = 0;
const AFTER_SLASH = 1;
const AFTER_DOT = 2;
const AFTER_DOTS = 3;

/** Decodes %XX, resolves `.` and `..`, merges slashes, cuts the fragment. */
function normalise(r: HttpRequest, text: string, start: number, end: number, mergeSlashes: boolean): boolean {
  if (scratch.length < end - start + 1) scratch = Buffer.allocUnsafe((end - start) * 2 + 1);
  const out = scratch;
  let length = 0;
  let ext = -1;
  let state = USUAL;
  let argsStart = -1;
  let i = start;
  if (r.emptyPathInUri) out[length++] = 0x2f;
  for (; i < end; i++) {
    let ch = text.charCodeAt(i);
    if (ch === 0x25) {
      if (i + 2 >= end) {
        r.quotedUri = true;
        return false;
      }
      const high = hexDigit(text.charCodeAt(i + 1));
      const low = hexDigit(text.charCodeAt(i + 2));
      if (high < 0 || low < 0) return false;
      r.quotedUri = true;
      ch = high * 16 + low;
      i += 2;
      if (ch === 0) return false;
      // These decoded bytes stand for themselves; slashes and dots keep their meaning.
      if (ch === 0x25 || ch === 0x23 || ch === 0x3f) {
        state = USUAL;
        out[length++] = ch;
        continue;
      }
    } else if (ch === 0x3f || ch === 0x23) {
      if (ch === 0x3f) argsStart = i + 1;
      break;
    }
    switch (ch) {
      case 0x2f:
        switch (state) {
          case USUAL:
            ext = -1;
            out[length++] = ch;
            break;
          case AFTER_SLASH:
            if (!mergeSlashes) out[length++] = ch;
            break;
          case AFTER_DOT:
            length--;
            break;
          default:
            length = parent(out, length);
            if (length < 0) return false;
        }
        state = AFTER_SLASH;
        break;
      case 0x2e:
        if (state === USUAL) {
          ext = length + 1;
        } else {
          state = state === AFTER_SLASH ? AFTER_DOT : state === AFTER_DOT ? AFTER_DOTS : USUAL;
        }
        out[length++] = ch;
        break;
      case 0x2b:
        r.plusInUri = true;
        state = USUAL;
        out[length++] = ch;
        break;
      default:
        state = USUAL;
        out[length++] = ch;
    }
  }
  if (state === AFTER_DOT) length--;
  else if (state === AFTER_DOTS) {
    length = parent(out, length);
    if (length < 0) return false;
  }
  r.uri = latin1Slice(out, 0, length);
  if (ext >= 0) r.exten = latin1Slice(out, ext, length);
  if (argsStart >= 0) {
    const hash = text.indexOf('#', argsStart);
    r.args = text.slice(argsStart, hash >= 0 && hash < end ? hash : end);
  }
  return true;
}

/** Takes `/x/..` off the end: the length up to and with the slash before `x`, or -1 at the root. */
function parent(out: Uint8Array, length: number): number {
  for (let u = length - 4; u >= 0; u--) if (out[u] === 0x2f) return u + 1;
  return -1;
}

function hexDigit(ch: number): number {
  if (ch >= 0x30 && ch <= 0x39) return ch - 0x30;
  const c = ch | 0x20;
  return c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
}
