/** Real nginx with the http block of a TestServer, to compare with, where it is installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NGINX = '/usr/sbin/nginx';
export const hasNginx: boolean = existsSync(NGINX);

export class RealNginx {
  readonly port: number;
  readonly dir: string;
  readonly #process: ChildProcess;

  private constructor(port: number, dir: string, child: ChildProcess) {
    this.port = port;
    this.dir = dir;
    this.#process = child;
  }

  static async start(block: string, files: Readonly<Record<string, string>>): Promise<RealNginx> {
    const dir = mkdtempSync(join(tmpdir(), 'tsresty-nginx-'));
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    taken.close();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, 'latin1');
    const own = `error_log ${dir}/e.log info; access_log off; client_body_temp_path ${dir}/b;
      fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;`;
    const inside = block.replaceAll(/127\.0\.0\.1:1(?=[; ])/g, `127.0.0.1:${port}`).replaceAll('%DIR%', dir);
    const head = `user root; daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/e.log;`;
    writeFileSync(join(dir, 'nginx.conf'), `${head} events {}\nhttp { ${own}\n${inside} }\n`, 'latin1');
    const child = spawn(NGINX, ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'e.log')]);
    const nginx = new RealNginx(port, dir, child);
    for (let i = 0; i < 100; i++) {
      const probe = connect(port, '127.0.0.1');
      const open = await new Promise<boolean>((resolve) => {
        probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      probe.destroy();
      if (open) return nginx;
      if (child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const text = readFileSync(join(dir, 'e.log'), 'latin1');
    await nginx.stop();
    throw new Error(`nginx does not listen: ${text}`);
  }

  /** error.log so far, `LEVEL MESSAGE` a line. */
  get log(): string[] {
    const text = readFileSync(join(this.dir, 'e.log'), 'latin1').replaceAll(this.dir, 'DIR');
    return text.split('\n').flatMap((line) => {
      const [, level, message] = /^\S+ \S+ \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)$/.exec(line) ?? [];
      return level === undefined ? [] : [`${level} ${message}`];
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill();
      await once(this.#process, 'exit');
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
