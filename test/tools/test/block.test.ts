import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpec } from '../../../src/tools/test/block.ts';

const parse = (text: string) => parseSpec('a.t', text);
const only = (text: string, section: string) => parse(`=== x\n${text}`)[0]?.sections.get(section);

test('blocks, their lines and sections; what stands before __DATA__ is not ours', () => {
  const blocks = parse(
    'use Test::Nginx::Socket;\n=== no block\n__DATA__\n\n=== TEST 1: one\nwords about it\n--- config\na;\n\nb;\n\n--- request\nGET /\n=== TEST 2: two\n--- config\n',
  );
  assert.deepEqual(
    blocks.map(({ name, line, number }) => [name, line, number]),
    [
      ['TEST 1: one', 5, 1],
      ['TEST 2: two', 14, 2],
    ],
  );
  assert.deepEqual(
    [...blocks[0]!.sections],
    [
      ['config', 'a;\n\nb;\n'],
      ['request', 'GET /\n'],
    ],
  );
  assert.equal(blocks[1]!.sections.get('config'), '');
});

test('values on the line itself', () => {
  assert.equal(only('--- error_code: 404\n', 'error_code'), '404');
  assert.equal(only('--- response_body chomp: a: b\n', 'response_body'), 'a: b');
  assert.throws(() => only('--- error_code: 404\nmore\n', 'error_code'), /a\.t:3: extra lines in "error_code"/);
});

test('every section loses blank lines at its ends, unless it says -trim', () => {
  assert.equal(only('--- response_body\n\n  \n a\n\n b\n\n\n', 'response_body'), ' a\n\n b\n');
  assert.equal(only('--- response_body -trim\n\na\n\n', 'response_body'), '\na\n\n');
});

test('filters', () => {
  assert.equal(only('--- response_body chomp\nab\n', 'response_body'), 'ab');
  assert.equal(only('--- response_body chop\nab\n', 'response_body'), 'ab');
  assert.equal(only('--- response_body chop chop\nab\n', 'response_body'), 'a');
  assert.deepEqual(only('--- error_log lines\na\nb\n', 'error_log'), ['a\n', 'b\n']);
  assert.deepEqual(only('--- request eval\n["GET /a", "GET /b"]\n', 'request'), ['GET /a', 'GET /b']);
  assert.throws(() => only('--- request base64\n', 'request'), /filter "base64" is not supported/);
});

test('ONLY, SKIP and LAST choose blocks', () => {
  const names = (text: string) => parse(text).map(({ name }) => name);
  assert.deepEqual(names('=== a\n=== b\n--- ONLY\n=== c\n'), ['b']);
  assert.deepEqual(names('=== a\n--- SKIP: why\n=== b\n'), ['b']);
  assert.deepEqual(names('=== a\n=== b\n--- LAST\n=== c\n'), ['a', 'b']);
});

test('mistakes are told with their place', () => {
  assert.throws(
    () => parse('=== x\n--- config\n--- respnse_body\n'),
    /a\.t:3: section "respnse_body" is not supported/,
  );
  assert.throws(() => parse('=== x\n--- config\n--- config\n'), /a\.t:3: section "config" is duplicate/);
  assert.throws(() => parse('=== x\n\n--- request eval\nfoo()\n'), /a\.t:3: section "request": not a literal: foo\(\)/);
  assert.throws(() => parse('--- config\n'), /no blocks/);
});
