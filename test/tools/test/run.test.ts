// The runner against a server whose every answer is known: a small script that stands for the executable.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Block } from '../../../src/tools/test/block.ts';
import { findPlaces, needsFirstPlace } from '../../../src/tools/test/places.ts';
import { SpecReporter, TapReporter } from '../../../src/tools/test/report.ts';
import { runFiles } from '../../../src/tools/test/run-files.ts';
import { isIgnored } from '../../../src/tools/test/watch.ts';
import { TSRESTY } from '../../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'runner-'));
after(() => rmSync(folder, { recursive: true }));

/** Answers each request by its own URI, logs it, and refuses to start when the configuration says "wrong". */
const SERVER = `
const { appendFileSync, existsSync, readFileSync, readdirSync, writeFileSync } = require('node:fs');
const prefix = process.argv[process.argv.indexOf('-p') + 1];
const conf = () => readFileSync(prefix + 'conf/nginx.conf', 'latin1');
const log = (text) => appendFileSync(prefix + 'logs/error.log', text + '\\n');
const unknown = /no_such_\\w+/.exec(conf());
if (unknown) { log('[emerg] 1#1: unknown directive "' + unknown[0] + '" in nginx.conf'); process.exit(1); }
if (conf().includes('wrong')) { log('[emerg] wrong'); process.exit(1); }
if (conf().includes('daemon on') && process.env.DAEMON === undefined) {
  const env = { ...process.env, DAEMON: '1' };
  require('node:child_process').spawn(process.execPath, process.argv.slice(1), { env, detached: true, stdio: 'ignore' });
  while (!existsSync(prefix + 'logs/nginx.pid')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  process.exit(0);
}
const ask = /ask (\\d+)/.exec(conf());
const [, port] = /listen +(\\d+)/.exec(conf());
let version = /return 200 '(\\w+)'/.exec(conf());
process.on('SIGHUP', () => { version = /return 200 '(\\w+)'/.exec(conf()); log('reloaded'); });
process.on('SIGUSR1', () => {});
require('node:net').createServer((socket) => socket.once('data', (data) => {
  const uri = String(data).split(' ')[1];
  log('[error] asked for ' + uri);
  const answer = (body) => socket.end('HTTP/1.1 200 OK\\r\\nX-Uri: ' + uri + '\\r\\nConnection: close\\r\\n\\r\\n' + body);
  if (uri === '/ver') answer(version[1]);
  else if (uri === '/pid') answer('' + process.pid);
  else if (uri === '/html') answer(readdirSync(prefix + 'html').join(' ') + '\\n');
  else if (uri === '/hang') return;
  else if (ask) {
    const peer = require('node:net').connect(Number(ask[1]), '127.0.0.1', () => peer.write('question'));
    peer.once('data', (reply) => { answer(String(reply)); peer.destroy(); });
  } else answer(uri + '\\n');
})).listen(Number(port), '127.0.0.1', () => writeFileSync(prefix + 'logs/nginx.pid', '' + process.pid));
process.on('SIGTERM', () => process.exit(0));
process.on('SIGQUIT', () => { log('quitting'); process.exit(0); });
`;
writeFileSync(join(folder, 'server.cjs'), SERVER);
const executable = {
  command: [process.execPath, join(folder, 'server.cjs')],
  loadModules: [],
  nginxVersion: 1.027,
  opensslVersion: 3,
  pcreVersion: 2,
  temporary: [],
};

interface Report {
  readonly good: boolean;
  readonly tap: string;
  readonly notes: string;
  readonly passed: number;
  readonly failed: number;
}

let files = 0;

async function run(
  source: string,
  { only, env = {} }: { only?: number; env?: Record<string, string> } = {},
): Promise<Report> {
  const file = join(folder, `f${++files}.t`);
  writeFileSync(file, source);
  const root = join(folder, `root${files}`);
  mkdirSync(root);
  const settings = { TEST_NGINX_SLEEP: '0.003', TEST_NGINX_TIMEOUT: '2', TEST_NGINX_SERVROOT: root, ...env };
  let tap = '';
  let notes = '';
  const reporter = new TapReporter({
    print: (text) => (tap += text),
    note: (text) => (notes += text),
    again: 'again',
    terminal: false,
  });
  const places = (await findPlaces(3, settings)).slice(1);
  const good = await runFiles([file], {
    executable,
    places,
    only: only === undefined ? undefined : new Set([only]),
    repeat: 1,
    env: settings,
    reporter,
  });
  reporter.end();
  return { good, tap, notes, passed: reporter.totals.passed, failed: reporter.totals.failed };
}

const block = (sections: string): string => `=== x\n--- config\n${sections}`;

test('a block that is right passes, in TAP and without leaving a folder behind', async () => {
  const { good, tap } = await run(
    block(
      '--- request\nGET /a\n--- response_body\n/a\n--- response_headers\nX-Uri: /a\n!X-No\n--- error_log\nasked for /a\n--- no_error_log\nasked for /b\n',
    ),
  );
  assert.ok(good, tap);
  assert.match(
    tap,
    /^ok 1 - \S+ x - status code ok\nok 2 - \S+ x - header X-Uri ok\nok 3 - \S+ x - header X-No not present/,
  );
  assert.match(
    tap,
    /response_body - response is expected \(repeated req 0, req 0\)\nok 5 .*pattern "asked for \/a" matches a line in error\.log \(req 0\)\nok 6 .*\n1\.\.6\n$/,
  );
  assert.equal(existsSync(join(folder, `root${files}/logs`)), false);
});

test('each expectation can fail', async () => {
  const cases: readonly [sections: string, fault: RegExp][] = [
    ['--- error_code: 404', /status 200 instead of 404/],
    ['--- error_code_like: ^4', /status 200 does not match \^4/],
    ['--- response_body\n/b\n', /response body .*\n.*- \/b\n.*\+ \/a/],
    ['--- response_body eval\nqr/b/', /does not match b/],
    ['--- response_body_like\n^b', /does not match \^b/],
    ['--- response_body_unlike chomp\n/a', /matches \/a/],
    ['--- response_headers\nX-Uri: /b', /field X-Uri: "\/a" instead of "\/b"/],
    ['--- response_headers\n!X-Uri', /unexpected field X-Uri: \/a/],
    ['--- response_headers_like\nX-Uri: \\d', /field X-Uri: "\/a" does not match/],
    ['--- raw_response_headers_like\nX-Other', /header does not match/],
    ['--- raw_response_headers_unlike chomp\nX-Uri', /header matches/],
    ['--- error_log\nsomething else', /no line of error\.log has "something else"/],
    ['--- no_error_log\n[error]', /a line of error\.log has "\[error\]"/],
    ['--- grep_error_log eval\nqr/asked \\w+/\n--- grep_error_log_out\nasked by', /- asked by\n.*\+ asked for/],
    ['--- shutdown_error_log\nnever said', /no line of error\.log has "never said"/],
    ['--- response_body_filters\nuc\n--- response_body\n/a\n', /- \/a\n.*\+ \/A/],
    ['--- access_log\nsomebody', /no line of access\.log has "somebody"/],
    ['--- must_die', /the server starts, and should not/],
  ];
  const source = cases.map(([sections]) => block(`--- request\nGET /a\n${sections}\n`)).join('');
  const { notes, failed } = await run(source);
  assert.equal(failed, cases.length);
  for (const [sections, fault] of cases) assert.match(notes, fault, sections);
});

test('rounds, several requests, timeouts, and blocks without a configuration', async () => {
  const { good, notes, tap } = await run(`use Test::Nginx::Socket;
repeat_each(2);
plan tests => 14;
run_tests();
__DATA__
=== several
--- config
--- request eval
["GET /a", "GET /b"]
--- response_body eval
["/a\\n", "/b\\n"]
=== no answer in time
--- config
--- request
GET /hang
--- timeout: 50ms
--- abort
--- ignore_response
--- error_log
asked for /hang
=== the same server
--- request
GET /c
--- response_body
/c
`);
  assert.ok(good, notes);
  assert.equal(tap.match(/^ok/gm)!.length, 14);
  assert.doesNotMatch(notes, /Looks like you planned/);
});

test('a server that does not start is a failure, or what must_die asks for', async () => {
  const { notes, passed, failed } = await run(
    block('wrong;\n--- request\nGET /\n') +
      block('wrong;\n--- must_die: 1\n--- error_log\n[emerg] wrong\n') +
      block('wrong;\n--- must_die: 2\n'),
  );
  assert.deepEqual([passed, failed], [1, 2]);
  assert.match(notes, /Cannot start the server \(it ended with 1\)/);
  assert.match(notes, /exit code 1 instead of 2/);
});

test('mock servers: what they are sent and what they answer', async () => {
  const { good, notes } = await run(
    block(
      'ask $TEST_NGINX_RAND_PORT_1;\n--- request\nGET /t\n--- tcp_listen: $TEST_NGINX_RAND_PORT_1\n--- tcp_query chomp\nquestion\n--- tcp_query_len: 8\n--- tcp_reply eval\nsub { "re: $_[0]" }\n--- response_body chomp\nre: question\n',
    ),
  );
  assert.ok(good, notes);
});

test('what mock servers are sent can be asked for by a pattern', async () => {
  const ask = (pattern: string): string =>
    block(
      `ask $TEST_NGINX_RAND_PORT_1;\n--- request\nGET /t\n--- tcp_listen: $TEST_NGINX_RAND_PORT_1\n--- tcp_query_len: 8\n--- tcp_query eval\nqr/${pattern}/\n--- tcp_reply: re\n`,
    );
  const { passed, failed, notes } = await run(ask('^QUEST') + ask('^quest'));
  assert.deepEqual([passed, failed], [1, 1], notes);
  assert.match(notes, /expected: like "\(\?\^:\^QUEST\)"/);
});

test('skipped blocks: by version, by Perl, by todo', async () => {
  const { tap, good } = await run(
    block('wrong;\n--- skip_nginx: 3: < 1.28.0: too old\n') +
      block('wrong;\n--- skip_eval: 2: $^O ne "none"\n') +
      block('wrong;\n--- todo: 1: some day\n'),
  );
  assert.ok(good);
  assert.equal(tap.match(/^ok \d+ # skip .* too old$/gm)!.length, 3);
  assert.equal(tap.match(/# skip .* skip_eval$/gm)!.length, 2);
  assert.match(tap, /^not ok 6 # TODO & SKIP .* some day$/m);
});

test('a directive that the server lacks leaves requests out, and the lines of its end are missing', async () => {
  const asks = '--- request\nGET /\n--- error_log\nasked\n';
  const { tap, passed, failed } = await run(
    block(`no_such_thing;\n${asks}--- shutdown_error_log\nquitting\n--- no_shutdown_error_log\ncrashed\n`) +
      block(`no_such_thing;\n${asks}`),
    { env: { TEST_NGINX_IGNORE_MISSING_DIRECTIVES: '1' } },
  );
  assert.equal(tap.match(/^ok \d+ # skip .* the lack of directive no_such_thing$/gm)!.length, 4);
  assert.match(tap, /^not ok 3 - \S+ x - pattern "quitting" should match a line in error\.log$/m);
  assert.match(tap, /^ok 4 - \S+ x - pattern "crashed" does not match a line in error\.log$/m);
  assert.deepEqual([passed, failed], [0, 1]);
});

test("names of files are bytes, and expectations of the log are of the server's own", async () => {
  const { good, notes } = await run(
    block('--- user_files\n>>> \u4e2d\u6587/a.txt\nx\n--- request\nGET /html\n--- response_body_like: \u4e2d\u6587\n') +
      block('--- error_log_file: /nowhere/x.log\n--- request\nGET /a\n--- error_log\nasked for /a\n'),
  );
  assert.ok(good, notes);
});

test('HUP mode keeps one server for a file', async () => {
  const source =
    '__DATA__\n' +
    [1, 2].map((n) => `=== ${n}\n--- config\n# ${n}\n--- request\nGET /pid\n--- response_body_like: ^\\d+$\n`).join('');
  const { good, notes } = await run(`run_tests();\n${source}`, { env: { TEST_NGINX_USE_HUP: '1' } });
  assert.ok(good, notes);
  const own = await run(
    `BEGIN { $ENV{TEST_NGINX_USE_HUP} = 1 }\nuse Test::Nginx::Socket;\nrun_tests();\n${source}--- error_log\nreloaded\n`,
  );
  assert.ok(own.good, own.notes);
  const end = '--- shutdown_error_log\nbye\n';
  const ends = await run(`run_tests();\n${source.replace('=== 2', `${end}=== 2`)}${end}`, {
    env: { TEST_NGINX_USE_HUP: '1' },
  });
  assert.ok(ends.good, ends.notes);
  assert.equal(ends.tap.match(/# skip .* shutdown_error_log - tests skipped due to the reload mode$/gm)!.length, 2);
});

test('a file that is not understood is one failure with its reason', async () => {
  const { failed, notes } = await run('use Unknown::Module;\n__DATA__\n=== a\n--- config\n');
  assert.equal(failed, 1);
  assert.match(notes, /this Perl is not understood: \S+\.t:1: there is no module Unknown::Module/);
});

/** Runs a file by the executable, as threads need it. */
function command(source: string): { readonly status: number | null; readonly tap: string; readonly notes: string } {
  const file = join(folder, `c${++files}.t`);
  writeFileSync(file, source);
  const env = { ...process.env, TEST_NGINX_SERVROOT: join(folder, `root${files}`), MADE: join(folder, `made${files}`) };
  const [node, ...args] = [...TSRESTY, 'test', '--format', 'tap', '-j', '2', file];
  const { status, stdout, stderr } = spawnSync(node!, args, { env, encoding: 'utf8', timeout: 60_000 });
  return { status, tap: stdout, notes: stderr };
}

/** A file whose own Perl runs the commands of its blocks: one makes a file that the one before it waits for. */
const COMMANDS = (count = ''): string => `use Test::Base;
plan tests => blocks() * 1 + 2;
my $turn = 0;
sub run_one {
    my $block = shift;
    ${count}
    my ($out, $err);
    eval { IPC::Run::run(["/bin/sh", "-c", $block->cmd], \\undef, \\$out, \\$err, IPC::Run::timeout(3)); };
    is $out, $block->out, $block->name;
}
ok(1, "before");
for my $block (blocks()) { run_one($block); }
ok(1, "behind");
__DATA__
=== first
--- cmd: printf 1
--- out: 1
=== waits
--- cmd: until [ -e $MADE ]; do sleep 0.01; done; printf 2
--- out: 2
=== makes
--- cmd: : >$MADE; printf 3
--- out: 3
=== wrong
--- cmd: printf 4
--- out: 5
=== last
--- cmd: printf 6
--- out: 6
`;

test('blocks that run commands run beside each other, and are told in their order', () => {
  const { status, tap, notes } = command(COMMANDS());
  assert.equal(
    tap,
    'ok 1 - before\nok 2 - first\nok 3 - waits\nok 4 - makes\nnot ok 5 - wrong\nok 6 - last\nok 7 - behind\n1..7\n',
  );
  assert.match(notes, /got: '4'\n.*expected: '5'/);
  assert.equal(status, 1);
});

test('a program whose turns count together runs them one by one', () => {
  const { tap } = command(COMMANDS('$turn++;'));
  assert.match(tap, /^ok 2 - first\nnot ok 3 - waits\nok 4 - makes$/m);
});

test('what a program has checked counts when it dies', async () => {
  const { tap, failed } = await run('use Test::More;\nok(1, "one");\ndie "enough\\n";\n__DATA__\n=== a\n');
  assert.match(tap, /^ok 1 - one\nnot ok 2 - \S+ - enough\n1\.\.2\n$/);
  assert.equal(failed, 1);
});

test('a program that dies in a thread is one failure with its reason', () => {
  const { tap, notes } = command(COMMANDS('die "no more\\n" if $block->name eq "wrong";'));
  assert.match(tap, /^ok 1 - before\nok 2 - first\nok 3 - waits\nok 4 - makes\nnot ok 5 - \S+ - no more\n1\.\.5\n$/);
  assert.match(notes, /no more/);
});

test('a report for people tells how to repeat what failed', async () => {
  const file = join(folder, 'b.t');
  writeFileSync(
    file,
    '=== good\n--- config\n--- request\nGET /\n=== bad\n--- config\n--- request\nGET /\n--- error_code: 500\n',
  );
  let out = '';
  const reporter = new SpecReporter({
    print: (text) => (out += text),
    note: () => {},
    again: 'again',
    terminal: false,
  });
  const env = { TEST_NGINX_SLEEP: '0.003', TEST_NGINX_SERVROOT: join(folder, 'spec') };
  const places = (await findPlaces(2, env)).slice(1);
  await runFiles([file], { executable, places, only: undefined, repeat: 1, env, reporter });
  reporter.end();
  assert.match(out, /^not ok \S+b\.t \(2 blocks, [\d.]+ s\)\n {2}\+ good \(\d+ ms\)\n {2}- bad /);
  assert.match(
    out,
    /b\.t:5: bad\n.*status 200 instead of 500\n[\s\S]*asked for \/\n[\s\S]*again -n 2 \S+b\.t\n[\s\S]*1 passed, 1 failed\n$/,
  );
  assert.equal((await run('=== a\n--- config\n--- request\nGET /\n=== b\nbad\n', { only: 1 })).good, true);
});

test('blocks that name what all share run at the first place', () => {
  const named = (config: string): boolean => {
    const one = new Block('a.t', 1, 1, 'x');
    one.written.set('config', { line: 1, filters: '', body: config });
    one.set('config', [config]);
    return needsFirstPlace(one);
  };
  assert.equal(named('listen 12345;'), true);
  assert.equal(named('proxy_pass http://127.0.0.1:1984/;'), true);
  assert.equal(named('memc_pass 127.0.0.1:$TEST_NGINX_MEMCACHED_PORT;'), true);
  assert.equal(named('listen $TEST_NGINX_RAND_PORT_1; return 200 19845;'), false);
});

test('watching ignores what servers write', () => {
  for (const name of [
    't/servroot/logs/error.log',
    't/servroot_12000/conf/nginx.conf',
    'node_modules/x/y.js',
    '.git/index',
    'a.swp',
  ]) {
    assert.equal(isIgnored(name), true, name);
  }
  for (const name of ['t/a.t', 'lib/a.lua', 'src/a.ts', 'conf/nginx.conf']) assert.equal(isIgnored(name), false, name);
});
