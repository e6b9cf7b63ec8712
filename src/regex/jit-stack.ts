// How deep the own matcher's stack may grow under the j letter, so that a search fails with "-46" about where PCRE2's JIT
// code would run out of its stack (32 KB unless ngx.re.opt("jit_stack_size") says otherwise). The sizes per iteration of
// a loop are measured on PCRE2 10.42 for x86-64; patterns run by the JavaScript engine have no such limit.
import { type Node, some } from './ast.ts';

const LOOP_BYTES = 8;
const CAPTURE_BYTES = 16;
const BRANCHES_BYTES = 16;
/** With a capture around them the branches take less. */
const CAPTURED_BRANCHES_BYTES = 8;

/** Entries of the matcher's stack for one byte of the JIT stack, at the loop of the pattern where that is most. */
function entriesPerByte(root: Node): number {
  let ratio = 1 / LOOP_BYTES;
  some(root, (node) => {
    if (node.type !== 'repeat' || node.max <= 1 || node.body.type === 'set') return false;
    const captures = some(node.body, (n) => n.type === 'group');
    const branches = some(node.body, (n) => n.type === 'alt');
    const counted = node.min > 0 || node.max !== Infinity;
    const entries = 1 + (counted ? 1 : 0) + (captures ? 3 : 0) + (branches ? 1 : 0);
    let bytes = LOOP_BYTES;
    if (captures) bytes += CAPTURE_BYTES;
    if (branches) bytes += captures ? CAPTURED_BRANCHES_BYTES : BRANCHES_BYTES;
    ratio = Math.max(ratio, entries / bytes);
    return false;
  });
  return ratio;
}

/** The most entries for a JIT stack of that many bytes. */
export function jitStackEntries(root: Node, bytes: number): number {
  return Math.floor(bytes * entriesPerByte(root));
}
