/**
 * The tree that the parser makes of the Perl in test files. One node type for each form that the suites use
 * (docs/testing.md has the list); what has no node is not understood, and the parser says so. perlsyn, perlop, perlsub.
 */

/** A kind of variable, by the character before its name. */
export type Sigil = '$' | '@' | '%' | '&';

/** An expression. `line` is that of its first character, for messages. */
export type Node = { readonly line: number } & (
  | { readonly t: 'const'; readonly value: string | number }
  | { readonly t: 'undef' }
  /** A string made of parts: `"a $b"`, a here-document. */
  | { readonly t: 'interpolate'; readonly parts: readonly Node[] }
  /** A list put into a string, joined by spaces: `"@list"`. */
  | { readonly t: 'joined'; readonly list: Node }
  | { readonly t: 'variable'; readonly sigil: Sigil; readonly name: string }
  | { readonly t: 'deref'; readonly sigil: Sigil; readonly of: Node }
  /** `$#list`: its highest index. */
  | { readonly t: 'last'; readonly of: Node }
  | { readonly t: 'index'; readonly of: Node; readonly at: Node }
  | { readonly t: 'key'; readonly of: Node; readonly at: Node }
  | { readonly t: 'slice'; readonly of: Node; readonly keys: boolean; readonly at: Node }
  | { readonly t: 'reference'; readonly to: Node }
  | { readonly t: 'list'; readonly items: readonly Node[] }
  | { readonly t: 'anonymous'; readonly kind: '[' | '{'; readonly items: readonly Node[] }
  | { readonly t: 'closure'; readonly body: Block; readonly name: string }
  | { readonly t: 'call'; readonly name: string; readonly args: readonly Node[]; readonly bare: boolean }
  | { readonly t: 'invoke'; readonly code: Node; readonly args: readonly Node[] | undefined }
  | { readonly t: 'method'; readonly object: Node; readonly name: string; readonly args: readonly Node[] }
  /** `map`, `grep`, `sort` and `first`, whose code runs once for each item. */
  | { readonly t: 'each'; readonly name: string; readonly code: Block | Node | undefined; readonly list: Node }
  | { readonly t: 'print'; readonly name: string; readonly handle: Node | undefined; readonly args: readonly Node[] }
  | { readonly t: 'unary'; readonly op: string; readonly of: Node }
  | { readonly t: 'step'; readonly op: '++' | '--'; readonly prefix: boolean; readonly of: Node }
  | { readonly t: 'binary'; readonly op: string; readonly left: Node; readonly right: Node }
  | { readonly t: 'logical'; readonly op: '&&' | '||' | '//'; readonly left: Node; readonly right: Node }
  | { readonly t: 'choice'; readonly test: Node; readonly yes: Node; readonly no: Node }
  | { readonly t: 'assign'; readonly op: string; readonly left: Node; readonly right: Node }
  | { readonly t: 'declare'; readonly kind: 'my' | 'our' | 'local'; readonly what: Node; readonly listed: boolean }
  | { readonly t: 'match'; readonly target: Node | undefined; readonly pattern: Node; readonly negate: boolean }
  | { readonly t: 'regex'; readonly kind: 'qr' | 'm'; readonly source: Node; readonly flags: string }
  | { readonly t: 'substitute'; readonly source: Node; readonly replacement: Node; readonly flags: string }
  | { readonly t: 'transliterate'; readonly from: string; readonly to: string; readonly flags: string }
  | { readonly t: 'readline'; readonly handle: Node }
  | { readonly t: 'command'; readonly text: Node }
  | { readonly t: 'filetest'; readonly op: string; readonly of: Node }
  | { readonly t: 'do'; readonly body: Block }
  | { readonly t: 'eval'; readonly body: Block }
  | {
      readonly t: 'leave';
      readonly how: 'next' | 'last' | 'return';
      readonly label: string;
      readonly value: Node | undefined;
    }
);

/** A statement. */
export type Statement = { readonly line: number } & (
  | { readonly s: 'expression'; readonly node: Node }
  | { readonly s: 'block'; readonly body: Block }
  /** `BEGIN`: runs as soon as it is parsed. */
  | { readonly s: 'begin'; readonly body: Block }
  | {
      readonly s: 'if';
      readonly cases: readonly { readonly test: Node; readonly body: Block }[];
      readonly rest: Block | undefined;
    }
  | {
      readonly s: 'while';
      readonly test: Node | undefined;
      readonly step: Node | undefined;
      readonly body: Block;
      readonly label: string;
    }
  | {
      readonly s: 'for';
      readonly variable: Node | undefined;
      readonly list: Node;
      readonly body: Block;
      readonly label: string;
    }
  | { readonly s: 'sub'; readonly name: string; readonly body: Block }
  | { readonly s: 'package'; readonly name: string }
  | { readonly s: 'use'; readonly module: string; readonly args: Node | undefined }
);

/** A loop over a list. */
export type ForStatement = Statement & { readonly s: 'for' };

export interface Block {
  readonly statements: readonly Statement[];
}

/** Perl that this interpreter has no rule for, or that is wrong. */
export class PerlError extends Error {
  /** Perl itself would refuse it: a quote without an end, two terms without an operator between them. */
  readonly wrong: boolean;
  readonly line: number;
  readonly what: string;

  constructor(file: string, line: number, what: string, wrong = false) {
    super(`this Perl is not understood: ${file}:${line}: ${what}`);
    this.line = line;
    this.what = what;
    this.wrong = wrong;
  }
}
