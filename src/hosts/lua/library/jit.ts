/**
 * The modules jit.v and jit.dump, which report on LuaJIT's traces. Lua is compiled to JavaScript here and has none, so
 * that there is nothing to report; programs that switch the reports on go on all the same.
 */
import { ret0 } from '../../../lua/index.ts';
import { type ModuleLoader, moduleTable } from './module.ts';

export const traceReport: ModuleLoader = () =>
  moduleTable({ on: () => ret0(), off: () => ret0(), start: () => ret0() });
