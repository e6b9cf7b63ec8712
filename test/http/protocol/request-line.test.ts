import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  PARSE_AGAIN,
  PARSE_INVALID_09_METHOD,
  PARSE_INVALID_METHOD,
  PARSE_INVALID_REQUEST,
  PARSE_INVALID_VERSION,
  PARSE_OK,
  parseRequestLine,
  RequestLine,
} from '../../../src/http/protocol/request-line.ts';
import { METHOD_CONNECT, METHOD_GET, METHOD_POST, METHOD_UNKNOWN } from '../../../src/http/request.ts';

function parse(text: string): RequestLine {
  const line = new RequestLine();
  assert.equal(parseRequestLine(text, 0, line), PARSE_OK, JSON.stringify(text));
  return line;
}

function target(text: string): string {
  const line = parse(text);
  return text.slice(line.uriStart, line.uriEnd);
}

test('an ordinary line', () => {
  const text = 'GET /a/b.html?x=1 HTTP/1.1\r\nHost: a\r\n';
  const line = parse(text);
  assert.equal(line.method, METHOD_GET);
  assert.equal(line.methodName, 'GET');
  assert.equal(text.slice(line.uriStart, line.uriEnd), '/a/b.html?x=1');
  assert.equal(text.slice(line.argsStart, line.uriEnd), 'x=1');
  assert.equal(text.slice(line.extStart, line.argsStart - 1), 'html');
  assert.equal(line.httpVersion, 1001);
  assert.equal(text.slice(line.start, line.end), 'GET /a/b.html?x=1 HTTP/1.1');
  assert.equal(text.slice(line.next), 'Host: a\r\n');
  assert.ok(!line.complexUri && !line.quotedUri && !line.plusInUri);
});

test('methods', () => {
  assert.equal(parse('POST / HTTP/1.0\r\n').method, METHOD_POST);
  assert.equal(parse('GE-T_ / HTTP/1.0\r\n').method, METHOD_UNKNOWN);
  assert.equal(parse('GE-T_ / HTTP/1.0\r\n').methodName, 'GE-T_');
});

test('line ends before and after', () => {
  const line = parse('\r\n\n\rGET   /   HTTP/1.0  \n');
  assert.equal(line.start, 4);
  assert.equal(line.httpVersion, 1000);
  assert.equal(line.end, line.next - 1, 'trailing spaces belong to the line');
});

test('HTTP/0.9', () => {
  assert.equal(parse('GET /\r\n').httpVersion, 9);
  assert.equal(parse('GET /  \n').httpVersion, 9);
  assert.equal(parseRequestLine('POST /\r\n', 0, new RequestLine()), PARSE_INVALID_09_METHOD);
});

test('absolute targets', () => {
  const text = 'GET http://Ex-a.com:80/p?q HTTP/1.1\r\n';
  const line = parse(text);
  assert.equal(text.slice(line.schemeStart, line.schemeEnd), 'http');
  assert.equal(text.slice(line.hostStart, line.hostEnd), 'Ex-a.com:80');
  assert.equal(text.slice(line.uriStart, line.uriEnd), '/p?q');
  assert.equal(target('GET http://a HTTP/1.1\r\n'), '/');
  assert.equal(target('GET http://[::1]:8080 HTTP/1.1\r\n'), '/');
  assert.equal(target('GET http://a?x HTTP/1.1\r\n'), '?x');
  assert.ok(parse('GET http://a?x HTTP/1.1\r\n').emptyPathInUri);
});

test('CONNECT', () => {
  const text = 'CONNECT a.com:443 HTTP/1.1\r\n';
  const line = parse(text);
  assert.equal(line.method, METHOD_CONNECT);
  assert.equal(text.slice(line.uriStart, line.uriEnd), '/');
  assert.equal(text.slice(line.hostStart, line.hostEnd), 'a.com:443');
});

test('flags of the target', () => {
  for (const [uri, complex, quoted, plus] of [
    ['/a//b', true, false, false],
    ['//a', true, false, false],
    ['/.a', true, false, false],
    ['/a/../b', true, false, false],
    ['/a.b/c', false, false, false],
    ['/a#b', true, false, false],
    ['/a%20', false, true, false],
    ['/a+b', false, false, true],
    ['/a?b+c', false, false, false],
    ['/a?b#c', true, false, false],
  ] as const) {
    const line = parse(`GET ${uri} HTTP/1.1\r\n`);
    assert.deepEqual([line.complexUri, line.quotedUri, line.plusInUri], [complex, quoted, plus], uri);
  }
});

test('what is refused', () => {
  for (const [text, code] of [
    ['get / HTTP/1.1\r\n', PARSE_INVALID_METHOD],
    [' GET / HTTP/1.1\r\n', PARSE_INVALID_METHOD],
    ['GET\t/ HTTP/1.1\r\n', PARSE_INVALID_METHOD],
    ['\x16\x03\x01', PARSE_INVALID_METHOD],
    ['GET * HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['OPTIONS * HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['GET /a b HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['GET /a\x01', PARSE_INVALID_REQUEST],
    ['GET /a\x7f', PARSE_INVALID_REQUEST],
    ['GET /a?\t', PARSE_INVALID_REQUEST],
    ['GET / HTTP/1.1\rX', PARSE_INVALID_REQUEST],
    ['GET / HTTP/1.x', PARSE_INVALID_REQUEST],
    ['GET / HTTP/0.9\r\n', PARSE_INVALID_REQUEST],
    ['GET / HTTP/2', PARSE_INVALID_VERSION],
    ['GET / HTTP/10.0', PARSE_INVALID_VERSION],
    ['GET / HTTP/1.1000', PARSE_INVALID_REQUEST],
    ['GET / HTTPS/1.1', PARSE_INVALID_REQUEST],
    ['GET http:/a/ HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['GET http://a_b/ HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['GET http://[::1/ HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['GET http://a:b/ HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['CONNECT a.com HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['CONNECT a.com:/ HTTP/1.1\r\n', PARSE_INVALID_REQUEST],
    ['CONNECT a.com:443 \r\n', PARSE_INVALID_09_METHOD],
  ] as const) {
    assert.equal(parseRequestLine(text, 0, new RequestLine()), code, JSON.stringify(text));
  }
});

test('every prefix of a good line asks for more', () => {
  for (const text of [
    'GET /a/b.html?x=1 HTTP/1.1\r\n',
    'POST http://[::1]:80/a?b HTTP/1.0 \r\n',
    'CONNECT a:1 HTTP/1.1\r\n',
    '\r\nGET /%41//b#c\r\n',
  ]) {
    for (let i = 0; i < text.length; i++) {
      assert.equal(
        parseRequestLine(text.slice(0, i), 0, new RequestLine()),
        PARSE_AGAIN,
        JSON.stringify(text.slice(0, i)),
      );
    }
    assert.equal(parseRequestLine(text, 0, new RequestLine()), PARSE_OK);
  }
});
