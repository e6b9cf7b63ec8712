/** How responses get to clients: slow ones, rates, buffers, files, ranges, pools of connections, tunnels. */
import { ABORT, ALSO, type Case, CLOSE, ECHO, FIN, NEXT, RESET, RESUME, type Script, STOP, WAIT } from '../case.ts';
import { bytes, chunked, get, head, ok, post, request } from './make.ts';

const one = (name: string, backend: Script, conf: string, more: Partial<Case> = {}): Case => ({
  name,
  conf: `location / { proxy_pass http://%B1%; ${conf} }`,
  send: get(),
  backend: [backend],
  ...more,
});
const MEGABYTES = ok(bytes(3_000_000));
/** A client that does not read for a while. */
const SLOW: Case['send'] = [STOP, get(), 300, RESUME, WAIT];
const range = (name: string, value: string, conf = '', ...lines: string[]): Case =>
  one(`Range: ${name}`, ok('0123456789', 'Accept-Ranges: bytes', ...lines), conf, {
    send: get('/', `Range: ${value}`),
  });

const pool = (
  name: string,
  keepalive: string,
  send: Case['send'],
  backend: readonly Script[] | Readonly<Record<string, readonly Script[]>> = [ok('a')],
  conf = '',
  servers = 'server %B1%;',
): Case => ({
  name: `pool: ${name}`,
  http: `upstream u%ID% { ${servers} ${keepalive} }`,
  conf: `location / { proxy_pass http://u%ID%; proxy_http_version 1.1; proxy_set_header Connection ""; ${conf} }`,
  send,
  backend,
});
const times = (count: number): Case['send'] =>
  Array.from({ length: count }, (_, i) => [get(`/${i + 1}`), WAIT] as const).flat();
const upgrade = (name: string, backend: Script, send: Case['send'], conf = '', more: Partial<Case> = {}): Case =>
  one(
    `tunnel: ${name}`,
    backend,
    `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection; ${conf}`,
    { send, ...more },
  );
const UPGRADE = get('/ws', 'Upgrade: websocket', 'Connection: Upgrade');
const SWITCH = head('101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade');

export const delivery: readonly Case[] = [
  one('3 MB to a slow client', MEGABYTES, '', { send: SLOW, settle: 400 }),
  one('3 MB to a slow client, no file', MEGABYTES, 'proxy_max_temp_file_size 0;', { send: SLOW, settle: 400 }),
  one('3 MB to a slow client, unbuffered', MEGABYTES, 'proxy_buffering off;', { send: SLOW, settle: 400 }),
  one(
    '3 MB, chunked, to a slow client',
    head('200 OK', 'Transfer-Encoding: chunked') + chunked(bytes(1_500_000), bytes(1_500_000, 'y')),
    '',
    { send: SLOW, settle: 400 },
  ),
  one('3 MB to the end, to a slow client', [head('200 OK') + bytes(3_000_000), CLOSE], '', { send: SLOW, settle: 400 }),
  one('3 MB at once', MEGABYTES, '', { send: [get(), WAIT], mask: [[/.*buffered to a temporary.*/, '']] }),
  one('a client that goes before the response', [800, ok()], '', { send: [get(), { seen: 'GET' }, 50, ABORT, 100] }),
  one('a client that goes, ignored', [1000, ok()], 'proxy_ignore_client_abort on;', {
    send: [get(), { seen: 'GET' }, 50, ABORT, 300],
    access: '$status $upstream_status',
    ours: { because: 'the reset was noticed when nothing was to be written', log: [] },
  }),
  one('a client that ends its side', [1500, ok()], '', { send: [get(), { seen: 'GET' }, 50, FIN, 300] }),
  one('a client that ends its side, ignored', [800, ok()], 'proxy_ignore_client_abort on;', {
    send: [get(), { seen: 'GET' }, 50, FIN, WAIT],
  }),
  one('limit_rate', ok(bytes(3000)), 'limit_rate 1000;', { atLeast: 1500, settle: 2500 }),
  one('limit_rate_after', ok(bytes(3000)), 'limit_rate 1000; limit_rate_after 10k;', { send: [get(), WAIT] }),
  one('limit_rate in a variable', ok(bytes(3000)), 'set $limit_rate 1000;', { atLeast: 1500, settle: 2500 }),
  one(
    'buffers of one page',
    ok(bytes(100_000)),
    'proxy_buffers 2 4k; proxy_buffer_size 4k; proxy_busy_buffers_size 4k;',
  ),
  range('a part', 'bytes=2-4'),
  range('the end', 'bytes=7-'),
  range('the last', 'bytes=-3'),
  range('two parts', 'bytes=0-1,4-5'),
  range('not satisfiable', 'bytes=20-30'),
  range('nonsense', 'bytes=x'),
  range('forced', 'bytes=2-4', 'proxy_force_ranges on;'),
  range('forced, the last', 'bytes=-3', 'proxy_force_ranges on;'),
  range('forced, two parts', 'bytes=0-1,4-5', 'proxy_force_ranges on;', 'Content-Type: text/plain'),
  range('forced, not satisfiable', 'bytes=20-30', 'proxy_force_ranges on;'),
  range('forced, max_ranges 0', 'bytes=2-4', 'proxy_force_ranges on; max_ranges 0;'),
  one(
    'Range of chunks, forced',
    head('200 OK', 'Transfer-Encoding: chunked') + chunked('01234', '56789'),
    'proxy_force_ranges on;',
    { send: get('/', 'Range: bytes=2-4') },
  ),
  one('a 206 of the backend', head('206 Partial', 'Content-Range: bytes 2-4/10', 'Content-Length: 3') + '234', '', {
    send: get('/', 'Range: bytes=2-4'),
  }),
  one('If-Modified-Since', ok('x', 'Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT'), '', {
    send: get('/', 'If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT'),
  }),
  one('If-None-Match', ok('x', 'ETag: "a"'), '', { send: get('/', 'If-None-Match: "a"') }),
  // Pools.
  pool('used again', 'keepalive 4;', times(3)),
  pool('by another client', 'keepalive 4;', [get('/1'), NEXT, get('/2'), WAIT]),
  pool('Connection: close', 'keepalive 4;', times(2), [ok('a', 'Connection: close')]),
  pool(
    'closed by the backend',
    'keepalive 4;',
    [get('/1'), WAIT, 150, get('/2'), WAIT],
    [[ok('a'), 50, CLOSE], ok('b')],
  ),
  pool('closed when used again', 'keepalive 4;', [get('/1'), WAIT, get('/2'), WAIT], [ok('a'), [CLOSE], ok('b')]),
  pool('reset when used again', 'keepalive 4;', [get('/1'), WAIT, get('/2'), WAIT], [ok('a'), [20, RESET], ok('b')]),
  pool(
    'closed when used again, POST',
    'keepalive 4;',
    [get('/1'), WAIT, post('abc', '/2'), WAIT],
    [ok('a'), [CLOSE], ok('b')],
  ),
  pool(
    'closed when used again, off',
    'keepalive 4;',
    [get('/1'), WAIT, get('/2'), WAIT],
    [ok('a'), [CLOSE], ok('b')],
    'proxy_next_upstream off;',
  ),
  pool('HTTP/1.0 of the backend', 'keepalive 4;', times(2), ['HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na']),
  pool('HTTP/1.0 with keep-alive', 'keepalive 4;', times(2), [
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na',
  ]),
  pool('chunks', 'keepalive 4;', times(2), [head('200 OK', 'Transfer-Encoding: chunked') + chunked('a')]),
  pool('too much', 'keepalive 4;', [get('/1'), WAIT, 50, get('/2'), WAIT], [`${ok('a')}garbage`, ok('b')]),
  pool('too much, later', 'keepalive 4;', [get('/1'), WAIT, 100, get('/2'), WAIT], [[ok('a'), 40, 'garbage'], ok('b')]),
  pool('a second response', 'keepalive 4;', [get('/1'), WAIT, 50, get('/2'), WAIT], [ok('a') + ok('evil'), ok('b')]),
  pool('204', 'keepalive 4;', times(2), [head('204 None')]),
  pool('304', 'keepalive 4;', times(2), [head('304 None')]),
  pool(
    'HEAD',
    'keepalive 4;',
    [request('HEAD', '/1'), WAIT, get('/2'), WAIT],
    [head('200 OK', 'Content-Length: 5'), ok('b')],
  ),
  {
    ...pool('HEAD with a body', 'keepalive 4;', [request('HEAD', '/1'), WAIT, get('/2'), WAIT], [ok('evil'), ok('b')]),
    ours: {
      because: 'what was not asked for shall not be found in front of the next response',
      backend: ['B1: HEAD /1 HTTP/1.1\r\nHost: u%ID%\r\n\r\n(closed)', 'B1: GET /2 HTTP/1.1\r\nHost: u%ID%\r\n\r\n'],
    },
  },
  pool('204 with a body', 'keepalive 4;', [get('/1'), WAIT, get('/2'), WAIT], [`${head('204 None')}evil`, ok('b')]),
  pool('to the end', 'keepalive 4;', times(2), [[`${head('200 OK')}a`, CLOSE]]),
  pool('keepalive_requests', 'keepalive 4; keepalive_requests 2;', times(3)),
  pool('keepalive_timeout', 'keepalive 4; keepalive_timeout 100ms;', [get('/1'), WAIT, 300, get('/2'), WAIT]),
  pool('keepalive_time', 'keepalive 4; keepalive_time 10ms;', [get('/1'), WAIT, 50, get('/2'), WAIT], [[60, ok('a')]]),
  pool('one of two stays', 'keepalive 1;', [get('/1'), ALSO, get('/2'), WAIT, 250, get('/3'), WAIT], [[150, ok('a')]]),
  pool('two servers', 'keepalive 4;', times(4), { B1: [ok('a')], B2: [ok('b')] }, '', 'server %B1%; server %B2%;'),
  pool('a body that was not read', 'keepalive 4;', [post(bytes(20000), '/1'), WAIT, get('/2'), WAIT], [ok('a')]),
  pool('an error status', 'keepalive 4;', times(2), [head('500 Oh', 'Content-Length: 1') + 'x']),
  pool(
    'a read timeout',
    'keepalive 4;',
    [get('/1'), WAIT, get('/2'), WAIT],
    [[1200, ok('a')], ok('b')],
    'proxy_read_timeout 500ms;',
  ),
  pool(
    'a client that goes',
    'keepalive 4;',
    [get('/1'), { seen: '/1' }, 50, ABORT, ALSO, 100, get('/2'), WAIT],
    [[800, ok('a')], ok('b')],
  ),
  pool(
    'next_upstream on a status',
    'keepalive 4;',
    times(2),
    { B1: [head('500 Oh', 'Content-Length: 1') + 'x'], B2: [ok('b')] },
    'proxy_next_upstream http_500;',
    'server %B1%; server %B2%;',
  ),
  pool(
    'X-Accel-Redirect',
    'keepalive 4;',
    times(2),
    [ok('', 'X-Accel-Redirect: /in')],
    'location = /in { return 200 "in"; }',
  ),
  pool('unbuffered', 'keepalive 4;', times(2), [ok('a')], 'proxy_buffering off;'),
  pool('a Unix socket', 'keepalive 4;', times(2), { U1: [ok('a')] }, '', 'server unix:%U1%;'),
  // Tunnels.
  upgrade('both ways', [SWITCH, ECHO], [UPGRADE, WAIT, 'hello', { until: 'hello' }, 'more', { until: 'more' }]),
  upgrade('the backend ends', [SWITCH, 'bye', 30, CLOSE], [UPGRADE, WAIT, { until: 'bye' }, 50]),
  upgrade('the client ends', [SWITCH, ECHO], [UPGRADE, WAIT, 'hello', { until: 'hello' }, FIN, 50]),
  upgrade(
    'the backend speaks at once',
    [`${SWITCH}at once`, ECHO],
    [UPGRADE, { until: 'at once' }, 'x', { until: 'x' }],
  ),
  upgrade('the client speaks at once', [SWITCH, ECHO], [`${UPGRADE}early`, { until: 'early' }]),
  upgrade('refused', ok('no'), [UPGRADE, WAIT, get('/next'), WAIT]),
  upgrade('a timeout', [SWITCH], [UPGRADE, WAIT], 'proxy_read_timeout 400ms;', { settle: 600 }),
  upgrade(
    'of HTTP/1.0',
    [SWITCH, ECHO],
    ['GET / HTTP/1.0\r\nHost: case\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 50, 'hello', 100],
  ),
  upgrade('101 without asking', [SWITCH, ECHO], [get(), 100, 'hello', 100]),
  upgrade('the backend resets', [SWITCH, 30, RESET], [UPGRADE, WAIT, 50]),
  upgrade('200 KB each way', [SWITCH, ECHO], [UPGRADE, WAIT, `${bytes(200_000)}end`, { until: 'end' }]),
];
