/** The `tsresty` executable. */
import { realpathSync } from 'node:fs';
import { loadProgram } from './load-program.ts';
import { main } from './main.ts';

void main({ entry: realpathSync(process.argv[1]!), program: loadProgram });
