/**
 * The JavaScript text under construction.
 *
 * It is written in the order of execution, and each piece is put on the line of the Lua source it came from, so
 * that V8's positions are Lua's. Where evaluation order makes that impossible (the call of a function whose
 * arguments span lines), the text stays on the later line and the chunk is marked: positions in it are then
 * looked up among the recorded sites.
 */

import type { FunctionNode, Local } from './ast.ts';

/** The locals of a function that are in scope at a place: the last one, and those before it. */
export interface Scope {
  readonly local: Local;
  readonly outer: Scope | undefined;
}

/** What is known of a place that can throw: the Lua line, and how Lua would name its operands. */
export interface Site {
  /** Index of the piece of text that starts the operation. */
  readonly piece: number;
  readonly line: number;
  /** The metamethod that the operation may call; empty for a call. */
  readonly event: string;
  /** Such as "local 'x'", in operand order. */
  readonly names: readonly (string | undefined)[];
  readonly scope: Scope | undefined;
  /** Whether it is a tail call: the function is no longer on Lua's stack while that runs. */
  isTail: boolean;
  /** Position in the JavaScript text; computed by `locate`. */
  jsLine: number;
  jsColumn: number;
}

/** Collects text, keeping lines in step. */
export class Output {
  readonly pieces: string[] = [];
  /** Current line of the text; the first is 1, like Lua's. */
  line = 1;
  /** The locals in scope in the function being emitted. */
  scope: Scope | undefined = undefined;
  /** Some operation is not on its Lua line. */
  shifted = false;
  /** Sites, if they are being recorded. */
  readonly sites: Site[] | undefined;
  /** Functions emitted into this text. */
  readonly functions: FunctionNode[] = [];

  /**
   * The chunk names collectgarbage: variables that have left their scope, and temporaries, are cleared, so that they do
   * not keep objects.
   */
  readonly collects: boolean;

  /** The chunk names the ffi library: elements of cdata are looked for where those of tables are. */
  readonly ffi: boolean;

  constructor(record: boolean, collects = false, ffi = false) {
    this.collects = collects;
    this.ffi = ffi;
    this.sites = record ? [] : undefined;
  }

  put(text: string): void {
    this.pieces.push(text);
  }

  /** Moves on to a Lua line, if it is not already past it. */
  sync(line: number): void {
    if (this.line >= line) return;
    this.pieces.push('\n'.repeat(line - this.line));
    this.line = line;
  }

  /** Says that the next piece can throw, and where that is in Lua. */
  site(line: number, event: string, ...names: (string | undefined)[]): void {
    if (line !== this.line) this.shifted = true;
    this.sites?.push({
      piece: this.pieces.length,
      line,
      event,
      names,
      scope: this.scope,
      isTail: false,
      jsLine: 0,
      jsColumn: 0,
    });
  }

  /** Says that the next piece is a tail call. */
  tailSite(line: number, name: string | undefined): void {
    this.site(line, '', name);
    const { sites } = this;
    if (sites !== undefined) sites[sites.length - 1]!.isTail = true;
  }

  /** Reserves a piece that is filled in later; the text must not contain line ends. */
  reserve(): number {
    return this.pieces.push('') - 1;
  }

  text(): string {
    return this.pieces.join('');
  }

  /** Computes the sites' positions (1-based, as V8 gives them). */
  locate(): Site[] {
    const { pieces } = this;
    const sites = this.sites!;
    let line = 1;
    let column = 1;
    let i = 0;
    for (const site of sites) {
      for (; i < site.piece; i++) {
        const piece = pieces[i]!;
        const end = piece.lastIndexOf('\n');
        if (end < 0) column += piece.length;
        else {
          for (let p = piece.indexOf('\n'); p >= 0; p = piece.indexOf('\n', p + 1)) line++;
          column = piece.length - end;
        }
      }
      site.jsLine = line;
      site.jsColumn = column;
    }
    return sites;
  }
}
