// Where `require` looks: LUA_PATH counts with lua_package_path, too, as what its `;;` stands for.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort, RunningServer } from '../../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'search-path-'));
chmodSync(folder, 0o755);
mkdirSync(join(folder, 'logs'));
mkdirSync(join(folder, 'lua'));
writeFileSync(join(folder, 'lua/ours.lua'), "return 'ours'");

after(() => rmSync(folder, { recursive: true }));

async function answer(directive: string): Promise<string> {
  const port = await freePort();
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; error_log logs/error.log; events {}
    http {
      access_log off; ${directive}
      server {
        listen 127.0.0.1:${port};
        location / {
          content_by_lua_block {
            ngx.say(select(2, pcall(require, 'ours')) == 'ours', ' ', package.path:sub(1, 5), ' ', package.path:sub(-7))
          }
        }
      }
    }`,
  );
  process.env['LUA_PATH'] = `${folder}/lua/?.lua;;`;
  const server = await RunningServer.start(folder, ['-p', folder, '-c', 'nginx.conf', '-g', 'daemon off;'], port);
  try {
    return (await (await fetch(`http://127.0.0.1:${port}/`)).text()).trim();
  } finally {
    await server.stop();
    delete process.env['LUA_PATH'];
  }
}

test('LUA_PATH without lua_package_path, behind its ;; and without', async () => {
  assert.match(await answer(''), /^true /);
  assert.match(await answer("lua_package_path '/a/?;;/b/?.x';"), /^true \/a\/\?; ;\/b\/\?\.x$/);
  assert.match(await answer("lua_package_path '/a/?;/b/?.x';"), /^false \/a\/\?; ;\/b\/\?\.x$/);
});
