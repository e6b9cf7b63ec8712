import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coreModule } from '../../../src/http/core/module.ts';
import { loadHttp } from '../test-server.ts';

/** What is bound, and which addresses each socket serves besides its own. */
function sockets(block: string): string[] {
  const http = loadHttp(block);
  return coreModule.mainOf(http.confs).ports.map(({ listening, byAddress }) => {
    const riders = [...byAddress.keys()];
    return riders.length === 0 ? listening.where.text : `${listening.where.text} <- ${riders.join(' ')}`;
  });
}

describe('listen', () => {
  it('understands addresses', () => {
    assert.deepEqual(sockets('server { listen 8080; }'), ['0.0.0.0:8080']);
    assert.deepEqual(sockets('server { listen *:8080; }'), ['0.0.0.0:8080']);
    assert.deepEqual(sockets('server { listen 127.0.0.1; }'), ['127.0.0.1:80']);
    assert.deepEqual(sockets('server { listen [::]:8080; }'), ['[::]:8080']);
    assert.deepEqual(sockets('server { listen [0:0:0:0:0:0:0:1]:8080; }'), ['[::1]:8080']);
    assert.deepEqual(sockets('server { listen unix:/tmp/s; }'), ['unix:/tmp/s']);
    assert.deepEqual(sockets('server { listen 8001-8003; }'), ['0.0.0.0:8001', '0.0.0.0:8002', '0.0.0.0:8003']);
  });

  it('binds a wildcard once for all addresses of its port that need no socket of their own', () => {
    assert.deepEqual(sockets('server { listen 127.0.0.1:8080; listen 8080; listen 127.0.0.2:8080 bind; }'), [
      '127.0.0.2:8080',
      '0.0.0.0:8080 <- 127.0.0.1',
    ]);
    assert.deepEqual(sockets('server { listen 127.0.0.1:8080; listen 127.0.0.2:8080; }'), [
      '127.0.0.1:8080',
      '127.0.0.2:8080',
    ]);
  });

  it('keeps the options of the socket', () => {
    const http = loadHttp(
      'server { listen 8080 backlog=7 rcvbuf=4k sndbuf=8k deferred reuseport fastopen=3 so_keepalive=30m::10; }',
    );
    assert.deepEqual(coreModule.mainOf(http.confs).ports[0]?.listening.options, {
      backlog: 7,
      reuseport: true,
      ipv6only: true,
      deferred: true,
      bind: true,
      rcvbuf: 4096,
      sndbuf: 8192,
      fastopen: 3,
      keepalive: { idle: 1800, count: 10 },
    });
  });

  it('takes the first server, or the one that says so, as the default', () => {
    const http = loadHttp(`
      server { listen 8080; server_name a; }
      server { listen 8080 default_server; server_name b; }
      server { listen 8081; server_name c; }
      server { listen 8081; server_name d; }`);
    const { addresses } = coreModule.mainOf(http.confs);
    assert.deepEqual(
      addresses.map(({ where, defaultServer }) => `${where.text} ${defaultServer.serverName}`),
      ['0.0.0.0:8080 b', '0.0.0.0:8081 c'],
    );
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['server { listen 8080; listen 8080; }', /^a duplicate listen 0\.0\.0\.0:8080 in /],
    [
      'server { listen 8080 default_server; } server { listen 8080 default_server; }',
      /^a duplicate default server for/,
    ],
    ['server { listen 8080 backlog=1; } server { listen 8080 backlog=1; }', /^duplicate listen options for/],
    ['server { listen 8080 foo; }', /^invalid parameter "foo" in /],
    ['server { listen 8080 backlog=0; }', /^invalid backlog "backlog=0" in /],
    ['server { listen 8080 so_keepalive=::; }', /^invalid so_keepalive value: "::" in /],
    ['server { listen 0; }', /^invalid port in "0" of the "listen" directive in /],
    ['server { listen 9-8; }', /^invalid port range in "9-8" of the "listen" directive in /],
    ['server { listen 127.0.0.1:x; }', /^invalid port in/],
    ['server { listen [::1; }', /^invalid host in/],
    ['server { listen [::g]:80; }', /^invalid IPv6 address in/],
    ['server { listen unix:; }', /^no path in the unix domain socket in "unix:" of the "listen" directive/],
    ['server { listen host.invalid:80; }', /^host not found in "host.invalid:80" of the "listen" directive/],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});
