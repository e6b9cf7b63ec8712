/** ngx.capture for TypeScript: subrequests and their responses. */
import type { CaptureRequest, CaptureResponse } from '../../api/subrequest.ts';
import { METHODS } from '../../http/request.ts';
import { bytes, type Data, utf8 } from './text.ts';

/** How to make a subrequest. Manual: ngx.location.capture. */
export interface SubrequestOptions {
  /** GET by default. */
  readonly method?: string;
  /** Added to the query string. */
  readonly args?: string | URLSearchParams | Readonly<Record<string, string>>;
  readonly body?: Data;
  /** Pass the request's own body on even when the method is not POST or PUT. */
  readonly alwaysForwardBody?: boolean;
  /** Fields added to, or put in place of, those of the request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Values of nginx variables in the subrequest. */
  readonly vars?: Readonly<Record<string, string>>;
  readonly shareAllVars?: boolean;
  readonly copyAllVars?: boolean;
}

/** The response of a subrequest. */
export class SubrequestResponse {
  readonly status: number;
  /** Whether the end of the response is missing. */
  readonly truncated: boolean;
  readonly #response: CaptureResponse;

  constructor(response: CaptureResponse) {
    this.status = response.status;
    this.truncated = response.truncated;
    this.#response = response;
  }

  /** The body as text (UTF-8). */
  get body(): string {
    return utf8(this.#response.body);
  }

  /** The body as bytes. */
  get bytes(): Buffer {
    return Buffer.from(this.#response.body, 'latin1');
  }

  /** The body read as JSON. Throws SyntaxError. */
  json(): unknown {
    return JSON.parse(this.body);
  }

  /** A header field; several of a name are joined by a comma. */
  getHeader(name: string): string | undefined {
    const { headers } = this.#response;
    const key = name.toLowerCase();
    if (key === 'content-type' && headers.contentType !== '') return utf8(headers.contentType);
    if (key === 'content-length' && headers.contentLength >= 0) return String(headers.contentLength);
    const found: string[] = [];
    for (let i = 0; i < headers.list.length; i++) {
      if (headers.list.keys[i] === key) found.push(headers.list.values[i] as string);
    }
    return found.length === 0 ? undefined : utf8(found.join(', '));
  }
}

/** A subrequest as src/api takes it. Throws for a method that nginx does not know. */
export function captureRequest(uri: string, options: SubrequestOptions): CaptureRequest {
  const { method, args, body, headers, vars } = options;
  const bit = method === undefined ? undefined : METHODS.get(method);
  if (method !== undefined && bit === undefined) throw new Error(`unsupported HTTP method: ${method}`);
  const pairs = (record: Readonly<Record<string, string>>) => {
    return Object.entries(record).map(([name, value]) => [bytes(name), bytes(value)] as const);
  };
  return {
    uri: bytes(uri),
    ...(args !== undefined && { args: bytes(typeof args === 'string' ? args : String(new URLSearchParams(args))) }),
    ...(bit !== undefined && { method: bit }),
    ...(body !== undefined && { body: bytes(body) }),
    ...(headers !== undefined && { headers: pairs(headers) }),
    ...(vars !== undefined && { vars: pairs(vars) }),
    ...(options.alwaysForwardBody !== undefined && { alwaysForwardBody: options.alwaysForwardBody }),
    ...(options.shareAllVars !== undefined && { shareAllVars: options.shareAllVars }),
    ...(options.copyAllVars !== undefined && { copyAllVars: options.copyAllVars }),
  };
}
