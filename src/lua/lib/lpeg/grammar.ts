// Making a grammar of a table of rules, and the checks that a grammar and its loops end.

import { throwError } from '../../error.ts';
import type { LuaTable } from '../../table.ts';
import type { LuaValue } from '../../value.ts';
import { typeName } from '../args.ts';
import { rawText } from '../text.ts';
import { type Grammar, nullable, type Rule, type Tree } from './tree.ts';

const MAX_RULES = 1000;

/** How messages name a rule. */
export function ruleName(key: LuaValue): string {
  return typeof key === 'string' || typeof key === 'number' ? rawText(key) : `(a ${typeName(key)})`;
}

/** The grammar of a table. @param treeOf gives the tree of a pattern, undefined for other values */
export function makeGrammar(table: LuaTable, treeOf: (v: LuaValue) => Tree | undefined, tooMany: () => never): Grammar {
  let initial = table.get(1);
  let key: LuaValue = 1;
  if (typeof initial === 'string') {
    key = initial;
    initial = table.get(key);
  }
  const body = treeOf(initial);
  if (body === undefined) {
    if (initial === undefined) throwError('grammar has no initial rule');
    throwError(`initial rule '${ruleName(key)}' is not a pattern`);
  }
  const rules: Rule[] = [{ key, body, index: 0 }];
  for (const [k, v] of table.entries()) {
    if (k === 1 || k === key) continue;
    const tree = treeOf(v);
    if (tree === undefined) throwError(`rule '${ruleName(k)}' is not a pattern`);
    rules.push({ key: k, body: tree, index: rules.length });
  }
  if (rules.length > MAX_RULES) tooMany();
  const grammar: Grammar = { kind: 'grammar', rules, byKey: new Map(rules.map((r) => [r.key, r])) };
  for (const rule of rules) checkCalls(rule.body, grammar, new Set());
  new LeftRecursion(grammar).check();
  for (const rule of rules) checkLoops(rule, rule.body, grammar, new Set());
  return grammar;
}

/** All nonterminals must have rules. */
function checkCalls(t: Tree, g: Grammar, seen: Set<Tree>): void {
  if (seen.has(t)) return;
  seen.add(t);
  switch (t.kind) {
    case 'call':
      if (!g.byKey.has(t.key)) throwError(`rule '${ruleName(t.key)}' undefined in given grammar`);
      return;
    case 'seq':
    case 'choice':
      for (const p of t.items) checkCalls(p, g, seen);
      return;
    case 'rep':
    case 'not':
    case 'and':
    case 'behind':
    case 'capture':
    case 'runtime':
      checkCalls(t.p, g, seen);
  }
}

/** Follows what a rule can call before it has consumed anything. */
class LeftRecursion {
  private readonly grammar: Grammar;
  /** Rules under way. */
  private readonly path = new Set<Rule>();
  /** Rules that are well, and whether they can match the empty string. */
  private readonly done = new Map<Rule, boolean>();

  constructor(grammar: Grammar) {
    this.grammar = grammar;
  }

  check(): void {
    for (const rule of this.grammar.rules) this.rule(rule);
  }

  private rule(rule: Rule): boolean {
    const known = this.done.get(rule);
    if (known !== undefined) return known;
    if (this.path.has(rule)) throwError(`rule '${ruleName(rule.key)}' may be left recursive`);
    this.path.add(rule);
    const empty = this.walk(rule.body);
    this.path.delete(rule);
    this.done.set(rule, empty);
    return empty;
  }

  /** Returns whether the tree can match the empty string. */
  private walk(t: Tree): boolean {
    switch (t.kind) {
      case 'call':
        return this.rule(this.grammar.byKey.get(t.key)!);
      case 'seq':
        return t.items.every((p) => this.walk(p));
      case 'choice': {
        let empty = false;
        for (const p of t.items) if (this.walk(p)) empty = true;
        return empty;
      }
      case 'rep':
      case 'not':
      case 'and':
        this.walk(t.p);
        return true;
      case 'capture':
      case 'runtime':
        return this.walk(t.p);
      default:
        return nullable(t, this.grammar);
    }
  }
}

/** Loops must consume something each time. */
function checkLoops(rule: Rule, t: Tree, g: Grammar, seen: Set<Tree>): void {
  if (seen.has(t)) return;
  seen.add(t);
  switch (t.kind) {
    case 'seq':
    case 'choice':
      for (const p of t.items) checkLoops(rule, p, g, seen);
      return;
    case 'rep':
      if (nullable(t.p, g)) throwError(`empty loop in rule '${ruleName(rule.key)}'`);
      checkLoops(rule, t.p, g, seen);
      return;
    case 'not':
    case 'and':
    case 'behind':
    case 'capture':
    case 'runtime':
      checkLoops(rule, t.p, g, seen);
  }
}
