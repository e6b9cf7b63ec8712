/**
 * Loads the server, the Lua interpreter, or the runner of tests. From sources that is an import; the bundled executable runs its bundle
 * through V8's code cache, because compiling it would take longer than all the rest of a start. (Node's own
 * module.enableCompileCache() does that from 22.8 on; this does it on every Node, and keeps the cache inside the package,
 * where nobody else can write.)
 *
 * A cache holds only for one version of Node and one set of V8's flags. The build makes those for its own; a server on another version makes
 * its own when the package's folder can be written to, once it is up, and the interpreter when it ends.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import type { luaCommand } from '../lua/cli.ts';
import { missingOptions, NODE_OPTIONS, tuneV8 } from '../lua/tune.ts';
import type { testCommand } from '../tools/test/command.ts';
import type { Program } from './program.ts';

type BundleName = 'program' | 'lua-command' | 'test';

/** Set by the build: hashes of the bundles' content. */
declare const BUNDLE_HASHES: Readonly<Record<BundleName, string>>;

/** Milliseconds after the start when a server's cache is written: what has run by then is in it compiled. */
const WRITE_AFTER = 2000;

/** The server's functions. */
export async function loadProgram(): Promise<Program> {
  // Before the cache is read: V8 takes it only with the flags under which it was written.
  tuneV8();
  if (typeof BUNDLE_HASHES === 'undefined') return import('./program.ts');
  const program = runBundle('program', writeLater) as Program;
  program.setImporter((specifier) => import(specifier));
  return program;
}

/** The interpreter of `tsresty lua`. */
export async function loadLua(): Promise<{ readonly luaCommand: typeof luaCommand }> {
  tuneV8();
  if (typeof BUNDLE_HASHES === 'undefined') return import('../lua/cli.ts');
  return runBundle('lua-command', writeAtExit) as { readonly luaCommand: typeof luaCommand };
}

/** The runner of `tsresty test`, which runs no Lua. */
export async function loadTests(): Promise<{ readonly testCommand: typeof testCommand }> {
  if (typeof BUNDLE_HASHES === 'undefined') return import('../tools/test/command.ts');
  return runBundle('test', writeAtExit) as { readonly testCommand: typeof testCommand };
}

function writeAtExit(write: () => void): void {
  process.once('exit', write);
}

function writeLater(write: () => void): void {
  if (process.env['TSRESTY_WRITE_CACHE'] !== undefined) writeAtExit(write);
  else setTimeout(write, WRITE_AFTER).unref();
}

/** Runs dist/NAME.cjs; without a cache for it, `when` decides about the writing of one. */
function runBundle(name: BundleName, when: (write: () => void) => void): object {
  const path = join(__dirname, `${name}.cjs`);
  // With all of our own, what is in the name are the others.
  const own = missingOptions().length === 0 ? NODE_OPTIONS : [];
  const others = process.execArgv.filter((flag) => !own.includes(flag));
  const flags = (own.length > 0 ? '-own' : '') + others.join('').replace(/[^\w=-]+/g, '_');
  const cachePath = `${path}.${BUNDLE_HASHES[name]}.${process.version}-${process.arch}${flags}.cache`;
  // esbuild writes nothing but ASCII; read as such, the text takes a byte a character.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'latin1')}\n})`;
  const cachedData = existsSync(cachePath) ? readFileSync(cachePath) : undefined;
  const script = new Script(source, { filename: path, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) when(() => writeCache(script, cachePath));
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, path, dirname(path));
  return module.exports;
}

function writeCache(script: Script, path: string): void {
  try {
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, script.createCachedData());
    renameSync(temporary, path);
  } catch {
    // The package belongs to somebody else: starts take a little longer, nothing more.
  }
}
