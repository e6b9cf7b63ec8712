import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { alive, buildProgram, childrenOf, get, Server, titleOf, until } from './server.ts';

const PORT = 21560;
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

test('a master with two workers; each kind of process has its title', { timeout: 30_000 }, async () => {
  const s = server(`worker_processes 2; answer 127.0.0.1:${PORT} hello;`).start();
  await until(() => s.workers().length === 2, 'workers');
  assert.equal(await get({ port: PORT }), 'hello');
  assert.match(titleOf(s.pid), /^nginx: master process .*program\.mjs -p /);
  await until(() => s.workers().every((pid) => titleOf(pid) === 'nginx: worker process'), 'titles');
  for (const pid of s.workers()) await s.logged(`start worker process ${pid}\n`);
  const workers = s.workers();
  await s.stop('SIGQUIT');
  assert.deepEqual(workers.filter(alive), []);
  assert.match(s.log(), /gracefully shutting down\n/);
  assert.match(s.log(), /worker process \d+ exited with code 0\n/);
  assert.match(s.log(), /: exit\n$/);
  assert.equal(existsSync(s.pidPath), false);
});

test('a killed worker is replaced; its number stays', { timeout: 30_000 }, async () => {
  const s = server(`answer 127.0.0.1:${PORT + 1} x;`).start();
  const [first] = (await get({ port: PORT + 1 }, '/pid')).split(' ');
  process.kill(Number(first), 'SIGKILL');
  await s.logged(`[alert] ${s.pid}#${s.pid}: worker process ${first} exited on signal 9`);
  const [second, id] = (await get({ port: PORT + 1 }, '/pid')).split(' ');
  assert.notEqual(second, first);
  assert.equal(id, '0');
  await s.stop();
});

test('a worker that cannot be set up is not started again', { timeout: 30_000 }, async () => {
  const s = server(`answer 127.0.0.1:${PORT + 2} x; worker_fails "no work today";`).start();
  await s.logged(/\[emerg\] (\d+)#\1: no work today/);
  await s.logged(/\[alert\] .*worker process \d+ exited with fatal code 2 and cannot be respawned/);
  assert.deepEqual(s.workers(), []);
  await s.stop();
});

test('reload: new workers first, a request under way is finished by the old', { timeout: 30_000 }, async () => {
  const s = server(`counter c; answer 127.0.0.1:${PORT + 3} one;`).start();
  assert.equal(await get({ port: PORT + 3 }, '/count'), '1');
  const [old] = s.workers();
  const slow = get({ port: PORT + 3 }, '/slow');
  await sleep(50);
  s.conf(`counter c; answer 127.0.0.1:${PORT + 3} two; answer 127.0.0.1:${PORT + 4} more;`);
  s.signal('SIGHUP');
  await s.logged('gracefully shutting down');
  assert.equal(await get({ port: PORT + 3 }), 'two');
  assert.equal(await get({ port: PORT + 4 }), 'more');
  assert.equal(await slow, 'one');
  await until(() => !alive(old!), 'the old worker to end');
  // The zone has kept what the first configuration counted.
  assert.equal(await get({ port: PORT + 3 }, '/count'), '2');
  await s.stop();
});

test('reload: logs are reopened, and workers die, before the new ones are ready', { timeout: 30_000 }, async () => {
  const s = server(`answer 127.0.0.1:${PORT + 18} 0;`).start();
  assert.equal(await get({ port: PORT + 18 }), '0');
  for (let n = 1; n <= 10; n++) {
    s.conf(`answer 127.0.0.1:${PORT + 18} ${n};`);
    const [old] = s.workers();
    s.signal('SIGHUP');
    await s.logged(new RegExp(`(reconfiguring[^]*){${n}}start worker process`));
    s.signal('SIGUSR1');
    if (n % 2 === 0) process.kill(old!, 'SIGKILL');
    while ((await get({ port: PORT + 18 })) !== String(n)) await sleep(10);
    await until(() => s.workers().length === 1, 'the old worker to end');
  }
  await s.stop();
});

test('reload with a broken configuration changes nothing', { timeout: 30_000 }, async () => {
  const s = server(`answer 127.0.0.1:${PORT + 5} one;`).start();
  await until(() => s.workers().length === 1, 'the worker');
  const workers = s.workers();
  s.conf(`answer 127.0.0.1:${PORT + 5} two; init_fails "module failure";`);
  s.signal('SIGHUP');
  await s.logged(/\[emerg\] .*: module failure/);
  s.conf(`answer 127.0.0.1:${PORT + 5} two; events {}`);
  s.signal('SIGHUP');
  await s.logged(/\[emerg\] .*is duplicate in .*nginx\.conf:3/);
  assert.equal(await get({ port: PORT + 5 }), 'one');
  assert.deepEqual(s.workers(), workers);
  // A worker started now still has the configuration that was accepted.
  process.kill(workers[0]!, 'SIGKILL');
  await s.logged('start worker process ', 2);
  assert.equal(await get({ port: PORT + 5 }), 'one');
  await s.stop();
});

test('no request is lost over many reloads', { timeout: 60_000 }, async () => {
  const s = server(`worker_processes 2; answer 127.0.0.1:${PORT + 6} x;`).start();
  await until(() => s.workers().length === 2, 'workers');
  let stop = false;
  let done = 0;
  const failures: string[] = [];
  const client = async (agent: Agent | undefined) => {
    while (!stop) {
      await new Promise<void>((resolve) => {
        const req = request({ host: '127.0.0.1', port: PORT + 6, agent: agent ?? false }, (response) => {
          response.resume().on('end', () => {
            done++;
            resolve();
          });
        });
        req.on('error', (e: NodeJS.ErrnoException) => {
          // A kept connection that the old worker closes as the request is sent: clients repeat those.
          if (!(req.reusedSocket && e.code === 'ECONNRESET')) failures.push(`${e.code} ${req.reusedSocket}`);
          resolve();
        });
        req.end();
      });
    }
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const clients = [client(undefined), client(undefined), client(agent), client(agent)];
  for (let i = 0; i < 4; i++) {
    s.signal('SIGHUP');
    await s.logged('gracefully shutting down', 2 * (i + 1));
    await sleep(50);
  }
  stop = true;
  await Promise.all(clients);
  agent.destroy();
  assert.deepEqual(failures, []);
  assert.ok(done > 100, `${done} requests`);
  await s.stop();
});

test('reuseport: a socket per worker, kept over a reload', { timeout: 30_000 }, async () => {
  const s = server(`worker_processes 2; answer 127.0.0.1:${PORT + 7} x reuseport;`).start();
  await until(() => s.workers().length === 2, 'workers');
  await s.logged('start worker process ', 2);
  const pids = new Set<string>();
  for (let i = 0; i < 40 && pids.size < 2; i++) pids.add(await get({ port: PORT + 7 }, '/pid'));
  assert.equal(pids.size, 2);
  s.signal('SIGHUP');
  await s.logged(/worker process \d+ exited with code 0/, 2);
  for (let i = 0; i < 20; i++) assert.equal(await get({ port: PORT + 7 }), 'x');
  await s.stop();
});

test('USR1 reopens in master and workers, and gives the file to their user', { timeout: 30_000 }, async () => {
  const s = server(`answer 127.0.0.1:${PORT + 8} x;`).start();
  await get({ port: PORT + 8 });
  chmodSync(join(s.dir, 'logs'), 0o777);
  renameSync(join(s.dir, 'logs/error.log'), join(s.dir, 'logs/error.log.1'));
  assert.equal(s.run('-s', 'reopen').code, 0);
  const old = () => s.log('error.log.1');
  await until(() => old().split('reopening logs\n').length === 4, 'both to reopen', old);
  process.kill(s.workers()[0]!, 'SIGHUP');
  await s.logged(/signal 1 \(SIGHUP\) received, ignoring/);
  if (process.getuid?.() === 0) assert.notEqual(statSync(join(s.dir, 'logs/error.log')).uid, 0);
  await s.stop();
});

test('workers run as their user, in their folder', { timeout: 30_000, skip: process.getuid?.() !== 0 }, async () => {
  const s = server(`user daemon; working_directory /usr; answer 127.0.0.1:${PORT + 9} x;`).start();
  const uid = readFileSync('/etc/passwd', 'latin1').match(/^daemon:[^:]*:(\d+):/m)![1];
  assert.equal(await get({ port: PORT + 9 }, '/cwd'), `/usr ${uid}`);
  await s.stop();
});

test('limits and priority of workers', { timeout: 30_000 }, async () => {
  const s = server(
    `worker_rlimit_nofile 1234; worker_rlimit_core 1m; worker_priority 5; answer 127.0.0.1:${PORT + 10} x;`,
  ).start();
  await get({ port: PORT + 10 });
  const [pid] = s.workers();
  const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
  assert.match(limits, /Max open files +1234 +1234/);
  assert.match(limits, /Max core file size +(1048576 +1048576|0 +0)/);
  assert.equal(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[16], '5');
  await s.stop();
});

test('worker_shutdown_timeout ends connections that do not end', { timeout: 30_000 }, async () => {
  const s = server(`worker_shutdown_timeout 200ms; answer 127.0.0.1:${PORT + 11} x;`).start();
  const { Socket } = await import('node:net');
  const idle = new Socket().connect(PORT + 11, '127.0.0.1');
  idle.on('error', () => {});
  await new Promise((resolve) => idle.on('connect', resolve));
  idle.write('GET / HT');
  await sleep(50);
  await s.stop('SIGQUIT');
  assert.match(s.log(), /gracefully shutting down\n(.*\n)*.*exiting\n/);
});

test('a privileged agent keeps the user and accepts nothing', { timeout: 30_000 }, async () => {
  const s = server(`agent; answer 127.0.0.1:${PORT + 17} x;`).start();
  await until(() => s.workers().length === 2, 'both processes');
  await s.logged(/privileged agent -1 has uid \d+ and limit 10/);
  await s.logged(/worker 0 has uid \d+ and limit 512/);
  assert.match(s.log(), /start privileged agent process \d+/);
  if (process.getuid?.() === 0) assert.match(s.log(), /agent -1 has uid 0 /);
  assert.match(await get({ port: PORT + 17 }, '/pid'), / 0$/);
  await until(() => s.workers().some((pid) => titleOf(pid) === 'nginx: privileged agent process'), 'the title');
  await s.stop('SIGQUIT');
});

test('a privileged agent without connections is not started', { timeout: 30_000 }, async () => {
  const s = server(`agent 0; answer 127.0.0.1:${PORT + 17} x;`).start();
  await s.logged('[alert] ');
  await s.logged('0 worker_connection is not enough, privileged agent process cannot be spawned');
  assert.equal(await get({ port: PORT + 17 }), 'x');
  assert.equal(s.workers().length, 1);
  await s.stop('SIGQUIT');
});

test('a worker that quits by itself is replaced', { timeout: 30_000 }, async () => {
  const s = server(`answer 127.0.0.1:${PORT + 18} x;`).start();
  const before = await get({ port: PORT + 18 }, '/pid');
  assert.equal(await get({ port: PORT + 18 }, '/quit'), 'quitting');
  await s.logged(/worker process \d+ exited with code 0/);
  assert.notEqual(await get({ port: PORT + 18 }, '/pid'), before);
  await s.stop();
});

test('workers leave when their master is killed', { timeout: 30_000 }, async () => {
  const s = server(`worker_processes 2; answer 127.0.0.1:${PORT + 12} x;`).start();
  await until(() => s.workers().length === 2, 'workers');
  await get({ port: PORT + 12 });
  const workers = s.workers();
  s.signal('SIGKILL');
  await until(
    () => workers.every((pid) => !alive(pid)),
    'workers to end',
    () => s.log(),
  );
});

test('a worker that hangs is killed', { timeout: 30_000 }, async () => {
  const s = server(`answer 127.0.0.1:${PORT + 13} x;`).start();
  await get({ port: PORT + 13 });
  const [worker] = s.workers();
  process.kill(worker!, 'SIGSTOP');
  await s.stop('SIGTERM');
  assert.match(s.log(), new RegExp(`worker process ${worker} exited on signal 9`));
});

test('changing the binary: both serve, then the old one leaves', { timeout: 30_000 }, async () => {
  const s = server('');
  const path = join(s.dir, 'x.sock');
  s.conf(`answer 127.0.0.1:${PORT + 14} x; answer unix:${path} local;`).start();
  const oldPid = s.pid;
  await get({ port: PORT + 14 });
  s.signal('SIGUSR2');
  await s.logged(/start new binary process \d+/);
  await until(() => existsSync(`${s.pidPath}.oldbin`) && s.hasPid && s.pid !== oldPid, 'new pid file');
  const newPid = s.pid;
  assert.equal(Number(readFileSync(`${s.pidPath}.oldbin`, 'latin1')), oldPid);
  await until(() => childrenOf(newPid).length === 1, 'the new worker');
  process.kill(newPid, 'SIGUSR2');
  await s.logged('the changing binary signal is ignored');
  process.kill(oldPid, 'SIGWINCH');
  await until(
    () => childrenOf(oldPid).every((pid) => pid === newPid),
    'the old worker to end',
    () => s.log(),
  );
  assert.equal(Number((await get({ port: PORT + 14 }, '/pid')).split(' ')[0]), childrenOf(newPid)[0]);
  process.kill(oldPid, 'SIGQUIT');
  await until(() => !alive(oldPid), 'the old master to end');
  assert.equal(existsSync(`${s.pidPath}.oldbin`), false);
  assert.equal(s.pid, newPid);
  assert.equal(await get({ port: PORT + 14 }), 'x');
  assert.equal(await get({ socketPath: path }), 'local');
  await s.stop();
  assert.equal(existsSync(path), false);
});

test('a new binary that fails leaves the old one as it was', { timeout: 30_000 }, async () => {
  const s = server(`answer 127.0.0.1:${PORT + 15} x;`).start();
  const { pid } = s;
  s.conf('broken;');
  s.signal('SIGUSR2');
  await s.logged(/new binary process \d+ exited with code 1/);
  await until(() => s.hasPid, 'the pid file');
  assert.equal(s.pid, pid);
  assert.equal(await get({ port: PORT + 15 }), 'x');
  await s.stop();
});

test('a start without privileges: the user directive is ignored with a warning', {
  timeout: 30_000,
  skip: process.getuid?.() !== 0,
}, async () => {
  const s = server(`user daemon; answer 127.0.0.1:${PORT + 16} x;`);
  const { spawnSync } = await import('node:child_process');
  spawnSync('chown', ['-R', 'nobody', s.dir]);
  const env = { PATH: process.env['PATH'] };
  const run = spawnSync(process.execPath, [s.program, '-p', s.dir], { uid: 65534, gid: 65534, encoding: 'utf8', env });
  assert.equal(
    run.stderr,
    'nginx: [warn] the "user" directive makes sense only if the master process runs with super-user privileges, ' +
      `ignored in ${join(s.dir, 'conf/nginx.conf')}:3\n`,
  );
  assert.equal(run.status, 0);
  assert.equal(await get({ port: PORT + 16 }, '/cwd').then((t) => t.split(' ')[1]), '65534');
  await s.stop();
});
