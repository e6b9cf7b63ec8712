/** -T: prints the configuration's files, each once, in the order they were read. nginx: main() in src/core/nginx.c. */
import type { Cycle } from './cycle.ts';

/** The text of -T for standard output, a latin1 byte string. */
export function dumpConfiguration(cycle: Cycle): string {
  return cycle.files.map(({ path, text }) => `# configuration file ${path}:\n${text}\n`).join('');
}
