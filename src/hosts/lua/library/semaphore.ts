/** The module ngx.semaphore. lua-resty-core: lib/ngx/semaphore.lua. */
import { requireContext } from '../../../api/context.ts';
import { Semaphore } from '../../../api/semaphore.ts';
import {
  LuaError,
  type LuaResult,
  LuaTable,
  type LuaValue,
  parseNumber,
  ret2,
  throwError,
  Userdata,
} from '../../../lua/index.ts';
import { park } from '../run.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

class SemaphoreHandle extends Userdata {
  readonly semaphore: Semaphore;

  constructor(n: number) {
    super();
    this.semaphore = new Semaphore(n);
  }
}

function number(v: LuaValue): number | undefined {
  return typeof v === 'number' ? v : typeof v === 'string' ? parseNumber(v) : undefined;
}

function semaphoreOf(self: LuaValue): Semaphore {
  const handle = self instanceof LuaTable ? self.get('sem') : undefined;
  return handle instanceof SemaphoreHandle ? handle.semaphore : throwError('not a semaphore instance');
}

function wait(self: LuaValue, seconds: LuaValue): LuaResult {
  const semaphore = semaphoreOf(self);
  requireContext();
  const n = number(seconds) ?? throwError('attempt to perform arithmetic on a nil value');
  const ms = Math.trunc(n * 1000);
  if (n < 0) throwError('no negative number');
  let result: ReturnType<Semaphore['wait']>;
  try {
    result = semaphore.wait(ms);
  } catch (error) {
    // A wrong phase is told, not thrown.
    if (!(error instanceof LuaError) || typeof error.value !== 'string') throw error;
    return ret2(undefined, error.value.replace(/^.*?(?=API disabled)/s, ''));
  }
  if (typeof result === 'object') {
    return park(result, (acquired) => (acquired ? [true, undefined] : [false, 'timeout']));
  }
  return result ? true : ret2(undefined, 'timeout');
}

function post(self: LuaValue, count: LuaValue): LuaResult {
  const semaphore = semaphoreOf(self);
  const n = count === undefined || count === false ? 1 : (number(count) ?? 1);
  if (n < 1) throwError('positive number required');
  semaphore.post(Math.trunc(n));
  return true;
}

export const semaphore: ModuleLoader = () => {
  const module = moduleTable({ version: CORE_VERSION, wait, post, count: (self: LuaValue) => semaphoreOf(self).count });
  const metatable = LuaTable.fromObject({ __index: module });
  module.setStr('new', (count: LuaValue): LuaResult => {
    const n = number(count) ?? 0;
    if (n < 0) throwError('no negative number');
    const self = LuaTable.fromObject({ sem: new SemaphoreHandle(Math.trunc(n)) });
    self.metatable = metatable;
    return self;
  });
  return module;
};
