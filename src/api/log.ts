/** Lines of user code in error_log. ngx_lua: ngx_http_lua_log.c. */

import type { Block } from '../conf/block.ts';
import { coreModule } from '../http/core/module.ts';
import { current } from './context.ts';

/** Writes a line with the current request described, if there is one. */
export function writeLog(block: Block, level: number, message: string): void {
  if (current !== undefined) current.log(level, message);
  else block.cycle.log.write(level, message);
}

/** Lines above this level are written nowhere: their text need not be made. */
export function logLevel(block: Block): number {
  const r = current?.r;
  if (r !== undefined) return coreModule.location(r).errorLog.level;
  return (current?.session?.errorLog ?? block.cycle.log).level;
}
