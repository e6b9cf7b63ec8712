// Patterns ready to match: code of the machine at once, JavaScript once they are used enough.

import { type Generated, generate } from './generate.ts';
import { lower, type Program } from './lower.ts';
import { assemble, type MachineCode, run } from './machine.ts';
import type { Matcher } from './matcher.ts';
import type { Tree } from './tree.ts';

/** Bytes of subjects, with so many for each match, after which compiling to JavaScript pays. */
const HOT = 3000;
const PER_MATCH = 100;

/** A compiled pattern. */
export class Compiled {
  readonly program: Program;
  readonly code: MachineCode;
  private heat = 0;
  /** False if the program is too large for JavaScript. */
  private generated: Generated | false | undefined = undefined;

  constructor(tree: Tree) {
    this.program = lower(tree);
    this.code = assemble(this.program);
  }

  /** Matches at a position of the matcher's subject. Returns where the match ends, or -1. */
  match(m: Matcher, i: number): number {
    m.compiled = this;
    let { generated } = this;
    if (generated === undefined) {
      this.heat += PER_MATCH + m.length - i;
      if (this.heat > HOT) {
        generated = generate(this.program);
        this.generated = generated;
      }
    }
    return generated ? generated(m, i) : run(m, 3, i, 0);
  }
}
