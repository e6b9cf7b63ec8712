/** Runs a case through nginx or through loadCycle. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfError } from '../../../src/conf/error.ts';
import { loadCycle } from '../../../src/conf/load.ts';
import type { CoreModule } from '../../../src/conf/registry.ts';
import type { BrokenCase, Outcome } from './case.ts';

/** The nginx that the expected outputs are from. */
export const NGINX = '/usr/sbin/nginx';

/** True when nginx 1.22 is installed. */
export function hasNginx(): boolean {
  const result = spawnSync(NGINX, ['-v'], { encoding: 'latin1' });
  return result.status === 0 && result.stderr.includes('nginx/1.22');
}

function withFiles<T>(item: BrokenCase, use: (dir: string, globals: string | undefined) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'tsresty-conf-'));
  try {
    const files = { ...item.files, 'nginx.conf': item.conf };
    for (const [path, text] of Object.entries(files)) {
      const full = join(dir, path);
      if (path.endsWith('/')) mkdirSync(full, { recursive: true });
      else {
        mkdirSync(dirname(full), { recursive: true });
        writeFileSync(full, Buffer.from(text.replaceAll('%DIR%', dir), 'latin1'));
      }
    }
    return use(dir, item.globals?.replaceAll('%DIR%', dir));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What `nginx -t` says. */
export function runNginx(item: BrokenCase): Outcome {
  return withFiles(item, (dir, globals) => {
    const args = ['-t', '-p', dir, '-c', 'nginx.conf', '-e', join(dir, 'error.log')];
    if (globals !== undefined) args.push('-g', globals);
    const result = spawnSync(NGINX, args, { encoding: 'latin1' });
    const lines = result.stderr.replaceAll(dir, '%DIR%').split('\n');
    return { lines: lines.filter((line) => /^nginx: \[/.test(line)), ok: result.status === 0 };
  });
}

/** What we say. Messages below warnings go to no terminal, as with nginx. */
export function runOurs(item: BrokenCase, modules: readonly CoreModule[]): Outcome {
  return withFiles(item, (dir, globals) => {
    const lines: string[] = [];
    let ok = true;
    try {
      loadCycle({
        prefix: dir,
        confFile: 'nginx.conf',
        globals,
        testOnly: true,
        modules,
        report: (level, message) => {
          if (level !== 'notice' && level !== 'info') lines.push(`nginx: [${level}] ${message}`);
        },
      });
    } catch (thrown) {
      if (!(thrown instanceof ConfError)) throw thrown;
      ok = false;
      lines.push(`nginx: [${thrown.level}] ${thrown.message}`);
    }
    return { lines: lines.map((line) => line.replaceAll(dir, '%DIR%')), ok };
  });
}
