// The welcome application as a newcomer meets it: the page, and every call that the page makes.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, GLOBALS, RunningServer, root } from '../support/server.ts';

const app = mkdtempSync(join(tmpdir(), 'welcome-'));
let server: RunningServer;
let url = '';

before(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  cpSync(join(root, 'examples/welcome'), app, { recursive: true });
  mkdirSync(join(app, 'logs'), { recursive: true });
  const conf = readFileSync(join(app, 'conf/nginx.conf'), 'utf8');
  assert.match(conf, /listen 8080;/);
  writeFileSync(join(app, 'conf/nginx.conf'), conf.replace('listen 8080;', `listen 127.0.0.1:${port};`));
  server = await RunningServer.start(app, ['-p', app, '-g', GLOBALS], port);
});

after(async () => {
  await server.stop();
  rmSync(app, { recursive: true });
});

async function get(
  path: string,
  options?: RequestInit,
): Promise<{ status: number; type: string | null; text: string }> {
  const response = await fetch(url + path, options);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

test('the page, which needs nothing from elsewhere', async () => {
  const page = await get('/');
  assert.equal(page.status, 200);
  assert.equal(page.type, 'text/html; charset=utf-8');
  assert.match(page.text, /<title>tsresty is running<\/title>/);
  assert.doesNotMatch(page.text, /(?:src|href)="(?:https?:)?\/\//);
});

test('the files that the page shows are those that run', async () => {
  for (const name of ['hello', 'api', 'counter', 'subrequest', 'timer']) {
    for (const language of ['lua', 'ts']) {
      const shown = await get(`/source/${language}/${name}.${language}`);
      assert.equal(shown.type, 'text/plain; charset=utf-8');
      assert.equal(shown.text, readFileSync(join(app, language, `${name}.${language}`), 'utf8'));
    }
  }
  assert.match((await get('/source/nginx.conf')).text, /content_by_ts_file ts\/hello\.ts/);
});

test('hello', async () => {
  assert.equal((await get('/lua/hello')).text, 'Hello, world, from Lua\n');
  assert.equal((await get('/ts/hello')).text, 'Hello, world, from TypeScript\n');
  assert.equal((await get('/lua/hello?name=J%C3%BCrgen%20B')).text, 'Hello, Jürgen B, from Lua\n');
  assert.equal((await get('/ts/hello?name=J%C3%BCrgen%20B')).text, 'Hello, Jürgen B, from TypeScript\n');
});

test('the JSON API', async () => {
  for (const [path, language] of [
    ['/lua/api', 'Lua'],
    ['/ts/api', 'TypeScript'],
  ] as const) {
    const good = await get(path, { method: 'POST', body: JSON.stringify({ text: 'größe und  x' }) });
    assert.deepEqual([good.status, good.type], [200, 'application/json']);
    assert.deepEqual(JSON.parse(good.text), { language, words: ['größe', 'und', 'x'] });
    for (const body of ['no json', '{}', 'null', '{"text":1}']) {
      const bad = await get(path, { method: 'POST', body });
      assert.deepEqual([bad.status, JSON.parse(bad.text)], [400, { error: 'send { text: ... }' }], body);
    }
  }
});

test('both languages and both workers count in one place', async () => {
  const counts: number[] = [];
  const workers = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const { text } = await get(i % 2 === 0 ? '/lua/counter' : '/ts/counter', { headers: { connection: 'close' } });
    counts.push(Number(/, (\d+) in both languages/.exec(text)?.[1]));
    workers.add(/process (\d+)/.exec(text)?.[1] ?? '');
  }
  assert.deepEqual(
    counts,
    Array.from({ length: 20 }, (_, i) => counts[0]! + i),
  );
  for (const pid of workers) assert.match(pid, /^\d+$/);
});

test('subrequests from one language to the other', async () => {
  assert.match(
    (await get('/lua/subrequest')).text,
    /^TypeScript says: Hello, Lua, from TypeScript\nand: call \d+ in TypeScript, \d+ in both languages\n$/,
  );
  assert.match(
    (await get('/ts/subrequest')).text,
    /^Lua says: Hello, TypeScript, from Lua\nand: call \d+ in Lua, \d+ in both languages\n$/,
  );
});

test('timers run after their request', async () => {
  for (const path of ['/lua/timer', '/ts/timer']) {
    assert.match((await get(path)).text, /^the last timer has not run yet\nthe next one is set/);
    let text = '';
    for (let i = 0; i < 100 && !text.includes('seconds after its request'); i++) {
      await sleep(100);
      text = (await get(path)).text;
    }
    assert.match(text, /^the last timer ran \d\.\d\d seconds after its request\n/);
  }
});

test('an edited file answers without a restart', async () => {
  const lua = join(app, 'lua/hello.lua');
  writeFileSync(lua, readFileSync(lua, 'utf8').replace('from Lua', 'from new Lua'));
  assert.equal((await get('/lua/hello')).text, 'Hello, world, from new Lua\n');
  const ts = join(app, 'ts/hello.ts');
  writeFileSync(ts, readFileSync(ts, 'utf8').replace('from TypeScript', 'from new TypeScript'));
  let text = '';
  for (let i = 0; i < 100 && !text.includes('new'); i++) {
    await sleep(100);
    text = (await get('/ts/hello')).text;
  }
  assert.equal(text, 'Hello, world, from new TypeScript\n');
});

test('nothing of this was worth an error', () => {
  assert.doesNotMatch(readFileSync(join(app, 'logs/error.log'), 'utf8'), /\[(?:error|crit|emerg)\]/);
});
