/** perlfunc pack, unpack: the formats a A C c n N v V w x H h B Q, each with a count or `*`. */
import { number, PerlDie, text, type Value } from './values.ts';

const WIDTHS: Readonly<Record<string, number>> = { C: 1, c: 1, U: 1, n: 2, v: 2, S: 2, N: 4, V: 4, L: 4, Q: 8 };
const LITTLE = 'vVSLQ';

interface Item {
  readonly kind: string;
  /** Infinity for `*`. */
  readonly count: number;
  readonly counted: boolean;
}

function* items(template: string): Generator<Item> {
  for (const [, kind, count] of template.matchAll(/([a-zA-Z])[<>!]?(\d+|\*)?/g)) {
    yield { kind: kind!, count: count === '*' ? Infinity : Number(count ?? 1), counted: count !== undefined };
  }
}

export function pack(template: string, values: readonly Value[]): string {
  let out = '';
  let next = 0;
  for (const { kind, count } of items(template)) {
    const width = WIDTHS[kind];
    if (width !== undefined) {
      for (let i = 0; i < count && (count !== Infinity || next < values.length); i++)
        out += bytes(number(values[next++]), width, LITTLE.includes(kind));
    } else if (kind === 'a' || kind === 'A') {
      const value = text(values[next++]);
      out += count === Infinity ? value : value.slice(0, count).padEnd(count, kind === 'a' ? '\0' : ' ');
    } else if (kind === 'x') out += '\0'.repeat(count);
    else if (kind === 'H') {
      const digits = text(values[next++]);
      out += Buffer.from(count === Infinity ? digits : digits.slice(0, count), 'hex').toString('latin1');
    } else throw new PerlDie(`pack: format ${kind} is not known\n`);
  }
  return out;
}

export function unpack(template: string, data: string): Value[] {
  const out: Value[] = [];
  let at = 0;
  for (const { kind, count } of items(template)) {
    const width = WIDTHS[kind];
    if (width !== undefined) {
      for (let i = 0; i < count && at + width <= data.length; i++, at += width) {
        const part = [...data.slice(at, at + width)].map((c) => c.charCodeAt(0));
        if (LITTLE.includes(kind)) part.reverse();
        out.push(part.reduce((sum, byte) => sum * 256 + byte, 0));
      }
    } else if (kind === 'a' || kind === 'A') {
      const part = data.slice(at, count === Infinity ? undefined : at + count);
      at += part.length;
      out.push(kind === 'A' ? part.replace(/[\0\s]+$/, '') : part);
    } else if (kind === 'H') {
      const part = data.slice(at, count === Infinity ? undefined : at + Math.ceil(count / 2));
      at += part.length;
      out.push(
        Buffer.from(part, 'latin1')
          .toString('hex')
          .slice(0, count === Infinity ? undefined : count),
      );
    } else if (kind === 'x') at += count;
    else throw new PerlDie(`unpack: format ${kind} is not known\n`);
  }
  return out;
}

function bytes(value: number, width: number, little: boolean): string {
  const out: string[] = [];
  for (let i = 0, rest = Math.trunc(value); i < width; i++, rest = Math.floor(rest / 256))
    out.push(String.fromCharCode(((rest % 256) + 256) % 256));
  return (little ? out : out.reverse()).join('');
}
