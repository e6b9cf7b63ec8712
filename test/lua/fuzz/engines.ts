/**
 * The two sides of the comparison. LuaJIT (`LUAJIT` in the environment, else the installed one) gets a batch of programs
 * in one process; ours runs them here. Both execute harness.lua.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { testing } from '../../../src/lua/compiler/emit.ts';
import { LuaError } from '../../../src/lua/error.ts';
import { LuaState } from '../../../src/lua/state.ts';
import type { LuaFunction } from '../../../src/lua/value.ts';

const harnessFile = fileURLToPath(new URL('harness.lua', import.meta.url));
const harness = readFileSync(harnessFile, 'latin1');
const command = process.env.LUAJIT ?? 'luajit';
/** Seconds after which a batch counts as hanging in LuaJIT. */
const LIMIT = 20;

/** The LuaJIT there is: its version, and whether it was built with the extensions of 5.2; undefined if there is none. */
export const luajit = ((): { version: string; compat52: boolean } | undefined => {
  try {
    const probe = 'io.write(#setmetatable({}, { __len = function() return 1 end }), jit.version)';
    const text = execFileSync(command, ['-e', probe], { encoding: 'latin1', stdio: 'pipe' });
    return { compat52: text.startsWith('1'), version: text.slice(1) };
  } catch {
    return undefined;
  }
})();

const BATCH = `
local run = assert(loadstring(io.open(${JSON.stringify(harnessFile)}):read('*a'), '@harness.lua'))()
while true do
  local n = io.read("*l")
  if not n then break end
  local text = run(io.read(tonumber(n)))
  io.write(#text, "\\n", text)
  io.flush()
end`;

/** What each program shows in LuaJIT. One that crashes or hangs it has the text "LuaJIT: " and why. */
export function runInLuaJit(programs: readonly string[]): string[] {
  const results: string[] = [];
  while (results.length < programs.length) {
    const input = programs
      .slice(results.length)
      .map((p) => `${p.length}\n${p}`)
      .join('');
    // The interpreter is the reference: what the JIT makes of it must not matter.
    const { stdout, stderr, error, signal } = spawnSync(command, ['-joff', '-e', BATCH], {
      input: Buffer.from(input, 'latin1'),
      maxBuffer: 1 << 29,
      timeout: LIMIT * 1000,
      killSignal: 'SIGKILL',
    });
    const text = stdout.toString('latin1');
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf('\n', at);
      const length = Number(text.slice(at, end));
      if (end < 0 || end + 1 + length > text.length) break;
      results.push(text.slice(end + 1, end + 1 + length));
      at = end + 1 + length;
    }
    if (results.length < programs.length) {
      results.push(`LuaJIT: ${error?.message ?? signal ?? stderr.toString('latin1')}`);
    }
  }
  return results;
}

/** Functions as they usually run, or each in its resume form from its start. */
export type Form = 'fast' | 'resume';

/** Ours: a state that runs programs. */
export class Engine {
  private readonly run: LuaFunction;
  private readonly state = new LuaState();
  private readonly form: Form;

  constructor(form: Form) {
    this.form = form;
    const start = this.state.newThread(this.state.load(harness, '@harness.lua'));
    const { values } = start.resume() as { values: LuaFunction[] };
    this.run = values[0]!;
  }

  /** What a program shows. A defect of the engine gives a text with its JavaScript error. */
  show(program: string): string {
    // Chunks are compiled once for each text: another one gives the other form.
    const source = this.form === 'fast' ? program : `${program}\n--resume`;
    testing.alwaysResume = this.form === 'resume';
    try {
      const result = this.state.newThread(this.run).resume([source]);
      return result.status === 'done' ? String(result.values[0]) : result.status;
    } catch (e) {
      if (e instanceof LuaError) return `engine: ${e.message} ${e.traceback}`;
      return `engine: ${e instanceof Error ? e.stack : String(e)}`;
    } finally {
      testing.alwaysResume = false;
    }
  }
}
