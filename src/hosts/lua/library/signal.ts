/** The module resty.signal: kill and signum, which elsewhere needs a C library of its own. */
import { constants } from 'node:os';
import { errnoNumber, strerror } from '../../../log/errno.ts';
import { type LuaResult, type LuaValue, ret2, throwError } from '../../../lua/index.ts';
import { checkInteger } from '../ngx/args.ts';
import { type ModuleLoader, moduleTable } from './module.ts';

/** The system's number of a signal name; undefined when there is none. */
function numberOf(name: string): number | undefined {
  if (name === 'NONE') return 0;
  return (constants.signals as Record<string, number>)[`SIG${name}`];
}

function signum(name: LuaValue): LuaResult {
  if (typeof name !== 'string') throwError(`bad signal argument: expecting string, but seen ${typeof name}`);
  return numberOf(name) ?? ret2(undefined, `unknown signal name: ${name}`);
}

function kill(pid: LuaValue, signal: LuaValue): LuaResult {
  const number = checkInteger(pid, 1, 'kill');
  let what: number;
  if (typeof signal === 'string') {
    const known = numberOf(signal);
    if (known === undefined) return ret2(undefined, `unknown signal name: ${signal}`);
    what = known;
  } else {
    what = checkInteger(signal, 2, 'kill');
  }
  try {
    process.kill(number, what);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return ret2(undefined, errnoNumber(code) === 0 ? (error as Error).message : strerror(code));
  }
}

export const signal: ModuleLoader = () => moduleTable({ version: 0.04, kill, signum });
