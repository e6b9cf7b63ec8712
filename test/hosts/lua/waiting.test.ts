// lua_strict_phases off and the end of workers: what waits in log_by_lua and init_worker_by_lua is waited for, and a response
// that waits for a filter is sent.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, GLOBALS, RunningServer } from '../../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'lua-waiting-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function start(): Promise<{ port: number; server: RunningServer; master: number }> {
  const port = await freePort();
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'logs'), { recursive: true });
  writeFileSync(join(folder, 'logs/error.log'), '');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${GLOBALS} worker_processes 1; error_log logs/error.log info; pid logs/nginx.pid; events {}
    http {
      access_log off;
      lua_strict_phases off;
      init_worker_by_lua_block { ngx.sleep(0.5) ngx.log(ngx.WARN, "worker is ready") }
      server {
        listen 127.0.0.1:${port};
        location = /log {
          log_by_lua_block { ngx.sleep(0.4) ngx.log(ngx.WARN, "request is logged, ", ngx.worker.exiting()) }
          return 200 "ok";
        }
        location = /head {
          header_filter_by_lua_block { ngx.sleep(0.4) ngx.header["X-Exiting"] = tostring(ngx.worker.exiting()) }
          return 200 "ok";
        }
      }
    }`,
  );
  const server = await RunningServer.start(folder, ['-p', folder, '-c', 'nginx.conf'], port);
  const pid = join(folder, 'logs/nginx.pid');
  // Connections are taken before the file is written.
  await until(() => existsSync(pid) && readFileSync(pid, 'utf8').endsWith('\n'));
  const master = Number(readFileSync(pid, 'utf8'));
  return { port, server, master };
}

const log = (): string => readFileSync(join(folder, 'logs/error.log'), 'utf8');

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await sleep(25);
}

test('a worker that is told to quit ends when the code has', async () => {
  const { port, server, master } = await start();
  try {
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/log`)).text(), 'ok');
    process.kill(master, 'SIGQUIT');
    await until(() => /\[notice\].* exit$/m.test(log()) && log().includes('request is logged'));
    assert.match(log(), /worker is ready, context: init_worker_by_lua\*/);
    assert.match(log(), /request is logged, true while logging request/);
  } finally {
    await server.stop();
  }
});

test('a reload loses no response that waits for a filter', async () => {
  const { port, server, master } = await start();
  try {
    const waiting = fetch(`http://127.0.0.1:${port}/head`);
    await sleep(100);
    process.kill(master, 'SIGHUP');
    const response = await waiting;
    assert.equal(await response.text(), 'ok');
    assert.equal(response.status, 200);
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/head`)).text(), 'ok');
  } finally {
    await server.stop();
  }
});
