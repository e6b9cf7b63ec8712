/** What the `access_log` directives of http and stream have in common: files, their buffers, conditions. */

import type { Log } from '../log/log.ts';
import { LogFile, type LogFileOptions } from '../log/log-file.ts';
import type { ConfContext } from './directive.ts';
import { cycleOf } from './resources.ts';
import { parseNumber, parseSize, parseTime } from './units.ts';

/** A file that several directives may name; a buffer belongs to all of them. */
export interface SharedFile {
  file: LogFile;
  buffered: boolean;
}

/** The file of a path, one object for all directives of a block that name it. */
export function shareFile(cf: ConfContext, files: Map<string, SharedFile>, path: string, log: () => Log): SharedFile {
  let shared = files.get(path);
  if (shared === undefined) {
    shared = { file: new LogFile(cycleOf(cf).openFiles.get(path), {}, log), buffered: false };
    files.set(path, shared);
  }
  return shared;
}

/** Buffering and condition of an access_log, from its further arguments. */
export interface LogParameters<V> {
  buffer: number;
  flush: number;
  gzip: number;
  filter: V | undefined;
}

/** Takes one of these arguments; returns nginx's message when it is wrong. */
export function parseLogParameter<V>(
  cf: ConfContext,
  text: string,
  into: LogParameters<V>,
  compile: (cf: ConfContext, text: string) => V,
): string | undefined {
  if (text.startsWith('buffer=')) {
    const value = text.slice(7);
    into.buffer = parseSize(value) ?? 0;
    return into.buffer === 0 ? `invalid buffer size "${value}"` : undefined;
  }
  if (text.startsWith('flush=')) {
    const value = text.slice(6);
    into.flush = parseTime(value, 'ms') ?? 0;
    return into.flush === 0 ? `invalid flush time "${value}"` : undefined;
  }
  if (text === 'gzip' || text.startsWith('gzip=')) {
    if (into.buffer === 0) into.buffer = 64 * 1024;
    if (text === 'gzip') {
      into.gzip = 1;
      return undefined;
    }
    const level = parseNumber(text.slice(5));
    if (level === undefined || level < 1 || level > 9) return `invalid compression level "${text.slice(5)}"`;
    into.gzip = level;
    return undefined;
  }
  if (text.startsWith('if=')) {
    into.filter = compile(cf, text.slice(3));
    return undefined;
  }
  return `invalid parameter "${text}"`;
}

/** Gives the file a buffer, or finds that it has just that one. */
export function bufferFile(
  shared: SharedFile,
  name: string,
  wanted: LogParameters<unknown>,
  log: () => Log,
): string | undefined {
  const { buffer, flush, gzip } = wanted;
  if (shared.buffered) {
    const { options } = shared.file;
    const same = options.buffer === buffer && options.flush === flush && options.gzip === gzip;
    return same ? undefined : `access_log "${name}" already defined with conflicting parameters`;
  }
  const options: LogFileOptions = { buffer, flush, gzip };
  shared.file = new LogFile(shared.file.file, options, log);
  shared.buffered = true;
  return undefined;
}
