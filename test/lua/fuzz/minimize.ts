/** Shrinks a program that shows a difference: leaves out lines, then tokens, as long as one remains. */

import { type Difference, differences } from './compare.ts';

/** Candidates tried in one batch. */
const BATCH = 60;
/** Candidates tried in all, for lines and for tokens. */
const MAX_TRIES = 3000;

export async function minimize(difference: Difference): Promise<Difference> {
  let best = difference;
  const wanted = character(difference);
  const shrink = async (make: (program: string) => string[]): Promise<void> => {
    for (let tries = 0; tries < MAX_TRIES; ) {
      const all = make(best.program).filter((p) => p !== '');
      let found: Difference | undefined;
      for (let at = 0; at < all.length && found === undefined; at += BATCH) {
        const some = all.slice(at, at + BATCH);
        tries += some.length;
        found = (await differences(some, [best.form]))
          .filter((d) => character(d) === wanted)
          .reduce<Difference | undefined>(
            (a, b) => (a !== undefined && a.program.length < b.program.length ? a : b),
            undefined,
          );
      }
      if (found === undefined) return;
      best = found;
    }
  };
  await shrink(withoutLines);
  await shrink(withoutTokens);
  return best;
}

/** What sort of difference it is, so that shrinking does not end at another. */
function character({ expected, actual }: Difference): string {
  const theirs = expected.split('\n');
  const ours = actual.split('\n');
  let i = 0;
  while (theirs[i] === ours[i]) i++;
  return [theirs[i] ?? '', ours[i] ?? ''].map(sort).join('|');
}

function sort(line: string): string {
  if (/^(engine|LuaJIT|syntax error)/.test(line)) return line.replace(/\d+/g, '0').slice(0, 40);
  const message =
    /"(?:p:\d+: )?([a-z' ]*(?:attempt|bad argument|must|table index|invalid|malformed|cannot)[^'(]*)/.exec(line);
  return message === null
    ? line.startsWith('error')
      ? 'error'
      : 'value'
    : message[1]!.replace(/\d+/g, '0').slice(0, 18);
}

function withoutLines(program: string): string[] {
  const lines = program.split('\n');
  const n = lines.length;
  const candidates: string[] = [];
  const leave = (out: (i: number) => boolean): void => {
    candidates.push(lines.filter((_, i) => !out(i)).join('\n'));
  };
  for (let size = n >> 1; size > 0; size = size > 8 ? size >> 1 : size - 1) {
    for (let from = 0; from + size <= n; from += size > 8 ? size >> 1 : 1) leave((i) => i >= from && i < from + size);
  }
  // A block without what opens and closes it.
  for (let a = 0; a < n; a++) {
    if (!/\b(do|then|repeat|else|function)\b/.test(lines[a]!)) continue;
    for (let b = a + 1; b < Math.min(n, a + 20); b++) {
      if (/^(end|until|else)/.test(lines[b]!)) leave((i) => i === a || i === b);
    }
  }
  return candidates;
}

function withoutTokens(program: string): string[] {
  const tokens =
    program.match(/"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\.)*'|[A-Za-z_]\w*|\d[\w.]*|\.\.\.?|[=~<>]=|::|\s+|[\s\S]/g) ??
    [];
  const n = tokens.length;
  const candidates: string[] = [];
  if (n > 700) return candidates;
  for (const size of [24, 16, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) {
    for (let from = 0; from + size <= n; from++) {
      if (size === 1 && /^\s+$/.test(tokens[from]!)) continue;
      candidates.push(tokens.filter((_, i) => i < from || i >= from + size).join(''));
      if (size === 3 || size === 5)
        candidates.push(tokens.map((t, i) => (i === from ? '1' : i > from && i < from + size ? '' : t)).join(''));
    }
  }
  return candidates;
}
