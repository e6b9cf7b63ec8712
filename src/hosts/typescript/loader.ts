/**
 * Loads handler modules written in TypeScript (or JavaScript), and loads them again when a file of theirs changes.
 *
 * A module is bundled with its relative imports by esbuild into one script with a source map, so that all of its
 * files are new after a change (Node caches modules for ever) and stack traces show lines of the TypeScript files.
 * Packages stay outside: they are imported from where the module's folder finds them, once.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { importModule } from './import.ts';

/** How often, in milliseconds, files are looked at for changes. */
const CHECK_INTERVAL = 500;

let outputFolder: string | undefined;
let outputs = 0;

/** A folder of this process for the bundled scripts, removed when it exits. */
function folder(): string {
  if (outputFolder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'tsresty-'));
    outputFolder = made;
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  }
  return outputFolder;
}

/** What handlers import as 'tsresty': of the server that runs, wherever the handler lies. */
const ownPackage = new URL(import.meta.url.endsWith('.ts') ? '../../index.ts' : './index.js', import.meta.url).href;

/** Leaves packages outside of the bundle, but resolved from the importing file, since the bundle lies elsewhere. */
const packagesOutside: Plugin = {
  name: 'packages-outside',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async (args) => {
      if (args.pluginData === 'resolving' || args.kind === 'entry-point' || args.path.startsWith('node:')) return null;
      if (args.path === 'tsresty') return { path: ownPackage, external: true };
      const found = await build.resolve(args.path, {
        kind: args.kind,
        resolveDir: args.resolveDir,
        importer: args.importer,
        pluginData: 'resolving',
      });
      if (found.errors.length > 0) return { errors: found.errors };
      if (found.external) return { path: found.path, external: true };
      return { path: pathToFileURL(found.path).href, external: true };
    });
  },
};

/** Why a module could not be loaded: the compiler's messages with file, line and column. */
export class ModuleFailure extends Error {}

/** One handler file. `M` is the shape of its exports. */
export class ModuleFile<M> {
  readonly path: string;
  private loaded: M | undefined = undefined;
  private loading: Promise<M> | undefined = undefined;
  private inputs: { readonly file: string; readonly stamp: number }[] = [];
  private checked = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** The module's exports: at once when they are loaded and no file has changed. Rejects with ModuleFailure. */
  load(): M | Promise<M> {
    if (this.loaded !== undefined && !this.changed()) return this.loaded;
    this.loading ??= this.build().finally(() => {
      this.loading = undefined;
    });
    return this.loading;
  }

  private changed(): boolean {
    const now = Date.now();
    if (now - this.checked < CHECK_INTERVAL) return false;
    this.checked = now;
    return this.inputs.some(({ file, stamp }) => stampOf(file) !== stamp);
  }

  private async build(): Promise<M> {
    process.setSourceMapsEnabled(true);
    const { build } = await importModule<typeof import('esbuild')>('esbuild');
    let result: Awaited<ReturnType<typeof build>>;
    try {
      result = await build({
        entryPoints: [this.path],
        bundle: true,
        write: false,
        metafile: true,
        format: 'esm',
        platform: 'node',
        target: `node${process.versions.node}`,
        sourcemap: 'inline',
        sourcesContent: false,
        sourceRoot: '/',
        absWorkingDir: '/',
        outfile: '/bundle.mjs',
        logLevel: 'silent',
        plugins: [packagesOutside],
      });
    } catch (error) {
      throw new ModuleFailure(describe(error));
    }
    const inputs = Object.keys(result.metafile?.inputs ?? {}).map((name) => join('/', name));
    const stamps = inputs.map((file) => ({ file, stamp: stampOf(file) }));
    const script = join(folder(), `${++outputs}.mjs`);
    await writeFile(script, result.outputFiles?.[0]?.text ?? '');
    const exports = await importModule<M>(pathToFileURL(script).href);
    this.inputs = stamps;
    this.checked = Date.now();
    this.loaded = exports;
    return exports;
  }
}

/** Changes with the file's content, as far as its time of modification and size tell; 0 when it is not there. */
function stampOf(file: string): number {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 0 : stat.mtimeMs * 1024 + (stat.size % 1024);
}

interface BuildMessage {
  readonly text: string;
  readonly location: { readonly file: string; readonly line: number; readonly column: number } | null;
}

/** esbuild's messages as `FILE:LINE:COLUMN: TEXT`. */
function describe(error: unknown): string {
  const messages = (error as { errors?: readonly BuildMessage[] }).errors;
  if (!Array.isArray(messages) || messages.length === 0) return (error as Error).message;
  return messages
    .map(({ text, location }: BuildMessage) => {
      return location === null ? text : `/${location.file}:${location.line}:${location.column + 1}: ${text}`;
    })
    .join('\n');
}
