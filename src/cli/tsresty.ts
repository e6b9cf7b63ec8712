/**
 * The executables `tsresty`; `tsresty-lua`, which is `tsresty lua` under a name that needs no arguments; and `resty`,
 * which is a server with a configuration made for a script.
 */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { restartForLua } from '../lua/tune.ts';
import { loadLua, loadProgram, loadTests } from './load-program.ts';

const entry = realpathSync(process.argv[1]!);
const LUA = 'tsresty-lua';
const isLua = basename(entry) === LUA;

if (isLua || process.argv[2] === 'lua') {
  restartForLua();
  void loadLua().then(async ({ luaCommand }) => {
    // Scripts run the interpreter again by the name in `arg`.
    const own = join(dirname(entry), LUA);
    process.exitCode = await luaCommand(process.argv.slice(isLua ? 2 : 3), existsSync(own) ? own : 'lua');
  });
} else if (process.argv[2] === 'test') {
  void loadTests().then(async ({ testCommand }) => {
    process.exitCode = await testCommand(process.argv.slice(3), [process.execPath, entry]);
  });
} else if (basename(entry) === 'resty') {
  restartForLua();
  const server = { entry: join(dirname(entry), 'tsresty'), program: loadProgram };
  void import('./resty.ts').then(async ({ restyArguments }) => {
    const { main } = await import('./main.ts');
    await main(server, restyArguments(process.argv.slice(2)));
  });
} else {
  // Here and not above: the interpreter needs nothing of it.
  void import('./main.ts').then(({ main }) => main({ entry, program: loadProgram }, process.argv.slice(2)));
}
