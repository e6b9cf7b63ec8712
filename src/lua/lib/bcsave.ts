/**
 * The module jit.bcsave, by which programs store files compiled. It writes what string.dump gives (dump.ts), so of its
 * formats only the raw one makes sense: C sources, headers and object files are wrappers for LuaJIT's own bytecode.
 */
import { writeFileSync } from 'node:fs';
import { ret0 } from '../call.ts';
import { dumpFunction } from '../dump.ts';
import { LuaError, throwError, throwValue, withoutStack } from '../error.ts';
import { currentState } from '../state.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { codeOf, describe, pathOf } from './errno.ts';
import { standardStreams } from './io.ts';
import { markLibrary, natives } from './native.ts';

/** Options that need nothing but themselves; the arguments of the others follow or are glued to them. */
const FLAGS = 'sgWXd';

interface Job {
  isStripped: boolean;
  /** The chunk to compile, if it is no file. */
  chunk: string | undefined;
  files: string[];
}

function parseArguments(args: readonly LuaValue[]): Job {
  const job: Job = { isStripped: true, chunk: undefined, files: [] };
  const words = args.map((v) => (typeof v === 'string' ? v : throwError('jit.bcsave: file name expected')));
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') {
      job.files.push(...words.slice(i + 1));
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      job.files.push(word);
      continue;
    }
    for (let j = 1; j < word.length; j++) {
      const letter = word[j]!;
      if (FLAGS.includes(letter)) {
        if (letter === 's' || letter === 'g') job.isStripped = letter === 's';
        continue;
      }
      const value = word.slice(j + 1) || words[++i];
      if (value === undefined || !'etnao'.includes(letter)) throwError(`jit.bcsave: bad option '-${letter}'`);
      if (letter === 'e') job.chunk = value;
      else if (letter === 't' && value !== 'raw') {
        throwError(`jit.bcsave: output type '${value}' is not supported, only raw`);
      }
      break;
    }
  }
  const most = job.chunk === undefined ? 2 : 1;
  if (job.files.length !== most) throwError('jit.bcsave: input and output file expected');
  return job;
}

function compileInput({ chunk, files }: Job): LuaFunction {
  const state = currentState();
  if (chunk !== undefined) return state.load(chunk, '=(command line)');
  const path = files[0]!;
  if (path === '-') return state.load(standardStreams().stdin.readAll(), '=stdin');
  const source = state.readFile(path);
  if (typeof source !== 'string') return throwValue(`cannot open ${path}: ${source.reason}`);
  return state.load(source.replace(/^#[^\n]*/, ''), `@${path}`);
}

const BCSAVE = natives({
  /** Takes the options of `luajit -b`, an input and an output file. A dump is without debug information, but for -g. */
  start(...args: LuaValue[]): LuaResult {
    const job = parseArguments(args);
    const bytes = dumpFunction(compileInput(job), job.isStripped);
    if (bytes === undefined) throw new LuaError('unable to dump given function');
    const path = job.files[job.files.length - 1]!;
    if (path === '-') standardStreams().stdout.write(bytes);
    else {
      try {
        withoutStack(() => writeFileSync(pathOf(path), bytes, 'latin1'));
      } catch (e) {
        throwValue(`cannot write ${path}: ${describe(codeOf(e)).text}`);
      }
    }
    return ret0();
  },
});

export function openBcsave(): LuaTable {
  return markLibrary(LuaTable.fromObject(BCSAVE));
}
