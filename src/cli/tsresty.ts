/** The `tsresty` executable. */
import { realpathSync } from 'node:fs';
import { main } from './main.ts';

void main({
  entry: realpathSync(process.argv[1]!),
  modules: async () => (await import('./modules.ts')).MODULES,
});
