/** Masks what may differ between two servers that do the same, and shortens what is long. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { chunks, readResponse } from './framing.ts';

const FOOTER = /<hr><center>(?:nginx|tsresty|openresty)[^<]*<\/center>/g;

/** All that came on a connection. Bodies are shown without chunks and compression, whose borders nothing depends on. */
export function normaliseReceived(text: string, methods: readonly string[]): string {
  let out = '';
  let pos = 0;
  let request = 0;
  while (pos < text.length) {
    const response = readResponse(text, pos, methods[request] ?? 'GET');
    if (response === undefined) break;
    const { chunked, trailers, end, status } = response;
    let { head, body } = response;
    head = head
      .replace(/\r\nDate: [^\r]*/, '\r\nDate: X')
      .replace(/\r\nServer: (?:nginx|tsresty)[^\r]*/, '\r\nServer: X');
    head = head.replace(/\r\nExpires: \w\w\w, (?!01 Jan)[^\r]*/, '\r\nExpires: X');
    if (/\r\nContent-Encoding: gzip\r\n/.test(head) && body.charCodeAt(0) === 0x1f) {
      body = unzipped(body);
      head = head.replace(/\r\nContent-Length: [0-9]+/, '\r\nContent-Length: X');
    } else if (status >= 300 && (FOOTER.test(body) || methods[request] === 'HEAD')) {
      head = head.replace(/\r\nContent-Length: [0-9]+/, '\r\nContent-Length: X');
    }
    body = body.replace(FOOTER, '<hr><center>SERVER</center>');
    out += head + shortened(body);
    if (trailers !== '') out += `[trailers ${trailers}]`;
    if (chunked && end < 0) out += '[incomplete]';
    if (status >= 200 || status === 101) request++;
    pos = end < 0 ? text.length : end;
  }
  return out + shortened(text.slice(pos).replace(FOOTER, '<hr><center>SERVER</center>'));
}

function unzipped(body: string): string {
  try {
    return `[gzip]${gunzipSync(Buffer.from(body, 'latin1')).toString('latin1')}`;
  } catch (error) {
    return `[broken gzip: ${(error as Error).message}]`;
  }
}

/** What a backend was sent, with chunked bodies joined. */
export function normaliseSeen(bytes: string): string {
  let out = '';
  let pos = 0;
  for (;;) {
    const headEnd = bytes.indexOf('\r\n\r\n', pos);
    if (headEnd < 0 || !/\r\nTransfer-Encoding: chunked\r\n/.test(bytes.slice(pos, headEnd + 2))) {
      return out + shortened(bytes.slice(pos));
    }
    const { body, trailers, end } = chunks(bytes, headEnd + 4);
    out += `${bytes.slice(pos, headEnd + 4)}[chunks]${shortened(body)}`;
    if (trailers !== '') out += `[trailers ${trailers}]`;
    if (end < 0) return `${out}[incomplete]`;
    out += '[end]';
    pos = end;
    if (pos >= bytes.length) return out;
  }
}

/** Runs of one byte are counted, and long texts stand as their beginning, length and hash. */
function shortened(text: string): string {
  const short = text.replace(/([\s\S])\1{49,}/g, (run, byte: string) => `${byte}{${run.length}}`);
  if (short.length <= 4000) return short;
  const hash = createHash('sha1').update(text, 'latin1').digest('hex');
  return `${short.slice(0, 200)}...(${text.length} bytes, ${hash})`;
}

/** nginx cuts lines at 2048 bytes, OpenResty at 4096: here both are cut shorter. */
const LONGEST_LINE = 1500;

/** Lines of error.log as `[level] message`. */
export function normaliseLog(text: string): string[] {
  const out: string[] = [];
  for (const line of text.split('\n')) {
    const match = /^\S+ \S+ \[(\w+)\] \d+#\d+: (?:\*\d+ )?([\s\S]*)$/.exec(line);
    if (match === null) {
      // A value may hold line ends of its own; what follows belongs to the line before.
      if (line !== '' && out.length > 0) out[out.length - 1] += `\n${line}`;
      continue;
    }
    const [, level, message] = match as unknown as [string, string, string];
    // Said at another moment, or about the process.
    if (level === 'notice' || message.includes('closed keepalive connection')) continue;
    out.push(`[${level}] ${message.replace(/(temporary file )\S+?\d{10}/, '$1FILE')}`.slice(0, LONGEST_LINE));
  }
  return out;
}

/** Times are said to be numbers. */
export function normaliseAccess(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\b\d+\.\d{3}\b/g, 'T'));
}
