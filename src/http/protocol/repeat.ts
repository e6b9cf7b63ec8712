/**
 * The same header again. A client that keeps its connection often sends the same header with each request, to the
 * byte. Comparing it with the one before is many times cheaper than parsing it, and what it said can be copied.
 */
import { coreModule } from '../core/module.ts';
import type { HeaderList } from '../headers.ts';
import { HTTP_VERSION_11, type HttpRequest } from '../request.ts';
import { FIELD_CONTENT_LENGTH, FIELD_EXPECT, FIELD_TRANSFER_ENCODING } from './header-names.ts';
import type { Http1Connection } from './http1.ts';

/** A header as it was understood, see rememberHeader. */
export interface RepeatedHeader {
  readonly text: string;
  readonly list: HeaderList;
  /** It has come again. */
  repeated: boolean;
  readonly host: string;
  readonly port: number;
  readonly connectionType: number;
  readonly keepAliveSeconds: number;
  readonly msie: boolean;
  readonly msie6: boolean;
  readonly safari: boolean;
  readonly chrome: boolean;
}

/** Fields that say something about a body, or about this request alone. */
const NOT_REPEATED = FIELD_CONTENT_LENGTH | FIELD_TRANSFER_ENCODING | FIELD_EXPECT;
/** Longer headers are not kept: that would cost an idle connection more memory than the next request time. */
const LONGEST_REPEATED = 4096;
/** And headers of fewer fields are parsed as quickly as they are compared and copied. */
const FEWEST_REPEATED = 4;

/** Keeps the header that ends at `c.pos`, for the next request. */
export function rememberHeader(c: Http1Connection, r: HttpRequest, text: string, begin: number): void {
  const size = c.pos - begin;
  if (c.fieldCount < FEWEST_REPEATED) return;
  if (size > LONGEST_REPEATED || (c.seenFields & NOT_REPEATED) !== 0 || r.httpVersion !== HTTP_VERSION_11) {
    c.repeat = undefined;
    return;
  }
  const { list, server, port, connectionType, keepAliveSeconds, msie, msie6, safari, chrome } = r.headersIn;
  c.repeat = {
    text: text.slice(begin),
    list: list.clone(),
    repeated: false,
    host: server as string,
    port,
    connectionType,
    keepAliveSeconds,
    msie,
    msie6,
    safari,
    chrome,
  };
}

/**
 * Takes over the header of the request before, when this one is the same.
 * @returns whether it did: `c.pos` is then behind it, and the server is to be set to `before.host`
 */
export function repeatHeader(c: Http1Connection, r: HttpRequest, before: RepeatedHeader): boolean {
  const { text, pos } = c;
  const size = before.text.length;
  if (text.length - pos !== size || c.fieldCount !== 0 || r.httpVersion !== HTTP_VERSION_11) return false;
  if (text.slice(pos) !== before.text) return false;
  const headers = r.headersIn;
  const { num, size: bufferSize } = coreModule.server(r).largeClientHeaderBuffers;
  // Whether it fits has to be worked out line by line when it might not.
  if (headers.server !== undefined || (text.length > c.bufferEnd && (size > bufferSize || c.largeBuffers >= num))) {
    return false;
  }
  c.pos = text.length;
  r.requestLength += size;
  if (!before.repeated) {
    before.repeated = true;
    findLines(before.list, before.text);
  }
  headers.list.assign(before.list);
  headers.port = before.port;
  headers.connectionType = before.connectionType;
  headers.keepAliveSeconds = before.keepAliveSeconds;
  headers.msie = before.msie;
  headers.msie6 = before.msie6;
  headers.safari = before.safari;
  headers.chrome = before.chrome;
  headers.server = before.host;
  return true;
}

/** Gives the fields of a list their lines in the text that they were read from, so that they can be passed on as they came. */
function findLines(list: HeaderList, text: string): void {
  let pos = 0;
  for (let i = 0; i < list.length; i++) {
    const next = text.indexOf('\n', pos) + 1;
    const nameEnd = pos + (list.names[i] as string).length;
    const end = nameEnd + 2 + (list.values[i] as string).length;
    if (end + 2 === next && text.startsWith(': ', nameEnd) && text.startsWith('\r', end)) {
      list.setLine(i, text.slice(pos, next));
    }
    pos = next;
  }
}
