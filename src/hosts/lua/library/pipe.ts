/** The module ngx.pipe. lua-resty-core: lib/ngx/pipe.lua. */
import { current } from '../../../api/context.ts';
import { IN_INIT } from '../../../api/phase.ts';
import { PipeProcess, type WaitResult } from '../../../api/pipe/process.ts';
import { ReadFailure, type ReadKind, type ReadResult } from '../../../api/pipe/reader.ts';
import { WriteFailure, type WriteResult } from '../../../api/pipe/writer.ts';
import {
  formatNumber,
  type LuaFunction,
  type LuaResult,
  LuaTable,
  type LuaValue,
  parseNumber,
  ret2,
  retN,
  throwError,
  toText,
  Userdata,
} from '../../../lua/index.ts';
import { isTrue, typeName } from '../ngx/args.ts';
import { park } from '../run.ts';
import { CORE_VERSION, type ModuleLoader, methodTable, moduleTable } from './module.ts';

/** Longest timeout, milliseconds. */
const MAX_TIMEOUT = 0xffffffff;

const TIMEOUTS = [
  ['write_timeout', 'writeTimeout'],
  ['stdout_read_timeout', 'stdoutTimeout'],
  ['stderr_read_timeout', 'stderrTimeout'],
  ['wait_timeout', 'waitTimeout'],
] as const;

class ProcessHandle extends Userdata {
  readonly process: PipeProcess;
  constructor(process: PipeProcess, metatable: LuaTable) {
    super(metatable);
    this.process = process;
  }
}

function processOf(self: LuaValue): PipeProcess {
  return self instanceof ProcessHandle ? self.process : throwError('not a process instance');
}

function number(v: LuaValue): number | undefined {
  return typeof v === 'number' ? v : typeof v === 'string' ? parseNumber(v) : undefined;
}

/** The timeouts that are given, checked. */
function timeouts(values: readonly LuaValue[]): (number | undefined)[] {
  return TIMEOUTS.map(([name], i) => {
    const value = values[i];
    if (!isTrue(value)) return undefined;
    const ms = number(value);
    return ms === undefined || ms < 0 || ms > MAX_TIMEOUT ? throwError(`bad ${name} option`) : Math.trunc(ms);
  });
}

function applyTimeouts(process: PipeProcess, values: readonly (number | undefined)[]): void {
  TIMEOUTS.forEach(([, field], i) => {
    process[field] = values[i] ?? process[field];
  });
}

function readValues(result: ReadResult): LuaValue[] {
  if (!(result instanceof ReadFailure)) return [result];
  return result.partial === undefined ? [undefined, result.error] : [undefined, result.error, result.partial];
}

/** stdout_read_all and its kin. */
function reading(stderr: boolean, kind: ReadKind): LuaFunction {
  return (self: LuaValue, size: LuaValue): LuaResult => {
    let length = 0;
    if (kind === 'any') {
      length = number(size) ?? 0;
      if (!(length > 0)) throwError('bad max argument');
    } else if (kind === 'bytes') {
      length = number(size) ?? throwError('bad len argument');
      if (length < 0) throwError('bad len argument');
      if (length === 0) return '';
    }
    const result = processOf(self).read(stderr, kind, Math.trunc(length));
    if (typeof result === 'object' && !(result instanceof ReadFailure)) return park(result, readValues);
    return retN(readValues(result));
  };
}

function writeValues(result: WriteResult): LuaValue[] {
  return result instanceof WriteFailure ? [undefined, result.error] : [result];
}

/** The items of an array up to the first nil. */
function listOf(table: LuaTable): LuaValue[] {
  const items: LuaValue[] = [];
  for (let i = 1; ; i++) {
    const item = table.get(i);
    if (item === undefined) return items;
    items.push(item);
  }
}

function textOf(data: LuaValue): string {
  if (typeof data === 'string') return data;
  if (typeof data === 'number') return formatNumber(data);
  if (data instanceof LuaTable) return listOf(data).map(toText).join('');
  return throwError(`bad data arg: string, number, or table expected, got ${typeName(data)}`);
}

function write(self: LuaValue, data: LuaValue): LuaResult {
  const process = processOf(self);
  const result = process.write(textOf(data));
  if (typeof result === 'object' && !(result instanceof WriteFailure)) return park(result, writeValues);
  return retN(writeValues(result));
}

function shutdown(self: LuaValue, direction: LuaValue): LuaResult {
  const process = processOf(self);
  if (direction !== 'stdin' && direction !== 'stdout' && direction !== 'stderr') {
    throwError(`bad shutdown arg: ${toText(direction)}`);
  }
  const error = process.shutdown(direction);
  return error === undefined ? true : ret2(undefined, error);
}

function waitValues(result: WaitResult): LuaValue[] {
  if (typeof result === 'string') return [undefined, result];
  return [result.status === 0, result.reason, result.status];
}

function wait(self: LuaValue): LuaResult {
  const result = processOf(self).wait();
  return typeof result === 'object' && 'start' in result ? park(result, waitValues) : retN(waitValues(result));
}

function kill(self: LuaValue, signal: LuaValue): LuaResult {
  const process = processOf(self);
  if (typeof signal !== 'number') throwError(`bad signal arg: number expected, got ${toText(signal)}`);
  const error = process.kill(Math.trunc(signal));
  return error === undefined ? true : ret2(undefined, error);
}

function argsOf(args: LuaValue): string[] {
  if (typeof args === 'string') return ['/bin/sh', '-c', args];
  if (!(args instanceof LuaTable)) throwError(`bad args arg: table expected, got ${typeName(args)}`);
  const list = listOf(args).map(toText);
  if (list.length === 0) throwError('bad args arg: non-empty table expected');
  return list;
}

function environOf(value: LuaValue): string[] | undefined {
  if (!isTrue(value)) return undefined;
  if (!(value instanceof LuaTable)) throwError(`bad environ option: table expected, got ${typeName(value)}`);
  const list = listOf(value).map((item, i) => {
    const at = `bad value at index ${i + 1} of environ option`;
    if (typeof item !== 'string') throwError(`${at}: string expected, got ${typeName(item)}`);
    if (item.indexOf('=', 1) < 0) throwError(`${at}: 'name=[value]' format expected, got '${item}'`);
    return item;
  });
  return list.length === 0 ? undefined : list;
}

export const pipe: ModuleLoader = () => {
  const metatable = methodTable({
    pid: (self: LuaValue) => processOf(self).pid,
    set_timeouts: (self: LuaValue, ...values: LuaValue[]) => {
      applyTimeouts(processOf(self), timeouts(values));
      return undefined;
    },
    stdout_read_all: reading(false, 'all'),
    stdout_read_bytes: reading(false, 'bytes'),
    stdout_read_line: reading(false, 'line'),
    stdout_read_any: reading(false, 'any'),
    stderr_read_all: reading(true, 'all'),
    stderr_read_bytes: reading(true, 'bytes'),
    stderr_read_line: reading(true, 'line'),
    stderr_read_any: reading(true, 'any'),
    write,
    shutdown,
    wait,
    kill,
  });

  function spawn(args: LuaValue, opts: LuaValue): LuaResult {
    if (current === undefined || current.phase === IN_INIT) throwError('API disabled in the current context');
    const list = argsOf(args);
    const options = opts instanceof LuaTable ? opts : new LuaTable();
    const size = options.getStr('buffer_size');
    if (isTrue(size) && !((number(size) ?? 0) >= 1)) throwError('bad buffer_size option');
    const environ = environOf(options.getStr('environ'));
    const limits = timeouts(TIMEOUTS.map(([name]) => options.getStr(name)));
    const process = new PipeProcess({ args: list, mergeStderr: isTrue(options.getStr('merge_stderr')), environ });
    applyTimeouts(process, limits);
    return new ProcessHandle(process, metatable);
  }

  return moduleTable({ version: CORE_VERSION, spawn });
};
