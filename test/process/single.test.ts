import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { alive, buildProgram, get, Server, titleOf, until } from './server.ts';

const PORT = 21540;
const servers: Server[] = [];
let program: string;

function server(conf: string): Server {
  const made = new Server(program).conf(conf);
  servers.push(made);
  return made;
}

before(async () => {
  program = await buildProgram();
});
after(() => {
  for (const s of servers) s.destroy();
});

const SINGLE = 'master_process off;\n';

test('a daemon serves when its launcher returns, and stops', { timeout: 20_000 }, async () => {
  const s = server(`${SINGLE} answer 127.0.0.1:${PORT} hello;`).start();
  assert.equal(await get({ port: PORT }), 'hello');
  assert.equal(await get({ port: PORT }, '/pid'), `${s.pid} 0`);
  assert.match(titleOf(s.pid), /^nginx: master process /);
  assert.match(s.log(), /\[notice\] (\d+)#\1: using the "(epoll|kqueue)" event method\n.*\/0\.1\.0\n/);
  assert.equal(s.run('-s', 'stop').code, 0);
  await until(() => !existsSync(s.pidPath), 'the end');
  assert.match(s.log(), /signal process started\n.*signal 15 \(SIGTERM\) received, exiting\n(.*\n)*.*: exit\n$/);
  const again = s.run('-s', 'stop');
  assert.equal(again.code, 1);
  assert.equal(again.stderr, `nginx: [error] open() "${s.pidPath}" failed (2: No such file or directory)\n`);
});

test('the launcher does not wait for what modules do first', { timeout: 20_000 }, async () => {
  const s = server('');
  const file = join(s.dir, 'go');
  s.conf(`${SINGLE} answer 127.0.0.1:${PORT + 13} hello; worker_waits_for ${file};`).start();
  writeFileSync(file, '');
  assert.equal(await get({ port: PORT + 13 }), 'hello');
  s.run('-s', 'stop');
  await until(() => !existsSync(s.pidPath), 'the end');
});

test('reload in a single process: a new answer, an address more, an address less', { timeout: 20_000 }, async () => {
  const s = server(`${SINGLE} answer 127.0.0.1:${PORT + 1} one; answer 127.0.0.1:${PORT + 2} gone;`).start();
  assert.equal(await get({ port: PORT + 2 }), 'gone');
  s.conf(`${SINGLE} answer 127.0.0.1:${PORT + 1} two; answer 127.0.0.1:${PORT + 3} new;`);
  assert.equal(s.run('-s', 'reload').code, 0);
  await s.logged('event method', 2);
  assert.equal(await get({ port: PORT + 1 }), 'two');
  assert.equal(await get({ port: PORT + 3 }), 'new');
  await assert.rejects(get({ port: PORT + 2 }), { code: 'ECONNREFUSED' });

  s.conf(`${SINGLE} answer 127.0.0.1:${PORT + 1} three; nonsense;`);
  s.signal('SIGHUP');
  await s.logged(/\[emerg\] .* unknown directive "nonsense" in .*nginx\.conf:4/);
  assert.equal(await get({ port: PORT + 1 }), 'two');
  await s.stop();
});

test('an address in use: five tries, then exit 1', { timeout: 20_000 }, async () => {
  const other = createServer().listen(PORT + 4, '127.0.0.1');
  await once(other, 'listening');
  const s = server(`${SINGLE} answer 127.0.0.1:${PORT + 4} x;`);
  const { code, stderr } = s.run();
  other.close();
  assert.equal(code, 1);
  const line = `nginx: [emerg] bind() to 127.0.0.1:${PORT + 4} failed (98: Address already in use)\n`;
  assert.equal(stderr, `${line.repeat(5)}nginx: [emerg] still could not bind()\n`);
  assert.equal(s.log().split('try again to bind() after 500ms').length, 6);
  assert.equal(existsSync(s.pidPath), false);
});

test('an address that cannot be bound', { timeout: 20_000 }, () => {
  const s = server(`${SINGLE} answer 192.0.2.1:${PORT} x;`);
  const { code, stderr } = s.run();
  assert.equal(code, 1);
  assert.equal(stderr, `nginx: [emerg] bind() to 192.0.2.1:${PORT} failed (99: Cannot assign requested address)\n`);
});

test('unix sockets: mode, answer, removal; IPv6', { timeout: 20_000 }, async () => {
  const s = server('');
  const path = join(s.dir, 'x.sock');
  s.conf(`${SINGLE} answer unix:${path} local; answer [::1]:${PORT + 5} six;`).start();
  assert.equal(statSync(path).mode & 0o777, 0o666);
  assert.equal(await get({ socketPath: path }), 'local');
  assert.equal(await get({ port: PORT + 5, host: '::1' }), 'six');
  await s.stop('SIGQUIT');
  assert.equal(existsSync(path), false);

  const missing = server(`${SINGLE} answer unix:${join(s.dir, 'no/x.sock')} x;`).run();
  assert.equal(
    missing.stderr,
    `nginx: [emerg] bind() to unix:${join(s.dir, 'no/x.sock')} failed (2: No such file or directory)\n`,
  );
});

test('options that need the C library', { timeout: 20_000 }, async () => {
  const s = server(`${SINGLE} answer 127.0.0.1:${PORT + 6} many reuseport;`).start();
  assert.equal(await get({ port: PORT + 6 }), 'many');
  s.signal('SIGHUP');
  await s.logged('event method', 2);
  assert.equal(await get({ port: PORT + 6 }), 'many');
  await s.stop();
});

test('daemon off stays in the foreground; USR1 reopens the logs', { timeout: 20_000 }, async () => {
  const s = server(`daemon off; ${SINGLE} answer 127.0.0.1:${PORT + 7} here;`);
  const child = await s.startForeground();
  assert.equal(s.pid, child.pid);
  assert.equal(await get({ port: PORT + 7 }), 'here');
  renameSync(join(s.dir, 'logs/error.log'), join(s.dir, 'logs/error.log.1'));
  s.signal('SIGUSR1');
  await until(() => existsSync(join(s.dir, 'logs/error.log')), 'the new log');
  s.signal('SIGINT');
  await until(() => child.exitCode !== null, 'the end');
  assert.equal(child.exitCode, 0);
  assert.match(s.log('error.log.1'), /reopening logs\n$/);
  assert.match(s.log(), /signal 2 \(SIGINT\) received, exiting\n.*: exit\n$/);
});

test('exceptions in a request are logged with their stack and the process goes on', { timeout: 20_000 }, async () => {
  const s = server(`${SINGLE} answer 127.0.0.1:${PORT + 8} ok;`).start();
  await get({ port: PORT + 8 }, '/throw');
  await get({ port: PORT + 8 }, '/reject');
  await s.logged(/\[alert\] .*: uncaught exception: Error: from a request\n +at /);
  await s.logged(/\[alert\] .*: unhandled rejection: Error: rejected by a request\n +at /);
  assert.equal(await get({ port: PORT + 8 }), 'ok');
  await s.stop();
});

test('the environment: nothing but TZ and what env lets through', { timeout: 20_000 }, async () => {
  process.env['PROCESS_TEST_A'] = 'a';
  process.env['PROCESS_TEST_B'] = 'b';
  const s = server(
    `${SINGLE} env PROCESS_TEST_A; env PROCESS_TEST_C=c; env TZ=UTC; answer 127.0.0.1:${PORT + 9} x;`,
  ).start();
  const values = await Promise.all(
    ['PROCESS_TEST_A', 'PROCESS_TEST_B', 'PROCESS_TEST_C', 'TZ', 'PATH'].map((n) =>
      get({ port: PORT + 9 }, `/env/${n}`),
    ),
  );
  assert.deepEqual(values, ['a', '', 'c', 'UTC', '']);
  await s.stop();
});

test('a failing module stops the start with its message', { timeout: 20_000 }, () => {
  const s = server(`${SINGLE} init_fails "the module says no"; answer 127.0.0.1:${PORT + 10} x;`);
  const { code, stderr } = s.run();
  assert.equal(code, 1);
  assert.equal(stderr, 'nginx: [emerg] the module says no\n');
});

test('-t, -T, -q and their messages', { timeout: 20_000 }, () => {
  const s = server(`${SINGLE} answer 127.0.0.1:${PORT + 11} x;`);
  const file = join(s.dir, 'conf/nginx.conf');
  const ok =
    `nginx: the configuration file ${file} syntax is ok\n` + `nginx: configuration file ${file} test is successful\n`;
  assert.deepEqual(s.run('-t'), { code: 0, stderr: ok, stdout: '' });
  assert.deepEqual(s.run('-tq'), { code: 0, stderr: '', stdout: '' });
  const dump = s.run('-T');
  assert.equal(dump.stderr, ok);
  assert.equal(dump.stdout, `# configuration file ${file}:\n${readFileSync(file, 'latin1')}\n`);
  s.conf('answer 1.2.3.4;');
  assert.deepEqual(s.run('-t'), {
    code: 1,
    stderr:
      `nginx: [emerg] invalid number of arguments in "answer" directive in ${file}:3\n` +
      `nginx: configuration file ${file} test failed\n`,
    stdout: '',
  });
  assert.deepEqual(s.run('-c', 'no.conf'), {
    code: 1,
    stderr: `nginx: [emerg] open() "${join(s.dir, 'no.conf')}" failed (2: No such file or directory)\n`,
    stdout: '',
  });
});

test('a wrong pid file', { timeout: 20_000 }, () => {
  const s = server('');
  writeFileSync(s.pidPath, '');
  const { code, stderr } = s.run('-s', 'reload');
  assert.equal(code, 1);
  assert.equal(stderr, `nginx: [error] invalid PID number "" in "${s.pidPath}"\n`);
});

test('-g, -e and -c', { timeout: 20_000 }, async () => {
  const s = server('');
  writeFileSync(join(s.dir, 'other.conf'), `events {} answer 127.0.0.1:${PORT + 12} other;`);
  s.start('-c', 'other.conf', '-e', 'logs/e.log', '-g', 'master_process off; pid logs/nginx.pid;');
  assert.equal(await get({ port: PORT + 12 }), 'other');
  const { pid } = s;
  await s.stop();
  assert.equal(alive(pid), false);
  assert.equal(existsSync(join(s.dir, 'logs/e.log')), true);
  const stderr = s.run('-e', 'stderr', '-c', 'missing').stderr;
  assert.match(stderr, /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[emerg\] (\d+)#\1: open\(\) ".*missing" failed/);
});
