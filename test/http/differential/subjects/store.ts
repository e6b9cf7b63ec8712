/** proxy_store: what becomes a file, and what does not. */
import { ABORT, ALSO, type Case, CLOSE, WAIT } from '../case.ts';
import { bytes, chunked, get, head, ok, request } from './make.ts';

const MODIFIED = 'Last-Modified: Tue, 15 Nov 1994 12:45:26 GMT';
/** Of files made just now. */
const FRESH: Case['mask'] = [
  [/Last-Modified: (?!Tue, 15 Nov 1994).*/g, 'Last-Modified: now'],
  [/ETag: .*/g, 'ETag: x'],
  // Both write it, to a folder of their own.
  [/\/tmp\/\S*\/proxy\/\d+/, 'TEMP'],
];

/** A request whose response may be stored, and one for the file. */
function stored(
  name: string,
  answer: string | Case['backend'],
  conf = 'proxy_store on;',
  more: Partial<Case> = {},
): Case {
  return {
    name: `store: ${name}`,
    conf: `location / { proxy_pass http://%B1%; ${conf} }
      location /stored/ { alias %DIR%/; log_not_found off; }`,
    backend: typeof answer === 'string' ? [answer] : answer,
    send: [get('/a'), WAIT, get('/stored/a'), WAIT],
    mask: FRESH,
    ...more,
  };
}

export const store: readonly Case[] = [
  stored('on', ok('hello', MODIFIED)),
  stored('without a date', ok('hello')),
  stored('a bad date', ok('hello', 'Last-Modified: yesterday')),
  stored('off', ok('hello'), 'proxy_store off;'),
  stored('a path', ok('hello', MODIFIED), 'proxy_store %DIR%$uri;'),
  stored('a path of its own', ok('hello', MODIFIED), 'proxy_store %DIR%/x/y$uri;', {
    send: [get('/a'), WAIT, get('/stored/x/y/a'), WAIT],
  }),
  stored('an empty path', ok('hello'), 'set $none ""; proxy_store $none;', {
    newer: { because: 'an empty path is looked for', log: [] },
  }),
  stored('nothing', ok('', MODIFIED)),
  stored('to the end', [[`${head('200 OK', MODIFIED)}hello`, CLOSE]]),
  stored(
    'chunks',
    `${head('200 OK', 'Transfer-Encoding: chunked', MODIFIED)}${chunked('he', 'llo')}`,
    'proxy_store on; proxy_http_version 1.1;',
  ),
  stored('large', ok(bytes(300_000), MODIFIED)),
  stored('cut', [[`${head('200 OK', 'Content-Length: 10')}hello`, CLOSE]], undefined, {
    send: [get('/a'), WAIT, ALSO, get('/stored/a'), WAIT],
  }),
  stored('too much', [[`${head('200 OK', 'Content-Length: 3', MODIFIED)}hello`, CLOSE]]),
  stored('another status', head('201 Created', 'Content-Length: 5') + 'hello'),
  stored('404', head('404 No', 'Content-Length: 5') + 'hello'),
  stored('unbuffered', ok('hello'), 'proxy_store on; proxy_buffering off;'),
  stored('X-Accel-Buffering', ok('hello', 'X-Accel-Buffering: no')),
  stored('a HEAD', ok('hello'), undefined, { send: [request('HEAD', '/a'), WAIT, get('/stored/a'), WAIT] }),
  stored('a HEAD without a length', head('200 OK', 'Connection: close', MODIFIED), undefined, {
    backend: [[head('200 OK', MODIFIED), CLOSE]],
    send: [request('HEAD', '/a'), WAIT, get('/stored/a'), WAIT],
  }),
  stored('a client that goes', [[head('200 OK', 'Content-Length: 10', MODIFIED), 'hello', 150, 'world']], undefined, {
    send: [get('/a'), { until: 'hello' }, ABORT, ALSO, 300, get('/stored/a'), WAIT],
  }),
  stored('a client that goes early', [[150, ok('helloworld', MODIFIED)]], undefined, {
    send: [get('/a'), { seen: '/a' }, ABORT, ALSO, 300, get('/stored/a'), WAIT],
    ours: { because: 'the reset is known before anything is written', log: [] },
  }),
  stored('again', [ok('one', MODIFIED), ok('two', MODIFIED)], undefined, {
    send: [get('/a'), WAIT, get('/a'), WAIT, get('/stored/a'), WAIT],
  }),
  stored('a folder in the way', ok('hello', MODIFIED), 'proxy_store %DIR%/d;', { files: { 'd/b': 'b' } }),
  stored('a file in the way', ok('hello', MODIFIED), 'proxy_store %DIR%/b/c;', {
    files: { b: 'b' },
    send: [get('/a'), WAIT, get('/stored/b'), WAIT],
  }),
  stored('as an alias says', ok('hello', MODIFIED), 'proxy_store on; alias %DIR%/z/;', {
    send: [get('/a'), WAIT, get('/stored/z/a'), WAIT],
  }),
  stored('when it is not there', ok('hello', MODIFIED), '', {
    conf: `location / { error_page 404 = @fetch; log_not_found off; }
      location @fetch { proxy_pass http://%B1%; proxy_store on; }`,
    send: [get('/a'), WAIT, get('/a'), WAIT],
  }),
  stored('with gzip', ok(bytes(100), MODIFIED), 'proxy_store on; gzip on; gzip_types *;', {
    send: [get('/a', 'Accept-Encoding: gzip'), WAIT, get('/stored/a'), WAIT],
  }),
];
