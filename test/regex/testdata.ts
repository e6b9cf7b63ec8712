// Reads the test files of PCRE2 (its testdata folder, pcre2test(1)): patterns between delimiters with modifiers, each
// with subject lines up to an empty line. Only what the options of ngx.re can say is kept; the rest is counted by why.
import type { RegexOptions } from '../../src/regex/options.ts';
import { encodeUtf8 } from '../../src/regex/utf8.ts';

export interface TestPattern {
  readonly line: number;
  readonly pattern: string;
  readonly options: RegexOptions;
  readonly global: boolean;
  /** Byte strings and where to search from. */
  readonly subjects: [subject: string, start: number][];
}

export interface TestFile {
  readonly patterns: TestPattern[];
  /** Modifier -> how many patterns or subjects were left out for it. */
  readonly leftOut: Map<string, number>;
}

const DELIMITERS = '/!"\'`-=_:;,%&@~';
/** Modifiers that only change what pcre2test prints or how it calls, not what matches. */
const PRINTING = new Set(
  (
    'aftertext allaftertext allcaptures allusedtext altglobal auto_callout B bincode fullbincode debug framesize ' +
    'heapframes_size info I callout_info callout_capture callout_no_where mark memory startchar startoffset stackguard ' +
    'jitverify jit jitfast jitstack no_jit find_limits find_limits_noheap push pushcopy pushtablescopy tables subject_literal ' +
    'use_offset_limit parens_nest_limit posix_nosub callout_none dupnames_ok getall get copy null_context memory ' +
    'disable_recurseloop_check hexbytes ph posix_startend dfa_shortest subject_ascii no_auto_possess ' +
    'never_callout callout_extra no_auto_possess replace_case heap_limit depth_limit ovector ' +
    'expand null_pattern optimization_full optimization_none auto_possess start_optimize dotstar_anchor'
  ).split(' '),
);
/** Modifiers that are options of ours. */
const OPTIONS: Readonly<Record<string, readonly (keyof RegexOptions)[]>> = {
  anchored: ['anchored'],
  caseless: ['caseless'],
  i: ['caseless'],
  dollar_endonly: ['dollarEndOnly'],
  dotall: ['dotall'],
  s: ['dotall'],
  dupnames: ['dupNames'],
  J: ['dupNames'],
  extended: ['extended'],
  x: ['extended'],
  multiline: ['multiline'],
  m: ['multiline'],
  ungreedy: ['ungreedy'],
  utf: ['utf'],
  U: ['ungreedy'],
};
/** Modifiers that words at the start of the pattern say. */
const WORDS: Readonly<Record<string, string>> = {
  ucp: '(*UCP)',
  no_start_optimize: '(*NO_START_OPT)',
  no_dotstar_anchor: '(*NO_DOTSTAR_ANCHOR)',
  notempty: '(*NOTEMPTY)',
  notempty_atstart: '(*NOTEMPTY_ATSTART)',
  'bsr=anycrlf': '(*BSR_ANYCRLF)',
  'bsr=unicode': '(*BSR_UNICODE)',
  'newline=cr': '(*CR)',
  'newline=lf': '(*LF)',
  'newline=crlf': '(*CRLF)',
  'newline=any': '(*ANY)',
  'newline=anycrlf': '(*ANYCRLF)',
  'newline=nul': '(*NUL)',
};
const MAX_EXPANDED = 1_000_000;
const ONE_LETTER = new Set('BIgimnsxJU'.split(''));

/** `ix,utf` and the like as single modifiers; a first item of letters only is taken apart when it is no word. */
function splitModifiers(text: string): string[] {
  const out: string[] = [];
  text.split(',').forEach((part, i) => {
    const item = part.trim();
    if (item === '') return;
    const letters = item.split('').filter((c) => c !== ' ');
    if (i === 0 && letters.every((c) => ONE_LETTER.has(c))) {
      // xx is a modifier of its own.
      if (/xx/.test(item)) out.push('extended_more');
      out.push(...letters);
    } else out.push(item);
  });
  return out;
}

const CONTROL: Readonly<Record<string, number>> = { a: 7, b: 8, e: 27, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** A subject line with its escapes, or null with the modifier that cannot be said. */
function subjectLine(text: string, utf: boolean): { subject: string; start: number } | { why: string } {
  let out = '';
  let modifiers = '';
  const put = (code: number) => {
    out += utf && code > 0xff ? encodeUtf8(code) : code > 0xff ? '\0big' : String.fromCharCode(code);
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\' && text[i + 1] === '[') return { why: 'repeated subject text' };
    if (c !== '\\') {
      out += c;
      continue;
    }
    const e = text[++i];
    if (e === undefined) break;
    if (e === '=') {
      modifiers = text.slice(i + 1);
      break;
    }
    if (e in CONTROL) put(CONTROL[e]!);
    else if (e >= '0' && e <= '7') {
      const digits = /^[0-7]{1,3}/.exec(text.slice(i))![0];
      i += digits.length - 1;
      const code = Number.parseInt(digits, 8);
      if (utf && code > 0x7f) out += encodeUtf8(code);
      else put(code);
    } else if (e === 'x' && text[i + 1] === '{') {
      const close = text.indexOf('}', i);
      const code = Number.parseInt(text.slice(i + 2, close), 16);
      if (utf && code > 0x10ffff) return { why: 'character too large' };
      if (utf && code > 0x7f) out += encodeUtf8(code);
      else put(code);
      i = close;
    } else if (e === 'x') {
      const digits = /^[0-9a-fA-F]{0,2}/.exec(text.slice(i + 1))![0];
      i += digits.length;
      out += String.fromCharCode(Number.parseInt(digits || '0', 16));
    } else if (e === 'o' && text[i + 1] === '{') {
      const close = text.indexOf('}', i);
      const code = Number.parseInt(text.slice(i + 2, close), 8);
      if (utf && code > 0x7f) out += encodeUtf8(code);
      else put(code);
      i = close;
    } else if (e === 'N' && text.startsWith('{U+', i + 1)) {
      const close = text.indexOf('}', i);
      out += encodeUtf8(Number.parseInt(text.slice(i + 4, close), 16));
      i = close;
    } else out += e;
  }
  if (out.includes('\0big')) return { why: 'character above 255 without UTF' };
  let start = 0;
  for (const item of splitModifiers(modifiers)) {
    if (item.startsWith('offset=')) start = Number(item.slice(7));
    // The rest of the subject's modifiers only exist in pcre2test: the subject is used without them.
  }
  return start > out.length ? { why: 'offset beyond the subject' } : { subject: out, start };
}

/** Parses one file, read as a byte string. */
export function parseTestFile(text: string): TestFile {
  const lines = text.split('\n');
  const patterns: TestPattern[] = [];
  const leftOut = new Map<string, number>();
  const leave = (why: string) => leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
  let defaults: string[] = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i]!;
    if (line.startsWith('#pattern')) {
      for (const item of splitModifiers(line.slice(8))) {
        if (item.startsWith('-')) defaults = defaults.filter((name) => name !== item.slice(1));
        else defaults.push(item);
      }
    }
    if (line === '' || line.startsWith('#') || /^\s/.test(line) || !DELIMITERS.includes(line[0]!)) {
      i++;
      continue;
    }
    const delimiter = line[0]!;
    const number = i + 1;
    // The pattern may go over lines; a backslash before the delimiter keeps it in.
    let raw = line.slice(1);
    let end = -1;
    for (;;) {
      for (let j = 0; j < raw.length; j++) {
        if (raw[j] === '\\') j++;
        else if (raw[j] === delimiter) {
          end = j;
          break;
        }
      }
      if (end >= 0 || i + 1 >= lines.length) break;
      raw += '\n' + lines[++i]!;
    }
    i++;
    if (end < 0) break;
    let pattern = raw.slice(0, end);
    let after = raw.slice(end + 1);
    // A backslash right after the delimiter stands for one at the end of the pattern.
    if (after.startsWith('\\')) {
      pattern += '\\';
      after = after.slice(1);
    }
    const options: Record<string, boolean> = {};
    let words = '';
    let why = '';
    let global = false;
    const modifiers = [...defaults, ...splitModifiers(after)];
    for (const item of modifiers) {
      const names = OPTIONS[item];
      if (names !== undefined) for (const name of names) options[name] = true;
      else if (WORDS[item] !== undefined) words += WORDS[item];
      else if (item === 'g' || item === 'global') global = true;
      else if (item === 'hex') {
        pattern = pattern.replace(/'([^']*)'|"([^"]*)"|([0-9a-fA-F]{2})|\s+/g, (_, a, b, hex) =>
          hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : (a ?? b ?? ''),
        );
      } else if (item === 'expand') {
        pattern = pattern.replace(/\\\[((?:[^\]]|\](?!\{))+)\]\{(\d+)\}/g, (_, piece: string, n: string) => {
          if (piece.length * Number(n) < MAX_EXPANDED) return piece.repeat(Number(n));
          why = 'expand to more than a megabyte';
          return '';
        });
      } else if (PRINTING.has(item.split('=')[0]!)) continue;
      else why = item.split('=')[0]!;
    }
    const subjects: [string, number][] = [];
    for (; i < lines.length && lines[i] !== ''; i++) {
      if (lines[i]!.trim() === '') break;
      const body = lines[i]!.trim();
      if (body.startsWith('\\=') || body.startsWith('#')) continue;
      const got = subjectLine(body, options.utf === true);
      if ('why' in got) leave('subject: ' + got.why);
      else subjects.push([got.subject, got.start]);
    }
    if (why !== '') {
      leave(why);
      continue;
    }
    patterns.push({ line: number, pattern: words + pattern, options, global, subjects });
  }
  return { patterns, leftOut };
}
