import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ErrorLog, fileLog, MAX_ERROR_LINE } from '../../src/log/error-log.ts';
import { LOG_DEBUG, LOG_ERR, LOG_INFO, LOG_NOTICE, LOG_WARN, logState } from '../../src/log/log.ts';
import { OpenFiles } from '../../src/log/open-file.ts';
import { makeErrorLog } from '../../src/log/open-logs.ts';

let dir: string;
const files = new OpenFiles();
const read = (name: string) => readFileSync(join(dir, name), 'latin1');

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'process-log-'));
  logState.useStderr = false;
});
after(() => {
  files.closeAll();
  rmSync(dir, { recursive: true });
});

const scope = { connectionNumber: 7, describe: () => ', client: 127.0.0.1, server: localhost' };

test("a line has nginx's format", () => {
  const file = files.get(join(dir, 'a.log'));
  file.open();
  const log = fileLog(file, LOG_INFO);
  log.write(LOG_ERR, 'no scope');
  log.write(LOG_ERR, 'something \xff failed', scope);
  const stamp = String.raw`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] ${process.pid}#${process.pid}: `;
  assert.match(
    read('a.log'),
    new RegExp(`^${stamp}no scope\n${stamp}\\*7 something \xff failed, client: 127\\.0\\.0\\.1, server: localhost\n$`),
  );
});

test('debug lines carry no description', () => {
  const file = files.get(join(dir, 'debug.log'));
  file.open();
  fileLog(file, LOG_DEBUG).write(LOG_DEBUG, 'text', scope);
  assert.match(read('debug.log'), /\*7 text\n$/);
});

test('each target takes the lines up to its own level', () => {
  const quiet = files.get(join(dir, 'quiet.log'));
  const chatty = files.get(join(dir, 'chatty.log'));
  files.openAll();
  const log = new ErrorLog().add({ level: LOG_ERR, to: quiet }).add({ level: LOG_NOTICE, to: chatty });
  assert.equal(log.level, LOG_NOTICE);
  log.write(LOG_WARN, 'warning');
  log.write(LOG_ERR, 'trouble');
  log.write(LOG_INFO, 'nobody');
  assert.match(read('quiet.log'), /^.*trouble\n$/);
  assert.match(read('chatty.log'), /^.*warning\n.*trouble\n$/);
});

test('a long line is cut and keeps its line feed', () => {
  const file = files.get(join(dir, 'long.log'));
  file.open();
  fileLog(file).write(LOG_ERR, 'x'.repeat(10_000), scope);
  const text = read('long.log');
  assert.equal(text.length, MAX_ERROR_LINE);
  assert.ok(text.endsWith('x\n'));
});

test('reopen goes on in a new file', () => {
  const file = files.get(join(dir, 'rotate.log'));
  file.open();
  const log = fileLog(file);
  log.write(LOG_ERR, 'first');
  renameSync(join(dir, 'rotate.log'), join(dir, 'rotate.log.1'));
  log.write(LOG_ERR, 'second');
  file.reopen(log);
  log.write(LOG_ERR, 'third');
  assert.match(read('rotate.log.1'), /first\n.*second\n$/);
  assert.match(read('rotate.log'), /^[^\n]*third\n$/);
});

test('the log of error_log directives', () => {
  const made = new OpenFiles();
  const log = makeErrorLog(
    [
      { kind: 'file', path: '/x/a.log', level: LOG_ERR },
      { kind: 'stderr', level: LOG_NOTICE },
    ],
    made,
    '/x/default.log',
  );
  assert.equal(log.level, LOG_NOTICE);
  assert.deepEqual(
    log.targets.map(({ to }) => to),
    [made.get(''), made.get('/x/a.log')],
  );
  assert.equal(makeErrorLog([], made, '/x/default.log').file, made.get('/x/default.log'));
  assert.equal(makeErrorLog([], made, '').file!.fd, 2);
  assert.throws(() => makeErrorLog([{ kind: 'memory', size: 1 << 20, level: LOG_ERR }], made), /not supported/);
});

test("a file that cannot be opened gives nginx's message", () => {
  const made = new OpenFiles();
  made.get(join(dir, 'no/such/folder.log'));
  assert.throws(() => made.openAll(), {
    message: `open() "${join(dir, 'no/such/folder.log')}" failed (2: No such file or directory)`,
  });
});
