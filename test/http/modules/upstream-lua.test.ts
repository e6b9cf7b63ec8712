// The Lua module ngx.upstream, with the real executable.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { get, Server, until } from '../../process/server.ts';
import { freePort } from '../../support/server.ts';

describe('ngx.upstream', { timeout: 30_000 }, () => {
  let server: Server;
  let port = 0;
  before(async () => {
    port = await freePort(21594);
    server = new Server(join(import.meta.dirname, '../../../bin/tsresty'));
    server
      .conf(`
        user root; worker_processes 2;
        http { access_log off;
          upstream own { server 127.0.0.1:${port} weight=2 max_fails=3; server 127.0.0.2:9 down; server 127.0.0.3:9 backup; }
          upstream shared { zone z 64k; server 127.0.0.1:${port}; server 127.0.0.2:9 backup; }
          server { listen 127.0.0.1:${port};
            location = /ok { return 200 ok; }
            location = /implicit { proxy_pass http://127.0.0.9:81/; }
            location ~ ^/to/(own|shared)$ { proxy_pass http://$1/ok; }
            location = /named { proxy_pass http://shared/ok;
              header_filter_by_lua_block { ngx.header["Content-Length"] = nil
                ngx.ctx.name = require("ngx.upstream").current_upstream_name() }
              body_filter_by_lua_block { ngx.arg[1] = ngx.arg[2] and ngx.ctx.name or nil } }
            location = /lua { content_by_lua_block {
              local upstream = require "ngx.upstream"
              local function show(v)
                if type(v) ~= "table" then return tostring(v) end
                local keys, out = {}, {}
                for k in pairs(v) do keys[#keys + 1] = k end
                table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
                for i, k in ipairs(keys) do out[i] = (type(k) == "number" and "" or k .. "=") .. show(v[k]) end
                return "{" .. table.concat(out, " ") .. "}"
              end
              local code = ngx.unescape_uri(ngx.var.args)
              local results = { pcall(assert(loadstring("local upstream = ... return " .. code)), upstream) }
              for i = 2, #results do results[i] = show(results[i]) end
              if results[2] == nil and results[3] then results[2] = "nil" end
              ngx.print(table.concat(results, " ", 2))
            } }
          }
        }`)
      .start();
    await until(() => server.workers().length === 2, 'workers');
  });
  after(() => server.destroy());

  const lua = (code: string): Promise<string> => get({ port }, `/lua?${encodeURIComponent(code)}`);

  it('names, servers', async () => {
    assert.equal(await lua('upstream.get_upstreams()'), '{own shared 127.0.0.9:81}');
    assert.equal(
      await lua('upstream.get_servers("own")'),
      `{{addr=127.0.0.1:${port} fail_timeout=10 max_fails=3 name=127.0.0.1:${port} weight=2} ` +
        '{addr=127.0.0.2:9 down=true fail_timeout=10 max_fails=1 name=127.0.0.2:9 weight=1} ' +
        '{addr=127.0.0.3:9 backup=true fail_timeout=10 max_fails=1 name=127.0.0.3:9 weight=1}}',
    );
    assert.equal(
      await lua('upstream.get_servers("127.0.0.9:81")'),
      '{{addr=127.0.0.9:81 fail_timeout=0 max_fails=0 weight=0}}',
    );
    assert.equal(await lua('upstream.get_servers("none")'), 'nil upstream not found');
    assert.match(await lua('upstream.get_servers()'), /exactly one argument expected$/);
  });

  it('peers', async () => {
    const text = await lua('upstream.get_primary_peers("own")');
    const tail = 'current_weight=0 effective_weight=2 fail_timeout=10 fails=0 id=0 max_fails=3';
    assert.ok(text.startsWith(`{{conns=0 ${tail} name=127.0.0.1:${port} weight=2}`), text);
    assert.match(text, /down=true .*id=1 .*name=127\.0\.0\.2:9/);
    assert.match(await lua('upstream.get_backup_peers("own")'), /^\{\{.*id=0 .*name=127\.0\.0\.3:9 weight=1\}\}$/);
  });

  it('set_peer_down, for all workers where they share the peers', async () => {
    assert.equal(await get({ port }, '/to/shared'), 'ok');
    assert.equal(await lua('upstream.set_peer_down("shared", true, 0, true)'), 'true');
    assert.equal(await lua('upstream.set_peer_down("shared", false, 0, true)'), 'true');
    for (let i = 0; i < 8; i++) assert.match(await get({ port }, '/to/shared'), /502 Bad Gateway/);
    assert.equal(await lua('upstream.set_peer_down("shared", false, 0, false)'), 'true');
    for (let i = 0; i < 8; i++) assert.equal(await get({ port }, '/to/shared'), 'ok');
    assert.equal(await lua('upstream.set_peer_down("shared", false, 7, true)'), 'nil bad peer id');
    assert.match(await lua('upstream.set_peer_down("own", true)'), /exactly 4 arguments expected$/);
  });

  it('current_upstream_name', async () => {
    assert.equal(await get({ port }, '/named'), 'shared');
    assert.equal(await lua('tostring(upstream.current_upstream_name())'), 'nil');
  });
});
