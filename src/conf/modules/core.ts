/**
 * The directives of the main context that concern the processes: how many, as whom, with which limits. They are only
 * stored here; src/process reads them with `coreConf` and acts. nginx: ngx_core_module (src/core/nginx.c).
 */
import { cpus } from 'node:os';
import { basename } from 'node:path';
import { LOG_WARN } from '../../log/log.ts';
import type { Cycle } from '../cycle.ts';
import type { ConfContext, ConfCycle, Directive } from '../directive.ts';
import { ConfError } from '../error.ts';
import type { CoreModule } from '../registry.ts';
import { enumSlot, flagSlot, initSlots, msecSlot, numSlot, offSlot, slot, strSlot } from '../slots.ts';
import { parseNumber } from '../units.ts';
import { groupId, userId } from './users.ts';

/** One `env NAME` or `env NAME=VALUE`. */
export interface EnvironmentEntry {
  readonly name: string;
  /** Undefined: inherited from the environment of the start. */
  readonly value: string | undefined;
}

/** Whom workers run as. */
export interface RunAs {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** `worker_cpu_affinity`. */
export interface CpuAffinity {
  readonly auto: boolean;
  /** As written: the last digit is CPU 0. Blanks are removed. */
  readonly masks: readonly string[];
}

/** The main context's settings; complete once the cycle is loaded. */
export interface CoreConf {
  daemon: boolean;
  masterProcess: boolean;
  /** Milliseconds; 0 when not set. */
  timerResolution: number;
  /** Absolute paths. `oldPid` is where a binary that is being replaced moves its own. */
  pid: string;
  oldPid: string;
  lockFile: string;
  workerProcesses: number;
  debugPoints: 'stop' | 'abort' | '';
  /** Undefined unless the master runs as root. */
  user: RunAs | undefined;
  /** Nice value for workers; 0 leaves the master's. */
  workerPriority: number;
  cpuAffinity: CpuAffinity | undefined;
  /** Undefined: left as they are. `rlimitCore` in bytes. */
  rlimitNofile: number | undefined;
  rlimitCore: number | undefined;
  /** Milliseconds; 0: workers wait for their connections without end. */
  shutdownTimeout: number;
  workingDirectory: string | undefined;
  env: readonly EnvironmentEntry[];
}

/** While reading, anything may be unset. */
type Draft = { -readonly [K in keyof CoreConf]: CoreConf[K] | undefined };

/** The main context's settings of a loaded cycle. */
export function coreConf(cycle: ConfCycle): CoreConf {
  return cycle.confs.get('core') as CoreConf;
}

const MAIN = ['main'] as const;
/** What glibc's cpu_set_t holds. */
const CPU_SETSIZE = 1024;
const DEBUG_POINTS = { stop: 'stop', abort: 'abort' } as const;
const DEFAULT_PID = 'logs/nginx.pid';
const DEFAULT_LOCK_FILE = 'logs/nginx.lock';
const DEFAULT_USER = 'nobody';

function noEffect(cf: ConfContext, why: string): undefined {
  cf.warn(`"${cf.name}" has no effect in tsresty: ${why}`);
}

function parsePriority(text: string): number | undefined {
  const signed = /^[-+]/.test(text);
  const value = parseNumber(signed ? text.slice(1) : text);
  return value !== undefined && text.startsWith('-') ? -value : value;
}

function setCpuAffinity(cf: ConfContext, conf: Draft, args: readonly string[]): string | undefined {
  if (conf.cpuAffinity !== undefined) return 'is duplicate';
  const auto = args[0] === 'auto';
  if (auto && args.length > 2) return 'invalid number of arguments in "worker_cpu_affinity" directive';
  const masks: string[] = [];
  for (const mask of auto ? args.slice(1) : args) {
    if (mask.length > CPU_SETSIZE) return `"worker_cpu_affinity" supports up to ${CPU_SETSIZE} CPUs only`;
    const wrong = [...mask].reverse().find((c) => c !== '0' && c !== '1' && c !== ' ');
    if (wrong !== undefined) return `invalid character "${wrong}" in "worker_cpu_affinity"`;
    masks.push(mask.replaceAll(' ', ''));
  }
  conf.cpuAffinity = { auto, masks };
  return noEffect(cf, 'the system places its processes');
}

function setUser(cf: ConfContext, conf: Draft, args: readonly string[]): string | undefined {
  if (conf.user !== undefined) return 'is duplicate';
  if (process.geteuid?.() !== 0) {
    cf.warn('the "user" directive makes sense only if the master process runs with super-user privileges, ignored');
    return undefined;
  }
  const name = args[0]!;
  const uid = userId(name);
  if (uid === undefined) return `getpwnam("${name}") failed`;
  const group = args[1] ?? name;
  const gid = groupId(group);
  if (gid === undefined) return `getgrnam("${group}") failed`;
  conf.user = { name, uid, gid };
  return undefined;
}

function defaultUser(): RunAs {
  const uid = userId(DEFAULT_USER);
  if (uid === undefined) throw new ConfError(`getpwnam("${DEFAULT_USER}") failed`);
  // Debian's name for the group that nginx's configure finds under either name.
  const gid = groupId(DEFAULT_USER, 'nogroup');
  if (gid === undefined) throw new ConfError(`getgrnam("${DEFAULT_USER}") failed`);
  return { name: DEFAULT_USER, uid, gid };
}

/** Modules that come in a file of another name than their own. */
const MODULE_FILES: Readonly<Record<string, string>> = { ndk_http_module: 'ngx_http_set_misc_module' };

function loadModule(cf: ConfContext, args: readonly string[]): string | undefined {
  if (cf.modulesUsed) return 'is specified too late';
  const file = cf.fullName(args[0]!);
  const name = basename(file, '.so');
  if (file.endsWith('.so') && (cf.implementsModule(name) || cf.implementsModule(MODULE_FILES[name] ?? ''))) {
    cf.log('info', `module "${name}" is built in`);
    return undefined;
  }
  return `dlopen() "${file}" failed (${file}: cannot open shared object file: No such file or directory)`;
}

const directives: readonly Directive<Draft>[] = [
  flagSlot('daemon', MAIN, undefined, 'daemon', true, 'Whether the server detaches from its terminal.'),
  flagSlot('master_process', MAIN, undefined, 'masterProcess', true, 'Whether workers are processes of their own.'),
  msecSlot('timer_resolution', MAIN, undefined, 'timerResolution', 0, {
    doc: 'How often the clock is read.',
    post: (cf) => noEffect(cf, 'the event loop reads the clock once a turn'),
  }),
  strSlot('pid', MAIN, undefined, 'pid', DEFAULT_PID, "File with the master's process id."),
  strSlot('lock_file', MAIN, undefined, 'lockFile', DEFAULT_LOCK_FILE, {
    doc: 'Prefix of the names of lock files; none is needed here, as in nginx where processors have atomic operations.',
    post: (cf) => {
      cf.log('info', '"lock_file" is not used: locks are kept in shared memory');
      return undefined;
    },
  }),
  slot<Draft, number>({
    name: 'worker_processes',
    contexts: MAIN,
    args: 1,
    level: undefined,
    field: 'workerProcesses',
    parse: (_cf, args) => (args[0] === 'auto' ? cpus().length : parseNumber(args[0]!)) ?? { message: 'invalid value' },
    default: 1,
    extra: { doc: 'Number of worker processes; `auto` for as many as there are CPUs.', defaultText: '1' },
  }),
  enumSlot<Draft, '' | 'stop' | 'abort'>('debug_points', MAIN, undefined, 'debugPoints', DEBUG_POINTS, '', {
    doc: 'What happens at an internal error.',
    post: (cf) => noEffect(cf, 'there are no debugging points'),
  }),
  { name: 'user', contexts: MAIN, args: [1, 2], set: setUser, doc: 'User and group of the worker processes.' },
  {
    name: 'worker_priority',
    contexts: MAIN,
    args: 1,
    doc: 'Nice value of worker processes.',
    defaultText: '0',
    set(_cf, conf, args) {
      // Zero counts as not set, as in nginx.
      if (conf.workerPriority !== undefined && conf.workerPriority !== 0) return 'is duplicate';
      const value = parsePriority(args[0]!);
      if (value === undefined) return 'invalid number';
      conf.workerPriority = value;
      return undefined;
    },
  },
  {
    name: 'worker_cpu_affinity',
    contexts: MAIN,
    args: { min: 1 },
    doc: 'CPUs that each worker may run on.',
    set: setCpuAffinity,
  },
  numSlot('worker_rlimit_nofile', MAIN, undefined, 'rlimitNofile', undefined, 'Open files a worker may have.'),
  offSlot('worker_rlimit_core', MAIN, undefined, 'rlimitCore', undefined, 'Largest core file of a worker.'),
  msecSlot('worker_shutdown_timeout', MAIN, undefined, 'shutdownTimeout', 0, 'How long a leaving worker may take.'),
  strSlot('working_directory', MAIN, undefined, 'workingDirectory', undefined, 'Current folder of worker processes.'),
  {
    name: 'env',
    contexts: MAIN,
    args: 1,
    doc: 'Environment variable that workers keep, or are given.',
    set(_cf, conf, args) {
      const at = args[0]!.indexOf('=');
      const entry =
        at === -1
          ? { name: args[0]!, value: undefined }
          : { name: args[0]!.slice(0, at), value: args[0]!.slice(at + 1) };
      conf.env = [...(conf.env ?? []), entry];
      return undefined;
    },
  },
  {
    name: 'load_module',
    contexts: MAIN,
    args: 1,
    doc: "Accepted for nginx's modules that are built in.",
    set: (cf, _conf, args) => loadModule(cf, args),
  },
];

function emptyConf(): Draft {
  return {
    daemon: undefined,
    masterProcess: undefined,
    timerResolution: undefined,
    pid: undefined,
    oldPid: undefined,
    lockFile: undefined,
    workerProcesses: undefined,
    debugPoints: undefined,
    user: undefined,
    workerPriority: undefined,
    cpuAffinity: undefined,
    rlimitNofile: undefined,
    rlimitCore: undefined,
    shutdownTimeout: undefined,
    workingDirectory: undefined,
    env: undefined,
  };
}

function complete(cycle: Cycle, conf: Draft): void {
  initSlots(directives, undefined, conf);
  const affinity = conf.cpuAffinity;
  if (
    affinity !== undefined &&
    !affinity.auto &&
    affinity.masks.length !== 1 &&
    affinity.masks.length !== conf.workerProcesses
  ) {
    cycle.log.write(
      LOG_WARN,
      'the number of "worker_processes" is not equal to the number of "worker_cpu_affinity" masks, ' +
        'using last mask for remaining worker processes',
    );
  }
  const full = (path: string): string => (path.startsWith('/') ? path : cycle.prefix + path);
  conf.pid = full(conf.pid || DEFAULT_PID);
  conf.oldPid = `${conf.pid}.oldbin`;
  conf.lockFile = full(conf.lockFile || DEFAULT_LOCK_FILE);
  conf.workerPriority ??= 0;
  conf.env ??= [];
  if (conf.user === undefined && process.geteuid?.() === 0) conf.user = defaultUser();
}

/** nginx: ngx_core_module. */
export const coreModule: CoreModule = {
  name: 'core',
  directives,
  createConf: emptyConf,
  initConf: (cycle, conf) => complete(cycle, conf as Draft),
};
