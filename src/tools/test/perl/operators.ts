/** Perl's binary operators, `s///` and `tr///`. perlop. */
import type { Regex } from '../../../regex/regex.ts';
import type { Node } from './ast.ts';
import type { Matching } from './regexes.ts';
import { bool, type Cell, number, PerlDie, text, type Value } from './values.ts';

/** The value of a binary operator, or of an assignment with it. */
export function binary(op: string, left: Value, right: Value): Value {
  switch (op) {
    case '.':
      return text(left) + text(right);
    case 'x':
      return text(left).repeat(Math.max(0, Math.trunc(number(right))));
    case '+':
      return number(left) + number(right);
    case '-':
      return number(left) - number(right);
    case '*':
      return number(left) * number(right);
    case '/':
      if (number(right) === 0) throw new PerlDie('Illegal division by zero.\n');
      return number(left) / number(right);
    case '%': {
      const divisor = Math.trunc(number(right));
      if (divisor === 0) throw new PerlDie('Illegal modulus zero.\n');
      const rest = Math.trunc(number(left)) % divisor;
      return rest !== 0 && rest < 0 !== divisor < 0 ? rest + divisor : rest;
    }
    case '**':
      return number(left) ** number(right);
    case '<<':
      return number(left) * 2 ** number(right);
    case '>>':
      return Math.floor(number(left) / 2 ** number(right));
    case '&':
      return Number(BigInt(Math.trunc(number(left))) & BigInt(Math.trunc(number(right))));
    case '|':
      return Number(BigInt(Math.trunc(number(left))) | BigInt(Math.trunc(number(right))));
    case '^':
      return Number(BigInt(Math.trunc(number(left))) ^ BigInt(Math.trunc(number(right))));
    default:
      return compare(op, left, right);
  }
}

function compare(op: string, left: Value, right: Value): Value {
  // References compare as what they are.
  if (typeof left === 'object' && typeof right === 'object' && (op === '==' || op === '!='))
    return bool((left === right) === (op === '=='));
  switch (op) {
    case '==':
      return bool(number(left) === number(right));
    case '!=':
      return bool(number(left) !== number(right));
    case '<':
      return bool(number(left) < number(right));
    case '>':
      return bool(number(left) > number(right));
    case '<=':
      return bool(number(left) <= number(right));
    case '>=':
      return bool(number(left) >= number(right));
    case '<=>':
      return Math.sign(number(left) - number(right));
    case 'eq':
      return bool(text(left) === text(right));
    case 'ne':
      return bool(text(left) !== text(right));
    case 'lt':
      return bool(text(left) < text(right));
    case 'gt':
      return bool(text(left) > text(right));
    case 'le':
      return bool(text(left) <= text(right));
    case 'ge':
      return bool(text(left) >= text(right));
    default:
      return text(left) < text(right) ? -1 : text(left) > text(right) ? 1 : 0;
  }
}

/**
 * `s///`.
 * @param replacement is asked at each match, when the groups are set
 * @returns how often it replaced; with /r the new text
 */
export function substitute(
  matching: Matching,
  cell: Cell,
  regex: Regex,
  flags: string,
  replacement: () => string,
): Value {
  const subject = text(cell.v);
  let out = '';
  let from = 0;
  let count = 0;
  for (let at = 0; at <= subject.length; ) {
    if (!matching.search(regex, subject, at)) break;
    const { start, end } = matching;
    count++;
    out += subject.slice(from, start) + replacement();
    from = end;
    // An empty match moves on by one, so that it ends.
    at = end > start ? end : end + 1;
    if (!flags.includes('g')) break;
  }
  out += subject.slice(from);
  if (flags.includes('r')) return out;
  if (count > 0) cell.v = out;
  return count === 0 ? '' : count;
}

/** `tr///`: the number of characters found. */
export function transliterate(cell: Cell, node: Node & { t: 'transliterate' }): Value {
  const from = characters(node.from);
  let to = characters(node.to);
  const remove = node.flags.includes('d');
  if (to.length === 0 && !remove) to = from;
  let count = 0;
  let out = '';
  for (const c of text(cell.v)) {
    const found = from.indexOf(c);
    const at = node.flags.includes('c') ? (found === -1 ? to.length : -1) : found;
    if (at === -1) {
      out += c;
      continue;
    }
    count++;
    const put = to[at] ?? (remove ? '' : to.at(-1)) ?? '';
    if (!(node.flags.includes('s') && out.endsWith(put))) out += put;
  }
  if (node.flags.includes('r')) return out;
  if (out !== text(cell.v)) cell.v = out;
  return count;
}

/** The characters of a list such as `a-z\n`. */
function characters(list: string): string[] {
  const plain = list.replace(/\\(x[0-9a-fA-F]{2}|[0-7]{3}|.)/g, (_all, c: string) => {
    if (/^x../.test(c)) return String.fromCharCode(Number.parseInt(c.slice(1), 16));
    if (/^[0-7]{3}$/.test(c)) return String.fromCharCode(Number.parseInt(c, 8));
    return { n: '\n', r: '\r', t: '\t', 0: '\0' }[c] ?? c;
  });
  const out: string[] = [];
  for (let i = 0; i < plain.length; i++) {
    if (plain[i + 1] === '-' && i + 2 < plain.length) {
      for (let c = plain.charCodeAt(i); c <= plain.charCodeAt(i + 2); c++) out.push(String.fromCharCode(c));
      i += 2;
    } else out.push(plain[i]!);
  }
  return out;
}
