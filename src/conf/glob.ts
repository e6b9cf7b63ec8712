/**
 * glob(3), as `include conf.d/*.conf` uses it: byte order, `*` and `?` never match a leading dot or a slash,
 * `[a-z]`, `[!a]`, `[[:alpha:]]`, backslash quotes, no braces. Folders that cannot be read count as empty.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';

/** The path that Node's fs needs for a latin1 byte string. */
export function fsPath(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

/** True when glob(3) would expand it rather than take it as a name; nginx asks the same. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  space: '\\t-\\r ',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

function quote(c: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/.test(c) ? `\\${c}` : c;
}

/** The bracket expression that begins at `at`: its end and its form in a RegExp; undefined when it is not closed. */
function bracket(pattern: string, at: number): { end: number; source: string } | undefined {
  let i = at + 1;
  let body = '';
  const negated = pattern[i] === '!' || pattern[i] === '^';
  if (negated) i++;
  const first = i;
  for (; i < pattern.length; i++) {
    if (pattern[i] === ']' && i > first) {
      return { end: i, source: body === '' ? (negated ? '.' : '[^\\s\\S]') : `${negated ? '[^' : '['}${body}]` };
    }
    const named = /^\[:([a-z]+):\]/.exec(pattern.slice(i));
    if (named !== null && CLASSES[named[1]!] !== undefined) {
      body += CLASSES[named[1]!];
      i += named[0].length - 1;
      continue;
    }
    if (pattern[i] === '\\') i++;
    const low = pattern[i];
    if (low === undefined) return undefined;
    let high = low;
    if (pattern[i + 1] === '-' && pattern[i + 2] !== undefined && pattern[i + 2] !== ']') {
      i += 2;
      if (pattern[i] === '\\') i++;
      high = pattern[i] ?? low;
    }
    // A range in the wrong order holds nothing.
    if (low <= high) body += low === high ? quote(low) : `${quote(low)}-${quote(high)}`;
  }
  return undefined;
}

const NOTHING = /$^/;

/** A RegExp for one part of a path; undefined when the part has nothing to expand. */
function partPattern(part: string): RegExp | undefined {
  if (!isPattern(part)) return undefined;
  let source = '';
  for (let i = 0; i < part.length; i++) {
    const c = part[i]!;
    if (c === '*') source += '.*';
    else if (c === '?') source += '.';
    else if (c === '\\') {
      if (i + 1 === part.length) return NOTHING;
      source += quote(part[++i]!);
    } else if (c === '[') {
      const set = bracket(part, i);
      if (set === undefined) source += '\\[';
      else {
        source += set.source;
        i = set.end;
      }
    } else source += quote(c);
  }
  return new RegExp(`^${part.startsWith('.') ? '' : '(?!\\.)'}${source}$`, 's');
}

function entries(folder: string): string[] {
  try {
    // A pattern such as `.*` finds these two as well.
    return ['.', '..', ...readdirSync(fsPath(folder), { encoding: 'latin1' })];
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(fsPath(path)).isDirectory();
  } catch {
    return false;
  }
}

/** The existing paths that match an absolute pattern, sorted by bytes. All strings are latin1 byte strings. */
export function glob(pattern: string): string[] {
  let found = [''];
  for (const [whole, slashes, part] of pattern.matchAll(/(\/+)([^/]*)/g) as Iterable<[string, string, string]>) {
    const next: string[] = [];
    const test = partPattern(part);
    for (const before of found) {
      const folder = before + slashes;
      if (part === '') {
        // A slash at the end asks for folders.
        if (isFolder(folder)) next.push(folder);
      } else if (test === undefined) {
        const path = before + whole.replace(/\\(.)/gs, '$1');
        if (existsSync(fsPath(path))) next.push(path);
      } else {
        for (const entry of entries(folder)) if (test.test(entry)) next.push(folder + entry);
      }
    }
    found = next;
  }
  // Strings of bytes compare by code unit.
  return found.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
