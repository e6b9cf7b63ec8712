import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpec } from '../../../src/tools/test/block.ts';
import { diff } from '../../../src/tools/test/diff.ts';
import { exchangesOf } from '../../../src/tools/test/request.ts';
import { readResponses } from '../../../src/tools/test/response.ts';

function packets(text: string): (readonly string[])[] {
  const [block] = parseSpec('a.t', `=== x\n${text}`);
  return exchangesOf(block!, (one) => one.replaceAll('$PORT', '81')).map((exchange) => exchange.packets);
}

test('a request line becomes a request', () => {
  assert.deepEqual(packets('--- request\nGET /a?b\n'), [
    ['GET /a?b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
  ]);
  assert.deepEqual(packets('--- request\nGET /$PORT HTTP/1.0\n--- more_headers\nHost: a\nConnection: b\nX: $PORT\n'), [
    ['GET /81 HTTP/1.0\r\nHost: a\r\nConnection: b\r\nX: 81\r\n\r\n'],
  ]);
  assert.throws(() => packets('--- request\nGET /a b c\n'), /bad request line "GET \/a b c"/);
});

test('bodies are trimmed and measured, unless fields say how long they are', () => {
  assert.deepEqual(packets('--- request\nPOST /\na\nb\n'), [
    ['POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\na\nb'],
  ]);
  assert.deepEqual(
    packets('--- request eval\n"POST /\\n1\\r\\na\\r\\n0\\r\\n\\r\\n"\n--- more_headers\nTransfer-Encoding: chunked\n'),
    [
      [
        'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n',
      ],
    ],
  );
});

test('several requests: apart, pipelined, raw', () => {
  assert.equal(packets('--- request eval\n["GET /a", "GET /b"]\n').length, 2);
  const [[pipelined] = []] = packets('--- pipelined_requests eval\n["GET /a", "GET /b"]\n');
  assert.deepEqual(pipelined?.match(/(?:GET|Connection:) \S+/g), [
    'GET /a',
    'Connection: keep-alive',
    'GET /b',
    'Connection: close',
  ]);
  assert.deepEqual(packets('--- raw_request eval\n["GET /", " HTTP/1.0\\r\\n\\r\\n"]\n'), [
    ['GET /', ' HTTP/1.0\r\n\r\n'],
  ]);
});

test('responses by length, in chunks, to the end of the connection', () => {
  const length = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab';
  const chunked = 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n';
  const both = readResponses(length + chunked, ['GET', 'GET'], false);
  assert.equal(both.fault, undefined);
  assert.deepEqual(
    both.list.map(({ status, body }) => [status, body]),
    [
      [200, 'ab'],
      [404, 'abc'],
    ],
  );
  assert.deepEqual(readResponses('HTTP/1.0 200 OK\r\nA: 1\r\n\r\nabc', ['GET'], true).list[0]?.body, 'abc');
  assert.deepEqual(readResponses('plain', ['GET'], true).list[0], { status: 0, head: '', fields: [], body: 'plain' });
  assert.equal(readResponses('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', ['HEAD'], false).fault, undefined);
  assert.equal(readResponses(`HTTP/1.1 100 Continue\r\n\r\n${length}`, ['POST'], false).list[0]?.status, 200);
});

test('responses that are cut short are faults', () => {
  const fault = (data: string, closed: boolean) => readResponses(data, ['GET'], closed).fault;
  assert.equal(fault('', true), 'connection closed without a response');
  assert.equal(fault('', false), 'no response in time');
  assert.equal(fault('HTTP/1.1 200 OK\r\nA: b', true), 'response header not at its end');
  assert.equal(fault('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab', true), 'response body of 2 bytes instead of 3');
  assert.equal(
    fault('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n', true),
    'chunked response not at its end',
  );
  assert.equal(fault('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', true), 'bad chunk size "x"');
});

test('differences line by line', () => {
  assert.equal(diff('a\nb\nc\n', 'a\nx\nc\n'), '  a\n- b\n+ x\n  c');
  assert.equal(diff('a\n', 'a'), '  a\n+ (no line end)');
  assert.equal(diff('1\n2\n3\n4\n5\n', '1\n2\n3\n4\n6\n'), '  ...\n  2\n  3\n  4\n- 5\n+ 6');
  assert.equal(diff('a\r\n', 'a\n'), '- a\\r\n+ a');
});
