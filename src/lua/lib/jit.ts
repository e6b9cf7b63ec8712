// The jit library and its modules, and thread.exdata.
//
// V8 is the compiler here. What switches LuaJIT's is accepted and has no effect; what asks for its bytecode or traces is
// answered as by a LuaJIT that has compiled nothing. Modules that only print these say that there are none.

import { ret0, retN } from '../call.ts';
import { type Proto, protoOf } from '../compiler/compile.ts';
import { dynamic } from '../coroutine.ts';
import { argError, throwError, throwValue } from '../error.ts';
import { CData } from '../ffi/cdata.ts';
import { openFfi } from '../ffi/library.ts';
import { currentState, type LuaState } from '../state.ts';
import { LuaTable } from '../table.ts';
import { addressOf, type LuaFunction, type LuaResult, type LuaValue, Userdata } from '../value.ts';
import { argInteger, typeError } from './args.ts';
import { openBcsave } from './bcsave.ts';
import { standardStreams } from './io.ts';
import { libraryTable, markLibrary, natives } from './native.ts';

/** States in which jit.off() was called last. */
const switchedOff = new WeakSet<LuaState>();
/** What jit.prngstate has set, in place of the state of LuaJIT's generator. */
const prngStates = new WeakMap<LuaState, LuaTable>();

/** The flags that LuaJIT's jit.status tells, without those of the processor. */
const OPTIMIZATIONS = ['fold', 'cse', 'dce', 'fwd', 'dse', 'narrow', 'loop', 'abc', 'sink', 'fuse'];
const PARAMETERS = new Set(
  (
    'maxtrace maxrecord maxirconst maxside maxsnap minstitch hotloop hotexit tryside instunroll loopunroll ' +
    'callunroll recunroll sizemcode maxmcode'
  ).split(' '),
);

/** jit.on, off and flush: whether all code is meant, and not a function (true: the caller). */
function concernsAll(f: LuaValue, name: string, given: number): boolean {
  if (given === 0 || f === undefined) return true;
  if (typeof f !== 'function' && f !== true && !(name === 'flush' && typeof f === 'number')) {
    typeError(f, 1, name, 'function', given);
  }
  return false;
}

/** Whether an argument of jit.opt.start is one that LuaJIT knows: a level, a flag, a parameter. */
function isOption(text: string): boolean {
  if (/^(O)?[0-3]$/.test(text)) return true;
  const flag = /^(?:\+|-|no)?(.*)$/.exec(text)![1]!;
  if (OPTIMIZATIONS.includes(flag)) return true;
  const m = /^(\w+)=\d+$/.exec(text);
  return m !== null && PARAMETERS.has(m[1]!);
}

function isState32(v: LuaValue): boolean {
  return typeof v === 'number' && v >>> 0 === v;
}

const JIT = natives({
  on(f: LuaValue): LuaResult {
    if (concernsAll(f, 'on', arguments.length)) switchedOff.delete(currentState());
    return ret0();
  },
  off(f: LuaValue): LuaResult {
    if (concernsAll(f, 'off', arguments.length)) switchedOff.add(currentState());
    return ret0();
  },
  flush(f: LuaValue): LuaResult {
    concernsAll(f, 'flush', arguments.length);
    return ret0();
  },
  status: (): LuaResult => retN([!switchedOff.has(currentState()), ...OPTIMIZATIONS]),
  attach(f: LuaValue): LuaResult {
    if (typeof f !== 'function') typeError(f, 1, 'attach', 'function', arguments.length);
    return ret0();
  },
  security: (): LuaResult => 0,
  prngstate(given: LuaValue): LuaResult {
    const state = currentState();
    const old = prngStates.get(state) ?? LuaTable.fromArray([0, 0, 0, 0, 0, 0, 0, 0]);
    if (given !== undefined) {
      const values =
        given instanceof LuaTable ? Array.from({ length: given.length() }, (_, i) => given.get(i + 1)) : [given];
      if (!(given instanceof LuaTable) && typeof given !== 'number') {
        typeError(given, 1, 'prngstate', 'table', arguments.length);
      }
      if (values.length > 8 || !values.every(isState32))
        argError(1, 'prngstate', 'PRNG state must be an array with up to 8 integers');
      while (values.length < 8) values.push(0);
      prngStates.set(state, LuaTable.fromArray(values));
    }
    return old;
  },
});

const OPT = natives({
  start(...options: LuaValue[]): LuaResult {
    options.forEach((option, i) => {
      if (typeof option !== 'string' && typeof option !== 'number')
        typeError(option, i + 1, 'start', 'string', options.length);
      if (!isOption(String(option))) throwError(`unknown or malformed optimization flag '${option}'`);
    });
    return ret0();
  },
});

/** The jit library of a new state. */
export function openJit(): LuaTable {
  const os = process.platform === 'darwin' ? 'OSX' : 'Linux';
  return libraryTable(JIT, {
    version: 'LuaJIT 2.1.ROLLING',
    version_num: 20199,
    os,
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    opt: LuaTable.fromObject(OPT),
  });
}

// jit.util

/** Values that stand for LuaJIT's prototypes, which tools use as keys. */
const prototypes = new WeakMap<Proto, Userdata>();

function prototypeOf(proto: Proto): Userdata {
  let value = prototypes.get(proto);
  if (value === undefined) prototypes.set(proto, (value = new Userdata()));
  return value;
}

function argFunction(f: LuaValue, name: string, given: number): LuaFunction {
  if (typeof f !== 'function') typeError(f, 1, name, 'function', given);
  return f;
}

function argLuaFunction(f: LuaValue, name: string, given: number): Proto {
  const proto = protoOf(argFunction(f, name, given));
  if (proto === undefined) argError(1, name, 'Lua function expected');
  return proto;
}

const UTIL = natives({
  funcinfo(f: LuaValue, pc: LuaValue): LuaResult {
    const proto = protoOf(argFunction(f, 'funcinfo', arguments.length));
    const at = pc === undefined ? 0 : argInteger(pc, 2, 'funcinfo', arguments.length);
    const t = new LuaTable();
    if (proto === undefined) {
      t.setStr('addr', 0);
      t.setStr('upvalues', 0);
      return t;
    }
    const { fn, chunk } = proto;
    t.setStr('linedefined', fn.line);
    t.setStr('lastlinedefined', fn.lastLine);
    t.setStr('params', fn.params.length);
    t.setStr('upvalues', fn.upvalues.length);
    t.setStr('isvararg', fn.isVararg);
    t.setStr(
      'children',
      chunk.protos.some((p) => p.fn.parent === fn),
    );
    t.setStr('source', chunk.name);
    // There is no bytecode: nothing to walk through, no constants, no stack.
    for (const name of ['bytecodes', 'gcconsts', 'nconsts', 'stackslots']) t.setStr(name, 0);
    if (at === 0) t.setStr('currentline', fn.line);
    t.setStr('loc', `${chunk.shortSource}:${fn.line}`);
    t.setStr('proto', prototypeOf(proto));
    return t;
  },
  funcbc(f: LuaValue, pc: LuaValue): LuaResult {
    argLuaFunction(f, 'funcbc', arguments.length);
    argInteger(pc, 2, 'funcbc', arguments.length);
    return ret0();
  },
  funck(f: LuaValue, index: LuaValue): LuaResult {
    argLuaFunction(f, 'funck', arguments.length);
    argInteger(index, 2, 'funck', arguments.length);
    return ret0();
  },
  funcuvname(f: LuaValue, index: LuaValue): LuaResult {
    const proto = argLuaFunction(f, 'funcuvname', arguments.length);
    const local = proto.fn.upvalues[argInteger(index, 2, 'funcuvname', arguments.length)];
    return local === undefined ? ret0() : local.name;
  },
  ...Object.fromEntries(
    ['traceinfo', 'traceir', 'tracek', 'tracesnap', 'tracemc', 'traceexitstub', 'ircalladdr'].map((name) => [
      name,
      (n: LuaValue): LuaResult => {
        argInteger(n, 1, name, n === undefined ? 0 : 1);
        return ret0();
      },
    ]),
  ),
});

// Modules that print what LuaJIT's compiler does

function say(text: string): void {
  const { stdout, stderr } = standardStreams();
  stdout.flush();
  stderr.write(text + '\n');
}

/** `start` of jit.v and jit.dump, which luajit calls for -jv and -jdump: says once that nothing will come. */
function printer(module: string, what: string): () => LuaTable {
  const start = (): LuaResult => {
    say(`${module}: no ${what} here, V8 compiles the program; see node --prof and --cpu-prof`);
    return ret0();
  };
  const stop = (): LuaResult => ret0();
  return () => markLibrary(LuaTable.fromObject({ on: start, start, off: stop }));
}

function refuseBytecode(): never {
  return throwError('there is no bytecode: functions are compiled to JavaScript');
}

function openBc(): LuaTable {
  return markLibrary(
    LuaTable.fromObject({
      line: (): LuaResult => ret0(),
      targets: (): LuaResult => new LuaTable(),
      dump: refuseBytecode,
      on: refuseBytecode,
      start: refuseBytecode,
      off: (): LuaResult => ret0(),
    }),
  );
}

const NO_NAMES = ['irfpm', 'irfield', 'ircall', 'traceerr', 'ffnames'];

function openVmdef(): LuaTable {
  const tables = Object.fromEntries(NO_NAMES.map((name) => [name, new LuaTable()]));
  return libraryTable({}, { bcnames: '', irnames: '', ...tables });
}

function refuseProfile(): never {
  return throwError('jit.profile is not supported: use node --cpu-prof, which shows Lua functions');
}

const PROFILE = natives({
  start: refuseProfile,
  stop: (): LuaResult => ret0(),
  dumpstack: refuseProfile,
});

function openP(): LuaTable {
  return markLibrary(LuaTable.fromObject({ start: refuseProfile, stop: (): LuaResult => ret0() }));
}

/** jit.zone: a stack of names. `zone(name)` enters one, `zone()` leaves it. */
function openZone(): LuaTable {
  const names: LuaValue[] = [];
  const zone = libraryTable(
    natives({
      get: (): LuaResult => names[names.length - 1],
      flush(): LuaResult {
        names.length = 0;
        return ret0();
      },
    }),
  );
  const metatable = new LuaTable();
  metatable.setStr('__call', (_: LuaValue, name: LuaValue): LuaResult => {
    if (name !== undefined && name !== false) {
      names.push(name);
      return ret0();
    }
    if (names.length === 0) throwValue('empty zone stack');
    return names.pop();
  });
  zone.metatable = metatable;
  return zone;
}

// thread.exdata

let castPointer: LuaFunction | undefined;

/** A `void *` of a pointer, NULL for nil. */
function voidPointer(v: LuaValue): CData {
  castPointer ??= openFfi().getStr('cast') as LuaFunction;
  return castPointer('void *', v) as CData;
}

/** A `void *` that stands for an object of the host: C code would find nothing of use there. */
export function pointerTo(object: object): LuaValue {
  return voidPointer(Number(addressOf(object)));
}

/** The function, which requiring the module also makes a global. */
function openExdata(name: 'exdata' | 'exdata2'): LuaValue {
  const f = EXDATA[name];
  currentState().globals.setStr(name, f);
  return f;
}

/** A pointer that each thread keeps; coroutines start with that of the one that makes them. */
const EXDATA = natives(
  Object.fromEntries(
    (['exdata', 'exdata2'] as const).map((name) => [
      name,
      (v: LuaValue): LuaResult => {
        const thread = dynamic.current!;
        if (v === undefined) return thread.pointers?.[name] ?? voidPointer(undefined);
        if (!(v instanceof CData)) typeError(v, 1, name, 'cdata', 1);
        const { exdata, exdata2 } = thread.pointers ?? {};
        thread.pointers = { exdata, exdata2, [name]: voidPointer(v) };
        return ret0();
      },
    ]),
  ),
);

/** jit.opt is a field of the library, too. */
function openOpt(): LuaValue {
  const library = currentState().loaded.getStr('jit');
  return library instanceof LuaTable ? library.getStr('opt') : undefined;
}

/** Modules for require. */
export const JIT_MODULES: Readonly<Record<string, LuaFunction>> = {
  'jit.util': () => LuaTable.fromObject(UTIL),
  'jit.opt': openOpt,
  'jit.profile': () => LuaTable.fromObject(PROFILE),
  'jit.v': printer('jit.v', 'traces'),
  'jit.dump': printer('jit.dump', 'traces'),
  'jit.bc': openBc,
  'jit.vmdef': openVmdef,
  'jit.p': openP,
  'jit.zone': openZone,
  'jit.bcsave': openBcsave,
  'thread.exdata': () => openExdata('exdata'),
  'thread.exdata2': () => openExdata('exdata2'),
};
