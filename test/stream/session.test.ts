// Sessions and their phases, with modules made for the purpose.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN, DECLINED, DONE, ERROR, OK, STREAM_FORBIDDEN } from '../../src/stream/codes.ts';
import { continuePhase } from '../../src/stream/engine.ts';
import { type StreamModule, streamModule } from '../../src/stream/module.ts';
import type { PhaseHandler, PhaseName } from '../../src/stream/phases.ts';
import { loadStream, TestServer } from './test-server.ts';

/** A module with handlers; `status` of each session that ends goes to `ended`. */
function handlers(
  list: readonly (readonly [PhaseName, PhaseHandler])[],
  ended: number[] = [],
): readonly StreamModule[] {
  return [
    streamModule({
      name: 'test',
      postconfiguration(stream) {
        for (const [phase, handler] of list) stream.handlers[phase].push(handler);
        stream.handlers.log.push((s) => {
          ended.push(s.status);
          return OK;
        });
      },
    }),
  ];
}

async function serve(
  block: string,
  modules: readonly StreamModule[],
  run: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = new TestServer(block, modules);
  try {
    await run(server);
  } finally {
    server.close();
  }
}

test('phases run in their order; OK skips the rest of a phase, DECLINED does not', async () => {
  const seen: string[] = [];
  const note = (name: string, rc: number): PhaseHandler => {
    return () => {
      seen.push(name);
      return rc;
    };
  };
  const ended: number[] = [];
  const modules = handlers(
    [
      ['preread', note('preread', DECLINED)],
      ['access', note('access 1', DECLINED)],
      ['access', note('access 2', OK)],
      ['access', note('access 3', OK)],
      ['post_accept', note('post_accept', DECLINED)],
    ],
    ended,
  );
  await serve('server { listen 127.0.0.1:1; return "$status $bytes_sent"; }', modules, async (server) => {
    assert.equal(await server.converse(), '000 0');
  });
  assert.deepEqual(seen, ['post_accept', 'access 1', 'access 2', 'preread']);
  assert.deepEqual(ended, [200]);
});

test('a status ends the session, ERROR as 500', async () => {
  const ended: number[] = [];
  let rc = STREAM_FORBIDDEN;
  const modules = handlers([['access', () => rc]], ended);
  await serve('server { listen 127.0.0.1:1; return x; }', modules, async (server) => {
    assert.equal(await server.converse(), '');
    rc = ERROR;
    assert.equal(await server.converse(), '');
  });
  assert.deepEqual(ended, [403, 500]);
});

test('a handler that goes on by itself', async () => {
  const modules = handlers([
    [
      'preaccess',
      (s) => {
        setTimeout(continuePhase, 5, s, DECLINED);
        return DONE;
      },
    ],
  ]);
  await serve('server { listen 127.0.0.1:1; return later; }', modules, async (server) => {
    assert.equal(await server.converse(), 'later');
  });
});

test('the preread phase asks again with each piece, until its buffer is full or its time is over', async () => {
  const ended: number[] = [];
  const seen: string[] = [];
  const modules = handlers(
    [
      [
        'preread',
        (s) => {
          seen.push(s.preread);
          return s.preread.includes('\n') ? OK : AGAIN;
        },
      ],
    ],
    ended,
  );
  const block = (more: string) => `server { listen 127.0.0.1:1; ${more} return "$bytes_received"; }`;
  await serve(block(''), modules, async (server) => {
    assert.equal(await server.converse('ab', 'cd', 'e\n'), '6');
  });
  assert.deepEqual(seen, ['', 'ab', 'abcd', 'abcde\n']);
  await serve(block('preread_buffer_size 4;'), modules, async (server) => {
    assert.equal(await server.converse('abc', 'defg'), '');
    assert.match(
      server.log.join('\n'),
      /^preread buffer full while prereading client data, client: 127.0.0.1, server/m,
    );
  });
  await serve(block('preread_timeout 30ms;'), modules, async (server) => {
    assert.equal(await server.converse('abc'), '');
  });
  assert.deepEqual(ended, [200, 400, 200]);
});

test('cleanups run when the session ends, last one first', async () => {
  const order: number[] = [];
  const modules = handlers([
    [
      'access',
      (s) => {
        s.addCleanup(() => order.push(1));
        s.addCleanup(() => order.push(2));
        return OK;
      },
    ],
  ]);
  await serve('server { listen 127.0.0.1:1; return x; }', modules, async (server) => {
    assert.equal(await server.converse(), 'x');
    assert.equal(server.stream.sessions.size, 0);
  });
  assert.deepEqual(order, [2, 1]);
});

test('sockets: those of a port behind its wildcard, those bound by themselves', () => {
  const { cycle } = loadStream(`
    server { listen 127.0.0.1:1; return a; }
    server { listen 1; return b; }
    server { listen 127.0.0.2:1 bind; return c; }
    server { listen 127.0.0.1:2 backlog=5; return d; }`);
  assert.deepEqual(
    cycle.listening.map(({ where }) => where.text),
    ['127.0.0.2:1', '0.0.0.0:1', '127.0.0.1:2'],
  );
  assert.equal(cycle.listening[2]?.options.backlog, 5);
});

test('mistakes', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['server { return x; }', /no "listen" is defined for server in .*nginx\.conf:\d+/],
    ['server { listen 127.0.0.1; return x; }', /no port in "127.0.0.1" of the "listen" directive/],
    ['server { listen 1 wrong; return x; }', /invalid parameter "wrong"/],
    ['server { listen 1; listen 1; return x; }', /a duplicate listen 0\.0\.0\.0:1/],
    ['server { listen 1 ssl; return x; }', /the "ssl" parameter requires ngx_stream_ssl_module/],
    ['server { listen 1 udp; return x; }', /not supported yet by tsresty with "udp" in stream/],
    ['server { listen 1; return $nothing; }', /unknown "nothing" variable/],
    ['server { listen 1; proxy_pass nowhere; }', /no port in upstream "nowhere"/],
    ['upstream u { server 127.0.0.1; }', /no port in upstream "127.0.0.1"/],
    ['upstream u { }', /no servers are inside upstream/],
    ['upstream u { server 127.0.0.1:1 drain; }', /invalid parameter "drain"/],
    ['access_log /dev/null;', /log format is not specified/],
    ['access_log /dev/null none;', /unknown log format "none"/],
    ['map $a $b { }', /not supported/],
  ];
  for (const [block, expected] of cases) assert.throws(() => loadStream(block), expected, block);
});
