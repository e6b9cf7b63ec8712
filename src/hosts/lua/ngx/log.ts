/** ngx.log and print: lines in error_log with the place they come from. ngx_lua: ngx_http_lua_log.c. */

import { current } from '../../../api/context.ts';
import { logLevel, writeLog } from '../../../api/log.ts';
import { IN_INIT } from '../../../api/phase.ts';
import type { Block } from '../../../conf/block.ts';
import { LOG_DEBUG, LOG_NOTICE, LOG_STDERR } from '../../../log/log.ts';
import {
  argError,
  type CallerInfo,
  callerInfo,
  formatNumber,
  type LuaResult,
  type LuaState,
  LuaTable,
  type LuaValue,
  NULL,
  ret0,
  takePlace,
  toText,
  wantsPlace,
} from '../../../lua/index.ts';
import { replayingInit } from '../replay.ts';
import { checkInteger, typeName } from './args.ts';

/** `content_by_lua(nginx.conf:12):3: name(): `: where the line was written. A chunk is not named by who called it. */
function placeText(info: CallerInfo): string {
  const source = info.shortSource.slice(info.shortSource.lastIndexOf('/') + 1);
  return `${source}:${info.line}: ${info.name === undefined || info.main ? '' : `${info.name}(): `}`;
}

function describe(v: LuaValue, argument: number, name: string): string {
  if (typeof v === 'string') return v;
  if (typeof v === 'number') return formatNumber(v);
  if (v === undefined) return 'nil';
  if (typeof v === 'boolean') return v ? 'true' : 'false';
  if (v === NULL) return 'null';
  if (v instanceof LuaTable) {
    if (v.metatable?.getStr('__tostring') === undefined) {
      argError(argument, name, 'expected table to have __tostring metamethod');
    }
    return toText(v);
  }
  return argError(argument, name, `string, number, boolean, or nil expected, got ${typeName(v)}`);
}

function write(
  block: Block,
  level: number,
  args: readonly LuaValue[],
  name: string,
  place: CallerInfo | undefined,
): LuaResult {
  // A worker that runs init_by_lua again does not repeat what the master has logged.
  if (replayingInit && current?.phase === IN_INIT) return ret0();
  if (level > logLevel(block)) return ret0();
  let text = '';
  for (let i = 0; i < args.length; i++) text += describe(args[i], i + 1, name);
  const at = placeText(place ?? callerInfo(1, write));
  writeLog(block, level, `${block.subsystem === 'stream' ? 'stream ' : ''}[lua] ${at}${text}`);
  return ret0();
}

export function installLog(ngx: LuaTable, state: LuaState, block: Block): void {
  const log = (level: LuaValue, ...args: LuaValue[]): LuaResult => {
    const place = takePlace();
    const number = checkInteger(level, 1, 'log');
    if (number < LOG_STDERR || number > LOG_DEBUG) argError(1, 'log', `bad log level: ${number}`);
    return write(block, number, args, 'log', place);
  };
  const print = (...args: LuaValue[]): LuaResult => write(block, LOG_NOTICE, args, 'print', takePlace());
  ngx.setStr('log', wantsPlace(log));
  state.globals.setStr('print', wantsPlace(print));
}
