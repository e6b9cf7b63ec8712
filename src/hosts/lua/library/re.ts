/** The module ngx.re: split and opt. lua-resty-core: lib/ngx/re.lua. */
import { type LuaResult, LuaTable, type LuaValue, ret2, throwError, throwValue, toText } from '../../../lua/index.ts';
import { RC } from '../../../regex/errors.ts';
import type { Regex } from '../../../regex/regex.ts';
import { regexFunctions } from '../ngx/re.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

function text(v: LuaValue): string {
  return typeof v === 'string' ? v : toText(v);
}

/** What `split` is asked for. */
interface SplitRequest {
  readonly subject: string;
  readonly regex: Regex;
  /** Most pieces; 0 for no limit. */
  readonly max: number;
  /** Offset to begin at. */
  readonly start: number;
}

/** The pieces, or the code of a match that failed; `end` is where the last search stopped. */
interface SplitResult {
  readonly pieces: string[];
  readonly end: number;
  readonly rc: number;
}

/** Cuts the subject at each match. Text of the first group goes between the pieces. */
function splitText(request: SplitRequest): SplitResult {
  const { subject, regex, max } = request;
  const pieces: string[] = [];
  let pos = request.start;
  /** Where the piece at hand begins. */
  let from = request.start;
  let lastEmpty = -1;
  for (let count = 1; max <= 0 || count < max; ) {
    const rc = regex.match(subject, Math.max(pos, 0));
    if (rc === RC.NOMATCH) break;
    if (rc < 0) return { pieces, end: pos, rc };
    const { start, end } = regex;
    pos = start === end ? end + 1 : end;
    if (lastEmpty >= 0) from = lastEmpty;
    if (start === end) lastEmpty = start;
    if (start > from || lastEmpty < 0) {
      count++;
      pieces.push(subject.slice(from, start));
      const capture = regex.captureCount > 0 ? regex.group(1) : undefined;
      if (capture !== undefined) pieces.push(capture);
      from = end;
      if (from >= subject.length) break;
    }
    if (pos > subject.length) break;
  }
  if (max <= 0 && from >= subject.length) {
    while (pieces.length > 0 && pieces[pieces.length - 1] === '') pieces.pop();
  } else {
    pieces.push(subject.slice(from));
  }
  return { pieces, end: pos, rc: 0 };
}

export const re: ModuleLoader = (state, block) => {
  const core = state.loaded.get('resty.core.regex');
  if (core instanceof LuaTable && core.get('no_pcre') === true) {
    throwValue("no support for 'ngx.re' module: OpenResty was compiled without PCRE support");
  }
  const functions = regexFunctions(block);

  function split(
    subjectValue: LuaValue,
    pattern: LuaValue,
    options: LuaValue,
    ctx: LuaValue,
    maxValue: LuaValue,
    into: LuaValue,
  ): LuaResult {
    const subject = text(subjectValue);
    const context = ctx instanceof LuaTable ? ctx : undefined;
    const given = context?.get('pos');
    const position = typeof given === 'number' ? given : 1;
    const max = typeof maxValue === 'number' ? maxValue : 0;
    if (into !== undefined && into !== false && !(into instanceof LuaTable)) throwError('res is not a table');
    const result = into instanceof LuaTable ? into : new LuaTable();
    if (context !== undefined && typeof given !== 'number') context.set('pos', 1);
    if (position > subject.length) {
      result.setInt(1, undefined);
      return result;
    }
    let regex: Regex | null;
    try {
      regex = functions.compile(text(pattern), options === undefined ? '' : text(options));
    } catch (error) {
      if (error instanceof Error) throwError(error.message);
      throw error;
    }
    if (regex === null) return ret2(undefined, functions.error);
    const { pieces, end, rc } = splitText({ subject, regex, max, start: position - 1 });
    context?.set('pos', end);
    if (rc < 0) return ret2(undefined, `pcre_exec() failed: ${rc}`);
    for (let i = 0; i < pieces.length; i++) result.setInt(i + 1, pieces[i]);
    // A table that is used again may have had more.
    result.setInt(pieces.length + 1, undefined);
    return result;
  }

  function opt(option: LuaValue, value: LuaValue): LuaResult {
    if (option !== 'jit_stack_size') return throwError('unrecognized option name');
    try {
      functions.setJitStackSize(typeof value === 'number' ? value : Number(value));
    } catch (error) {
      if (error instanceof Error) throwError(error.message);
      throw error;
    }
    return undefined;
  }

  return moduleTable({ version: CORE_VERSION, split, opt });
};
