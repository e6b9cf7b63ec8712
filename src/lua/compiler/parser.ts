/**
 * Parses Lua source to the tree of ast.ts, resolving names on the way.
 *
 * Messages and limits are LuaJIT's. Facts about variables (captured, assigned, in a loop) are complete only when
 * the whole chunk has been parsed; the emitter relies on them, which is why there is a tree at all.
 */

import { cdataOperations } from '../ffi/cdata.ts';
import type {
  BinaryOp,
  Block,
  CallExpr,
  CompareOp,
  Expr,
  FunctionNode,
  GotoTarget,
  IfClause,
  Label,
  Local,
  Stat,
  TableField,
} from './ast.ts';
import { Lexer } from './lexer.ts';

const MAX_LOCALS = 200;
/** OpenResty's LuaJIT has doubled LuaJIT's limit. */
const MAX_UPVALUES = 120;
const MAX_LEVELS = 200;
/** Name of the label that a `break` outside of loops looks for; no label has it. */
const BREAK = 'break';

/** Left and right binding power of binary operators; right is lower for right-associative ones. */
const PRIORITY: Record<string, readonly [number, number]> = {
  or: [1, 1],
  and: [2, 2],
  '<': [3, 3],
  '>': [3, 3],
  '<=': [3, 3],
  '>=': [3, 3],
  '~=': [3, 3],
  '==': [3, 3],
  '..': [5, 4],
  '+': [6, 6],
  '-': [6, 6],
  '*': [7, 7],
  '/': [7, 7],
  '%': [7, 7],
  '^': [10, 9],
};
const UNARY_PRIORITY = 8;

interface PendingGoto {
  readonly target: GotoTarget;
  /** Number of visible locals at the goto, lowered to that of each block it leaves. */
  visible: number;
  /** Index in its (current) block of the statement that contains it. */
  index: number;
}

interface BlockState {
  readonly parent: BlockState | undefined;
  readonly visible: number;
  readonly isLoop: boolean;
  readonly body: Stat[];
  readonly labels: Label[];
  readonly labelVisible: number[];
  gotos: PendingGoto[];
}

interface FunctionState {
  readonly parent: FunctionState | undefined;
  readonly node: FunctionNode;
  readonly visible: Local[];
  block: BlockState;
  loops: number;
  labels: number;
}

/**
 * Parses a chunk; its functions get numbers from `firstId` on. Throws a LuaError with LuaJIT's message.
 * Returns all functions, the main one first. `collects`: captured variables of inner blocks are kept apart, so that they
 * do not outlive the closures. `hasLimits`: each iteration of a loop may suspend.
 */
export function parse(
  source: string,
  shortSource: string,
  firstId: number,
  collects: boolean,
  hasLimits: boolean,
): FunctionNode[] {
  return new Parser(source, shortSource, firstId, collects, hasLimits).chunk();
}

class Parser {
  private readonly lex: Lexer;
  private fs!: FunctionState;
  private level = 0;
  private lastJs = 0;

  private readonly firstId: number;
  private readonly collects: boolean;
  private readonly hasLimits: boolean;
  private readonly functions: FunctionNode[] = [];

  constructor(source: string, shortSource: string, firstId: number, collects: boolean, hasLimits: boolean) {
    this.collects = collects;
    this.hasLimits = hasLimits;
    this.lex = new Lexer(source, shortSource);
    this.firstId = firstId;
  }

  chunk(): FunctionNode[] {
    const node = this.open(0, '');
    node.isVararg = true;
    node.body = this.block(false);
    if (this.lex.token !== '<eof>') this.expected('<eof>');
    node.lastLine = this.lex.line;
    this.close();
    return this.functions;
  }

  // Functions, scopes and names

  private open(line: number, name: string): FunctionNode {
    const node: FunctionNode = {
      parent: this.fs?.node,
      name,
      line,
      lastLine: line,
      self: undefined,
      params: [],
      isVararg: false,
      body: { body: [], labels: [] },
      upvalues: [],
      usesEnv: false,
      changesEnv: false,
      irreducible: false,
      hasBackwardGoto: false,
      id: this.firstId + this.functions.length,
      index: this.functions.length,
    };
    this.functions.push(node);
    this.fs = {
      parent: this.fs,
      node,
      visible: [],
      block: undefined as unknown as BlockState,
      loops: 0,
      labels: 0,
    };
    return node;
  }

  private close(): void {
    const { node, parent } = this.fs;
    // A function without globals has no environment to change, whatever its variables are called.
    if (!node.usesEnv) node.changesEnv = false;
    if (parent !== undefined) {
      if (node.usesEnv) parent.node.usesEnv = true;
      // A level above 1 may be meant.
      if (node.changesEnv) parent.node.changesEnv = true;
      this.fs = parent;
    }
  }

  private limit(max: number, what: string): never {
    const { line } = this.fs.node;
    const where = line === 0 ? 'main function' : `function at line ${line}`;
    return this.lex.errorAt(`${where} has more than ${max} ${what}`);
  }

  private newLocal(name: string): Local {
    return {
      name,
      js: name.replace(/[^A-Za-z0-9_]/g, '_') + '_' + ++this.lastJs,
      fn: this.fs.node,
      captured: false,
      assigned: false,
      inLoop: this.fs.loops > 0 || (this.collects && this.fs.block?.parent !== undefined),
      isNumber: false,
    };
  }

  private declare(local: Local): void {
    if (this.fs.visible.length >= MAX_LOCALS) this.limit(MAX_LOCALS, 'local variables');
    this.fs.visible.push(local);
  }

  private find(name: string): Local | undefined {
    for (let fs: FunctionState | undefined = this.fs; fs !== undefined; fs = fs.parent) {
      for (let i = fs.visible.length - 1; i >= 0; i--) {
        const local = fs.visible[i]!;
        if (local.name !== name) continue;
        if (fs !== this.fs) this.capture(local, fs);
        return local;
      }
    }
    return undefined;
  }

  private capture(local: Local, owner: FunctionState): void {
    local.captured = true;
    for (let fs = this.fs; fs !== owner; fs = fs.parent!) {
      const { upvalues } = fs.node;
      if (upvalues.includes(local)) continue;
      if (upvalues.length >= MAX_UPVALUES) this.limit(MAX_UPVALUES, 'upvalues');
      upvalues.push(local);
    }
  }

  // Tokens

  private expected(token: string): never {
    return this.lex.error(`'${token}' expected`);
  }

  private syntaxError(): never {
    return this.lex.error('syntax error');
  }

  private at(token: string): boolean {
    return this.lex.token === token;
  }

  private check(token: string): void {
    if (this.lex.token !== token) this.expected(token);
    this.lex.next();
  }

  private accept(token: string): boolean {
    if (this.lex.token !== token) return false;
    this.lex.next();
    return true;
  }

  private closing(token: string, opener: string, line: number): void {
    if (this.accept(token)) return;
    if (line === this.lex.currentLine) this.expected(token);
    this.lex.error(`'${token}' expected (to close '${opener}' at line ${line})`);
  }

  private name(): string {
    if (this.lex.token !== '<name>') this.expected('<name>');
    const { text } = this.lex;
    this.lex.next();
    return text;
  }

  private enter(): void {
    if (++this.level >= MAX_LEVELS) this.lex.errorAt('chunk has too many syntax levels');
  }

  // Blocks and gotos

  private openBlock(isLoop: boolean): void {
    const { fs } = this;
    fs.block = {
      parent: fs.block,
      visible: fs.visible.length,
      isLoop,
      body: [],
      labels: [],
      labelVisible: [],
      gotos: [],
    };
    if (isLoop) fs.loops++;
  }

  private closeBlock(): Block {
    const { fs } = this;
    const { block } = fs;
    fs.visible.length = block.visible;
    if (block.isLoop) fs.loops--;
    const outer = block.parent;
    for (const g of block.gotos) {
      if (outer === undefined && this.fs.parent === undefined && this.lex.token !== '<eof>') this.expected('<eof>');
      if (outer === undefined) {
        const { name, line } = g.target;
        this.lex.errorAt(name === BREAK ? 'no loop to break' : `undefined label '${name}'`, line);
      }
      if (g.visible > block.visible) g.visible = block.visible;
      g.index = outer.body.length;
      if (!this.resolveBackward(outer, g)) outer.gotos.push(g);
    }
    fs.block = outer as BlockState;
    return { body: block.body, labels: block.labels };
  }

  private resolveBackward(block: BlockState, g: PendingGoto): boolean {
    const label = block.labels.find((l) => l.name === g.target.name);
    if (label === undefined) return false;
    g.target.label = label;
    g.target.backward = true;
    label.back = g.index;
    this.fs.node.hasBackwardGoto = true;
    return true;
  }

  private goto(): void {
    const { line } = this.lex;
    this.lex.next();
    const target: GotoTarget = { name: this.name(), line, label: undefined, backward: false };
    const { block } = this.fs;
    const g: PendingGoto = { target, visible: this.fs.visible.length, index: block.body.length };
    if (!this.resolveBackward(block, g)) {
      // A label of an enclosing block that has been seen is found when this block closes.
      block.gotos.push(g);
    }
    block.body.push({ type: 'goto', target, line, flat: false });
  }

  private label(): void {
    const { fs } = this;
    const { block } = fs;
    const { line } = this.lex;
    this.lex.next();
    const name = this.name();
    if (block.labels.some((l) => l.name === name)) this.lex.errorAt(`duplicate label '${name}'`);
    const label: Label = { name, line, id: ++fs.labels, index: block.body.length, from: -1, back: -1 };
    this.check('::');
    block.labels.push(label);
    for (;;) {
      if (this.accept(';')) continue;
      if (this.lex.token !== '::') break;
      this.label();
    }
    // A label at the end of a block is outside the scope of its locals.
    const atEnd = this.blockEnds() && this.lex.token !== 'until';
    const visible = atEnd ? block.visible : fs.visible.length;
    block.gotos = block.gotos.filter((g) => {
      if (g.target.name !== name) return true;
      if (visible > g.visible) {
        this.lex.errorAt(
          `<goto ${name}> jumps into the scope of local '${fs.visible[g.visible]!.name}'`,
          g.target.line,
        );
      }
      g.target.label = label;
      if (label.from < 0 || g.index < label.from) label.from = g.index;
      return false;
    });
  }

  private blockEnds(): boolean {
    switch (this.lex.token) {
      case 'else':
      case 'elseif':
      case 'end':
      case '<eof>':
      case 'until':
        return true;
      default:
        return false;
    }
  }

  private block(isLoop: boolean, declare?: () => void): Block {
    this.openBlock(isLoop);
    declare?.();
    this.statements();
    return this.closeBlock();
  }

  private statements(): void {
    this.enter();
    while (!this.blockEnds()) {
      if (this.statement()) break;
    }
    this.level--;
  }

  private push(stat: Stat): void {
    this.fs.block.body.push(stat);
  }

  // Statements

  /** Parses one statement; true if it must be the last of its block. */
  private statement(): boolean {
    const { lex } = this;
    const { line } = lex;
    switch (lex.token) {
      case ';':
        lex.next();
        return false;
      case 'if':
        this.ifStatement(line);
        return false;
      case 'while': {
        lex.next();
        const condition = this.expr();
        this.check('do');
        const body = this.block(true);
        this.closing('end', 'while', line);
        this.push({ type: 'while', condition, body, line, flat: this.hasLimits || condition.may || flat(body) });
        return false;
      }
      case 'do': {
        lex.next();
        const body = this.block(false);
        this.closing('end', 'do', line);
        this.push({ type: 'do', body, line, flat: flat(body) });
        return false;
      }
      case 'for':
        this.forStatement(line);
        return false;
      case 'repeat': {
        lex.next();
        this.openBlock(true);
        this.statements();
        const endLine = lex.line;
        this.closing('until', 'repeat', line);
        const condition = this.expr();
        const body = this.closeBlock();
        this.push({
          type: 'repeat',
          condition,
          body,
          endLine,
          line,
          flat: this.hasLimits || condition.may || flat(body),
        });
        return false;
      }
      case 'function':
        this.functionStatement(line);
        return false;
      case 'local':
        lex.next();
        if (this.accept('function')) this.localFunction(line);
        else this.localStatement(line);
        return false;
      case 'return':
        this.returnStatement(line);
        return true;
      case 'break': {
        lex.next();
        let block: BlockState | undefined = this.fs.block;
        while (block !== undefined && !block.isLoop) block = block.parent;
        // Reported where an undefined label is: at the end of the function.
        if (block === undefined) {
          const target: GotoTarget = { name: BREAK, line: lex.lastLine, label: undefined, backward: false };
          this.fs.block.gotos.push({ target, visible: this.fs.visible.length, index: this.fs.block.body.length });
        }
        this.push({ type: 'break', line, flat: false });
        return false;
      }
      case '::':
        this.label();
        return false;
      case 'goto':
        this.goto();
        return false;
      default:
        this.exprStatement(line);
        return false;
    }
  }

  private ifStatement(line: number): void {
    const clauses: IfClause[] = [];
    let otherwise: Block | undefined;
    let isFlat = false;
    for (;;) {
      const at = this.lex.line;
      this.lex.next();
      const condition = this.expr();
      this.check('then');
      const body = this.block(false);
      clauses.push({ condition, body, line: at });
      if (condition.may || flat(body)) isFlat = true;
      if (this.lex.token !== 'elseif') break;
    }
    if (this.accept('else')) {
      otherwise = this.block(false);
      if (flat(otherwise)) isFlat = true;
    }
    this.closing('end', 'if', line);
    this.push({ type: 'if', clauses, otherwise, line, flat: isFlat });
  }

  private forStatement(line: number): void {
    const { lex } = this;
    lex.next();
    const names = [this.name()];
    if (lex.token === '=') {
      lex.next();
      const start = this.expr();
      this.check(',');
      const limit = this.expr();
      const step = this.accept(',') ? this.expr() : undefined;
      const doLine = lex.line;
      this.check('do');
      let variable!: Local;
      const body = this.block(true, () => {
        variable = this.newLocal(names[0]!);
        this.declare(variable);
      });
      this.closing('end', 'for', line);
      const may = start.may || limit.may || (step?.may ?? false);
      this.push({
        type: 'for',
        variable,
        start,
        limit,
        step,
        body,
        line,
        doLine,
        flat: this.hasLimits || may || flat(body),
      });
      return;
    }
    if (lex.token !== ',' && lex.token !== 'in') lex.error("'=' or 'in' expected");
    while (this.accept(',')) names.push(this.name());
    this.check('in');
    const callLine = lex.line;
    const values = this.exprList();
    this.check('do');
    const locals: Local[] = [];
    const body = this.block(true, () => {
      for (const name of names) {
        const local = this.newLocal(name);
        locals.push(local);
        this.declare(local);
      }
    });
    this.closing('end', 'for', line);
    this.push({ type: 'forin', locals, values, body, line, callLine, flat: true });
  }

  private functionStatement(line: number): void {
    this.lex.next();
    let target = this.variable();
    let method = false;
    let name = this.lastName;
    while (this.lex.token === '.' || this.lex.token === ':') {
      method = this.lex.token === ':';
      const at = this.lex.line;
      this.lex.next();
      name = this.name();
      target = {
        type: 'index',
        object: target,
        key: { type: 'string', value: name, may: false, line: at },
        may: true,
        line: at,
      };
      if (method) break;
    }
    const fn = this.functionBody(line, name, method);
    this.markAssigned(target);
    this.push({
      type: 'assign',
      targets: [target],
      values: [{ type: 'function', fn, may: false, line }],
      line,
      endLine: line,
      isFunction: true,
      flat: target.type !== 'local',
    });
  }

  private localFunction(line: number): void {
    const name = this.name();
    const local = this.newLocal(name);
    this.declare(local);
    const fn = this.functionBody(line, name, false);
    fn.self = local;
    this.push({ type: 'localfunction', local, fn, line, flat: false });
  }

  private localStatement(line: number): void {
    const locals: Local[] = [];
    do {
      const name = this.name();
      locals.push(this.newLocal(name));
    } while (this.accept(','));
    let values: Expr[] = [];
    if (this.accept('=')) {
      values = this.exprList();
      const value = values[0]!;
      if (locals.length === 1 && value.type === 'function' && value.fn.name === '') value.fn.name = locals[0]!.name;
    }
    for (const local of locals) this.declare(local);
    this.push({ type: 'local', locals, values, line, flat: values.some((e) => e.may) });
  }

  private returnStatement(line: number): void {
    this.lex.next();
    const values = this.blockEnds() || this.lex.token === ';' ? [] : this.exprList();
    this.accept(';');
    this.push({ type: 'return', values, line, endLine: this.lex.lastLine, flat: values.some((e) => e.may) });
  }

  private markAssigned(target: Expr): void {
    if (target.type === 'local') target.local.assigned = true;
  }

  private exprStatement(line: number): void {
    const { lex } = this;
    const first = this.suffixedExpr();
    if (first.type === 'call') {
      this.push({ type: 'call', call: first, line, flat: true });
      return;
    }
    if (lex.token !== '=' && lex.token !== ',') {
      if (isVariable(first) && !this.inParens) this.expected('=');
      else this.syntaxError();
      return;
    }
    const targets: Expr[] = [];
    for (let target: Expr = first; ; target = this.suffixedExpr()) {
      if (!isVariable(target)) this.syntaxError();
      targets.push(target);
      if (!this.accept(',')) break;
    }
    for (const target of targets) this.markAssigned(target);
    this.check('=');
    const values = this.exprList();
    const value = values[0]!;
    if (targets.length === 1 && value.type === 'function' && value.fn.name === '') {
      const target = targets[0]!;
      if (target.type === 'index') {
        if (target.key.type === 'string') value.fn.name = target.key.value;
      } else if (target.type === 'global') value.fn.name = target.name;
      else if (target.type === 'local') value.fn.name = target.local.name;
    }
    const isFlat = targets.some((e) => e.type !== 'local') || values.some((e) => e.may);
    this.push({ type: 'assign', targets, values, line, endLine: lex.lastLine, flat: isFlat });
  }

  // Expressions

  private exprList(): Expr[] {
    const list = [this.expr()];
    while (this.accept(',')) list.push(this.expr());
    return list;
  }

  /** Parses an expression whose operators bind tighter than `limit`. */
  private expr(limit = 0): Expr {
    this.enter();
    const { lex } = this;
    let left: Expr;
    const { token } = lex;
    const { line } = lex;
    if (token === 'not' || token === '-' || token === '#') {
      lex.next();
      const operand = this.expr(UNARY_PRIORITY);
      left = unary(token, operand, token === 'not' ? line : lex.lastLine);
    } else left = this.simpleExpr();
    for (;;) {
      const op = lex.token;
      const priority = PRIORITY[op];
      if (priority === undefined || priority[0] <= limit) break;
      lex.next();
      const right = this.expr(priority[1]);
      left = binary(op, left, right, lex.lastLine);
    }
    this.level--;
    return left;
  }

  private simpleExpr(): Expr {
    const { lex } = this;
    const { line, token } = lex;
    switch (token) {
      case '<number>': {
        const { value, cdata } = lex;
        lex.next();
        if (cdata !== undefined) return { type: 'cdata', value: cdata, may: false, line };
        return { type: 'number', value, may: false, line };
      }
      case '<string>': {
        const value = lex.text;
        lex.next();
        return { type: 'string', value, may: false, line };
      }
      case 'nil':
      case 'true':
      case 'false':
        lex.next();
        return { type: token, may: false, line };
      case '...':
        if (!this.fs.node.isVararg) lex.error("cannot use '...' outside a vararg function");
        lex.next();
        return { type: 'vararg', may: false, line };
      case '{':
        return this.table();
      case 'function': {
        lex.next();
        const fn = this.functionBody(line, '', false);
        return { type: 'function', fn, may: false, line };
      }
      default:
        return this.suffixedExpr();
    }
  }

  private lastName = '';

  private variable(): Expr {
    const { line } = this.lex;
    const name = this.name();
    this.lastName = name;
    const local = this.find(name);
    if (local !== undefined) {
      if (name === 'setfenv' || name === 'module') this.fs.node.changesEnv = true;
      return { type: 'local', local, may: false, line };
    }
    this.fs.node.usesEnv = true;
    if (name === 'setfenv' || name === 'module') this.fs.node.changesEnv = true;
    return { type: 'global', name, may: true, line };
  }

  /** The expression last read by suffixedExpr was in parentheses as a whole. */
  private inParens = false;

  private suffixedExpr(): Expr {
    const { lex } = this;
    let e: Expr;
    const opening = lex.token === '(';
    if (opening) {
      const { line } = lex;
      lex.next();
      const inner = this.expr();
      this.closing(')', '(', line);
      e =
        inner.type === 'call' || inner.type === 'vararg' ? { type: 'paren', expr: inner, may: inner.may, line } : inner;
      // An expression in parentheses is not a variable, and `(a).b = 1` needs no node of its own.
      if (e.type === 'local' || e.type === 'global' || e.type === 'index') {
        if (this.at('=') || this.at(',')) e = { type: 'paren', expr: e, may: e.may, line };
      }
    } else if (lex.token === '<name>') e = this.variable();
    else return lex.error('unexpected symbol');
    const first = e;
    for (;;) {
      const { line } = lex;
      switch (lex.token as string) {
        case '.': {
          lex.next();
          const value = this.name();
          e = { type: 'index', object: e, key: { type: 'string', value, may: false, line }, may: true, line };
          break;
        }
        case '[': {
          lex.next();
          const key = this.expr();
          this.check(']');
          e = { type: 'index', object: e, key, may: true, line };
          break;
        }
        case ':': {
          lex.next();
          const method = this.name();
          e = this.call(e, method);
          break;
        }
        case '(':
        case '<string>':
        case '{':
          e = this.call(e, undefined);
          break;
        default:
          this.inParens = opening && e === first;
          return e;
      }
    }
  }

  private call(callee: Expr, method: string | undefined): CallExpr {
    const { lex } = this;
    const { line } = lex;
    let args: Expr[];
    if (lex.token === '(') {
      lex.next();
      if (this.at(')')) args = [];
      else args = this.exprList();
      this.closing(')', '(', line);
    } else if (lex.token === '{') args = [this.table()];
    else if (lex.token === '<string>') {
      args = [{ type: 'string', value: lex.text, may: false, line }];
      lex.next();
    } else return lex.error('function arguments expected');
    return { type: 'call', callee, method, args, may: true, line };
  }

  private table(): Expr {
    const { lex } = this;
    const { line } = lex;
    const fields: TableField[] = [];
    let may = false;
    this.check('{');
    while (lex.token !== '}') {
      let key: Expr | undefined;
      if (lex.token === '[') {
        lex.next();
        key = this.expr();
        this.check(']');
        this.check('=');
      } else if (lex.token === '<name>' && lex.peek() === '=') {
        key = { type: 'string', value: this.name(), may: false, line: lex.line };
        lex.next();
      }
      const value = this.expr();
      if (key?.type === 'string' && value.type === 'function' && value.fn.name === '') value.fn.name = key.value;
      if (value.may || key?.may) may = true;
      fields.push({ key, value, line: lex.lastLine });
      if (!this.accept(',') && !this.accept(';')) break;
    }
    this.closing('}', '{', line);
    return { type: 'table', fields, may, line };
  }

  private functionBody(line: number, name: string, isMethod: boolean): FunctionNode {
    const { lex } = this;
    const node = this.open(line, name);
    // Parameters live in a block of their own, so that the body's goto labels are not mixed with them.
    this.openBlock(false);
    const param = (p: string) => {
      const local = this.newLocal(p);
      node.params.push(local);
      this.declare(local);
    };
    if (isMethod) param('self');
    this.check('(');
    if (lex.token !== ')') {
      do {
        if (lex.token === '<name>') param(this.name());
        else if (lex.token === '...') {
          lex.next();
          node.isVararg = true;
          break;
        } else lex.error("<name> or '...' expected");
      } while (this.accept(','));
    }
    this.check(')');
    this.statements();
    node.lastLine = lex.line;
    this.closing('end', 'function', line);
    node.body = this.closeBlock();
    this.close();
    return node;
  }
}

function isVariable(e: Expr): boolean {
  return e.type === 'local' || e.type === 'global' || e.type === 'index';
}

function flat(block: Block): boolean {
  return block.labels.length > 0 || block.body.some((s) => s.flat);
}

function unary(op: string, operand: Expr, line: number): Expr {
  if (op === 'not') return { type: 'not', expr: operand, may: operand.may, line };
  if (op === '#') return { type: 'len', expr: operand, may: true, line };
  // LuaJIT leaves -0 to the program; of that, what a constructor's template has depends.
  if (operand.type === 'number' && !Object.is(operand.value, -0))
    return { type: 'number', value: -operand.value, may: false, line };
  if (operand.type === 'cdata') return { ...operand, value: cdataOperations.negate(operand.value) };
  return { type: 'neg', expr: operand, may: true, line };
}

function binary(op: string, left: Expr, right: Expr, line: number): Expr {
  switch (op) {
    case 'and':
    case 'or':
      return { type: op, left, right, may: left.may || right.may, line };
    case '..':
      if (right.type === 'concat') {
        right.parts.unshift(left);
        return right;
      }
      return { type: 'concat', parts: [left, right], may: true, line };
    case '==':
    case '~=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return { type: 'compare', op: op as CompareOp, left, right, may: true, line };
    default:
      return { type: 'arith', op: op as BinaryOp, left, right, may: true, line };
  }
}
