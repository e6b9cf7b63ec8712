/** Shows where two texts differ, line by line, in the manner of `diff -u`. */

/** Lines that are the same are kept this far around a difference. */
const CONTEXT = 3;
/** Texts of more lines than this are not compared but shown. */
const MAX_LINES = 2000;

/** Lines marked `-` are expected only, `+` found only. Control characters are shown as escapes. */
export function diff(expected: string, found: string): string {
  const a = linesOf(expected);
  const b = linesOf(found);
  if (a.length > MAX_LINES || b.length > MAX_LINES) return `expected ${a.length} lines, found ${b.length}`;
  const marked = align(a, b);
  const changed = marked.map((line) => !line.startsWith(' '));
  const shown: string[] = [];
  let gap = false;
  for (let i = 0; i < marked.length; i++) {
    if (changed.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).includes(true)) {
      if (gap) shown.push('  ...');
      gap = false;
      shown.push(marked[i] as string);
    } else {
      gap = true;
    }
  }
  return shown.join('\n');
}

function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else lines.push('(no line end)');
  return lines.map(visible);
}

function visible(line: string): string {
  return line.replace(/[\x00-\x08\x0b-\x1f\x7f-\xff]/g, (c) => {
    return c === '\r' ? '\\r' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The longest common subsequence of lines, as one list of marked lines. */
function align(a: readonly string[], b: readonly string[]): string[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? (lengths[(i + 1) * width + j + 1] as number) + 1
          : Math.max(lengths[(i + 1) * width + j] as number, lengths[i * width + j + 1] as number);
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`  ${a[i++]}`);
      j++;
    } else if (j === b.length || (i < a.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)) {
      lines.push(`- ${a[i++]}`);
    } else {
      lines.push(`+ ${b[j++]}`);
    }
  }
  return lines;
}
