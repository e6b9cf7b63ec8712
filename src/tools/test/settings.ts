/** What a test file sets by calling functions before `run_tests()`, and where its servers run. Test::Nginx::Util(3). */
import type { PerlCode } from './perl/values.ts';

/** Where one server at a time runs: its port and folder. Ports behind it, for stream servers, are free too. */
export interface Place {
  readonly port: number;
  /** Absolute, without a slash at the end. */
  readonly root: string;
}

/** The executable under test. */
export interface Executable {
  /** The executable and its first arguments. */
  readonly command: readonly string[];
  /** Files for `load_module`. */
  readonly loadModules: readonly string[];
  /** Canonical numbers, as Perl compares them: 1.027001. Zero when the executable does not say. */
  readonly nginxVersion: number;
  readonly opensslVersion: number | undefined;
  /** Modules with a directive for a folder of temporary files: `proxy`, `fastcgi`... */
  readonly temporary: readonly string[];
  /** 1 or 2, 0 without. */
  readonly pcreVersion: number;
}

/** `plan`. */
export type Plan =
  | { readonly kind: 'none' }
  | { readonly kind: 'tests'; readonly count: number }
  | { readonly kind: 'skip_all'; readonly reason: string };

export class Settings {
  repeatEach = 1;
  workers = 1;
  workerConnections = 64;
  master = false;
  logLevel = 'debug';
  noRootLocation = false;
  /** Seconds. */
  timeout = 3;
  serverName = 'localhost';
  serverAddr = '127.0.0.1';
  configPreamble = '';
  useHup = false;
  checkAccumErrorLog = false;
  readonly envToNginx: string[] = [];
  readonly preprocessors: PerlCode[] = [];
  readonly cleanupHandlers: PerlCode[] = [];
  readonly testCleanupHandlers: PerlCode[] = [];
  readonly responseBodyChecks: PerlCode[] = [];
  plan: Plan = { kind: 'none' };
  /** `run_tests` of Test::Nginx was called. */
  run = false;
  /** Stream or datagram sections are known: Test::Nginx::Socket::Lua::Stream, ::Dgram. */
  stream = false;
  dgram = false;
  /** Seconds that Test::Nginx waits before it reads a log, three times this. */
  sleep = 0.015;
  checkLeak = false;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.readEnvironment(env);
  }

  /** What the environment sets. A file may change that before it loads Test::Nginx, which looks at it then. */
  readEnvironment(env: Readonly<Record<string, string | undefined>>): void {
    this.logLevel = env['TEST_NGINX_LOG_LEVEL'] || 'debug';
    this.timeout = Number(env['TEST_NGINX_TIMEOUT'] || 3);
    this.checkLeak = isOn(env['TEST_NGINX_CHECK_LEAK']);
    this.useHup = isOn(env['TEST_NGINX_USE_HUP']) && !this.checkLeak;
    this.checkAccumErrorLog = isOn(env['TEST_NGINX_CHECK_ACCUM_ERR_LOG']);
    this.master = env['TEST_NGINX_MASTER_PROCESS'] === 'on';
    this.sleep = Number(env['TEST_NGINX_SLEEP'] || 0.015);
  }
}

/** Perl's truth of an environment variable. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}

/** `100ms`, `2s` and plain seconds as seconds. */
export function parseTime(time: string): number {
  const ms = /^(.*[^_a-zA-Z])ms$/s.exec(time.trim());
  if (ms !== null) return Number(ms[1]) / 1000;
  return Number(/^(.*[^_a-zA-Z])s$/s.exec(time.trim())?.[1] ?? time);
}

/** `1.27.1` as 1.027001; a letter behind it (OpenSSL) adds three digits. */
export function canonicalVersion(major: string, minor: string, patch: string, letter?: string): number {
  const base = `${Number(major)}.${minor.padStart(3, '0')}${patch.padStart(3, '0')}`;
  return Number(letter === undefined ? base : base + String(letter.charCodeAt(0) - 97).padStart(3, '0'));
}
