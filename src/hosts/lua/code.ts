/**
 * A piece of Lua named by a directive: inline source or a file whose path may have variables. Compiled code is cached
 * by the engine per content; the closure is kept here per state, so that with lua_code_cache on a handler costs no
 * look-up. ngx_lua: ngx_http_lua_cache.c.
 */
import { readFileSync } from 'node:fs';
import { HTTP_INTERNAL_SERVER_ERROR, HTTP_NOT_FOUND, HTTP_SERVICE_UNAVAILABLE } from '../../http/codes.ts';
import type { HttpRequest } from '../../http/request.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LuaError, type LuaFunction, type LuaState } from '../../lua/index.ts';
import type { StreamSession } from '../../stream/session.ts';

/** Why code could not be loaded: the log line's text and the status of the request. */
export class LoadFailure extends Error {
  readonly status: number;
  /** Without what was to be loaded: for code that runs without a request. */
  readonly reason: string;
  constructor(message: string, reason: string, status: number = HTTP_INTERNAL_SERVER_ERROR) {
    super(message);
    this.reason = reason;
    this.status = status;
  }
}

/** For whom code is loaded: a request, a session, or nobody (init_by_lua and the like). */
type Subject = HttpRequest | StreamSession | undefined;

/** A path that may have variables: a complex value of http or of stream. */
interface PathValue {
  readonly literal: string | undefined;
  readonly text: string;
  evaluate(subject: never): string;
}

/** Where a handler's code comes from. */
export interface LuaCode {
  /** What a directive's name ends in. */
  readonly suffix: '' | '_file';
  /** The closure in a state. @throws LoadFailure */
  load(state: LuaState, subject: Subject, cache: boolean): LuaFunction;
}

/** Code written in the configuration. */
export class InlineCode implements LuaCode {
  readonly suffix = '';
  readonly source: string;
  readonly chunkName: string;
  private cachedState: LuaState | undefined = undefined;
  private cachedCode: LuaFunction | undefined = undefined;

  constructor(source: string, chunkName: string) {
    this.source = source;
    this.chunkName = chunkName;
  }

  load(state: LuaState): LuaFunction {
    if (this.cachedState === state) return this.cachedCode as LuaFunction;
    try {
      const code = state.load(this.source, this.chunkName);
      this.cachedState = state;
      this.cachedCode = code;
      return code;
    } catch (error) {
      if (error instanceof LuaError) {
        throw new LoadFailure(`failed to load inlined Lua code: ${error.message}`, error.message);
      }
      throw error;
    }
  }
}

/** Code in a file: read once with lua_code_cache on, at each use with it off. */
export class FileCode implements LuaCode {
  readonly suffix = '_file';
  private readonly path: PathValue;
  private readonly prefix: string;
  private readonly cached = new WeakMap<LuaState, Map<string, LuaFunction>>();

  constructor(path: PathValue, prefix: string) {
    this.path = path;
    this.prefix = prefix;
  }

  load(state: LuaState, subject: Subject, cache: boolean): LuaFunction {
    const { path: value } = this;
    const given = value.literal ?? (subject === undefined ? value.text : value.evaluate(subject as never));
    const path = given.startsWith('/') ? given : this.prefix + given;
    let files = this.cached.get(state);
    if (files === undefined) this.cached.set(state, (files = new Map()));
    const known = cache ? files.get(path) : undefined;
    if (known !== undefined) return known;
    const code = loadFile(state, path);
    files.set(path, code);
    return code;
  }
}

/** Reads and loads a file; a first line that begins with `#` is skipped as Lua does. */
function loadFile(state: LuaState, path: string): LuaFunction {
  let source: string;
  try {
    source = readFileSync(Buffer.from(path, 'latin1'), 'latin1');
  } catch (error) {
    const why = errnoSuffix(error);
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new LoadFailure(
      `failed to load external Lua file "${path}": cannot open ${path}${why}`,
      `cannot open ${path}${why}`,
      missing ? HTTP_NOT_FOUND : HTTP_SERVICE_UNAVAILABLE,
    );
  }
  try {
    return state.load(source, `@${path}`);
  } catch (error) {
    if (error instanceof LuaError) {
      throw new LoadFailure(`failed to load external Lua file "${path}": ${error.message}`, error.message);
    }
    throw error;
  }
}

/**
 * The chunk name of inline code: `=content_by_lua(nginx.conf:12)`; files below the configuration's folder by their
 * path in it, long names cut at the front. ngx_lua: ngx_http_lua_gen_chunk_name().
 */
export function chunkName(tag: string, file: string, line: number, confPrefix: string): string {
  let name = file;
  if (file.endsWith('/nginx.conf')) name = 'nginx.conf';
  else if (file.startsWith(confPrefix)) name = file.slice(confPrefix.length);
  // LuaJIT prints at most 59 bytes of a chunk name: the tag and the line must fit beside.
  const room = 59 - `(:)${tag}${line}`.length;
  if (name.length > room) name = `...${name.slice(name.length - room + 3)}`;
  return `=${tag}(${name}:${line})`;
}
