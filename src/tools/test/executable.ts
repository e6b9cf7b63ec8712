/** Asks the executable under test what it is: tests are skipped by version, as Test::Nginx does. */
import { spawnSync } from 'node:child_process';
import { canonicalVersion, type Executable } from './settings.ts';

/** An executable that is asked with -V when somebody wants to know: files without servers never do. */
export class ProbedExecutable implements Executable {
  readonly command: readonly string[];
  readonly loadModules: readonly string[];
  #said: string | undefined;

  constructor(command: readonly string[], loadModules: readonly string[]) {
    this.command = command;
    this.loadModules = loadModules;
  }

  /** @throws Error when it cannot be run */
  get #answer(): string {
    if (this.#said === undefined) {
      const [file, ...args] = this.command;
      const done = spawnSync(file!, [...args, '-V'], { encoding: 'latin1', timeout: 30_000 });
      if (done.error !== undefined) throw new Error(`${file} cannot be run: ${done.error.message}`);
      this.#said = done.stdout + done.stderr;
    }
    return this.#said;
  }

  get nginxVersion(): number {
    const said = this.#answer;
    const version = /(?:nginx|openresty)[^/]*\/(\d+)\.(\d+)\.(\d+)/.exec(said) ?? /\w+\/(\d+)\.(\d+)\.(\d+)/.exec(said);
    return version === null ? 0 : canonicalVersion(version[1]!, version[2]!, version[3]!);
  }

  get opensslVersion(): number | undefined {
    const found = /built with OpenSSL (\d+)\.(\d+)\.(\d+)([a-z])?/.exec(this.#answer);
    return found === null ? undefined : canonicalVersion(found[1]!, found[2]!, found[3]!, found[4]);
  }

  get pcreVersion(): number {
    const said = this.#answer;
    const minor = /nginx version: .*\/(\d)\.(\d+)(?:\.\d+)+/.exec(said);
    const series = minor === null ? 0 : Number(minor[1]) * 100 + Number(minor[2]);
    if (series >= 125 && !said.includes('--without-pcre2')) return 2;
    return said.includes('pcre') ? 1 : 0;
  }

  get temporary(): readonly string[] {
    const all = ['client_body', 'proxy', 'fastcgi', 'scgi', 'uwsgi'];
    return all.filter((name) => !this.#answer.includes(`--without-http_${name}_module`));
  }
}
