/**
 * What directives need beside the configuration: files that they read while it is loaded (certificates, keys) and
 * secrets that are made up once. The master reads them with its rights and hands them to its workers, which might not
 * be allowed to, and which must all have the same; nginx's workers inherit them by fork.
 */
import type { ConfFile } from './parser.ts';

/** By name, mostly a path. Texts are latin1 byte strings. */
export class Assets {
  readonly #texts = new Map<string, string>();

  /** @param given what the master had */
  constructor(given: readonly ConfFile[] | undefined) {
    for (const { path, text } of given ?? []) this.#texts.set(path, text);
  }

  /** What is there under a name, made at the first use. What `make` throws is thrown. */
  get(name: string, make: () => string): string {
    let text = this.#texts.get(name);
    if (text === undefined) {
      text = make();
      this.#texts.set(name, text);
    }
    return text;
  }

  /** For a worker. */
  get list(): readonly ConfFile[] {
    return [...this.#texts].map(([path, text]) => ({ path, text }));
  }
}
