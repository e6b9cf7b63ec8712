/** Debugging Lua files over the inspector protocol, as Chrome DevTools and VS Code do. See docs/debugging.md. */

import assert from 'node:assert/strict';
import * as inspector from 'node:inspector';
import { after, before, test } from 'node:test';
import { LuaState } from '../../src/lua/state.ts';

const FILE = '/srv/app/handler.lua';
const SOURCE = `local function work(n)
  local total = n * 2
  local got = coroutine.yield(total)
  total = total + got
  local name = "x" .. total
  return name
end
local co = coroutine.wrap(work)
co(10)
return co(5)
`;

interface CallFrame {
  readonly functionName: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number };
  readonly callFrameId: string;
}

const session = new inspector.Session();
const scripts = new Map<string, { url: string; sourceMapURL: string }>();

/** Posts a request; the session runs on this thread and answers at once. */
function post<T>(method: string, params: object = {}): T {
  let answer: T | undefined;
  session.post(method, params, (error, result) => {
    if (error !== null) throw new Error(`${method}: ${error.message}`);
    answer = result as T;
  });
  return answer as T;
}

before(() => {
  inspector.open(0, '127.0.0.1');
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => {
    scripts.set(params.scriptId, { url: params.url, sourceMapURL: params.sourceMapURL ?? '' });
  });
  post('Debugger.enable');
});
after(() => {
  session.disconnect();
  inspector.close();
});

test('a breakpoint in a coroutine that was resumed: locals, steps, Lua source', () => {
  // As debuggers do it: in every script whose map names the file.
  post('Debugger.setBreakpointByUrl', { urlRegex: '/srv/app/handler\\.lua', lineNumber: 3 });
  const stops: { line: number; function: string; locals: unknown[] }[] = [];
  let failure: unknown;
  session.on('Debugger.paused', ({ params }) => {
    try {
      const frame = params.callFrames[0] as CallFrame;
      const line = frame.location.lineNumber + 1;
      const last = stops.at(-1);
      if (last?.line !== line) {
        const read = (name: string): unknown => {
          // A local is shown under its name and a number.
          const { result } = post<{ result: { name: string; value?: { value?: unknown } }[] }>(
            'Runtime.getProperties',
            { objectId: (params.callFrames[0]!.scopeChain[0]!.object as { objectId: string }).objectId },
          );
          return result.find((p) => new RegExp(`^${name}_\\d+$`).test(p.name))?.value?.value;
        };
        const locals = ['n', 'total', 'got', 'name'].map(read);
        stops.push({ line, function: frame.functionName, locals });
      }
      post(line < 6 ? 'Debugger.stepOver' : 'Debugger.resume');
    } catch (e) {
      failure = e;
      session.post('Debugger.resume');
    }
  });
  const state = new LuaState();
  const { values } = state.newThread(state.load(SOURCE, '@' + FILE)).resume() as { values: unknown[] };
  if (failure !== undefined) throw failure;
  assert.deepEqual(values, ['x25']);
  assert.deepEqual(
    stops.map((s) => [s.line, ...s.locals]),
    [
      [4, 10, 20, 5, undefined],
      [5, 10, 25, 5, undefined],
      [6, 10, 25, 5, 'x25'],
    ],
  );
  assert.match(stops[0]!.function, /_work$/);

  const own = [...scripts.values()].filter((s) => s.url.startsWith('file:///srv/app/handler.lua'));
  assert.equal(own.length, 2, 'the chunk and the resume form of one function');
  for (const { sourceMapURL } of own) {
    const map = JSON.parse(Buffer.from(sourceMapURL.split(',')[1]!, 'base64').toString());
    assert.deepEqual(map.sources, ['file:///srv/app/handler.lua']);
    assert.deepEqual(map.sourcesContent, [SOURCE]);
    assert.equal(map.mappings.split(';').length, SOURCE.split('\n').length);
  }
});

test('CPU profiles name Lua functions and lines', () => {
  const state = new LuaState();
  const f = state.load(
    'local function spin(n)\n  local s = 0\n  for i = 1, n do s = s + #tostring(i) end\n  return s\nend\nreturn spin(400000)',
    '@/srv/app/spin.lua',
  );
  post('Profiler.enable');
  post('Profiler.setSamplingInterval', { interval: 200 });
  post('Profiler.start');
  state.newThread(f).resume();
  const { profile } = post<{ profile: inspector.Profiler.Profile }>('Profiler.stop');
  const spin = profile.nodes.find((node) => /_spin$/.test(node.callFrame.functionName));
  assert.equal(spin?.callFrame.url, 'file:///srv/app/spin.lua');
  assert.ok(spin.positionTicks!.some((tick) => tick.line === 3));
});
