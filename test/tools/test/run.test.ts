// The runner against a server whose every answer is known: a small script that stands for the executable.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseSpec } from '../../../src/tools/test/block.ts';
import { runBlock } from '../../../src/tools/test/run-block.ts';
import { runFiles } from '../../../src/tools/test/run-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'runner-'));
after(() => rmSync(folder, { recursive: true }));

/** Answers each request by its own URI, logs it, and refuses to start when the configuration says "wrong". */
const SERVER = `
const { appendFileSync, readFileSync } = require('node:fs');
const prefix = process.argv[process.argv.indexOf('-p') + 1];
const conf = readFileSync(prefix + 'conf/nginx.conf', 'latin1');
if (conf.includes('wrong')) { process.stderr.write('nginx: [emerg] wrong\\n'); process.exit(1); }
const [, port] = /listen 127.0.0.1:(\\d+)/.exec(conf);
require('node:net').createServer((socket) => socket.once('data', (data) => {
  const uri = String(data).split(' ')[1];
  appendFileSync(prefix + 'logs/error.log', '[error] asked for ' + uri + '\\n');
  socket.end('HTTP/1.1 200 OK\\r\\nX-Uri: ' + uri + '\\r\\nConnection: close\\r\\n\\r\\n' + uri + '\\n');
})).listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => { appendFileSync(${JSON.stringify(join(folder, 'stopped'))}, prefix + '\\n'); process.exit(0); });
`;
writeFileSync(join(folder, 'server.cjs'), SERVER);
const executable = { command: [process.execPath, join(folder, 'server.cjs')], loadModules: [] };

async function faults(sections: string): Promise<readonly string[]> {
  const [block] = parseSpec('a.t', `=== x\n--- config\n${sections}`);
  return (await runBlock(block!, executable)).faults;
}

test('a block that is right has no faults, and leaves neither server nor folder behind', async () => {
  assert.deepEqual(
    await faults(
      '--- request\nGET /a\n--- response_body\n/a\n--- response_headers\nX-Uri: /a\n!X-No\n--- error_log\nasked for /a\n--- no_error_log\nasked for /b\n',
    ),
    [],
  );
  const prefixes = readFileSync(join(folder, 'stopped'), 'utf8').trim().split('\n');
  assert.equal(prefixes.length, 1);
  assert.equal(existsSync(prefixes[0]!), false);
});

test('each expectation can fail', async () => {
  const cases: readonly [sections: string, fault: RegExp][] = [
    ['--- error_code: 404', /^status 200 instead of 404$/],
    ['--- response_body\n/b\n', /^response body .*\n- \/b\n\+ \/a$/],
    ['--- response_body_like\n^b', /does not match \^b/],
    ['--- response_body_unlike\n/a', /matches \/a/],
    ['--- response_headers\nX-Uri: /b', /^field X-Uri: "\/a" instead of "\/b"$/],
    ['--- response_headers\n!X-Uri', /^unexpected field X-Uri: \/a$/],
    ['--- response_headers_like\nX-Uri: \\d', /^field X-Uri/],
    ['--- raw_response_headers_like\nX-Other', /^header does not match/],
    ['--- error_log\nsomething else', /^no line of error\.log has "something else"$/],
    ['--- no_error_log\n[error]', /^a line of error\.log has "\[error\]"/],
    [
      '--- grep_error_log eval\nqr/asked \\w+/\n--- grep_error_log_out\nasked by',
      /grep_error_log_out .*\n- asked by\n\+ asked for/,
    ],
    ['--- must_die', /^the server starts, and should not$/],
  ];
  for (const [sections, fault] of cases) {
    const found = await faults(`--- request\nGET /a\n${sections}\n`);
    assert.equal(found.length, 1, `${sections}: ${found}`);
    assert.match(found[0]!, fault);
  }
});

test('a server that does not start is a fault, or what must_die asks for', async () => {
  assert.deepEqual(await faults('wrong;\n--- request\nGET /\n'), ['the server does not start']);
  assert.deepEqual(await faults('wrong;\n--- must_die: 1\n--- error_log\n[emerg] wrong\n'), []);
  assert.deepEqual(await faults('wrong;\n--- must_die: 2\n'), ['exit code 1 instead of 2']);
});

test('a run sums up its files and tells how to repeat what failed', async () => {
  const file = join(folder, 'b.t');
  writeFileSync(
    file,
    '=== good\n--- config\n--- request\nGET /\n=== bad\n--- config\n--- request\nGET /\n--- error_code: 500\n',
  );
  const lines: string[] = [];
  const options = {
    executable,
    jobs: 2,
    only: undefined,
    repeat: 1,
    again: 'again',
    print: (line: string) => lines.push(line),
  };
  assert.deepEqual(await runFiles([file], options), { passed: 1, failed: 1 });
  assert.match(lines[0]!, /^not ok .*b\.t \(2 blocks, /);
  assert.match(lines[1]!, /b\.t:5: bad\n.*status 200 instead of 500\n[\s\S]*asked for \/\n[\s\S]*again -n 2 \S+b\.t$/);
  assert.deepEqual(await runFiles([file], { ...options, only: 1 }), { passed: 1, failed: 0 });
  assert.deepEqual(await runFiles([join(folder, 'missing.t')], options), { passed: 0, failed: 1 });
});
