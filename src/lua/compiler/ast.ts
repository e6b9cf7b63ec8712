/**
 * The syntax tree, with every name resolved.
 *
 * `may` on a node says that evaluating it may suspend the coroutine (it contains a call or an operation that can
 * reach a metamethod): the emitter keeps across such a point only what it has put in variables.
 */

import type { CData } from '../ffi/cdata.ts';

/** A local variable. */
export interface Local {
  readonly name: string;
  /** Its JavaScript identifier, unique in the chunk. */
  readonly js: string;
  readonly fn: FunctionNode;
  /** A nested function uses it. */
  captured: boolean;
  /** It is assigned after its declaration. */
  assigned: boolean;
  /** Declared inside a loop: each iteration has its own. */
  inLoop: boolean;
  /** Always a number: the control variable of a numeric for, or initialised so and never assigned. */
  isNumber: boolean;
}

/** A function body. */
export interface FunctionNode {
  readonly parent: FunctionNode | undefined;
  /** Name from its definition, for tracebacks; empty for an anonymous function. */
  name: string;
  readonly line: number;
  lastLine: number;
  /** The local that holds it, if it is a local function. */
  self: Local | undefined;
  readonly params: Local[];
  isVararg: boolean;
  body: Block;
  /** Locals of enclosing functions that it or functions in it use. */
  readonly upvalues: Local[];
  /** It or a function in it uses a global. */
  usesEnv: boolean;
  /** It calls setfenv or module, which may change its own environment. */
  changesEnv: boolean;
  /** Control flow that JavaScript's statements cannot express. */
  irreducible: boolean;
  /** It has a goto to an earlier label, which makes loops of parts of it. */
  hasBackwardGoto: boolean;
  /** Number among all functions of the process, part of the JavaScript function's name. */
  readonly id: number;
  /** Number in the chunk; 0 is the main function. */
  readonly index: number;
}

export interface Block {
  readonly body: Stat[];
  readonly labels: Label[];
}

/** A goto label. */
export interface Label {
  readonly name: string;
  readonly line: number;
  /** Number unique in the function. */
  readonly id: number;
  /** Index of the statement it stands before. */
  readonly index: number;
  /** First statement of the block with a goto that jumps forward to it, or -1. */
  from: number;
  /** Last statement of the block with a goto that jumps back to it, or -1. */
  back: number;
}

export type BinaryOp = '+' | '-' | '*' | '/' | '%' | '^';
export type CompareOp = '==' | '~=' | '<' | '<=' | '>' | '>=';

export type Expr =
  | { readonly type: 'nil' | 'true' | 'false'; readonly may: false; readonly line: number }
  | { readonly type: 'number'; readonly value: number; readonly may: false; readonly line: number }
  /** A literal of the ffi library: 1LL, 2i. */
  | { readonly type: 'cdata'; readonly value: CData; readonly may: false; readonly line: number }
  | { readonly type: 'string'; readonly value: string; readonly may: false; readonly line: number }
  | { readonly type: 'vararg'; readonly may: false; readonly line: number }
  | { readonly type: 'function'; readonly fn: FunctionNode; readonly may: false; readonly line: number }
  | LocalExpr
  | { readonly type: 'global'; readonly name: string; readonly may: true; readonly line: number }
  | IndexExpr
  | CallExpr
  | { readonly type: 'paren'; readonly expr: Expr; readonly may: boolean; readonly line: number }
  | {
      readonly type: 'arith';
      readonly op: BinaryOp;
      readonly left: Expr;
      readonly right: Expr;
      readonly may: boolean;
      readonly line: number;
    }
  | { readonly type: 'concat'; readonly parts: Expr[]; readonly may: boolean; readonly line: number }
  | {
      readonly type: 'compare';
      readonly op: CompareOp;
      readonly left: Expr;
      readonly right: Expr;
      readonly may: boolean;
      readonly line: number;
    }
  | {
      readonly type: 'and' | 'or';
      readonly left: Expr;
      readonly right: Expr;
      readonly may: boolean;
      readonly line: number;
    }
  | { readonly type: 'not' | 'neg' | 'len'; readonly expr: Expr; readonly may: boolean; readonly line: number }
  | TableExpr;

export interface LocalExpr {
  readonly type: 'local';
  readonly local: Local;
  readonly may: false;
  readonly line: number;
}

export interface IndexExpr {
  readonly type: 'index';
  readonly object: Expr;
  readonly key: Expr;
  readonly may: true;
  readonly line: number;
}

/** A call, or a method call if `method` is set. `line` is that of the arguments' opening. */
export interface CallExpr {
  readonly type: 'call';
  readonly callee: Expr;
  readonly method: string | undefined;
  readonly args: Expr[];
  readonly may: true;
  readonly line: number;
}

export interface TableField {
  /** undefined for a positional item. */
  readonly key: Expr | undefined;
  readonly value: Expr;
  /** Where the value ends. */
  readonly line: number;
}

export interface TableExpr {
  readonly type: 'table';
  readonly fields: TableField[];
  readonly may: boolean;
  readonly line: number;
}

export interface IfClause {
  readonly condition: Expr;
  readonly body: Block;
  readonly line: number;
}

/** `flat` says that a statement contains a point of suspension or a label. */
export type Stat = { readonly line: number; readonly flat: boolean } & (
  | { readonly type: 'local'; readonly locals: Local[]; readonly values: Expr[] }
  | {
      readonly type: 'assign';
      readonly targets: Expr[];
      readonly values: Expr[];
      /** Where it ends: the line of its stores. */
      readonly endLine: number;
      /** It is written `function a.b() ... end`. */
      readonly isFunction?: boolean;
    }
  | { readonly type: 'call'; readonly call: CallExpr }
  | { readonly type: 'do'; readonly body: Block }
  | { readonly type: 'while'; readonly condition: Expr; readonly body: Block }
  | { readonly type: 'repeat'; readonly condition: Expr; readonly body: Block; readonly endLine: number }
  | { readonly type: 'if'; readonly clauses: IfClause[]; readonly otherwise: Block | undefined }
  | {
      readonly type: 'for';
      readonly variable: Local;
      readonly start: Expr;
      readonly limit: Expr;
      readonly step: Expr | undefined;
      readonly body: Block;
      /** Of its `do`: LuaJIT's line of wrong bounds. */
      readonly doLine: number;
    }
  | {
      readonly type: 'forin';
      readonly locals: Local[];
      readonly values: Expr[];
      readonly body: Block;
      /** Where the first token behind `in` ends: LuaJIT's line of the iterator's calls. */
      readonly callLine: number;
    }
  | { readonly type: 'localfunction'; readonly local: Local; readonly fn: FunctionNode }
  | { readonly type: 'return'; readonly values: Expr[]; readonly endLine: number }
  | { readonly type: 'break' }
  | { readonly type: 'goto'; readonly target: GotoTarget }
);

/** Filled when the label has been found. */
export interface GotoTarget {
  readonly name: string;
  readonly line: number;
  label: Label | undefined;
  backward: boolean;
}
