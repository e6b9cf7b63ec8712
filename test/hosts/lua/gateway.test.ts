// What gateways and their helpers use: balancer_by_lua with ngx.balancer, programs (ngx.pipe), threads
// (ngx.run_worker_thread). One server with a location for each.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, RunningServer } from '../../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
let port: number;
let server: RunningServer | undefined;

before(async () => {
  port = await freePort();
  const backend = await freePort();
  const dead = await freePort();
  // Workers of root run as somebody else, who must find the module.
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'logs'));
  writeFileSync(
    join(folder, 'calc.lua'),
    `return {
      fib = function(n) local a, b = 0, 1 for _ = 1, n do a, b = b, a + b end return a, { n = n } end,
      count = function() return ngx.shared.counters:incr('hits', 1, 0), ngx.encode_base64('x') end,
      fail = function() error('no luck') end,
    }`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; error_log logs/error.log info; events {} thread_pool work threads=2;
    http {
      access_log off;
      lua_shared_dict counters 1m;
      lua_package_path "${folder}/?.lua;;";
      upstream chosen {
        balancer_by_lua_block {
          local b = require 'ngx.balancer'
          local state, status = b.get_last_failure()
          ngx.ctx.seen = (ngx.ctx.seen or '') .. tostring(state) .. ':' .. tostring(status) .. ' '
          if not state then
            assert(b.set_more_tries(1))
            assert(b.set_current_peer('127.0.0.1', ${dead}))
          else
            assert(b.set_timeouts(1, 1, 1))
            assert(b.set_current_peer('127.0.0.1', ${backend}))
            assert(b.enable_keepalive(10, 100))
          end
        }
      }
      upstream refused { balancer_by_lua_block { ngx.exit(503) } }
      upstream nobody { balancer_by_lua_block { } }
      server {
        listen 127.0.0.1:${backend};
        location / { content_by_lua_block { ngx.say(ngx.var.connection) } }
      }
      server {
        listen 127.0.0.1:${port};
        location = /balanced {
          proxy_http_version 1.1;
          proxy_set_header Connection '';
          proxy_pass http://chosen;
          header_filter_by_lua_block { ngx.header.seen = ngx.ctx.seen }
        }
        location = /refused { proxy_pass http://refused; }
        location = /nobody { proxy_pass http://nobody; }
        location = /pipe {
          content_by_lua_block {
            local p = assert(require('ngx.pipe').spawn({ 'sh', '-c', 'read a; echo got $a; echo oops >&2; exit 3' }))
            assert(p:write('ping\\n'))
            ngx.say(p:stdout_read_line())
            ngx.say(p:stderr_read_line())
            ngx.say(p:stdout_read_any(10))
            ngx.say(p:wait())
            ngx.say(p:wait())
            local q = assert(require('ngx.pipe').spawn('sleep 60'))
            q:set_timeouts(nil, 20)
            ngx.say(q:stdout_read_all())
            assert(q:kill(15))
            ngx.say(q:wait())
          }
        }
        location = /thread {
          content_by_lua_block {
            local ok, a, t = ngx.run_worker_thread('work', 'calc', 'fib', 50)
            ngx.say(ok, ' ', string.format('%d', a), ' ', t.n)
            ngx.shared.counters:set('hits', 41)
            ngx.say(ngx.run_worker_thread('work', 'calc', 'count'))
            local ok, err = ngx.run_worker_thread('work', 'calc', 'fail')
            ngx.say(ok, ' ', err:match('no luck'))
            ngx.say(ngx.run_worker_thread('work', 'calc', 'fib', print))
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

async function get(path: string): Promise<{ status: number; body: string; seen: string | null }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: await response.text(), seen: response.headers.get('seen') };
}

test('balancer_by_lua goes on with another peer and keeps the connection', async () => {
  const first = await get('/balanced');
  assert.equal(first.status, 200);
  assert.equal(first.seen?.trim(), 'nil:nil failed:502');
  const second = await get('/balanced');
  assert.equal(second.body, first.body, 'the same connection to the backend');
});

test('balancer_by_lua that refuses, and one that chooses nobody', async () => {
  assert.equal((await get('/refused')).status, 503);
  assert.equal((await get('/nobody')).status, 500);
  assert.match(readFileSync(join(folder, 'logs/error.log'), 'utf8'), /lua balancer: no peer set/);
});

test('ngx.pipe: streams, status, timeout, signal', async () => {
  const { body } = await get('/pipe');
  assert.equal(body, 'got ping\noops\nnilclosed\nfalseexit3\nnilexited\nniltimeout\nfalsesignal15\n');
});

test('ngx.run_worker_thread: values, shared dictionaries, errors', async () => {
  const { body } = await get('/thread');
  assert.equal(
    body,
    'true 12586269025 50\ntrue42eA==\nfalse no luck\nfalseunsupported Lua type: LUA_TFUNCTION in the argument\n',
  );
});
