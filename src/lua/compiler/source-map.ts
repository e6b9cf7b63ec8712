/**
 * Source maps for debuggers: they show the Lua file instead of the JavaScript that was made of it.
 *
 * Compiled text keeps each Lua line on the line of the same number (output.ts), so the map says just that: line n is
 * line n. It is made only when somebody can be looking, since it contains the source text.
 */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Whether maps are added to what is compiled from now on; undefined: as the process is being debugged or not. */
export const sourceMaps: { enabled: boolean | undefined } = { enabled: undefined };

const requested =
  process.execArgv.includes('--enable-source-maps') ||
  (process.env['NODE_OPTIONS'] ?? '').includes('--enable-source-maps');

type Inspector = { url(): string | undefined };
let inspector: Inspector | undefined;

const startsDebugged = [...process.execArgv, process.env['NODE_OPTIONS']].some((option) =>
  option?.includes('--inspect'),
);

/** Node's inspector module takes 2 ms to load, a good part of a short script's time. */
function mayBeDebugged(): boolean {
  // A debugger comes by an option, by code that has loaded the module, or later on by a signal.
  const loaded = (process as { moduleLoadList?: readonly string[] }).moduleLoadList;
  return startsDebugged || process.uptime() > 1 || loaded === undefined || loaded.includes('NativeModule inspector');
}

function isDebugged(): boolean {
  if (sourceMaps.enabled !== undefined) return sourceMaps.enabled;
  if (requested) return true;
  if (inspector === undefined && !mayBeDebugged()) return false;
  // Absent in builds of Node without an inspector.
  inspector ??= (process.getBuiltinModule('node:inspector') as Inspector | undefined) ?? { url: () => undefined };
  return inspector.url() !== undefined;
}

/** The script name that V8 gets for a Lua file, a path that inspectors show as a file URL. `path`: latin1 bytes. */
export function scriptPath(path: string): string {
  return resolve(Buffer.from(path, 'latin1').toString());
}

/**
 * The comment that ends a compiled text, empty if nobody debugs. `source` is the chunk's text (latin1 bytes), `file`
 * the name of its main script.
 */
export function sourceMapComment(source: string, file: string): string {
  if (!isDebugged()) return '';
  const content = Buffer.from(source, 'latin1').toString();
  let lines = 1;
  for (let i = source.indexOf('\n'); i >= 0; i = source.indexOf('\n', i + 1)) lines++;
  const map = {
    version: 3,
    sources: [file.startsWith('/') ? pathToFileURL(file).href : file],
    sourcesContent: [content],
    names: [],
    // Column 0 of each line to column 0 of the next source line.
    mappings: `AAAA${';AACA'.repeat(lines - 1)}`,
  };
  return `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
}
