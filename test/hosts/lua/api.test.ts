// Which functions of the Lua API there are, and in which phases they may be called (api-table.ts). One server whose phases
// call everything and write down what they were told.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, GLOBALS, RunningServer } from '../../support/server.ts';
import { ENDING, GROUPS, PHASES, type Phase, PRESENT } from './api-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'lua-api-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A Lua module whose run(phase) calls what the phase should allow and what it should refuse. */
function probe(): string {
  const lines: string[] = [];
  for (const group of [...GROUPS, ...ENDING]) {
    const ending = ENDING.includes(group);
    for (const call of group.calls) {
      const name = JSON.stringify(call);
      for (const phase of PHASES) {
        if (ending && group.phases.includes(phase)) continue;
        lines.push(`  if phase == "${phase}" then try(phase, ${name}, function() return ${call} end) end`);
      }
    }
  }
  return `
local out = io.open("${folder}/out", "a")
out:setvbuf("line")
local function try(phase, call, fn)
  local ok, message = pcall(fn)
  out:write(phase, "\\t", call, "\\t", ok and "" or tostring(message):gsub("\\n.*", ""), "\\n")
end
local function run(phase)
${lines.join('\n')}
end
return { run = run }`;
}

const answer = (phase: Phase): string => `${phase}_by_lua_block { require("probe").run("${phase}") }`;

/** @param strict lua_strict_phases */
async function collect(strict: boolean): Promise<Map<string, string>> {
  const port = await freePort();
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'logs'), { recursive: true });
  rmSync(join(folder, 'out'), { force: true });
  writeFileSync(join(folder, 'probe.lua'), probe());
  writeFileSync(
    join(folder, 'present.lua'),
    PRESENT.map((name) => `if ${name} == nil then ngx.say(${JSON.stringify(name)}) end`).join('\n'),
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${GLOBALS} worker_processes 1; error_log logs/error.log info; pid logs/nginx.pid; events {}
    http {
      access_log off;
      lua_strict_phases ${strict ? 'on' : 'off'};
      lua_shared_dict d 1m;
      lua_package_path "${folder}/?.lua;;";
      ${answer('init')} ${answer('init_worker')} ${answer('exit_worker')}
      upstream u {
        server 0.0.0.1;
        balancer_by_lua_block { require("probe").run("balancer") require("ngx.balancer").set_current_peer("127.0.0.1", ${port}) }
      }
      server {
        listen 127.0.0.1:${port};
        server_rewrite_by_lua_block { if ngx.var.uri == "/server_rewrite" then require("probe").run("server_rewrite") end }
        location / { return 204; }
        location = /set { set_by_lua_block $x { require("probe").run("set") return 1 } return 204; }
        location = /rewrite { ${answer('rewrite')} content_by_lua_block { ngx.say("x") } }
        location = /access { ${answer('access')} content_by_lua_block { ngx.say("x") } }
        location = /precontent { ${answer('precontent')} content_by_lua_block { ngx.say("x") } }
        location = /content { ${answer('content')} }
        location = /header_filter { ${answer('header_filter')} content_by_lua_block { ngx.say("x") } }
        location = /body_filter {
          body_filter_by_lua_block { if not ngx.ctx.done then ngx.ctx.done = true require("probe").run("body_filter") end }
          content_by_lua_block { ngx.say("x") }
        }
        location = /log { ${answer('log')} content_by_lua_block { ngx.say("x") } }
        location = /timer {
          content_by_lua_block { ngx.timer.at(0, function() require("probe").run("timer") end) ngx.sleep(0.1) ngx.say("x") }
        }
        location = /balancer { proxy_pass http://u/; }
        location = /present { content_by_lua_file ${folder}/present.lua; }
      }
    }`,
  );
  const server = await RunningServer.start(folder, ['-p', folder, '-c', 'nginx.conf'], port);
  try {
    for (const phase of PHASES) {
      if (/^(init|exit)/.test(phase)) continue;
      await (await fetch(`http://127.0.0.1:${port}/${phase}`)).text();
    }
    // What waits in the log phase goes on.
    await sleep(strict ? 0 : 200);
    missing = await (await fetch(`http://127.0.0.1:${port}/present`)).text();
  } finally {
    await server.stop();
  }
  const results = new Map<string, string>();
  for (const line of readFileSync(join(folder, 'out'), 'latin1').split('\n')) {
    const [phase, call, message] = line.split('\t');
    if (message !== undefined) results.set(`${phase} ${call}`, message);
  }
  return results;
}

let missing = '';

const refused = (message: string): boolean => /API disabled|no request|no session/.test(message);

test('functions may be called where OpenResty lets them', async () => {
  const results = await collect(true);
  const wrong: string[] = [];
  for (const group of [...GROUPS, ...ENDING]) {
    for (const call of group.calls) {
      for (const phase of PHASES) {
        const allowed = group.phases.includes(phase);
        if (allowed && ENDING.includes(group)) continue;
        const message = results.get(`${phase} ${call}`);
        if (message === undefined) wrong.push(`${call} was not called in ${phase}`);
        else if (refused(message) === allowed) wrong.push(`${call} in ${phase}: ${message === '' ? 'ok' : message}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('all functions and constants are there', () => {
  assert.equal(missing, '');
});

/** Where waiting functions may be called besides, when lua_strict_phases is off. */
const RELAXED: readonly Phase[] = ['init_worker', 'set', 'header_filter', 'body_filter', 'log', 'balancer'];

test('with lua_strict_phases off, what waits may be called in more phases, the rest in the same', async () => {
  const results = await collect(false);
  const wrong: string[] = [];
  for (const group of [...GROUPS, ...ENDING]) {
    for (const call of group.calls) {
      const capture = call.startsWith('ngx.location');
      const waits = capture || /sleep|socket|thread|coroutine\.(create|wrap)/.test(call);
      for (const phase of PHASES) {
        const captures = ['set', 'header_filter', 'body_filter'].includes(phase);
        const allowed = group.phases.includes(phase) || (waits && RELAXED.includes(phase) && (!capture || captures));
        if (group.phases.includes(phase) && ENDING.includes(group)) continue;
        const message = results.get(`${phase} ${call}`);
        if (message === undefined) wrong.push(`${call} was not called in ${phase}`);
        else if (refused(message) === allowed) wrong.push(`${call} in ${phase}: ${message === '' ? 'ok' : message}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});
