/** Lines of user code in error_log. ngx_lua: ngx_http_lua_log.c. */
import { coreModule } from '../http/core/module.ts';
import type { HttpCycle } from '../http/cycle.ts';
import { current } from './context.ts';

/** Writes a line with the current request described, if there is one. */
export function writeLog(http: HttpCycle, level: number, message: string): void {
  if (current !== undefined) current.log(level, message);
  else http.cycle.log.write(level, message);
}

/** Lines above this level are written nowhere: their text need not be made. */
export function logLevel(http: HttpCycle): number {
  const r = current?.r;
  return r === undefined ? http.cycle.log.level : coreModule.location(r).errorLog.level;
}
