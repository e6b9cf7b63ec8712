/** The folder that a block's server runs in: configuration, user files, logs. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Block } from './block.ts';
import type { Value } from './literal.ts';

/** A block's folder, and what stands for it in texts. */
export interface Prefix {
  readonly dir: string;
  readonly port: number;
  /** Of the stream server. */
  readonly streamPort: number;
  /** Puts `$TEST_NGINX_NAME` and `$ServerPort` into a text. Throws for names that nobody has set. */
  readonly expand: (text: string) => string;
}

/** How many `$TEST_NGINX_RAND_PORT_N` a block may use. */
const RANDOM_PORTS = 9;

/** Makes the folder of a block and writes everything into it. */
export async function makePrefix(block: Block, loadModules: readonly string[]): Promise<Prefix> {
  const dir = mkdtempSync(join(tmpdir(), 'tsresty-test-'));
  const [port, streamPort, ...random] = await freePorts(2 + RANDOM_PORTS);
  const names = new Map(Object.entries(process.env).filter(([name]) => name.startsWith('TEST_NGINX_')));
  names.set('TEST_NGINX_SERVER_PORT', String(port));
  names.set('TEST_NGINX_STREAM_PORT', String(streamPort));
  names.set('TEST_NGINX_SERVER_ROOT', dir);
  names.set('TEST_NGINX_HTML_DIR', join(dir, 'html'));
  for (const [i, number] of random.entries()) names.set(`TEST_NGINX_RAND_PORT_${i + 1}`, String(number));
  const expand = (text: string): string => {
    return text.replace(/\$(?:(TEST_NGINX_[A-Z0-9_]+)|ServerPort\b)/g, (_all, name: string | undefined) => {
      const value = names.get(name ?? 'TEST_NGINX_SERVER_PORT');
      if (value === undefined) throw new Error(`${name} is not set`);
      return value;
    });
  };
  const prefix: Prefix = { dir, port: port as number, streamPort: streamPort as number, expand };
  try {
    for (const name of ['conf', 'logs', 'html']) mkdirSync(join(dir, name));
    writeFileSync(join(dir, 'conf/nginx.conf'), configuration(block, prefix, loadModules), 'latin1');
    writeUserFiles(block, prefix);
  } catch (error) {
    removePrefix(prefix);
    throw error;
  }
  return prefix;
}

export function removePrefix(prefix: Prefix): void {
  rmSync(prefix.dir, { recursive: true, force: true });
}

/** A log of the server; '' when it has none. */
export function readLog(prefix: Prefix, name: 'error.log' | 'access.log'): string {
  try {
    return readFileSync(join(prefix.dir, 'logs', name), 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The same server around every block: one worker, one server, everything logged. */
function configuration(
  block: Block,
  { dir, port, streamPort, expand }: Prefix,
  loadModules: readonly string[],
): string {
  const part = (name: string): string => {
    const value = block.sections.get(name) ?? '';
    if (typeof value !== 'string') throw new Error(`section "${name}" must be text`);
    return expand(value);
  };
  const streamServer = part('stream_server_config');
  const streamServers =
    streamServer === '' ? '' : `    server {\n        listen 127.0.0.1:${streamPort};\n${streamServer}\n    }\n`;
  const streamBlock =
    streamServers === '' && !block.sections.has('stream_config')
      ? ''
      : `stream {\n${part('stream_config')}\n${streamServers}}\n`;
  const level = part('log_level').trim();
  const main = part('main_config');
  // Workers of root's server become nobody, who may not read the package, nor this folder.
  const user = process.geteuid?.() === 0 && !/^\s*user\s/m.test(main) ? 'user root;\n' : '';
  return `${loadModules.map((file) => `load_module ${file};\n`).join('')}worker_processes 1;
daemon off;
error_log ${dir}/logs/error.log ${level === '' ? 'debug' : level};
pid ${dir}/logs/nginx.pid;
${user}${main}
http {
    access_log ${dir}/logs/access.log;
    default_type text/plain;
    keepalive_timeout 68s;
${part('http_config')}
    server {
        listen 127.0.0.1:${port};
        server_name '${part('server_name').trim() || 'localhost'}';
        client_max_body_size 30m;
${part('config')}
        location / {
            root ${dir}/html;
            index index.html index.htm;
        }
    }
}
${streamBlock}${part('post_main_config')}
events {
    worker_connections 64;
}
`;
}

/** `>>> NAME [TIME]` lines and contents; names are relative to html/, times as in touch(1) -t. */
function writeUserFiles(block: Block, { dir, expand }: Prefix): void {
  const value: Value = block.sections.get('user_files') ?? '';
  if (typeof value !== 'string') throw new Error('section "user_files" must be text');
  for (const part of value.split(/^(?=>>> )/m)) {
    const head = /^>>> (\S+)(?:[ \t]+(\S+))?[^\n]*\n?/.exec(part);
    if (head === null) {
      if (part.trim() !== '') throw new Error('section "user_files" must begin with ">>> NAME"');
      continue;
    }
    const path = join(dir, 'html', expand(head[1] as string));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, expand(part.slice(head[0].length)), 'latin1');
    if (head[2] !== undefined) {
      const time = touchTime(head[2]);
      utimesSync(path, time, time);
    }
  }
}

/** CCYYMMDDhhmm[.ss], local time. */
function touchTime(text: string): Date {
  const m = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d\d))?$/.exec(text);
  if (m === null) throw new Error(`bad file time "${text}"`);
  const [year, month, day, hour, minute, second] = m.slice(1).map((digits) => Number(digits ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return new Date(year, month - 1, day, hour, minute, second);
}

/** Ports of 127.0.0.1 that nobody listens on. They are all held at once, so they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map((server) => {
      return new Promise<number>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
      });
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
