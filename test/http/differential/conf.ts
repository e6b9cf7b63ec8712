/** The configuration of all cases: a server each, on an address of its own, so that any number may run at a time. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Case } from './case.ts';

/** nginx's modules that are not part of Debian's binary. */
const MODULES = ['ndk_http', 'ngx_http_echo', 'ngx_http_headers_more_filter', 'ngx_http_set_misc'];

/** Of files in %DIR%, so that entity tags are the same everywhere. */
const MTIME = Date.UTC(2020, 0, 1) / 1000;

/** Where the parts of a case are. All of 127/8 is this machine on Linux; numbers have a fixed width, for lengths. */
export class Places {
  readonly id: string;
  readonly host: string;
  readonly dir: string;
  readonly #suffix: string;
  readonly #frontPort: number;
  readonly #backPort: number;

  constructor(index: number, folder: string, frontPort: number, backPort: number) {
    const hundreds = Math.floor(index / 100);
    this.id = `id${String(index).padStart(4, '0')}x`;
    this.#suffix = `${100 + hundreds}.${100 + (index % 100)}`;
    this.host = `127.100.${this.#suffix}`;
    this.#frontPort = frontPort;
    this.#backPort = backPort;
    this.dir = join(folder, this.id);
  }

  get front(): string {
    return `${this.host}:${this.#frontPort}`;
  }

  /** Of B1.. and U1.. */
  address(name: string): { host: string; port: number } | { path: string } {
    if (name.startsWith('U')) return { path: join(this.dir, `${name}.sock`) };
    return { host: this.#host(name), port: this.#backPort };
  }

  #host(name: string): string {
    return `127.${110 + Number(name.slice(1))}.${this.#suffix}`;
  }

  fill(text: string): string {
    return text.replace(/%(B\d|U\d|DEAD|FRONT|DIR|ID|PORT)%/g, (_, name: string) => {
      if (name === 'DEAD') return `127.110.${this.#suffix}:${this.#backPort}`;
      if (name === 'FRONT') return this.front;
      if (name === 'DIR') return this.dir;
      if (name === 'ID') return this.id;
      if (name === 'PORT') return String(this.#frontPort);
      return name.startsWith('U') ? join(this.dir, `${name}.sock`) : `${this.#host(name)}:${this.#backPort}`;
    });
  }

  /** The opposite. */
  mask(text: string): string {
    let out = text.replaceAll(this.dir, '%DIR%').replaceAll(this.id, '%ID%').replaceAll(this.front, '%FRONT%');
    out = out.replaceAll(`127.110.${this.#suffix}:${this.#backPort}`, '%DEAD%');
    for (const name of ['B1', 'B2', 'B3', 'B4'])
      out = out.replaceAll(`${this.#host(name)}:${this.#backPort}`, `%${name}%`);
    return out.replaceAll(`:${this.#frontPort}`, ':%PORT%');
  }
}

/** Writes the configuration and the files of all cases. */
export function writeConfiguration(
  flavour: 'nginx' | 'tsresty',
  folder: string,
  /** Where a server listens that tells when all of them do. */
  port: number,
  cases: readonly { readonly c: Case; readonly places: Places }[],
): string {
  for (const { c, places } of cases) {
    mkdirSync(places.dir, { recursive: true });
    writeFileSync(join(places.dir, 'error.log'), '');
    for (const [name, content] of Object.entries(c.files ?? {})) {
      const file = join(places.dir, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, typeof content === 'string' ? Buffer.from(places.fill(content), 'latin1') : content);
      utimesSync(file, MTIME, MTIME);
    }
  }
  const nginx = flavour === 'nginx';
  const path = join(folder, 'nginx.conf');
  const text = `
${nginx ? `user root;\n${MODULES.map((name) => `load_module /usr/lib/nginx/modules/${name}_module.so;`).join('\n')}` : ''}
worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log info;
events { worker_connections 8192; }
http {
  access_log off;
  default_type text/plain;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  ${nginx ? `fastcgi_temp_path ${folder}/t; uwsgi_temp_path ${folder}/t; scgi_temp_path ${folder}/t;` : ''}
  server_names_hash_bucket_size 128;
  variables_hash_max_size 8192;
  map_hash_max_size 8192;
  lingering_timeout 200ms;
  lingering_time 1s;
  # The default is 1.1 in newer versions.
  proxy_http_version 1.0;
  ${cases.map(({ c, places }) => places.fill(nginx ? block(c) : withoutPools(block(c)))).join('\n')}
  server { listen 127.0.0.1:${port}; }
}
`;
  writeFileSync(path, Buffer.from(text, 'latin1'));
  return path;
}

/** Newer versions keep connections to the servers of an upstream block unless told otherwise. */
function withoutPools(text: string): string {
  return text.replace(/(\bupstream \S+ \{(?:(?!\bkeepalive\b)[^}])*)\}/g, '$1 keepalive 0; }');
}

function block(c: Case): string {
  const access = c.access === undefined ? '' : 'access_log %DIR%/access.log %ID%;';
  const format = c.access === undefined ? '' : `log_format %ID% '${c.access}';`;
  const conf = c.conf ?? 'location / { proxy_pass http://%B1%; }';
  return `${format} ${c.http ?? ''}
  server { listen %FRONT% ${c.listen ?? ''}; server_name case; error_log %DIR%/error.log info; ${access} root %DIR%;
    ${conf}
  }`;
}
