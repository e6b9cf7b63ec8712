/** Replies of memcached to commands other than `get`: whether they are whole, and which status they become. */

/** One way that a reply may read: fixed text, then perhaps a free rest of its line. */
interface Form {
  readonly text: string;
  readonly line?: boolean;
  readonly status: number;
}

const FAILURES: readonly Form[] = [
  { text: 'ERROR\r\n', status: 502 },
  { text: 'CLIENT_ERROR ', line: true, status: 502 },
  { text: 'SERVER_ERROR ', line: true, status: 502 },
];
const NOT_FOUND: Form = { text: 'NOT_FOUND\r\n', status: 404 };
const STORAGE: readonly Form[] = [
  { text: 'STORED\r\n', status: 201 },
  { text: 'NOT_STORED\r\n', status: 200 },
  { text: 'EXISTS\r\n', status: 200 },
  NOT_FOUND,
  ...FAILURES,
];

const FORMS: Readonly<Record<string, readonly Form[]>> = {
  delete: [{ text: 'DELETED\r\n', status: 200 }, NOT_FOUND, ...FAILURES],
  flush_all: [{ text: 'OK\r\n', status: 200 }, ...FAILURES],
  version: [{ text: 'VERSION ', line: true, status: 200 }, ...FAILURES],
  incr: [NOT_FOUND, ...FAILURES],
  decr: [NOT_FOUND, ...FAILURES],
  stats: FAILURES,
};

/** What has come of a reply. */
export type Reply =
  | { readonly kind: 'whole'; readonly length: number; readonly status: number }
  | { readonly kind: 'part' }
  /** It cannot become a reply: the byte at `at` is wrong. */
  | { readonly kind: 'wrong'; readonly at: number };

const PART: Reply = { kind: 'part' };

/** Looks at what a command was answered with. */
export function readReply(command: string, text: string): Reply {
  if (command === 'stats' && text.startsWith('S') && !text.startsWith('SE')) return readStats(text);
  if ((command === 'incr' || command === 'decr') && /^\d/.test(text)) return readNumber(text);
  if (command === 'stats' && 'END\r\n'.startsWith(text.slice(0, 5)) && text !== 'E') return readStats(text);
  let furthest = 0;
  let part = false;
  for (const form of FORMS[command] ?? STORAGE) {
    const same = commonLength(form.text, text);
    furthest = Math.max(furthest, same);
    if (same < form.text.length) {
      if (same === text.length) part = true;
      continue;
    }
    if (form.line !== true) return { kind: 'whole', length: same, status: form.status };
    const end = text.indexOf('\r\n', form.text === 'VERSION ' ? same + 1 : same);
    if (end < 0) return PART;
    return { kind: 'whole', length: end + 2, status: form.status };
  }
  return part ? PART : { kind: 'wrong', at: furthest };
}

function commonLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let i = 0;
  while (i < most && a[i] === b[i]) i++;
  return i;
}

/** The new number, filled up with spaces. */
function readNumber(text: string): Reply {
  const m = /^\d+ *(\r\n|\r?$)?/.exec(text) as RegExpExecArray;
  if (m[1] === '\r\n') return { kind: 'whole', length: m[0].length, status: 201 };
  return m[0].length === text.length ? PART : { kind: 'wrong', at: m[0].length };
}

/** `STAT name value` lines up to `END`. */
function readStats(text: string): Reply {
  let at = 0;
  for (;;) {
    const rest = text.slice(at, at + 5);
    if (rest === 'END\r\n') return { kind: 'whole', length: at + 5, status: 200 };
    const stat = commonLength('STAT ', rest);
    const end = commonLength('END\r\n', rest);
    if (stat < 5) return Math.max(stat, end) === rest.length ? PART : { kind: 'wrong', at: at + Math.max(stat, end) };
    const newline = text.indexOf('\r\n', at + 6);
    if (newline < 0) return PART;
    at = newline + 2;
  }
}
