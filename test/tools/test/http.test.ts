import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Block } from '../../../src/tools/test/block.ts';
import { diff } from '../../../src/tools/test/diff.ts';
import { slopeOf } from '../../../src/tools/test/leak.ts';
import { PerlArray, PerlHash, type Value } from '../../../src/tools/test/perl/values.ts';
import { exchangesOf } from '../../../src/tools/test/request.ts';
import { field, parseResponse } from '../../../src/tools/test/response.ts';

function exchanges(sections: Record<string, Value>) {
  const block = new Block('a.t', 1, 1, 'x');
  for (const [name, value] of Object.entries(sections)) block.set(name, [value]);
  return exchangesOf(block, 'localhost', (one) => one.replaceAll('$PORT', '81'));
}
const packets = (sections: Record<string, Value>) =>
  exchanges(sections).map((one) => one.packets.map(({ data }) => data));
const list = (...values: Value[]) => new PerlArray(values);

test('a request line becomes a request', () => {
  assert.deepEqual(packets({ request: '  GET /a?b\n' }), [
    ['GET /a?b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
  ]);
  assert.deepEqual(packets({ request: '# why\nGET / HTTP/1.0\n', more_headers: 'Host: a\nConnection: b\nX: 1\n' }), [
    ['GET / HTTP/1.0\r\nHost: a\r\nConnection: b\r\nX: 1\r\n\r\n'],
  ]);
  assert.throws(() => packets({ request: 'GET /a b c\n' }), /Request line is not valid/);
  assert.throws(() => packets({}), /request empty/);
});

test('bodies are trimmed and measured, unless fields say how long they are', () => {
  assert.deepEqual(packets({ request: 'POST /\na\nb\n' }), [
    ['POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\na\nb'],
  ]);
  assert.deepEqual(packets({ request: 'POST /\n1\r\na\r\n0\r\n\r\n', more_headers: 'Transfer-Encoding: chunked\n' }), [
    [
      'POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    ],
  ]);
});

test('several requests: apart, pipelined, raw, in packets with delays', () => {
  assert.equal(packets({ request: list('GET /a', 'GET /b') }).length, 2);
  const [[pipelined] = []] = packets({ pipelined_requests: list('GET /$PORT', 'GET /b') });
  assert.deepEqual(pipelined?.match(/(?:GET|Connection:) \S+/g), [
    'GET /81',
    'Connection: keep-alive',
    'GET /b',
    'Connection: close',
  ]);
  assert.deepEqual(packets({ raw_request: list('GET /', ' HTTP/1.0\r\n\r\n') }), [['GET /', ' HTTP/1.0\r\n\r\n']]);
  const late = new PerlHash();
  late.set('value', 'lo');
  late.set('delay_before', 0.5);
  const [exchange] = exchanges({ request: list(list('POST /\nhel', late)) });
  assert.deepEqual(
    exchange!.packets.map(({ delay }) => delay),
    [undefined, 0.5],
  );
  assert.match(exchange!.packets[0]!.data, /Content-Length: 5\r\n\r\nhel$/);
  assert.equal(exchange!.packets[1]!.data, 'lo');
});

test('responses by length, in chunks, to the end of the connection', () => {
  const length = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX_Y: 1\r\nx-y:  2\r\n\r\nab';
  const chunked = 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n';
  const first = parseResponse(length + chunked, false);
  assert.equal(first.response!.status, '200');
  assert.equal(first.response!.body, 'ab');
  assert.equal(field(first.response!, 'x-Y'), '1,  2');
  assert.equal(first.left, chunked);
  const second = parseResponse(first.left!, false);
  assert.deepEqual([second.response!.status, second.response!.body, second.left], ['404', 'abc', undefined]);
  assert.equal(parseResponse('HTTP/1.0 200 OK\r\nA: 1\r\n\r\nabc', false).response!.body, 'abc');
  assert.equal(parseResponse('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', true).warning, '');
});

test('what is no response has no status; cut ones are told', () => {
  assert.equal(parseResponse('', false).response!.status, '');
  assert.equal(parseResponse('plain', false).response!.status, '');
  assert.match(
    parseResponse('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab', false).warning,
    /truncated: 3 expected, but got 2/,
  );
  const cut = (body: string) => parseResponse(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`, false);
  assert.match(cut('1\r\na\r\n').fault, /no last chunk found/);
  assert.match(cut('x\r\n').fault, /invalid chunked body received/);
  assert.equal(cut('x\r\n').response, undefined);
});

test('differences line by line', () => {
  assert.equal(diff('a\nb\nc\n', 'a\nx\nc\n'), '  a\n- b\n+ x\n  c');
  assert.equal(diff('a\n', 'a'), '  a\n+ (no line end)');
  assert.equal(diff('1\n2\n3\n4\n5\n', '1\n2\n3\n4\n6\n'), '  ...\n  2\n  3\n  4\n- 5\n+ 6');
  assert.equal(diff('a\r\n', 'a\n'), '- a\\r\n+ a');
});

test('the growth of memory is the slope of the samples', () => {
  assert.equal(slopeOf([10, 20, 30]), 10);
  assert.equal(slopeOf([5, 5, 5, 5]), 0);
  assert.equal(slopeOf([1]), 0);
});
