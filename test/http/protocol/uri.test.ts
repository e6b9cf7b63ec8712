import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PARSE_OK, parseRequestLine, RequestLine } from '../../../src/http/protocol/request-line.ts';
import { setRequestUri } from '../../../src/http/protocol/uri.ts';
import { HttpRequest } from '../../../src/http/request.ts';

function request(uri: string, mergeSlashes = true): HttpRequest | undefined {
  const text = `GET ${uri} HTTP/1.1\r\n`;
  const line = new RequestLine();
  assert.equal(parseRequestLine(text, 0, line), PARSE_OK, uri);
  const r = new HttpRequest(undefined as never, { modules: [] } as never, [], [], []);
  return setRequestUri(r, text, line, mergeSlashes) ? r : undefined;
}

function uri(text: string, mergeSlashes = true): string | undefined {
  return request(text, mergeSlashes)?.uri;
}

test('plain targets', () => {
  const r = request('/a/b.c.HTML?x=/../%41#')!;
  // The fragment makes it complex, and is cut.
  assert.equal(r.uri, '/a/b.c.HTML');
  assert.equal(r.exten, 'HTML');
  assert.equal(r.args, 'x=/../%41');
  assert.equal(r.unparsedUri, '/a/b.c.HTML?x=/../%41#');
  assert.equal(request('/a.b/c')!.exten, '');
  assert.equal(request('/a?')!.args, '');
  assert.equal(request('/a.b?c.d')!.exten, 'b');
});

test('dots and slashes', () => {
  for (const [from, to] of [
    ['//a', '/a'],
    ['/a//b///c', '/a/b/c'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/.', '/a/'],
    ['/a/..b', '/a/..b'],
    ['/a/...', '/a/...'],
    ['/a/.../b', '/a/.../b'],
    ['/.a', '/.a'],
    ['/a/%2e%2E/b', '/b'],
    ['/a%2Fb/../c', '/a/c'],
    ['/a/..?x', '/'],
    ['/a/.#x', '/a/'],
    ['/..', undefined],
    ['/a/../..', undefined],
    ['/../a', undefined],
    ['/%2e%2e/', undefined],
  ] as const) {
    assert.equal(uri(from), to, from);
  }
  assert.equal(uri('/a//b', false), '/a//b');
  assert.equal(uri('/a//../b', false), '/a/b');
});

test('%XX', () => {
  for (const [from, to] of [
    ['/%41%7e', '/A~'],
    ['/%ff', '/\xff'],
    ['/a%3Fb', '/a?b'],
    ['/a%23b', '/a#b'],
    ['/a%252e', '/a%2e'],
    ['/%00', undefined],
    ['/%', undefined],
    ['/%4', undefined],
    ['/%4g', undefined],
    ['/%g4', undefined],
  ] as const) {
    assert.equal(uri(from), to, from);
  }
  assert.equal(request('/a?%zz')!.args, '%zz');
  assert.ok(request('/a%2Bb')!.plusInUri);
});

test('extension of a normalised path', () => {
  assert.equal(request('/a%20.txt')!.exten, 'txt');
  assert.equal(request('//a.b/c')!.exten, '');
  assert.equal(request('/.htaccess')!.exten, '');
  assert.equal(request('//a.tar.gz')!.exten, 'gz');
});

test('an absolute target without a path', () => {
  const r = request('http://a?x=1')!;
  assert.equal(r.uri, '/');
  assert.equal(r.args, 'x=1');
  assert.equal(r.unparsedUri, '?x=1');
  assert.ok(!r.validUnparsedUri);
  assert.equal(request('http://a')!.uri, '/');
});

test('a long target', () => {
  const long = `/${'a'.repeat(5000)}%20`;
  assert.equal(uri(long), `/${'a'.repeat(5000)} `);
});
