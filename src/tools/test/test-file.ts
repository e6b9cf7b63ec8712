/**
 * A test file, read for one place: its Perl has run, and its blocks have their values. The Perl asks for ports and
 * folders, so a file is read once for each place where its blocks run.
 */
import { readFileSync } from 'node:fs';
import { type Block, parseBlocks, readSource, runFilters } from './block.ts';
import { type FunctionContext, PROTOTYPES, SkipAll, setPlan, testFunctions } from './functions.ts';
import type { ForStatement } from './perl/ast.ts';
import type { CommandResult } from './perl/files.ts';
import { Interpreter } from './perl/interpreter.ts';
import { CORE_MODULES, moduleFunctions } from './perl/modules.ts';
import type { Cell } from './perl/values.ts';
import { Results } from './results.ts';
import { type Executable, isOn, type Place, Settings } from './settings.ts';
import { addDatagramServers, addStreamServers } from './stream.ts';

const TEST_MODULES = [
  'Test::Nginx::Socket',
  'Test::Nginx::Socket::Lua',
  'Test::Nginx::Socket::Lua::Stream',
  'Test::Nginx::Socket::Lua::Dgram',
  'Test::Nginx::Util',
];
const MODULES: ReadonlySet<string> = new Set([...CORE_MODULES, ...TEST_MODULES]);

/** Results of commands that test files run at their beginning, for all places. */
export const knownCommands = new Map<string, CommandResult>();

/** What a loop is about to run for. */
interface LoopContext {
  readonly perl: Interpreter;
  /** Of the file. */
  readonly blocks: readonly Block[];
  readonly settings: Settings;
}

/** Which elements of its list a `for` takes, and in what order. */
export type LoopTurns = (cells: readonly Cell[], loop: ForStatement, context: LoopContext) => Iterable<Cell>;

export interface TestFile {
  readonly file: string;
  readonly place: Place;
  readonly settings: Settings;
  readonly perl: Interpreter;
  /** Those to run, preprocessed. */
  readonly blocks: readonly Block[];
  /** What the file's own Perl has checked already. */
  readonly results: Results;
}

/**
 * Reads a file.
 *
 * @param env of the process
 * @param turns asked by the loops of a program that runs the blocks itself
 * @param results takes what the program checks, also when it dies
 * @throws SpecError, PerlError for what is not understood, PerlDie when its Perl dies
 */
export function loadTestFile(
  file: string,
  place: Place,
  executable: Executable,
  env: Readonly<Record<string, string | undefined>>,
  turns: LoopTurns = (cells) => cells,
  results = new Results(),
): TestFile {
  const settings = new Settings(env);
  const source = readSource(readFileSync(file, 'latin1'));
  let blocks: readonly Block[] | undefined;
  let filtered = false;
  let framework = false;
  const all = (): readonly Block[] => (blocks ??= parseBlocks(file, source));
  const context: FunctionContext = {
    settings,
    place,
    results,
    nginxVersion: () => executable.nginxVersion,
    perl: () => perl,
    blocks: all,
    filtered: () => {
      if (!filtered) for (const block of all()) runFilters(block, perl);
      filtered = true;
      return all();
    },
  };
  const perl: Interpreter = new Interpreter({
    file,
    env: {
      TEST_NGINX_BINARY: executable.command.join(' '),
      TEST_NGINX_SERVER_PORT: String(place.port),
      ...env,
      ...(env['TEST_NGINX_SERVER_PORT'] === undefined ? {} : { TEST_NGINX_SERVER_PORT: String(place.port) }),
      TEST_NGINX_SERVER_ROOT: place.root,
    },
    natives: new Map([...moduleFunctions(() => perl), ...testFunctions(context)]),
    prototypes: PROTOTYPES,
    modules: MODULES,
    commands: knownCommands,
    importArguments: (args) => setPlan(settings, args),
    moduleLoaded: (name) => {
      if (TEST_MODULES.includes(name) && !framework) {
        framework = true;
        settings.readEnvironment(perl.env());
      }
      if (name === 'Test::Nginx::Socket::Lua::Stream') settings.stream = true;
      if (name === 'Test::Nginx::Socket::Lua::Dgram') settings.dgram = true;
    },
    turns: (cells, loop) => (framework ? cells : turns(cells, loop, { perl, blocks: all(), settings })),
    print: () => {},
    warn: (message) => results.warn(message),
  });
  setVariables(perl, place, executable, env);
  try {
    if (source.code !== '') perl.program(file, source.code);
    if (settings.run || source.code === '') {
      setVersions(perl, executable);
      for (const block of context.filtered()) {
        for (const sub of settings.preprocessors) perl.call(sub, [block], 'scalar');
        // Its preprocessor was added first, by the module.
        if (settings.stream) addStreamServers(block, place.port + 1, settings);
        if (settings.dgram) addDatagramServers(block, place.port + 1, settings);
      }
    }
  } catch (error) {
    if (!(error instanceof SkipAll)) throw error;
  }
  return { file, place, settings, perl, blocks: settings.run || source.code === '' ? all() : [], results };
}

/** What `run_tests` finds out about the server. */
function setVersions(perl: Interpreter, executable: Executable): void {
  perl.scalar('Test::Nginx::Util::NginxVersion').v = executable.nginxVersion;
  perl.scalar('Test::Nginx::Util::OpenSSLVersion').v = executable.opensslVersion;
  perl.scalar('Test::Nginx::Util::PcreVersion').v = executable.pcreVersion;
}

/** Variables of Test::Nginx::Util that tests look at. */
function setVariables(
  perl: Interpreter,
  place: Place,
  executable: Executable,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const set = (name: string, value: string | number | undefined): void => {
    perl.scalar(`Test::Nginx::Util::${name}`).v = value;
  };
  set('ServRoot', place.root);
  set('HtmlDir', `${place.root}/html`);
  set('ErrLogFile', `${place.root}/logs/error.log`);
  set('AccLogFile', `${place.root}/logs/access.log`);
  set('ServerPort', place.port);
  set('ServerPortForClient', place.port);
  set('ServerAddr', '127.0.0.1');
  set('NginxBinary', executable.command.join(' '));
  set('UseHup', isOn(env['TEST_NGINX_USE_HUP']) ? 1 : undefined);
  set('CheckLeak', isOn(env['TEST_NGINX_CHECK_LEAK']) ? 1 : 0);
  set('Timeout', Number(env['TEST_NGINX_TIMEOUT'] || 3));
}
