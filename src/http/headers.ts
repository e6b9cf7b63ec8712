/**
 * Header fields of a request and of a response, in their order, as byte strings.
 *
 * Three parallel arrays instead of an object per field: a request has some twenty fields of which three or four are
 * looked at, so adding must cost least and finding may walk. nginx: ngx_list_t of ngx_table_elt_t.
 */

/** Fields in order; names keep the case in which they came. The arrays are for reading. */
export class HeaderList {
  names: string[];
  /** Lower-case names. */
  keys: string[];
  values: string[];
  /**
   * What `line` gives for a field that is at hand in that form: one piece of text instead of four. '' for the others, and it may
   * be shorter than the list; undefined while there is none.
   */
  private lines: string[] | undefined;

  constructor(names: string[] = [], keys: string[] = [], values: string[] = [], lines?: string[]) {
    this.names = names;
    this.keys = keys;
    this.values = values;
    this.lines = lines;
  }

  get length(): number {
    return this.names.length;
  }

  /**
   * Adds a field at the end, beside any others of that name.
   *
   * @param line `Name: value\r\n` of name and value, when it is there already; else ''
   */
  add(name: string, value: string, key: string = name.toLowerCase(), line = ''): void {
    this.names.push(name);
    this.keys.push(key);
    this.values.push(value);
    if (line !== '') this.setLine(this.names.length - 1, line);
  }

  /** Adds the i-th field of another list. */
  addFrom(list: HeaderList, i: number): void {
    this.add(list.names[i] as string, list.values[i] as string, list.keys[i] as string, list.lines?.[i]);
  }

  /** The field as it stands in a message: `Name: value\r\n`. */
  line(i: number): string {
    const line = this.lines?.[i] ?? '';
    return line === '' ? `${this.names[i]}: ${this.values[i]}\r\n` : line;
  }

  /** Tells what `line` is to give: the same, in one piece. */
  setLine(i: number, line: string): void {
    if (this.lines === undefined) this.lines = [];
    const { lines } = this;
    while (lines.length < i) lines.push('');
    lines[i] = line;
  }

  /** Gives a field another value. */
  setValue(i: number, value: string): void {
    this.values[i] = value;
    if (this.lines !== undefined && i < this.lines.length) this.lines[i] = '';
  }

  /** First value of the field, or undefined. `key` is lower case. */
  get(key: string): string | undefined {
    const i = this.keys.indexOf(key);
    return i < 0 ? undefined : this.values[i];
  }

  /** All values of the field in order. `key` is lower case. */
  getAll(key: string): string[] {
    const out: string[] = [];
    for (let i = this.keys.indexOf(key); i >= 0; i = this.keys.indexOf(key, i + 1)) out.push(this.values[i] as string);
    return out;
  }

  has(key: string): boolean {
    return this.keys.indexOf(key) >= 0;
  }

  /** Replaces the first field of that name and drops the others; adds it when there is none. */
  set(name: string, value: string, key: string = name.toLowerCase()): void {
    const i = this.keys.indexOf(key);
    if (i < 0) {
      this.add(name, value, key);
      return;
    }
    this.names[i] = name;
    this.setValue(i, value);
    for (let j = this.keys.indexOf(key, i + 1); j >= 0; j = this.keys.indexOf(key, j)) this.removeAt(j);
  }

  /** Drops all fields of that name; tells how many there were. */
  remove(key: string): number {
    let count = 0;
    for (let i = this.keys.indexOf(key); i >= 0; i = this.keys.indexOf(key, i)) {
      this.removeAt(i);
      count++;
    }
    return count;
  }

  clear(): void {
    this.names.length = 0;
    this.keys.length = 0;
    this.values.length = 0;
    this.lines = undefined;
  }

  /** Becomes a copy of another list. */
  assign(list: HeaderList): void {
    this.names = list.names.slice();
    this.keys = list.keys.slice();
    this.values = list.values.slice();
    this.lines = list.lines?.slice();
  }

  clone(): HeaderList {
    return new HeaderList(this.names.slice(), this.keys.slice(), this.values.slice(), this.lines?.slice());
  }

  removeAt(i: number): void {
    this.names.splice(i, 1);
    this.keys.splice(i, 1);
    this.values.splice(i, 1);
    this.lines?.splice(i, 1);
  }
}

/** `Connection:` as understood. */
export const CONNECTION_UNSET = 0;
export const CONNECTION_CLOSE = 1;
export const CONNECTION_KEEP_ALIVE = 2;

/** A request's header. nginx: ngx_http_headers_in_t. */
export class HeadersIn {
  list: HeaderList;
  /** Host without port, lower case and validated: what server selection used. undefined: no Host given. */
  server: string | undefined = undefined;
  /** Port of Host or of an absolute request target, 0 when none was given. */
  port = 0;
  /** Content-Length, or -1. */
  contentLength = -1;
  /** Transfer-Encoding: chunked. */
  chunked = false;
  connectionType = CONNECTION_UNSET;
  /** Seconds of `Keep-Alive:`, or -1. */
  keepAliveSeconds = -1;
  /** Of `Authorization: Basic`, once auth_basic or $remote_user decoded it. */
  user: string | undefined = undefined;
  password: string | undefined = undefined;
  /** Clients that need a work-around, from User-Agent. */
  msie = false;
  msie6 = false;
  chrome = false;
  safari = false;

  constructor(list: HeaderList = new HeaderList()) {
    this.list = list;
  }

  /** The same values in an object of its own, with a list of its own, or the given one. */
  clone(list: HeaderList = this.list.clone()): HeadersIn {
    const copy = new HeadersIn(list);
    copy.server = this.server;
    copy.port = this.port;
    copy.contentLength = this.contentLength;
    copy.chunked = this.chunked;
    copy.connectionType = this.connectionType;
    copy.keepAliveSeconds = this.keepAliveSeconds;
    copy.user = this.user;
    copy.password = this.password;
    copy.msie = this.msie;
    copy.msie6 = this.msie6;
    copy.chrome = this.chrome;
    copy.safari = this.safari;
    return copy;
  }
}

/**
 * A response's header before it is serialized. nginx: ngx_http_headers_out_t.
 *
 * Location, ETag, Content-Encoding, Accept-Ranges, Content-Range, WWW-Authenticate, Cache-Control, Expires and all
 * others stand in `list`; only what the header filter writes itself has a field.
 */
export class HeadersOut {
  /** Fields beyond those below, in the order in which they were added. */
  list = new HeaderList();
  trailers: HeaderList | undefined = undefined;
  status = 0;
  /** `404 Not Found` when set by a handler; else the status decides. */
  statusLine: string | undefined = undefined;
  /** Content-Length, or -1. */
  contentLength = -1;
  /** Content-Type with its parameters as set by a handler; '' for none. */
  contentType = '';
  /** Of `contentType`, without parameters, lower case: what `types` lists are compared with; '' until known. */
  contentTypeKey = '';
  /** Appended as `; charset=X`. */
  charset = '';
  /** X-Accel-Charset: the charset that the answer is to be converted to. */
  overrideCharset = '';
  /** Last-Modified in seconds since 1970, or -1. */
  lastModified = -1;
  /** Set by a handler: replaces the server's own `Server:` or `Date:`. */
  server: string | undefined = undefined;
  date: string | undefined = undefined;
  /** Leave a Location that begins with a slash as it is, whatever absolute_redirect says. */
  locationAsIs = false;
  /** A range response starts this many bytes into the content. */
  contentOffset = 0;
}
