/** Asks the executable under test what it is: tests are skipped by version, as Test::Nginx does. */
import { spawnSync } from 'node:child_process';
import { canonicalVersion, type Executable } from './settings.ts';

/**
 * Runs it with -V.
 * @throws Error when it cannot be run
 */
export function probe(command: readonly string[], loadModules: readonly string[]): Executable {
  const [file, ...args] = command;
  const done = spawnSync(file!, [...args, '-V'], { encoding: 'latin1', timeout: 30_000 });
  if (done.error !== undefined) throw new Error(`${file} cannot be run: ${done.error.message}`);
  const said = done.stdout + done.stderr;
  const version = /(?:nginx|openresty)[^/]*\/(\d+)\.(\d+)\.(\d+)/.exec(said) ?? /\w+\/(\d+)\.(\d+)\.(\d+)/.exec(said);
  const openssl = /built with OpenSSL (\d+)\.(\d+)\.(\d+)([a-z])?/.exec(said);
  const minor = /nginx version: .*\/(\d)\.(\d+)(?:\.\d+)+/.exec(said);
  const series = minor === null ? 0 : Number(minor[1]) * 100 + Number(minor[2]);
  let pcre = said.includes('pcre') ? 1 : 0;
  if (series >= 125 && !said.includes('--without-pcre2')) pcre = 2;
  return {
    command,
    loadModules,
    nginxVersion: version === null ? 0 : canonicalVersion(version[1]!, version[2]!, version[3]!),
    opensslVersion: openssl === null ? undefined : canonicalVersion(openssl[1]!, openssl[2]!, openssl[3]!, openssl[4]),
    pcreVersion: pcre,
    temporary: ['client_body', 'proxy', 'fastcgi', 'scgi', 'uwsgi'].filter(
      (name) => !said.includes(`--without-http_${name}_module`),
    ),
  };
}
