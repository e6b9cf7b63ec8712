/**
 * What nginx and OpenResty's modules know, implemented here or not: so that a directive nobody has declared yet is
 * told apart from a misspelt one, and put in a wrong place it gives nginx's own message.
 */
import { CATALOGUE_TEXT } from './catalogue.data.ts';
import type { ArgumentRule, ContextName } from './directive.ts';

/** One directive as its module declares it in nginx. */
export interface DirectiveFacts {
  readonly name: string;
  /** As in `ngx_http_core_module`. */
  readonly module: string;
  readonly contexts: readonly ContextName[];
  readonly args: ArgumentRule;
  readonly block?: 'conf' | 'pairs' | 'lua';
}

const CONTEXTS: Readonly<Record<string, ContextName>> = {
  m: 'main',
  e: 'events',
  h: 'http',
  s: 'server',
  l: 'location',
  u: 'upstream',
  S: 'if in server',
  L: 'if in location',
  x: 'limit_except',
  t: 'stream',
  v: 'stream server',
  w: 'stream upstream',
  i: 'mail',
  j: 'mail server',
  '*': 'any',
};

function parseArity(text: string): ArgumentRule {
  if (text === 'flag') return 'flag';
  if (text.endsWith('+')) return { min: Number(text.slice(0, -1)) };
  const counts = text.split(',').map(Number);
  return counts.length === 1 ? counts[0]! : counts;
}

let byName: Map<string, DirectiveFacts[]> | undefined;

function load(): Map<string, DirectiveFacts[]> {
  const map = new Map<string, DirectiveFacts[]>();
  let module = '';
  for (const line of CATALOGUE_TEXT.trim().split('\n')) {
    if (line.startsWith('[')) {
      module = line.slice(1, -1);
      continue;
    }
    const [name, contexts, arity, block] = line.split(' ') as [string, string, string, DirectiveFacts['block']];
    const facts = {
      name,
      module,
      contexts: [...contexts].map((letter) => CONTEXTS[letter]!),
      args: parseArity(arity),
      block,
    };
    const same = map.get(name);
    if (same === undefined) map.set(name, [facts]);
    else same.push(facts);
  }
  return map;
}

/** All declarations of a name in nginx and its modules, in module order; empty for an unknown name. */
export function knownDirectives(name: string): readonly DirectiveFacts[] {
  byName ??= load();
  return byName.get(name) ?? [];
}

/** Every directive of the catalogue. */
export function allKnownDirectives(): DirectiveFacts[] {
  byName ??= load();
  return [...byName.values()].flat();
}
