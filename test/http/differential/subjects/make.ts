/** Requests, responses and known differences of the tables. */
import type { Known } from '../case.ts';

/** A request of HTTP/1.1 with Host and more lines. */
export const request = (method: string, uri: string, lines: readonly string[] = [], body = ''): string =>
  `${method} ${uri} HTTP/1.1\r\nHost: case\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`;

export const get = (uri = '/', ...lines: string[]): string => request('GET', uri, lines);

/** A POST with a length. */
export const post = (body: string, uri = '/', ...lines: string[]): string =>
  request('POST', uri, [...lines, `Content-Length: ${body.length}`], body);

/** A response with a length. */
export const response = (status: string, body = '', ...lines: string[]): string =>
  `HTTP/1.1 ${status}\r\n${[...lines, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`;

export const ok = (body = 'ok', ...lines: string[]): string => response('200 OK', body, ...lines);

/** A response without framing of its own. */
export const head = (status: string, ...lines: string[]): string =>
  `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

export const chunk = (data: string): string => `${data.length.toString(16)}\r\n${data}\r\n`;
export const chunked = (...parts: string[]): string => `${parts.map(chunk).join('')}0\r\n\r\n`;

/** A body of so many bytes. */
export const bytes = (count: number, byte = 'x'): string => byte.repeat(count);

/** An error page as servers make them. */
export const page = (status: string, connection = 'keep-alive'): string =>
  `HTTP/1.1 ${status}\r\nServer: X\r\nDate: X\r\nContent-Type: text/html\r\nContent-Length: X\r\n` +
  `Connection: ${connection}\r\n\r\n<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1>` +
  '</center>\r\n<hr><center>SERVER</center>\r\n</body>\r\n</html>\r\n';

/** A response that is refused now: what the log says. */
export const refused = (because: string, message: string, more: Partial<Known> = {}): Known => ({
  because,
  text: [page('502 Bad Gateway')],
  closed: [false],
  log: [
    `[error] ${message} while reading response header from upstream, client: 127.0.0.1, server: case, ` +
      'request: "GET / HTTP/1.1", upstream: "http://%B1%/", host: "case"',
  ],
  ...more,
});
