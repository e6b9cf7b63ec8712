/** What blocks inherit, and how modules are called. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CoreLocation } from '../../src/http/core/conf.ts';
import { coreModule } from '../../src/http/core/module.ts';
import { loadHttp } from './test-server.ts';

/** The locations of the first server by name; '' is the server's own. */
function locations(block: string): Record<string, CoreLocation> {
  const http = loadHttp(block);
  const own = coreModule.locationOf((coreModule.mainOf(http.confs).servers[0] as { confs: typeof http.confs }).confs);
  const all: Record<string, CoreLocation> = { '': own };
  const add = (location: CoreLocation): void => {
    for (const child of location.children) {
      all[child.noname ? `${child.name} (inner)` : child.name] = child;
      add(child);
    }
  };
  add(own);
  return all;
}

describe('inheritance', () => {
  it('goes from http to server to location to nested ones, `if` and limit_except', () => {
    const all = locations(`
      client_max_body_size 1k; send_timeout 5s; default_type a/b;
      server { send_timeout 6s;
        location /a { default_type c/d;
          location /a/b { client_max_body_size 2k; }
          limit_except GET { deny all; }
        }
        location /c { keepalive_timeout 3s 4s; if ($uri) { root x; } }
      }`);
    const seen = (name: string) => {
      const { clientMaxBodySize, sendTimeout, defaultType } = all[name] as CoreLocation;
      return [clientMaxBodySize, sendTimeout, defaultType];
    };
    assert.deepEqual(seen(''), [1024, 6000, 'a/b']);
    assert.deepEqual(seen('/a'), [1024, 6000, 'c/d']);
    assert.deepEqual(seen('/a/b'), [2048, 6000, 'c/d']);
    assert.deepEqual(seen('/a (inner)'), [1024, 6000, 'c/d']);
    const inner = all['/c (inner)'] as CoreLocation;
    assert.equal(inner.keepaliveTimeout, 3000);
    assert.equal(inner.keepaliveHeader, 4);
    assert.match(inner.root.literal ?? '', /\/x$/);
  });

  it('has nginx 1.31 defaults', () => {
    const own = locations('server { }')[''] as CoreLocation;
    assert.equal(own.clientMaxBodySize, 1048576);
    assert.equal(own.clientBodyBufferSize, 8192);
    assert.equal(own.keepaliveTimeout, 75000);
    assert.equal(own.keepaliveRequests, 1000);
    assert.equal(own.sendfileMaxChunk, 2097152);
    assert.equal(own.defaultType, 'text/plain');
    assert.equal(own.types.get('html'), 'text/html');
    assert.match(own.root.literal ?? '', /\/html$/);
    for (const [field, value] of Object.entries(own)) {
      const mayBeUnset =
        /^(regex|tree|regexLocations|limitExceptConfs|handler|limitRate(After)?|resolver|errorPages|earlyHints|openFileCache|disableSymlinksFrom)$/;
      if (value === undefined) assert.match(field, mayBeUnset);
    }
  });

  it('takes lists as a whole', () => {
    const all = locations(`
      error_page 404 /a; types { a/b c; }
      server { error_page 500 /b; error_page 502 503 =200 /c?x; location / { } location /t { types { } } }`);
    assert.deepEqual(
      all['/']?.errorPages?.map(({ status, overwrite, value, args }) => [status, overwrite, value.literal, args]),
      [
        [500, -1, '/b', ''],
        [502, 200, '/c', 'x'],
        [503, 200, '/c', 'x'],
      ],
    );
    assert.deepEqual([...(all['/']?.types ?? [])], [['c', 'a/b']]);
    assert.equal(all['/t']?.types.size, 0);
  });

  it('refuses a directive twice in a block', () => {
    for (const text of [
      'root a; root b;',
      'send_timeout 1; send_timeout 1;',
      'keepalive_timeout 1; keepalive_timeout 1;',
    ]) {
      assert.throws(() => loadHttp(text), /directive is duplicate in /);
    }
    assert.throws(() => loadHttp('server { location /a { root a; alias b; } }'), {
      message: /^"alias" directive is duplicate, "root" directive was specified earlier in /,
    });
  });
});
