import type { Program } from './lower.ts';
import type { Matcher } from './matcher.ts';
export type Generated = (m: Matcher, i: number) => number;
export function generate(_program: Program): Generated | false {
  return false;
}
