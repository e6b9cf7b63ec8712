/**
 * The Lua engine as a library: compile, call, suspend, resume, inspect. It knows nothing of the server.
 */
export {
  call,
  first,
  type NativeFrame,
  pushFrame,
  ret0,
  ret2,
  ret3,
  retN,
  S,
  suspended,
  toArray,
} from './call.ts';
export { Coroutine, callNow, currentThread, type LimitedResult, suspend, type ThreadResult } from './coroutine.ts';
export { argError, LuaError, throwError, throwValue } from './error.ts';
export { defineCFunction, defineCVariable, type HostFunction } from './ffi/clib.ts';
export { declareC } from './ffi/library.ts';
export { collect, limitCollections } from './gc/collector.ts';
export { StateImage } from './image.ts';
export { pointerTo } from './lib/jit.ts';
export { isNative, markLibrary } from './lib/native.ts';
export { useSystemPipes } from './lib/popen.ts';
export { type StackFrame, stackOf } from './lib/stack.ts';
export { toText } from './lib/text.ts';
export { type CallerInfo, callerInfo, takePlace, traceback, wantsPlace } from './lib/traceback.ts';
export type { LimitAction, LimitEvent, LimitReason, Limits } from './limits.ts';
export { formatNumber, parseNumber } from './number.ts';
export { currentState, LuaState, type LuaStateOptions } from './state.ts';
export { LuaTable } from './table.ts';
export { type LuaFunction, type LuaResult, type LuaValue, NULL, Userdata } from './value.ts';
