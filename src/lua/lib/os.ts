// The os library: https://www.lua.org/manual/5.1/manual.html#5.8; os.execute returns as in Lua 5.2, since OpenResty
// builds LuaJIT with its 5.2 compatibility.

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { ret3 } from '../call.ts';
import { dynamic } from '../coroutine.ts';
import { argError, throwError } from '../error.ts';
import { finalizeAll } from '../gc/finalizer.ts';
import { parseNumber } from '../number.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { argNumber, argString, argTable, optInteger } from './args.ts';
import { breakDown, type CalendarTime, formatTime, makeTime } from './date.ts';
import { attempt, codeOf, pathOf } from './errno.ts';
import { flushAll } from './stream.ts';

function clock(): LuaResult {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function date(format: LuaValue, time: LuaValue): LuaResult {
  let text = format === undefined ? '%c' : argString(format, 1, 'date', arguments.length);
  const epoch =
    time === undefined ? Math.floor(Date.now() / 1000) : Math.trunc(argNumber(time, 2, 'date', arguments.length));
  const nul = text.indexOf('\0');
  if (nul >= 0) text = text.slice(0, nul);
  const utc = text.startsWith('!');
  if (utc) text = text.slice(1);
  const t = breakDown(epoch, utc);
  if (t === undefined) return undefined;
  return text === '*t' ? timeTable(t) : formatTime(t, text);
}

function timeTable(t: CalendarTime): LuaTable {
  return LuaTable.fromObject({
    sec: t.sec,
    min: t.min,
    hour: t.hour,
    day: t.mday,
    month: t.mon + 1,
    year: t.year,
    wday: t.wday + 1,
    yday: t.yday + 1,
    isdst: t.isdst,
  });
}

function time(fields: LuaValue): LuaResult {
  if (fields === undefined) return Math.floor(Date.now() / 1000);
  const t = argTable(fields, 1, 'time', arguments.length);
  const isdst = t.getStr('isdst');
  return makeTime({
    sec: field(t, 'sec', 0),
    min: field(t, 'min', 0),
    hour: field(t, 'hour', 12),
    day: field(t, 'day'),
    month: field(t, 'month'),
    year: field(t, 'year'),
    isdst: isdst === undefined ? undefined : isdst !== false,
  });
}

function field(t: LuaTable, name: string, fallback?: number): number {
  const v = t.getStr(name);
  const n = typeof v === 'number' ? v : typeof v === 'string' ? parseNumber(v) : undefined;
  if (n !== undefined) return Math.trunc(n);
  if (fallback === undefined) throwError(`field '${name}' missing in date table`);
  return fallback;
}

function difftime(later: LuaValue, earlier: LuaValue): LuaResult {
  const a = Math.trunc(argNumber(later, 1, 'difftime', arguments.length));
  const b = earlier === undefined ? 0 : Math.trunc(argNumber(earlier, 2, 'difftime', arguments.length));
  return a - b;
}

function getenv(name: LuaValue): LuaResult {
  const value = process.env[Buffer.from(argString(name, 1, 'getenv', arguments.length), 'latin1').toString()];
  return value === undefined ? undefined : Buffer.from(value).toString('latin1');
}

function remove(name: LuaValue): LuaResult {
  const text = argString(name, 1, 'remove', arguments.length);
  const path = pathOf(text);
  return attempt(() => {
    try {
      fs.unlinkSync(path);
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'EISDIR' && code !== 'EPERM') throw error;
      fs.rmdirSync(path);
    }
  }, text);
}

function rename(from: LuaValue, to: LuaValue): LuaResult {
  const text = argString(from, 1, 'rename', arguments.length);
  const target = argString(to, 2, 'rename', arguments.length);
  return attempt(() => fs.renameSync(pathOf(text), pathOf(target)), text);
}

const NAME_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function tmpname(): LuaResult {
  for (let attempts = 0; attempts < 100; attempts++) {
    let name = '/tmp/lua_';
    for (const byte of randomBytes(6)) name += NAME_CHARACTERS[byte % NAME_CHARACTERS.length];
    try {
      fs.closeSync(fs.openSync(name, 'wx', 0o600));
      return name;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') break;
    }
  }
  throwError('unable to generate a unique filename');
}

function execute(command: LuaValue): LuaResult {
  if (command === undefined) return true; // there is a shell
  const text = argString(command, 1, 'execute', arguments.length);
  flushAll();
  const result = spawnSync('/bin/sh', ['-c', shellText(text)], { argv0: 'sh', stdio: 'inherit' });
  return exitStatus(result);
}

/** A command of bytes as an argument for node:child_process, which takes text only. */
export function shellText(command: string): string {
  const text = Buffer.from(command, 'latin1').toString();
  if (Buffer.from(text).toString('latin1') === command) return text;
  // Bytes that are not UTF-8 are spelled in octal and put together by the shell.
  const octal = command.replace(/[^ -$&(-[\]-~]/g, (c) => '\\0' + c.charCodeAt(0).toString(8).padStart(3, '0'));
  return `eval "$(printf '%b' '${octal}')"`;
}

/** How a process ended: true or nil, "exit" or "signal", and the status. */
export function exitStatus(result: { status: number | null; signal: NodeJS.Signals | null; error?: Error }): LuaResult {
  if (result.signal !== null) return ret3(undefined, 'signal', constants.signals[result.signal] ?? 0);
  if (result.status === null) throw result.error;
  return ret3(result.status === 0 ? true : undefined, 'exit', result.status);
}

function setlocale(locale: LuaValue, category: LuaValue): LuaResult {
  const name = locale === undefined ? undefined : argString(locale, 1, 'setlocale', arguments.length);
  const which = category === undefined ? 'all' : argString(category, 2, 'setlocale', arguments.length);
  if (!['all', 'collate', 'ctype', 'monetary', 'numeric', 'time'].includes(which))
    argError(2, 'setlocale', `invalid option '${which}'`);
  // Only the C locale is there.
  return name === undefined || name === '' || name === 'C' || name === 'POSIX' ? 'C' : undefined;
}

const FUNCTIONS: Readonly<Record<string, LuaFunction>> = {
  clock,
  date,
  difftime,
  execute,
  getenv,
  remove,
  rename,
  setlocale,
  time,
  tmpname,
};

/**
 * Makes the `os` table of a new state.
 *
 * @param exit ends the program with a status; a host that must not end with a script gives its own
 */
export function openOs(exit: (status: number) => void = (status) => process.exit(status)): LuaTable {
  const t = LuaTable.fromObject(FUNCTIONS);
  t.setStr('exit', (status, close) => {
    const code = typeof status === 'boolean' ? (status ? 0 : 1) : optInteger(status, 1, 'exit', 1, 0);
    if (close === true) finalizeAll(dynamic.current!.state);
    flushAll();
    exit(code & 255);
    return undefined;
  });
  return t;
}
