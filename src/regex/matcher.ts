// The engine for what JavaScript's RegExp cannot express. This build refuses such patterns when they are compiled.
import type { Pattern } from './ast.ts';
import type { RegexOptions } from './options.ts';

export class Matcher {
  constructor(_tree: Pattern, _options: RegexOptions, _limit: number) {
    throw new Error('this regular expression needs features that are not supported');
  }
  match(_subject: string, _start: number, _ovector: Int32Array): number {
    throw new Error('this regular expression needs features that are not supported');
  }
}
