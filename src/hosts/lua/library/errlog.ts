/**
 * The module ngx.errlog: reading back what was written to error_log (lua_capture_error_log), and lines as they are.
 * lua-resty-core: lib/ngx/errlog.lua; ngx_lua: ngx_http_lua_log_ringbuf.c.
 */
import { current } from '../../../api/context.ts';
import { logLevel, writeLog } from '../../../api/log.ts';
import type { Block } from '../../../conf/block.ts';
import { LOG_DEBUG, LOG_STDERR, logState } from '../../../log/log.ts';
import { currentMsec } from '../../../log/time.ts';
import { type LuaResult, LuaTable, type LuaValue, ret2, throwError } from '../../../lua/index.ts';
import { luaMainOf } from '../block.ts';
import { checkInteger } from '../ngx/args.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

/** What ngx_lua keeps besides each line, in bytes of its buffer. */
const HEADER = 16;

interface Line {
  readonly level: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/**
 * The newest lines that fit into a buffer of `size` bytes. How many those are follows ngx_lua's ring buffer: a line
 * is never split at its end.
 */
class CapturedLines {
  filterLevel = LOG_DEBUG;
  private readonly size: number;
  private lines: Line[] = [];
  /** Where the oldest line begins, where the newest ends, and where the part before the wrap ends. */
  private head = 0;
  private tail = 0;
  private end: number;

  constructor(size: number) {
    this.size = size;
    this.end = size;
  }

  add(level: number, text: string): void {
    const need = text.length + HEADER;
    if (level > this.filterLevel || need > this.size) return;
    if (this.free < need) {
      if (this.size - this.tail < need) {
        while (this.head >= this.tail && this.lines.length > 0) this.drop();
        this.end = this.tail;
        this.tail = 0;
      }
      while (this.free < need) this.drop();
    }
    this.lines.push({ level, time: currentMsec() / 1000, text });
    this.tail += need;
    if (this.tail > this.end) this.end = this.tail;
  }

  private get free(): number {
    if (this.lines.length === 0) return this.size;
    return this.tail > this.head ? this.size - this.tail : this.head - this.tail;
  }

  private drop(): void {
    const oldest = this.lines.shift();
    if (oldest === undefined) return;
    this.head += HEADER + oldest.text.length;
    if (this.lines.length === 0) this.reset();
    if (this.size - this.head < HEADER || this.head >= this.end) this.head = 0;
  }

  private reset(): void {
    this.head = 0;
    this.tail = 0;
    this.end = this.size;
  }

  take(): Line | undefined {
    const oldest = this.lines[0];
    if (oldest !== undefined) this.drop();
    return oldest;
  }
}

const captured = new WeakMap<Block, CapturedLines>();

/** Begins to keep lines when lua_capture_error_log asks for it. */
export function captureErrorLog(block: Block): void {
  const size = luaMainOf(block).captureErrorLogSize;
  if (size <= 0 || captured.has(block)) return;
  const lines = new CapturedLines(size);
  captured.set(block, lines);
  logState.capture = (level, line) => lines.add(level, line);
}

export const errlog: ModuleLoader = (_state, block) => {
  const missing = (): LuaResult => ret2(undefined, 'directive "lua_capture_error_log" is not set');

  function setFilterLevel(value: LuaValue): LuaResult {
    if (value === undefined || value === false) return ret2(undefined, 'missing "level" argument');
    const lines = captured.get(block);
    if (lines === undefined) return missing();
    const level = checkInteger(value, 1, 'set_filter_level');
    if (level < LOG_STDERR || level > LOG_DEBUG) return ret2(undefined, `bad log level: ${level}`);
    lines.filterLevel = level;
    return true;
  }

  function getLogs(max: LuaValue, into: LuaValue): LuaResult {
    const lines = captured.get(block);
    if (lines === undefined) return missing();
    const most = max === undefined || max === false ? 10 : checkInteger(max, 1, 'get_logs');
    const table = into instanceof LuaTable ? into : new LuaTable();
    let n = 0;
    for (let i = 0; i < most; i++) {
      const line = lines.take();
      if (line === undefined) break;
      table.setInt(n + 1, line.level);
      table.setInt(n + 2, line.time);
      table.setInt(n + 3, line.text);
      n += 3;
    }
    table.setInt(n + 1, undefined);
    return table;
  }

  function rawLog(level: LuaValue, message: LuaValue): LuaResult {
    if (typeof level !== 'number') throwError("bad argument #1 to 'raw_log' (must be a number)");
    if (typeof message !== 'string') throwError("bad argument #2 to 'raw_log' (must be a string)");
    const number = Math.trunc(level);
    if (number < LOG_STDERR || number > LOG_DEBUG) throwError('bad log level');
    writeLog(block, number, message);
    return undefined;
  }

  return moduleTable({
    version: CORE_VERSION,
    set_filter_level: setFilterLevel,
    get_logs: getLogs,
    get_sys_filter_level: () => (current === undefined ? block.cycle.log.level : logLevel(block)),
    raw_log: rawLog,
  });
};
