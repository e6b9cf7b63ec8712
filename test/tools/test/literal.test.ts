import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Regex } from '../../../src/regex/regex.ts';
import { readLiteral } from '../../../src/tools/test/literal.ts';

test('strings and their escapes', () => {
  assert.equal(readLiteral(String.raw`"a\r\n\t\0\x41\x{263a}\"\\\$x\@y"`), 'a\r\n\t\0A\xe2\x98\xba"\\$x@y');
  assert.equal(readLiteral(String.raw`'a\n\'b\\'`), String.raw`a\n'b` + '\\');
  assert.equal(readLiteral('q{a{b}c}'), 'a{b}c');
  assert.equal(readLiteral('qq(a\\n(b))'), 'a\n(b)');
  assert.equal(readLiteral('"port $ServerPort, $TEST_NGINX_HTML_DIR"'), 'port $ServerPort, $TEST_NGINX_HTML_DIR');
});

test('joined, repeated, in parentheses, with comments', () => {
  assert.equal(readLiteral('"a" . ("b" x 3) . "c"'), 'abbbc');
  assert.equal(readLiteral('"POST /t\\n" . "x" x 2'), 'POST /t\nxx');
  assert.equal(readLiteral('"a" # first\n. "b";\n'), 'ab');
  assert.equal(readLiteral('200'), '200');
});

test('lists', () => {
  assert.deepEqual(readLiteral("['a', \"b\\n\",\n['c'], ]"), ['a', 'b\n', ['c']]);
  assert.deepEqual(readLiteral('[]'), []);
});

test('patterns are those of Perl', () => {
  const regex = readLiteral('qr{^a.b$}ms');
  assert.ok(regex instanceof Regex);
  assert.ok(regex.match('x\na\nb\ny') >= 0);
  assert.ok((readLiteral('qr/ABC/i') as Regex).match('xabcx') >= 0);
  assert.ok((readLiteral('qr/A.C/') as Regex).match('A\nC') < 0);
});

test('what is no literal is refused, not run', () => {
  for (const text of ['`date`', 'foo', 'do { 1 }', '"a" + "b"', '"a', '"$x"', '["a" "b"]', '"a" . [1]', '']) {
    assert.throws(() => readLiteral(text), Error, text);
  }
});
