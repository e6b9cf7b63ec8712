/**
 * Whether the turns of a loop know of each other. Turns that do not can run in several threads, each with a program of
 * its own. The question is answered by looking at the code, and with yes in doubt: a turn carries something over when
 * the loop, or any sub, changes a variable that is not its own `my`. perlsub: Private Variables via my().
 */
import type { ForStatement, Node, Statement } from './ast.ts';
import type { PerlCode } from './values.ts';

/** Functions that change their first argument. */
const CHANGING = new Set(['push', 'unshift', 'pop', 'shift', 'splice', 'chomp', 'chop', 'undef', 'delete', 'substr']);

/** Variables that are set anew before they are looked at. */
const FLEETING = new Set(['$_', '$@', '$!', '$?', '$|']);

/** All nodes and statements below one, itself included. */
function* parts(of: unknown): Generator<Node | Statement> {
  if (typeof of !== 'object' || of === null) return;
  if ('t' in of || 's' in of) yield of as Node | Statement;
  for (const value of Object.values(of)) yield* parts(value);
}

/** The variables that a piece of code declares for itself, with their sigils. */
function declaredIn(code: unknown): Set<string> {
  const names = new Set<string>();
  for (const part of parts(code)) {
    const what = 's' in part ? (part.s === 'for' ? part.variable : undefined) : part.t === 'declare' ? part : undefined;
    if (what === undefined || (what.t === 'declare' && what.kind === 'our')) continue;
    for (const one of parts(what)) if ('t' in one && one.t === 'variable') names.add(one.sigil + one.name);
  }
  return names;
}

/** The variables that are changed when a place is. Undefined when that cannot be seen. */
function changedBy(place: Node): string[] | undefined {
  switch (place.t) {
    case 'variable':
      return [place.sigil + place.name];
    case 'index':
    case 'key':
    case 'slice':
    case 'last':
    case 'deref':
      return changedBy(place.of);
    case 'declare':
      return place.kind === 'our' ? undefined : [];
    case 'assign':
      return changedBy(place.left);
    case 'undef':
      return [];
    case 'list': {
      const all = place.items.map(changedBy);
      return all.includes(undefined) ? undefined : (all as string[][]).flat();
    }
    default:
      return undefined;
  }
}

/** The list itself that a sub is called with; its elements belong to the caller. */
const isArguments = (node: Node | undefined): boolean =>
  node?.t === 'variable' && node.sigil === '@' && node.name === '_';

/** The place that a node changes; undefined for one that only looks, null for what nobody can know. */
function target(node: Node): Node | undefined | null {
  switch (node.t) {
    case 'assign':
      return node.left;
    case 'step':
      return node.of;
    case 'match':
      return node.pattern.t === 'substitute' || node.pattern.t === 'transliterate' ? node.target : undefined;
    case 'reference':
      // Whoever is given it may change it.
      return node.to.t === 'variable' && node.to.sigil !== '&' ? node.to : undefined;
    case 'call':
      if (node.name === 'eval' || node.name === 'require') return null;
      return CHANGING.has(node.name) && !isArguments(node.args[0]) ? node.args[0] : undefined;
    default:
      return undefined;
  }
}

function changesOthers(code: unknown): boolean {
  const own = declaredIn(code);
  for (const part of parts(code)) {
    if (!('t' in part)) continue;
    const place = target(part);
    if (place === undefined) continue;
    const changed = place === null ? undefined : changedBy(place);
    if (changed === undefined || changed.some((name) => !own.has(name) && !FLEETING.has(name))) return true;
  }
  return false;
}

/**
 * @param loop a `for`
 * @param subs all that it could call
 */
export function carriesOver(loop: ForStatement, subs: Iterable<PerlCode>): boolean {
  for (const part of parts(loop.body)) if ('t' in part && part.t === 'leave' && part.how !== 'next') return true;
  if (changesOthers({ variable: loop.variable, body: loop.body, s: 'for' })) return true;
  for (const { body } of subs) if (typeof body !== 'function' && changesOthers(body)) return true;
  return false;
}
