import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseBlocks, readSource } from '../../../src/tools/test/block.ts';
import { type PerlArray, PerlRegex } from '../../../src/tools/test/perl/values.ts';
import { loadTestFile } from '../../../src/tools/test/test-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'blocks-'));
after(() => rmSync(folder, { recursive: true }));
const executable = {
  command: ['x'],
  loadModules: [],
  nginxVersion: 1.027,
  opensslVersion: 3,
  pcreVersion: 2,
  temporary: [],
};

function load(source: string) {
  const file = join(folder, 'a.t');
  writeFileSync(file, source);
  return loadTestFile(file, { port: 1984, root: '/r' }, executable, {});
}
const blockOf = (sections: string) => load(`=== x\n${sections}`).blocks[0]!;
const names = (source: string) => parseBlocks('a.t', readSource(source)).map(({ title }) => title);

test('blocks, their lines and sections; what stands before __DATA__ is Perl', () => {
  const { blocks } = load(
    'use Test::Nginx::Socket;\nrun_tests();\n__DATA__\n\n=== TEST 1: one\nwords about it\n--- config\na;\n\nb;\n\n--- request\nGET /\n=== TEST 2: two\n--- config\n',
  );
  assert.deepEqual(
    blocks.map(({ title, line, number }) => [title, line, number]),
    [
      ['TEST 1: one', 5, 1],
      ['TEST 2: two', 14, 2],
    ],
  );
  assert.equal(blocks[0]!.get('config'), 'a;\n\nb;\n');
  assert.equal(blocks[1]!.get('config'), '');
  assert.equal(blocks[1]!.get('request'), undefined);
});

test('values on the line itself', () => {
  assert.equal(blockOf('--- error_code: 404\n').get('error_code'), '404');
  assert.equal(blockOf('--- response_body chomp: a: b\n').get('response_body'), 'a: b');
  assert.throws(
    () => blockOf('--- error_code: 404\nmore\n'),
    /a\.t:3: Extra lines not allowed in 'error_code' section/,
  );
});

test('every section loses blank lines at its ends, unless it says -trim', () => {
  assert.equal(blockOf('--- response_body\n\n  \n a\n\n b\n\n\n').get('response_body'), ' a\n\n b\n');
  assert.equal(blockOf('--- response_body -trim\n\na\n\n').get('response_body'), '\na\n\n');
});

test('filters, own functions among them', () => {
  const value = (filters: string, body = 'ab\n') => blockOf(`--- s ${filters}\n${body}`).get('s');
  assert.equal(value('chomp'), 'ab');
  assert.equal(value('chop chop'), 'a');
  assert.equal(value('eval', '"a\\n" . "b" x 2'), 'a\nbb');
  assert.ok(value('eval', 'qr/a/') instanceof PerlRegex);
  assert.deepEqual((value('eval', '["GET /a", "GET /b"]') as PerlArray).values, ['GET /a', 'GET /b']);
  assert.deepEqual((value('lines array', 'a\nb\n') as PerlArray).values, ['a\n', 'b\n']);
  assert.throws(() => value('unheard_of'), /a\.t:2: Can't find a function or method for 'unheard_of' filter/);
  const own = load('run_tests(); sub shout { uc($_[0]) . "!" }\n__DATA__\n=== x\n--- s chomp shout\nab\n');
  assert.equal(own.blocks[0]!.get('s'), 'AB!');
});

test('ONLY, SKIP and LAST choose blocks', () => {
  assert.deepEqual(names('=== a\n=== b\n--- ONLY\n=== c\n'), ['b']);
  assert.deepEqual(names('=== a\n--- SKIP: why\n=== b\n'), ['b']);
  assert.deepEqual(names('=== a\n=== b\n--- LAST\n=== c\n'), ['a', 'b']);
});

test('what the Perl of a file sets: settings, variables for sections, preprocessors', () => {
  const test = load(`use Test::Nginx::Socket::Lua;
repeat_each(2); workers(3); master_on(); log_level('warn'); no_root_location(); env_to_nginx("A=b");
plan tests => repeat_each() * (blocks() * 3 - 1);
our $HtmlDir = html_dir;
add_block_preprocessor(sub {
    my $block = shift;
    if (!defined $block->request) { $block->set_value("request", "GET /t"); }
});
run_tests();
__DATA__
=== a
--- config eval
"root $::HtmlDir;"
=== b
--- request
GET /b
`);
  const { settings, blocks } = test;
  assert.deepEqual(settings.plan, { kind: 'tests', count: 10 });
  assert.deepEqual(
    [settings.repeatEach, settings.workers, settings.master, settings.logLevel, settings.noRootLocation],
    [2, 3, true, 'warn', true],
  );
  assert.deepEqual(settings.envToNginx, ['A=b']);
  assert.equal(blocks[0]!.get('config'), 'root /r/html;');
  assert.deepEqual(
    blocks.map((block) => block.get('request')),
    ['GET /t', 'GET /b\n'],
  );
});

test('a plan to skip everything ends the file', () => {
  const { settings, blocks } = load(
    "use Test::Nginx::Socket skip_all => 'not here';\nrun_tests();\ndie 'never';\n__DATA__\n=== a\n",
  );
  assert.deepEqual(settings.plan, { kind: 'skip_all', reason: 'not here' });
  assert.equal(blocks.length, 0);
});

test('stream sections become a stream server and a location that asks it', () => {
  const { blocks } = load(
    'use Test::Nginx::Socket::Lua::Stream;\nrun_tests();\n__DATA__\n=== a\n--- stream_server_config\nreturn hi;\n--- stream_request chomp\nping\n--- stream_response\nhi\n',
  );
  const block = blocks[0]!;
  assert.match(String(block.get('main_config')), /stream \{[\s\S]*listen 1985 ;[\s\S]*return hi;/);
  assert.match(String(block.get('config')), /connect\("127\.0\.0\.1", 1985\)[\s\S]*sock:send\("ping"\)/);
  assert.equal(block.get('response_body'), 'hi\n');
  assert.equal(block.get('request'), 'GET /t\n');
});
