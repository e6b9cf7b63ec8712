/** The kinds of cases: each makes programs for harness.lua. */

import { formatProgram, libraryProgram, listProgram, patternProgram } from './calls.ts';
import { type Dialect, generateProgram } from './generator.ts';
import { Random } from './random.ts';

export interface Kind {
  readonly make: (random: Random, dialect: Dialect) => string;
  /** Programs given to LuaJIT at a time. */
  readonly batch: number;
  /** Whether the resume forms are of interest. */
  readonly resume: boolean;
}

export const kinds: Readonly<Record<string, Kind>> = {
  program: { make: generateProgram, batch: 250, resume: true },
  syntax: { make: damagedProgram, batch: 500, resume: false },
  pattern: { make: patternProgram, batch: 1000, resume: false },
  format: { make: formatProgram, batch: 1000, resume: false },
  library: { make: libraryProgram, batch: 1000, resume: false },
  list: { make: listProgram, batch: 1000, resume: false },
};

/** The program number `index` of the run of a kind with a seed. */
export function makeProgram(kind: string, seed: number, index: number, dialect: Dialect): string {
  return kinds[kind]!.make(new Random(seed, kind, index), dialect);
}

const TOKENS =
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while + - * / % ^ # == ~= <= >= < > = ( ) { } [ ] :: ; : , . .. ... a 1 "s" [[ \' " 0x 1e \\ @ ! ~ & 3x --[[ \\z'.split(
    ' ',
  );

/** A program with a few tokens changed, for the messages of the parser. */
function damagedProgram(r: Random, dialect: Dialect): string {
  const tokens = generateProgram(r, dialect).match(
    /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\.)*'|[A-Za-z_]\w*|\d[\w.]*|\.\.\.?|[=~<>]=|::|\s+|[\s\S]/g,
  )!;
  for (let n = 1 + r.below(2); n > 0; n--) {
    const at = r.below(tokens.length);
    switch (r.below(4)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, ` ${r.pick(TOKENS)} `);
        break;
      case 2:
        tokens[at] = ` ${r.pick(TOKENS)} `;
        break;
      default:
        tokens[at] = tokens[r.below(tokens.length)]!;
    }
  }
  return tokens.join('');
}
