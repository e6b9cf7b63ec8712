/** ngx.req for TypeScript. */
import { decodeArgs } from '../../api/encoding.ts';
import { bodyData, bodyFile, discardBody, readBody, setBodyData } from '../../api/request-body.ts';
import { requestHeaders, setRequestHeader } from '../../api/request-header.ts';
import {
  getMethod,
  httpVersion,
  isInternal,
  setMethod,
  setUri,
  setUriArgs,
  startTime,
  uriArgs,
} from '../../api/request-line.ts';
import type { Suspension } from '../../api/suspension.ts';
import { METHODS } from '../../http/request.ts';
import { HandlerExit } from './exit.ts';
import { clientSocket, type NgxStreamSocket } from './socket.ts';
import { bytes, type Data, utf8 } from './text.ts';
import type { Run } from './wait.ts';

/** Starts an operation that may wait. */
export type Wait = <T>(operation: () => undefined | Suspension<T>) => Promise<T | undefined>;

/** The request as a handler sees it. Manual: ngx.req.*. */
export class NgxRequest {
  readonly #run: Run;
  readonly #wait: Wait;

  constructor(run: Run, wait: Wait) {
    this.#run = run;
    this.#wait = wait;
  }

  get method(): string {
    return this.#run(getMethod);
  }

  /** Changes the method for what comes after. Throws for a method that nginx does not know. */
  setMethod(method: string): void {
    const bit = METHODS.get(method);
    if (bit === undefined) throw new Error(`unsupported HTTP method: ${method}`);
    this.#run(() => setMethod(bit));
  }

  /** 0.9, 1.0, 1.1, 2 or 3. */
  get httpVersion(): number | undefined {
    return this.#run(httpVersion);
  }

  /** Seconds since 1970, with milliseconds. */
  get startTime(): number {
    return this.#run(startTime);
  }

  /** Whether an internal redirect or a subrequest made this request. */
  get internal(): boolean {
    return this.#run(isInternal);
  }

  /** First value of a header field. */
  getHeader(name: string): string | undefined {
    const value = this.#run(() => requestHeaders(0).list.get(name.toLowerCase()));
    return value === undefined ? undefined : utf8(value);
  }

  /** All fields, names in lower case; repeated ones are joined by a comma. */
  getHeaders(): Record<string, string> {
    const { list } = this.#run(() => requestHeaders(0));
    const headers: Record<string, string> = {};
    for (let i = 0; i < list.length; i++) {
      const key = list.keys[i] as string;
      const before = headers[key];
      const value = utf8(list.values[i] as string);
      headers[key] = before === undefined ? value : `${before}, ${value}`;
    }
    return headers;
  }

  /** Sets a field for what comes after: variables, subrequests, a proxied server. */
  setHeader(name: string, value: string | readonly string[]): void {
    const values = typeof value === 'string' ? [bytes(value)] : value.map(bytes);
    this.#run(() => setRequestHeader(name, values, false));
  }

  clearHeader(name: string): void {
    this.#run(() => setRequestHeader(name, undefined, false));
  }

  /** The query string as parameters. */
  getUriArgs(): URLSearchParams {
    const params = new URLSearchParams();
    for (const { name, value } of decodeArgs(this.#run(uriArgs), 0).args) {
      params.append(utf8(name), value === true ? '' : utf8(value));
    }
    return params;
  }

  setUri(uri: string): void {
    this.#run(() => setUri(bytes(uri), false, false));
  }

  setUriArgs(args: string | URLSearchParams): void {
    this.#run(() => setUriArgs(bytes(String(args))));
  }

  /** Reads the body into memory, or into a temporary file when it is large. */
  async readBody(): Promise<void> {
    await this.#wait(() => {
      const waits = readBody();
      if (typeof waits === 'number') throw new HandlerExit(`status ${waits}`);
      return waits;
    });
  }

  /** The body as it comes, in place of readBody; with `raw` the client's whole connection. Manual: ngx.req.socket. */
  socket(raw = false): NgxStreamSocket {
    return clientSocket(this.#run, raw);
  }

  discardBody(): void {
    this.#run(discardBody);
  }

  /** The body as text (UTF-8); undefined when there is none in memory. Call readBody() before. */
  getBodyText(): string | undefined {
    const data = this.#run(() => bodyData());
    return data === undefined ? undefined : utf8(data);
  }

  /** The body as bytes; undefined when there is none in memory. Call readBody() before. */
  getBodyData(): Buffer | undefined {
    const data = this.#run(() => bodyData());
    return data === undefined ? undefined : Buffer.from(data, 'latin1');
  }

  /** Path of the temporary file that holds a large body. */
  getBodyFile(): string | undefined {
    const path = this.#run(bodyFile);
    return path === undefined ? undefined : utf8(path);
  }

  setBodyData(data: Data): void {
    this.#run(() => setBodyData(bytes(data)));
  }
}
