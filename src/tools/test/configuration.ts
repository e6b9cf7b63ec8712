/**
 * The folder that a block's server runs in: configuration, user files, logs. The configuration has Test::Nginx's lines
 * at Test::Nginx's line numbers, for tests see them in messages.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fsPath } from '../../conf/glob.ts';
import type { Block } from './block.ts';
import type { Expand } from './expand.ts';
import { PerlArray, text, type Value } from './perl/values.ts';
import type { Executable } from './settings.ts';
import type { TestFile } from './test-file.ts';

const INDEX = '<html><head><title>It works!</title></head><body>It works!</body></html>';

/** Files that a server which keeps running still needs. */
const KEPT = /(?:\bnginx\.pid|\.sock|\.crt|\.key)$/;

/**
 * Makes a server's folder anew.
 * @param running a server runs there: what it holds open stays
 */
export function resetRoot(root: string, running: boolean): void {
  if (running) removeFiles(root);
  else rmSync(root, { recursive: true, force: true });
  for (const name of ['logs', 'html', 'conf']) mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'html/index.html'), INDEX);
}

function removeFiles(dir: string): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) removeFiles(path);
    else if (!KEPT.test(name)) rmSync(path, { force: true });
  }
}

/** What a configuration is made for. */
export interface ConfigurationOptions {
  readonly expand: Expand;
  readonly executable: Executable;
  readonly daemon: boolean;
  /** Of the server that tells which configuration is in force; undefined without HUP mode. */
  readonly version: string | undefined;
  readonly logLevel: string;
}

/** Writes nginx.conf. */
export function writeConfiguration(test: TestFile, block: Block, options: ConfigurationOptions): void {
  const { root } = test.place;
  writeFileSync(join(root, 'conf/nginx.conf'), configuration(test, block, options), 'latin1');
}

function configuration(test: TestFile, block: Block, options: ConfigurationOptions): string {
  const { settings, place, perl } = test;
  const { root, port } = place;
  const { expand, version } = options;
  const env = perl.hash('ENV');
  const part = (name: string): string => expand(block.text(name) ?? '');
  const http = part('http_config');
  const modules = options.executable.loadModules.map((file) => `load_module ${file};`).join(' ');
  const main = expand(
    modules === '' ? (block.text('main_config') ?? '') : `${modules} ${block.text('main_config') ?? ''}`,
  );
  const errorLog = expand(block.text('error_log_file') || `${root}/logs/error.log`);
  const accessLog = settings.checkLeak ? 'off' : `${root}/logs/access.log`;
  const serverName = (block.text('server_name') ?? settings.serverName).replace(/[\\']/g, '\\$&');
  const temp = options.executable.temporary
    .filter((name) => !new RegExp(`\\b${name}_temp_path\\b`).test(http))
    .map((name) => `${name}_temp_path ${root}/${name}_temp;`)
    .join(' ');
  const listen = block.has('http2') ? `${port};http2 on;` : `${port};`;
  const passed = settings.envToNginx.map((v) => `env ${/\s/.test(v) ? `'${v}'` : v};\n`).join('');
  const postpone = env.get('TEST_NGINX_POSTPONE_OUTPUT');
  const eventType = env.get('TEST_NGINX_EVENT_TYPE');
  const user = process.geteuid?.() === 0 ? 'user root;\n' : '';
  return `worker_processes  ${settings.workers};
daemon ${options.daemon ? 'on' : 'off'};
master_process ${settings.master || settings.useHup ? 'on' : 'off'};
error_log ${errorLog} ${settings.checkLeak ? 'warn' : options.logLevel};
pid       ${root}/logs/nginx.pid;
${[
  'MOCKEAGAIN_VERBOSE',
  'MOCKEAGAIN',
  'MOCKEAGAIN_WRITE_TIMEOUT_PATTERN',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'DYLD_INSERT_LIBRARIES',
  'DYLD_FORCE_FLAT_NAMESPACE',
]
  .map((name) => `env ${name};\n`)
  .join('')}${passed}#
#

${main}

http {
    access_log ${accessLog}; ${temp}
    #

    default_type text/plain;
    keepalive_timeout  68000ms;

${http}
    server {
        listen          ${listen}
        #
        server_name     '${serverName}';
        #
        client_max_body_size 30M;
        #

        #
${settings.configPreamble}
        #

        #
${part('config')}
        #

${settings.noRootLocation ? '' : `        location / {\n            root ${root}/html;\n            index index.html index.htm;\n        }\n`}    }
${version === undefined ? '' : versionServer(listen, version)}${
  postpone === undefined || /\bpostpone_output\b/.test(http) || version === undefined
    ? ''
    : `    postpone_output ${text(postpone)};\n`
}}

${part('post_main_config')}

events {
    accept_mutex off;

    worker_connections  ${settings.workerConnections};
${eventType === undefined || text(eventType) === '' ? '' : `    use ${text(eventType)};\n`}}
env ASAN_OPTIONS;
env MOCKNOEAGAIN_VERBOSE;
env MOCKNOEAGAIN;
${user}`;
}

function versionServer(listen: string, version: string): string {
  return `    server {
        listen          ${listen}
        server_name     'Test-Nginx';

        location = /ver {
            return 200 '${version}';
        }
    }
`;
}

/** `>>> NAME [TIME]` lines and contents; names are relative to html/, times as in touch(1) -t. Or a list of the three. */
export function writeUserFiles(block: Block, root: string, expand: Expand): void {
  const value = block.get('user_files');
  if (value === undefined || value === '') return;
  for (const [name, body, time] of userFiles(value)) {
    // The names are bytes; the root is a path of this process.
    const at = (bytes: string): Buffer =>
      bytes.startsWith('/') ? fsPath(bytes) : Buffer.concat([Buffer.from(`${root}/html/`), fsPath(bytes)]);
    const path = at(name);
    mkdirSync(at(dirname(name)), { recursive: true });
    writeFileSync(path, expand(body), 'latin1');
    if (time !== '') {
      const date = touchTime(time);
      utimesSync(path, date, date);
    }
  }
}

function userFiles(value: Value): (readonly [name: string, body: string, time: string])[] {
  if (value instanceof PerlArray) {
    return value.values.map((one) => {
      if (!(one instanceof PerlArray)) throw new Error('user_files: a list of lists is expected');
      const [name, body, time] = one.values;
      return [text(name), text(body), text(time)];
    });
  }
  if (typeof value !== 'string') throw new Error('wrong value type of user_files, only scalar or ARRAY are accepted');
  const files: [string, string, string][] = [];
  for (const line of value.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const head = />>> (\S+)(?:\s+(.+))?/.exec(line);
    if (head !== null) files.push([head[1]!, '', head[2]?.trim() ?? '']);
    else if (files.length > 0) files.at(-1)![1] += line;
  }
  return files;
}

/** [[CC]YY]MMDDhhmm[.ss], in GMT. */
function touchTime(time: string): Date {
  const m = /^(\d{2}|\d{4})?(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d\d))?$/.exec(time);
  if (m === null) throw new Error(`bad file time "${time}"`);
  const [month, day, hour, minute] = m.slice(2, 6).map(Number) as [number, number, number, number];
  const digits = m[1] ?? String(new Date().getUTCFullYear());
  const year = digits.length === 4 ? Number(digits) : Number(digits) + (Number(digits) < 69 ? 2000 : 1900);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, Number(m[6] ?? 0)));
}
