/** The tables by subject. */
import type { RawCase } from '../case.ts';
import { bodies } from './bodies.ts';
import { chunked } from './chunked.ts';
import { framing } from './framing.ts';
import { headerLimits } from './header-limits.ts';
import { headerLines } from './header-lines.ts';
import { hosts } from './hosts.ts';
import { keepAlive } from './keep-alive.ts';
import { requestLine } from './request-line.ts';
import { slow } from './slow.ts';
import { targets } from './targets.ts';

export const subjects: Readonly<Record<string, readonly RawCase[]>> = {
  'request line': requestLine,
  targets,
  'header lines': headerLines,
  'header limits': headerLimits,
  hosts,
  framing,
  chunked,
  bodies,
  'keep-alive': keepAlive,
  slow,
};
