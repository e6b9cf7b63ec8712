/**
 * Loads the server. From sources that is an import; the bundled executable runs its bundle through V8's code cache,
 * because compiling it would take longer than all the rest of a start. (Node's own module.enableCompileCache() does
 * that from 22.8 on; this does it on every Node, and keeps the cache inside the package, where nobody else can write.)
 *
 * A cache holds only for one version of Node and one set of V8's flags. The build makes those for its own; a server on another version makes
 * its own when the package's folder can be written to, once it is up.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { tuneV8 } from '../lua/tune.ts';
import type { Program } from './program.ts';

/** Set by the build: file name of the bundle, and a hash of its content. */
declare const PROGRAM_FILE: string;
declare const PROGRAM_HASH: string;

/** Milliseconds after the start when the cache is written: what has run by then is in it compiled. */
const WRITE_AFTER = 2000;

/** The server's functions. @param folder where the bundled executable is */
export async function loadProgram(): Promise<Program> {
  // Before the cache is read: V8 takes it only with the flags under which it was written.
  tuneV8();
  if (typeof PROGRAM_FILE === 'undefined') return import('./program.ts');
  return runBundle(__dirname, PROGRAM_FILE, PROGRAM_HASH);
}

function runBundle(folder: string, file: string, hash: string): Program {
  const path = join(folder, file);
  const flags = process.execArgv.join('').replace(/[^\w=-]+/g, '_');
  const cachePath = join(folder, `${file}.${hash}.${process.version}-${process.arch}${flags}.cache`);
  // esbuild writes nothing but ASCII; read as such, the text takes a byte a character.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'latin1')}\n})`;
  const cachedData = existsSync(cachePath) ? readFileSync(cachePath) : undefined;
  const script = new Script(source, { filename: path, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) {
    const write = (): void => writeCache(script, cachePath);
    if (process.env['TSRESTY_WRITE_CACHE'] !== undefined) process.once('exit', write);
    else setTimeout(write, WRITE_AFTER).unref();
  }
  const module = { exports: {} as Program };
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
  module.exports.setImporter((specifier) => import(specifier));
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
