// An application from a tutorial: functions that are loaded into a running server, kept in a global table. Its
// configuration is used as it was published, started by the published command, and its five calls are made.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, RunningServer } from '../support/server.ts';

test('functions loaded at run time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'serverless-'));
  let server: RunningServer | undefined;
  try {
    const port = await freePort(8222);
    const conf = readFileSync(join(import.meta.dirname, 'serverless/nginx.conf'), 'utf8');
    assert.match(conf, /listen {7}8222;/);
    writeFileSync(join(folder, 'nginx.conf'), port === 8222 ? conf : conf.replace('8222', String(port)));
    mkdirSync(join(folder, 'logs'));
    server = await RunningServer.start(folder, ['-p', './', '-c', 'nginx.conf', '-g', 'daemon off;'], port);
    const call = async (path: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'application/json');
      return response.text();
    };
    assert.equal(await call('/run'), 'no function\n');
    assert.equal(await call('/add'), 'add function success\n');
    const first = await call('/run');
    assert.match(first, /^\d{10}(?:\.\d{1,3})?\n$/);
    assert.ok(Math.abs(Number(first) - Date.now() / 1000) < 60);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(await call('/add'), 'add function success\n');
    const second = await call('/run');
    assert.match(second, /^\d{10}(?:\.\d{1,3})?\n$/);
    assert.ok(Number(second) > Number(first), `${second} after ${first}`);
    assert.doesNotMatch(readFileSync(join(folder, 'logs/error.log'), 'utf8'), /\[(?:error|crit|alert|emerg)\]/);
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true });
  }
});
