/**
 * A few random programs of each kind, the same each time. Many more: see docs/lua-fuzzing.md.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from './compare.ts';
import { luajit } from './engines.ts';
import { kinds } from './kinds.ts';

const COUNTS: Readonly<Record<string, number>> = {
  program: 40,
  pattern: 500,
  format: 500,
  library: 300,
  list: 300,
  syntax: 150,
};

for (const kind of Object.keys(kinds)) {
  // The parser is that of a LuaJIT with 5.2's extensions.
  const skip =
    luajit === undefined
      ? 'there is no luajit'
      : kind === 'syntax' && !luajit.compat52
        ? 'luajit is without 5.2'
        : false;
  test(`random cases give what LuaJIT gives: ${kind}`, { skip }, async () => {
    const found = await compare(kind, 20, 0, COUNTS[kind]!, luajit!);
    const texts = found.map(
      (d) => `index ${d.index} (${d.form})\n${d.program}\n-- LuaJIT\n${d.expected}\n-- ours\n${d.actual}`,
    );
    assert.equal(texts.join('\n\n'), '');
  });
}
