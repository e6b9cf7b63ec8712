/** The `tsresty` executable. */
import { realpathSync } from 'node:fs';
import { loadProgram } from './load-program.ts';
import { main } from './main.ts';

const entry = realpathSync(process.argv[1]!);

if (process.argv[2] === 'test') {
  void import('../tools/test/command.ts').then(async ({ testCommand }) => {
    process.exitCode = await testCommand(process.argv.slice(3), [process.execPath, entry]);
  });
} else if (process.argv[2] === 'lua') {
  void import('../lua/cli.ts').then(async ({ luaCommand }) => {
    process.exitCode = await luaCommand(process.argv.slice(3), 'lua');
  });
} else {
  void main({ entry, program: loadProgram });
}
