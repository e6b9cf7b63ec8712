/** The functions that Test::Nginx and Test::More give to the Perl of test files. */
import { readFileSync } from 'node:fs';
import type { Block } from './block.ts';
import { pattern } from './pattern.ts';
import type { Interpreter } from './perl/interpreter.ts';
import type { Prototype } from './perl/parser.ts';
import {
  bool,
  type Native,
  number,
  PerlCode,
  PerlDie,
  PerlRegex,
  refOf,
  text,
  truth,
  type Value,
} from './perl/values.ts';
import type { Results } from './results.ts';
import { type Place, parseTime, type Settings } from './settings.ts';

/** What the functions act on. */
export interface FunctionContext {
  readonly settings: Settings;
  readonly place: Place;
  readonly results: Results;
  readonly nginxVersion: () => number;
  readonly perl: () => Interpreter;
  /** The blocks, and the same with their filters run. */
  readonly blocks: () => readonly Block[];
  readonly filtered: () => readonly Block[];
}

/** How those functions are called without parentheses. */
export const PROTOTYPES: ReadonlyMap<string, Prototype> = new Map<string, Prototype>([
  ...'html_dir server_root run_tests no_long_string no_shuffle no_root_location use_hup master_on master_off check_accum_error_log no_diff cwd getcwd get_nginx_version no_nginx_manager'
    .split(' ')
    .map((name): [string, Prototype] => [name, 'none']),
  ...'dirname basename is_tcp_port_used is_udp_port_used realpath abs_path'
    .split(' ')
    .map((name): [string, Prototype] => [name, 'list']),
]);

/** A failed comparison, as a test's reader wants to see it. */
function unequal(found: Value, expected: Value): string {
  const show = (value: Value): string => (value === undefined ? 'undef' : `'${text(value)}'`);
  return `         got: ${show(found)}\n    expected: ${show(expected)}`;
}

const equal = (a: Value, b: Value): boolean => (a === undefined || b === undefined ? a === b : text(a) === text(b));

function regexOf(value: Value): PerlRegex {
  return value instanceof PerlRegex ? value : new PerlRegex(text(value), '');
}

/** Test::More's functions. */
function testMore(map: Map<string, Native>, { results, settings }: FunctionContext): void {
  const is: Native = ([found, expected, name]) => {
    results.ok(equal(found, expected), text(name), unequal(found, expected));
    return bool(equal(found, expected));
  };
  map.set('is', is);
  map.set('is_string', is);
  map.set('is_str', is);
  map.set('isnt', ([found, expected, name]) => {
    results.ok(!equal(found, expected), text(name), unequal(found, expected));
    return 1;
  });
  map.set('ok', ([good, name]) => {
    results.ok(truth(good), text(name));
    return good;
  });
  map.set('pass', ([name]) => {
    results.ok(true, text(name));
    return 1;
  });
  map.set('fail', ([name]) => {
    results.fail(text(name));
    return '';
  });
  const like = (wanted: boolean): Native => {
    return ([found, what, name]) => {
      const regex = regexOf(what);
      const good = pattern(regex.source, regex.flags).match(text(found)) >= 0 === wanted;
      results.ok(good, text(name), `'${text(found)}'\n${wanted ? "doesn't match" : 'matches'} '${regex.toString()}'`);
      return bool(good);
    };
  };
  map.set('like', like(true));
  map.set('unlike', like(false));
  map.set('diag', (args) => {
    results.warn(args.map(text).join(''));
    return '';
  });
  map.set('note', () => '');
  map.set('skip', ([why, count]) => {
    results.skip(text(why), number(count ?? 1));
    return '';
  });
  map.set('BAIL_OUT', (args) => {
    throw new PerlDie(`Bail out!  ${args.map(text).join('')}\n`);
  });
  map.set('bail_out', map.get('BAIL_OUT')!);
  map.set('done_testing', () => 1);
  map.set('plan', (args) => {
    setPlan(settings, args);
    return 1;
  });
}

/** `tests => N`, `'no_plan'`, `skip_all => REASON`. */
export function setPlan(settings: Settings, args: readonly Value[]): void {
  if (text(args[0]) === 'tests') settings.plan = { kind: 'tests', count: number(args[1]) };
  else if (text(args[0]) === 'skip_all') {
    settings.plan = { kind: 'skip_all', reason: text(args[1]) };
    throw new SkipAll();
  } else settings.plan = { kind: 'none' };
}

/** `plan(skip_all => ...)` ends the program at once. */
export class SkipAll extends Error {}

function code(value: Value): PerlCode {
  if (value instanceof PerlCode) return value;
  throw new PerlDie(`a sub is expected, not ${refOf(value) || text(value)}\n`);
}

/** All functions, by name. */
export function testFunctions(context: FunctionContext): Map<string, Native> {
  const { settings, place } = context;
  const map = new Map<string, Native>();
  testMore(map, context);
  const define = (name: string, native: Native): void => void map.set(name, native);
  /** A function that sets what it is given, and without arguments says what is set. */
  const property = (name: string, get: () => Value, set: (value: Value) => void): void => {
    define(name, (args) => {
      if (args.length > 0) set(args[0]);
      return get();
    });
  };
  property(
    'repeat_each',
    () => settings.repeatEach,
    (value) => {
      if (!settings.checkLeak) settings.repeatEach = number(value);
    },
  );
  property(
    'workers',
    () => settings.workers,
    (value) => (settings.workers = number(value)),
  );
  property(
    'worker_connections',
    () => settings.workerConnections,
    (value) => (settings.workerConnections = number(value)),
  );
  property(
    'log_level',
    () => settings.logLevel,
    (value) => (settings.logLevel = text(value)),
  );
  property(
    'timeout',
    () => settings.timeout,
    (value) => (settings.timeout = parseTime(text(value))),
  );
  property(
    'server_name',
    () => settings.serverName,
    (value) => (settings.serverName = text(value)),
  );
  property(
    'server_addr',
    () => settings.serverAddr,
    (value) => (settings.serverAddr = text(value)),
  );
  property(
    'config_preamble',
    () => settings.configPreamble,
    (value) => (settings.configPreamble = text(value)),
  );
  property(
    'master_process_enabled',
    () => (settings.master ? 'on' : 'off'),
    (value) => {
      if (!settings.checkLeak) settings.master = truth(value);
    },
  );
  property(
    'server_port',
    () => place.port,
    (value) => {
      if (number(value) !== place.port) throw new PerlDie('server_port: this runner chooses the port\n');
    },
  );
  property(
    'server_port_for_client',
    () => place.port,
    () => {
      throw new PerlDie('server_port_for_client: this runner chooses the port\n');
    },
  );
  define('master_on', () => {
    if (!settings.checkLeak) settings.master = true;
    return 1;
  });
  define('master_off', () => {
    settings.master = false;
    return 1;
  });
  define('use_hup', () => {
    settings.useHup = !settings.checkLeak;
    return 1;
  });
  define('no_root_location', () => {
    settings.noRootLocation = true;
    return 1;
  });
  define('check_accum_error_log', () => {
    settings.checkAccumErrorLog = true;
    return 1;
  });
  // Blocks always run in their order, and differences are always shown line by line.
  for (const name of ['no_shuffle', 'no_long_string', 'no_diff', 'srand_off']) define(name, () => 1);
  define('no_nginx_manager', () => {
    throw new PerlDie('no_nginx_manager is not supported: the runner starts the server\n');
  });
  define('env_to_nginx', (args) => {
    settings.envToNginx.push(...args.map(text));
    return 1;
  });
  define('html_dir', () => `${place.root}/html`);
  define('server_root', () => place.root);
  define('add_block_preprocessor', ([sub]) => settings.preprocessors.unshift(code(sub)));
  define('add_cleanup_handler', ([sub]) => settings.cleanupHandlers.unshift(code(sub)));
  define('add_test_cleanup_handler', ([sub]) => settings.testCleanupHandlers.unshift(code(sub)));
  define('add_response_body_check', ([sub]) => settings.responseBodyChecks.push(code(sub)));
  define('blocks', (_args, want) => (want === 'scalar' ? context.blocks().length : context.filtered()));
  define('run_tests', () => {
    settings.run = true;
    return 1;
  });
  define('get_nginx_version', () => context.nginxVersion());
  define('sleep_time', () => settings.sleep);
  define('verbose', () => '');
  define('trim', ([value]) => text(value).trim().replace(/\s+/g, ' '));
  define('is_tcp_port_used', ([port]) => bool(portUsed('/proc/net/tcp', number(port))));
  define('is_udp_port_used', ([port]) => bool(portUsed('/proc/net/udp', number(port))));
  return map;
}

function portUsed(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`^ *\\d+: [0-9A-F]+:${hex} `, 'm').test(readFileSync(table, 'latin1'));
}
