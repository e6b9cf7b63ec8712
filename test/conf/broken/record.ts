/**
 * Writes expected.json: what nginx 1.22 says to each case. Run when cases are added:
 * `node --import tsx test/conf/broken/record.ts`
 */
import { writeFileSync } from 'node:fs';
import { allCases } from './all.ts';
import type { Outcome } from './case.ts';
import { hasNginx, runNginx } from './run.ts';

if (!hasNginx()) throw new Error('nginx 1.22 is not installed');
const expected: Record<string, Outcome> = {};
for (const item of allCases) {
  if (expected[item.name] !== undefined) throw new Error(`two cases are named "${item.name}"`);
  expected[item.name] = runNginx(item);
}
writeFileSync(new URL('expected.json', import.meta.url), JSON.stringify(expected, null, 1) + '\n');
