import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderLine, parseHeaderLine, prepareHeaderLines } from '../../../src/http/protocol/header-line.ts';
import { FIELD_HOST, headerName as find, type HeaderName } from '../../../src/http/protocol/header-names.ts';
import {
  PARSE_AGAIN,
  PARSE_HEADER_DONE,
  PARSE_INVALID_HEADER,
  PARSE_OK,
} from '../../../src/http/protocol/request-line.ts';

const headerName = (name: string): HeaderName | undefined => find(name, 0, name.length);

function parse(text: string): [code: number, line: HeaderLine] {
  const line = new HeaderLine();
  prepareHeaderLines(text, 0, line);
  return [parseHeaderLine(text, 0, line), line];
}

function field(text: string): [string, string] {
  const [code, line] = parse(text);
  assert.equal(code, PARSE_OK, JSON.stringify(text));
  assert.equal(line.next, text.indexOf('\n') + 1);
  return [line.name.name, line.value];
}

test('fields', () => {
  for (const [text, name, value] of [
    ['Host: a\r\n', 'Host', 'a'],
    ['Host:a\n', 'Host', 'a'],
    ['X:   a b  \r\n', 'X', 'a b'],
    ['X:\r\n', 'X', ''],
    ['X:   \r\n', 'X', ''],
    ['X: a:b\r\n', 'X', 'a:b'],
    ['X: \ta\t\r\n', 'X', '\ta\t'],
    ['X: a\r\r\n', 'X', 'a'],
    ['X\r\n', 'X', ''],
    ['X\n', 'X', ''],
    ['X: \x01\x7f\xff\r\n', 'X', '\x01\x7f\xff'],
  ] as const) {
    assert.deepEqual(field(text), [name, value]);
  }
});

test('the end of the header', () => {
  assert.equal(parse('\r\n')[0], PARSE_HEADER_DONE);
  assert.equal(parse('\nX')[1].next, 1);
  assert.equal(parse('\r')[0], PARSE_AGAIN);
  assert.equal(parse('\rX')[0], PARSE_INVALID_HEADER);
});

test('what ends the connection', () => {
  for (const [text, badAt] of [
    [' folded\r\n', 0],
    ['\tfolded\r\n', 0],
    [': x\r\n', 0],
    ['A B: x\r\n', 1],
    ['A\x7f: x\r\n', 1],
    ['A : x\r\n', 1],
    ['A\x00', 1],
    ['A: b\x00', 4],
    ['A: b  \rc\r\n', 4],
    ['A\rB: c\r\n', 1],
  ] as const) {
    const [code, line] = parse(text);
    assert.equal(code, PARSE_INVALID_HEADER, JSON.stringify(text));
    assert.equal(line.badAt, badAt, JSON.stringify(text));
  }
});

test('a NUL behind the line does not matter to it', () => {
  assert.equal(parse('A: b\r\nC: \x00')[0], PARSE_OK);
});

test('every prefix of a good line asks for more', () => {
  const text = 'X-Name:  some value  \r\r\n';
  for (let i = 0; i < text.length; i++) assert.equal(parse(text.slice(0, i))[0], PARSE_AGAIN);
});

test('names', () => {
  assert.equal(headerName('hOsT')!.kind, FIELD_HOST);
  assert.equal(headerName('X_Y')!.underscore, true);
  assert.equal(headerName('X@Y')!.odd, true);
  assert.equal(headerName('X\xc9')!.key, 'x\xc9', 'only ASCII has case');
  assert.equal(headerName('X Y'), undefined);
  assert.equal(headerName(''), undefined);
});
