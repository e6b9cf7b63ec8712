/** ngx.re.match, find, gmatch, sub, gsub. lua-resty-core: resty.core.regex; the work is done in src/regex. */
import { writeLog } from '../../../api/log.ts';
import type { Block } from '../../../conf/block.ts';
import { LOG_ERR } from '../../../log/log.ts';
import {
  callNow,
  first,
  type LuaFunction,
  type LuaResult,
  LuaTable,
  type LuaValue,
  ret2,
  ret3,
  throwError,
  toText,
} from '../../../lua/index.ts';
import type { Regex } from '../../../regex/regex.ts';
import { type Gmatch, namedCapture, RegexFunctions, type Replacer } from '../../../regex/replace.ts';
import { luaMainOf } from '../block.ts';

function text(v: LuaValue): string {
  return typeof v === 'string' ? v : toText(v);
}

function letters(v: LuaValue): string {
  return v === undefined ? '' : text(v);
}

/** The captures of the regex's last match: [0] the whole, [1..n] the groups, false where unset, and the named ones. */
function captures(regex: Regex, dupNames: boolean, into: LuaTable | undefined): LuaTable {
  let table = into;
  if (table === undefined) {
    const items: LuaValue[] = [undefined];
    for (let i = 1; i <= regex.captureCount; i++) items.push(regex.group(i) ?? false);
    table = LuaTable.withZero(regex.group(0), items);
  } else {
    table.setInt(0, regex.group(0));
    for (let i = 1; i <= regex.captureCount; i++) table.setInt(i, regex.group(i) ?? false);
  }
  if (regex.names.size === 0) return table;
  for (const [name, numbers] of regex.names) {
    const value = namedCapture(regex, numbers, dupNames);
    if (value !== undefined) table.set(name, typeof value === 'object' ? LuaTable.fromArray(value) : value);
  }
  return table;
}

/** `ctx.pos` of the optional fourth argument. */
function positionOf(ctx: LuaValue): number {
  if (!(ctx instanceof LuaTable)) return 1;
  const pos = ctx.get('pos');
  return typeof pos === 'number' ? pos : 1;
}

function remember(ctx: LuaValue, regex: Regex): void {
  if (ctx instanceof LuaTable) ctx.set('pos', regex.end + 1);
}

/** What options are unknown raises an error at the caller, as lua-resty-core does. */
function raise(error: unknown): never {
  if (error instanceof Error) throwError(error.message);
  throw error;
}

export function regexFunctions(block: Block): RegexFunctions {
  let functions = byBlock.get(block);
  if (functions === undefined) {
    const main = luaMainOf(block);
    functions = new RegexFunctions(main.regexCacheMaxEntries, main.regexMatchLimit, (message) => {
      writeLog(block, LOG_ERR, message);
    });
    byBlock.set(block, functions);
  }
  return functions;
}

const byBlock = new WeakMap<Block, RegexFunctions>();

function matching(functions: RegexFunctions): LuaFunction {
  return (subject, pattern, options, ctx, into) => {
    let regex: Regex | null;
    try {
      regex = functions.match(text(subject), text(pattern), letters(options), positionOf(ctx));
    } catch (error) {
      raise(error);
    }
    if (regex === null) return functions.error === undefined ? undefined : ret2(undefined, functions.error);
    remember(ctx, regex);
    return captures(regex, functions.dupNames, into instanceof LuaTable ? into : undefined);
  };
}

function finding(functions: RegexFunctions): LuaFunction {
  return (subject, pattern, options, ctx, nth) => {
    const group = typeof nth === 'number' ? nth : 0;
    let regex: Regex | null;
    try {
      regex = functions.find(text(subject), text(pattern), letters(options), positionOf(ctx), group);
    } catch (error) {
      raise(error);
    }
    if (regex === null) return functions.error === undefined ? undefined : ret3(undefined, undefined, functions.error);
    remember(ctx, regex);
    if (functions.error !== undefined) return ret3(undefined, undefined, functions.error);
    return functions.from < 0 ? ret2(undefined, undefined) : ret2(functions.from, functions.to);
  };
}

function globalMatching(functions: RegexFunctions): LuaFunction {
  return (subject, pattern, options) => {
    let iterator: Gmatch | null;
    try {
      iterator = functions.gmatch(text(subject), text(pattern), letters(options));
    } catch (error) {
      raise(error);
    }
    if (iterator === null) return ret2(undefined, functions.error);
    return (): LuaResult => {
      if (iterator.next()) return captures(iterator.regex, iterator.dupNames, undefined);
      return iterator.error === undefined ? undefined : ret2(undefined, iterator.error);
    };
  };
}

function replacing(functions: RegexFunctions, global: boolean): LuaFunction {
  return (subject, pattern, replacement, options) => {
    const replace: string | Replacer =
      typeof replacement === 'function'
        ? (regex, dupNames) => text(first(callNow(replacement, [captures(regex, dupNames, undefined)])))
        : text(replacement);
    let result: string | null;
    try {
      result = functions.sub(text(subject), text(pattern), replace, letters(options), global);
    } catch (error) {
      raise(error);
    }
    if (result === null) return ret3(undefined, undefined, functions.error);
    return ret2(result, functions.count);
  };
}

export function installRe(ngx: LuaTable, block: Block): void {
  const functions = regexFunctions(block);
  ngx.setStr(
    're',
    LuaTable.fromObject({
      match: matching(functions),
      find: finding(functions),
      gmatch: globalMatching(functions),
      sub: replacing(functions, false),
      gsub: replacing(functions, true),
    }),
  );
}
