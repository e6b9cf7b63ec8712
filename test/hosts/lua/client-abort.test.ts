// Clients that leave while their requests wait for subrequests: everything ends with the main request, once.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, RunningServer } from '../../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'client-abort-'));
let port: number;
let server: RunningServer | undefined;

before(async () => {
  port = await freePort();
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'logs'));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; error_log logs/error.log info; events {}
    http {
      access_log off; lua_shared_dict counts 100k;
      server {
        listen 127.0.0.1:${port};
        location = /many {
          lua_check_client_abort on;
          content_by_lua_block {
            ngx.location.capture_multi { { '/slow' }, { '/nested' }, { '/slow' }, { '/nested' } }
            ngx.shared.counts:incr('went on', 1, 0)
          }
          log_by_lua_block { ngx.shared.counts:incr('logged', 1, 0) }
        }
        location = /nested {
          internal;
          content_by_lua_block {
            ngx.print(ngx.location.capture('/slow').body)
            ngx.shared.counts:incr('went on', 1, 0)
          }
        }
        location = /slow {
          internal;
          content_by_lua_block {
            ngx.shared.counts:incr('began', 1, 0)
            ngx.sleep(0.15)
            ngx.shared.counts:incr('went on', 1, 0)
          }
        }
        location = /counts {
          content_by_lua_block {
            local c = ngx.shared.counts
            ngx.say(c:get('began'), ' ', c:get('logged'), ' ', c:get('went on'))
          }
        }
      }
    }`,
  );
  server = await RunningServer.start(folder, ['-p', folder, '-c', 'nginx.conf', '-g', 'daemon off;'], port);
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

async function counts(): Promise<string> {
  return (await (await fetch(`http://127.0.0.1:${port}/counts`)).text()).trim();
}

test('subrequests end with the main request of a client that left', async () => {
  const request = get({ host: '127.0.0.1', port, path: '/many' });
  request.on('error', () => {});
  while (!(await counts()).startsWith('4 ')) await delay(5);
  request.destroy();
  while ((await counts()) === '4 nil nil') await delay(5);
  // Longer than they would have slept.
  await delay(250);
  assert.equal(await counts(), '4 1 nil');
  assert.doesNotMatch(readFileSync(join(folder, 'logs/error.log'), 'utf8'), /\[alert\]/);
});
