/** `--watch`: runs tests, and again what a change concerns: a test file alone, or all when anything else changed. */
import { watch as watchFolder } from 'node:fs';
import { resolve, sep } from 'node:path';

/** Milliseconds of quiet after a change: editors write in several steps. */
const QUIET = 200;
/** What servers and tools write themselves. */
const IGNORED = /(?:^|\/)(?:servroot\w*|node_modules|\.git|logs|\w+_temp|tmp)(?:\/|$)|(?:~|\.sw\w|\.log|\.pid)$/;

/** Whether a change of a file, named from the watched folder, is of interest. */
export const isIgnored = (name: string): boolean => IGNORED.test(name.split(sep).join('/'));

/**
 * Watches the present folder; ends with the process.
 *
 * @param paths as given on the command line
 * @param list finds the test files anew
 * @param run runs some of them
 */
export async function watch(
  paths: readonly string[],
  list: () => string[],
  run: (files: readonly string[]) => Promise<boolean>,
): Promise<never> {
  let wake: () => void = () => {};
  const changed = new Set<string>();
  const folder = watchFolder('.', { recursive: true });
  folder.on('change', (_event, name) => {
    const file = String(name ?? '');
    if (isIgnored(file)) return;
    changed.add(file);
    wake();
  });
  for (let files = list(); ; ) {
    process.stdout.write(
      `\n${await run(files).then((good) => (good ? 'all is well' : 'there are failures'))}; waiting for a change of ${paths.join(' ')} (Ctrl-C ends)\n`,
    );
    changed.clear();
    await new Promise<void>((resolved) => {
      wake = resolved;
    });
    await new Promise((resolved) => setTimeout(resolved, QUIET));
    const all = list();
    const touched = [...changed].map((name) => resolve(name));
    const tests = all.filter((file) => touched.includes(resolve(file)));
    files = tests.length === touched.length ? tests : all;
  }
}
