/** Masks what may differ between two servers that do the same. */

const FOOTER = /<hr><center>([^<]*)<\/center>/;
const MASK = 'SERVER';

/** Responses with Date and Server masked, and error pages signed by a server without a name. */
export function normaliseText(text: string): string {
  let out = '';
  let rest = text;
  while (rest.startsWith('HTTP/1.1 ')) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    let head = rest.slice(0, end + 4);
    rest = rest.slice(end + 4);
    head = head.replace(/\r\nDate: [^\r]*/, '\r\nDate: X').replace(/\r\nServer: [^\r]*/, '\r\nServer: X');
    const length = /\r\nContent-Length: ([0-9]+)/.exec(head);
    if (length === null) {
      out += head;
      continue;
    }
    if (rest === '' || rest.startsWith('HTTP/1.1 ')) {
      // To HEAD. The length is that of an error page, with the server's name in it, or of something that we know.
      out += /^HTTP\/1.1 [45]/.test(head) ? head.replace(/\r\nContent-Length: [0-9]+/, '\r\nContent-Length: X') : head;
      continue;
    }
    const size = Number(length[1]);
    let body = rest.slice(0, size);
    rest = rest.slice(size);
    const footer = FOOTER.exec(body);
    if (footer !== null) {
      body = body.replace(FOOTER, `<hr><center>${MASK}</center>`);
      head = head.replace(
        /\r\nContent-Length: [0-9]+/,
        `\r\nContent-Length: ${size - footer[1]!.length + MASK.length}`,
      );
    }
    out += head + body;
  }
  return out + rest.replace(FOOTER, `<hr><center>${MASK}</center>`);
}

/** nginx cuts lines at 2048 bytes, OpenResty at 4096: here both are cut shorter. */
const LONGEST_LINE = 1500;

/** Lines of error.log as `[level] message`. */
export function normaliseLog(lines: string, ports: (line: string) => string): string[] {
  const out: string[] = [];
  for (const line of lines.split('\n')) {
    const match = /^\S+ \S+ \[(\w+)\] \S+ (?:\*\d+ )?(.*)$/s.exec(line);
    if (match === null) {
      // A request line may hold line ends of its own kind; what follows belongs to the line before.
      if (line !== '' && out.length > 0) out[out.length - 1] += `\n${line}`;
      continue;
    }
    const [, level, message] = match as unknown as [string, string, string];
    // Said by both at another moment, or about the process.
    if (level === 'notice' || message.includes('closed keepalive connection') || level === 'warn') continue;
    out.push(`[${level}] ${ports(message)}`.slice(0, LONGEST_LINE));
  }
  return out;
}
