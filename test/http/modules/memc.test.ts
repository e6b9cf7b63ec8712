// memc_pass with a server of the test's own. The module's own test suite was run as well.
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { readReply } from '../../../src/http/modules/memc/reply.ts';
import { loadHttp, TestServer } from '../test-server.ts';

describe('replies', () => {
  const whole: readonly (readonly [string, string, number])[] = [
    ['set', 'STORED\r\n', 201],
    ['add', 'NOT_STORED\r\n', 200],
    ['append', 'NOT_FOUND\r\n', 404],
    ['set', 'ERROR\r\n', 502],
    ['set', 'SERVER_ERROR out of memory\r\n', 502],
    ['delete', 'DELETED\r\n', 200],
    ['delete', 'NOT_FOUND\r\n', 404],
    ['flush_all', 'OK\r\n', 200],
    ['version', 'VERSION 1.6\r\n', 200],
    ['incr', '12  \r\n', 201],
    ['decr', 'NOT_FOUND\r\n', 404],
    ['stats', 'STAT pid 1\r\nSTAT a b c\r\nEND\r\n', 200],
    ['stats', 'END\r\n', 200],
    ['stats', 'ERROR\r\n', 502],
  ];
  for (const [command, text, status] of whole) {
    it(`${command}: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(readReply(command, text), { kind: 'whole', length: text.length, status });
      assert.deepEqual(readReply(command, `${text}more`), { kind: 'whole', length: text.length, status });
      for (let i = 0; i < text.length; i++) assert.equal(readReply(command, text.slice(0, i)).kind, 'part', String(i));
    });
  }

  const wrong: readonly (readonly [string, string, number])[] = [
    ['set', 'STORED\n', 6],
    ['set', 'FOO', 0],
    ['delete', 'DELEFOO', 4],
    ['incr', '12x\r\n', 2],
    ['stats', 'STAX', 3],
    ['stats', 'STAT a\r\nEXD\r\n', 9],
    ['flush_all', 'OX', 1],
  ];
  for (const [command, text, at] of wrong) {
    it(`${command}: ${JSON.stringify(text)} is none`, () => {
      assert.deepEqual(readReply(command, text), { kind: 'wrong', at });
    });
  }
});

describe('memc', () => {
  let backend: Server;
  const sockets = new Set<Socket>();
  let server: TestServer;
  /** What the backend got last. */
  let got = '';
  let reply = '';

  before(async () => {
    backend = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (data) => {
        got += data.toString('latin1');
        if (!got.includes('\r\n') || (/^(set|add)/.test(got) && got.split('\r\n').length < 3)) return;
        socket.write(reply, 'latin1');
      });
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as { port: number };
    server = new TestServer(`
      access_log off;
      upstream other { server 127.0.0.1:${port}; }
      server { listen 127.0.0.1:1;
        location / { set $memc_cmd $arg_cmd; set $memc_key $arg_key; set $memc_exptime $arg_exptime;
          set $memc_flags $arg_flags; memc_pass 127.0.0.1:${port}; }
        location /value { set $memc_cmd $arg_cmd; set $memc_key k; set $memc_value $arg_value; memc_pass other; }
        location /named { set $memc_key k; memc_pass $arg_backend; add_header X-Flags $memc_flags;
          add_header X-Time $memc_flags_as_http_time; memc_flags_to_last_modified on; }
        location /few { set $memc_cmd $arg_cmd; set $memc_key k; memc_cmds_allowed get version; memc_pass other; }
      }`);
  });
  after(() => {
    server.close();
    backend.close();
    // Among them those that are kept for further requests.
    for (const socket of sockets) socket.destroy();
  });

  async function ask(answer: string, uri: string, method = 'GET', body = ''): Promise<readonly [number, string]> {
    got = '';
    reply = answer;
    const raw = await server.send(
      `${method} ${uri} HTTP/1.0\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`,
    );
    return [Number(raw.slice(9, 12)), raw.slice(raw.indexOf('\r\n\r\n') + 4)];
  }

  it('methods stand for commands', async () => {
    assert.deepEqual(await ask('VALUE k 0 2\r\nok\r\nEND\r\n', '/?key=k'), [200, 'ok']);
    assert.equal(got, 'get k\r\n');
    assert.deepEqual(await ask('STORED\r\n', '/?key=k', 'PUT', 'body'), [201, 'STORED\r\n']);
    assert.equal(got, 'set k 0 0 4\r\nbody\r\n');
    assert.deepEqual(await ask('NOT_STORED\r\n', '/?key=k&exptime=3&flags=9', 'POST', 'b'), [200, 'NOT_STORED\r\n']);
    assert.equal(got, 'add k 9 3 1\r\nb\r\n');
    assert.equal((await ask('NOT_FOUND\r\n', '/?key=k', 'DELETE'))[0], 404);
    assert.equal(got, 'delete k\r\n');
    assert.equal((await ask('', '/?key=k', 'OPTIONS'))[0], 400);
  });

  it('commands', async () => {
    assert.deepEqual(await ask('5\r\n', '/value?cmd=incr&value=2'), [201, '5\r\n']);
    assert.equal(got, 'incr k 2\r\n');
    assert.deepEqual(await ask('STORED\r\n', '/value?cmd=append&value=x'), [201, 'STORED\r\n']);
    assert.equal(got, 'append k 0 0 1\r\nx\r\n');
    assert.deepEqual(await ask('OK\r\n', '/?cmd=flush_all&exptime=2'), [200, 'OK\r\n']);
    assert.equal(got, 'flush_all 2\r\n');
    assert.deepEqual(await ask('VERSION 1\r\n', '/?cmd=version'), [200, 'VERSION 1\r\n']);
    assert.deepEqual(await ask('STAT a 1\r\nEND\r\n', '/?cmd=stats'), [200, 'STAT a 1\r\nEND\r\n']);
  });

  it('flags as times, a backend by name', async () => {
    got = '';
    reply = 'VALUE k 1577934245 2\r\nok\r\nEND\r\n';
    const { headers } = await server.get('/named?backend=other');
    assert.equal(headers['x-flags'], '1577934245');
    assert.equal(headers['x-time'], 'Thu, 02 Jan 2020 03:04:05 GMT');
    assert.equal(headers['last-modified'], 'Thu, 02 Jan 2020 03:04:05 GMT');
  });

  const refused: readonly (readonly [string, number, string, string?])[] = [
    ['/?cmd=foo', 400, 'ngx_memc: unknown $memc_cmd "foo"'],
    ['/few?cmd=set', 403, 'ngx_memc: memcached command "set" not allowed'],
    ['/?cmd=set&key=k&flags=x', 400, 'variable "$memc_flags" takes invalid value: x'],
    ['/?cmd=delete&key=k&exptime=x', 400, 'variable "$memc_exptime" takes invalid value: x'],
    ['/value?cmd=incr', 400, 'the "$memc_value" variable is required for command "incr"'],
    ['/value?cmd=incr&value=-1', 400, 'variable "$memc_value" is invalid for incr/decr: -1'],
    ['/', 500, 'the "$memc_key" variable is not set'],
    ['/named?backend=none', 500, 'memc: upstream "none" not found'],
    ['/named', 500, 'memc: handler: empty "memc_pass" target'],
    ['/?cmd=delete&key=k', 502, 'memcached sent invalid response for command "delete" at pos 3: DEL', 'DELX\r\n'],
  ];
  for (const [uri, status, message, answer] of refused) {
    it(`${uri}: ${message}`, async () => {
      const from = server.log.length;
      assert.equal((await ask(answer ?? '', uri))[0], status);
      const lines = server.log.slice(from);
      assert.ok(
        lines.some((line) => line.startsWith(message)),
        lines.join('\n'),
      );
    });
  }

  it('refuses in the configuration', () => {
    assert.throws(() => loadHttp('memc_cmds_allowed get foo;'), {
      message: /^Unknown memcached command "foo" used in "memc_cmds_allowed" in /,
    });
    assert.throws(() => loadHttp('memc_upstream_max_fails 1;'), {
      message: /^"memc_upstream_max_fails" is not supported, use/,
    });
  });
});
