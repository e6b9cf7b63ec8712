/** Which servers are asked, and what happens when they fail. */
import { ALSO, type Case, CLOSE, RESET, type Script, WAIT } from '../case.ts';
import { bytes, get, head, ok, post, request, response } from './make.ts';

const A = [ok('a')];
const B = [ok('b')];
const C = [ok('c')];
const UPSTREAM = 'upstream u%ID% { server %B1%; server %B2%; }';
const SEEN = 'add_header U "$upstream_addr; $upstream_status" always;';

const peers = (
  name: string,
  http: string,
  conf: string,
  backend: Readonly<Record<string, readonly Script[]>>,
  send: Case['send'] = get(),
): Case => ({
  name,
  http: http.startsWith('upstream') ? http : `upstream u%ID% { ${http} }`,
  conf: `location / { proxy_pass http://u%ID%; ${SEEN} ${conf} }`,
  backend,
  send,
  access: '$upstream_addr $upstream_status $upstream_response_length $status',
});
const times = (count: number, what = get()): Case['send'] =>
  Array.from({ length: count }, () => [what, WAIT] as const).flat();
/** The first server fails in a way, the second works. */
const fails = (name: string, script: Script, conf = '', send: Case['send'] = get()): Case =>
  peers(name, UPSTREAM, conf, { B1: [script], B2: B }, send);

const FAILURES: readonly (readonly [string, Script, string])[] = [
  ['closes', [CLOSE], 'error'],
  ['resets', [20, RESET], 'error'],
  ['closes in the header', ['HTTP/1.1 200 OK\r\nX', CLOSE], 'error'],
  ['times out', [1200, CLOSE], 'timeout'],
  ['an invalid header', `HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n`, 'invalid_header'],
  ['a header too big', ok('x', `X: ${bytes(5000)}`), 'invalid_header'],
  ['500', response('500 Oh', 'x'), 'http_500'],
  ['502', response('502 Oh', 'x'), 'http_502'],
  ['503', response('503 Oh', 'x'), 'http_503'],
  ['504', response('504 Oh', 'x'), 'http_504'],
  ['403', response('403 Oh', 'x'), 'http_403'],
  ['404', response('404 Oh', 'x'), 'http_404'],
  ['429', response('429 Oh', 'x'), 'http_429'],
];
const TIME = 'proxy_read_timeout 500ms;';

export const peersCases: readonly Case[] = [
  ...FAILURES.map(([what, script]) => fails(`default: ${what}`, script, TIME)),
  ...FAILURES.map(([what, script, word]) => fails(`named: ${what}`, script, `${TIME} proxy_next_upstream ${word};`)),
  ...FAILURES.slice(0, 6).map(([what, script]) => fails(`off: ${what}`, script, `${TIME} proxy_next_upstream off;`)),
  ...FAILURES.slice(0, 7).map(([what, script]) =>
    fails(`POST: ${what}`, script, `${TIME} proxy_next_upstream error timeout invalid_header http_500;`, post('abc')),
  ),
  ...FAILURES.slice(0, 7).map(([what, script]) =>
    fails(
      `POST, non_idempotent: ${what}`,
      script,
      `${TIME} proxy_next_upstream error timeout invalid_header http_500 non_idempotent;`,
      post('abc'),
    ),
  ),
  ...['PUT', 'DELETE', 'PATCH', 'LOCK', 'OPTIONS', 'HEAD'].map((method) =>
    fails(`${method} fails`, [CLOSE], '', request(method, '/')),
  ),
  ...FAILURES.slice(0, 4).map(([what, script]) =>
    peers(`all: ${what}`, UPSTREAM, TIME, { B1: [script], B2: [script] }),
  ),
  ...FAILURES.slice(6).map(([what, script, word]) =>
    peers(`all, named: ${what}`, UPSTREAM, `proxy_next_upstream ${word};`, { B1: [script], B2: [script] }),
  ),
  peers('refused', 'server %DEAD%; server %B1%;', '', { B1: A }),
  peers('refused, POST', 'server %DEAD%; server %B1%;', '', { B1: A }, post('abc')),
  peers('all refused', 'server %DEAD%;', '', {}),
  peers('all refused, twice', 'server %DEAD% max_fails=1; server %DEAD% max_fails=1;', '', {}, times(2)),
  peers('one server is never bad', 'server %DEAD%;', '', {}, times(2)),
  peers('in the body', UPSTREAM, '', { B1: [[`${head('200 OK', 'Content-Length: 5')}ab`, 40, CLOSE]], B2: B }),
  peers('tries', 'server %DEAD%; server %DEAD%; server %B1%;', 'proxy_next_upstream_tries 2;', { B1: A }),
  peers('tries, enough', 'server %DEAD%; server %DEAD%; server %B1%;', 'proxy_next_upstream_tries 3;', { B1: A }),
  peers('a timeout for all', UPSTREAM, 'proxy_read_timeout 400ms; proxy_next_upstream_timeout 200ms;', {
    B1: [[1200, CLOSE]],
    B2: B,
  }),
  peers('a timeout for all, not reached', UPSTREAM, 'proxy_read_timeout 300ms; proxy_next_upstream_timeout 5s;', {
    B1: [[1200, CLOSE]],
    B2: B,
  }),
  peers('max_fails', 'server %B1% max_fails=2 fail_timeout=10s; server %B2%;', '', { B1: [[CLOSE]], B2: B }, times(5)),
  peers('max_fails=0', 'server %B1% max_fails=0; server %B2%;', '', { B1: [[CLOSE]], B2: B }, times(4)),
  peers(
    'fail_timeout',
    'server %B1% max_fails=1 fail_timeout=1s; server %B2%;',
    '',
    { B1: [[CLOSE], ok('a')], B2: B },
    [get(), WAIT, get(), WAIT, 2100, get(), WAIT, get(), WAIT],
  ),
  peers('backup', 'server %DEAD%; server %B1% backup;', '', { B1: A }, times(2)),
  peers('backup is not used', 'server %B1%; server %B2% backup;', '', { B1: A, B2: B }, times(3)),
  peers('a zone', 'zone z%ID% 64k; server %B1%; server %B2%;', '', { B1: A, B2: B }, times(4)),
  peers(
    'a zone and max_fails',
    'zone z%ID% 64k; server %B1% max_fails=1; server %B2%;',
    '',
    { B1: [[CLOSE]], B2: B },
    times(4),
  ),
  peers('backup and its failure', 'server %B1%; server %B2% backup;', '', { B1: [[CLOSE]], B2: [[CLOSE]] }, times(2)),
  peers('down', 'server %B1% down; server %B2%;', '', { B1: A, B2: B }, times(2)),
  peers('all down', 'server %B1% down; server %B2% down;', '', { B1: A, B2: B }, times(2)),
  peers('one, down', 'server %B1% down;', '', { B1: A }),
  peers('round robin', 'server %B1%; server %B2%; server %B3%;', '', { B1: A, B2: B, B3: C }, times(6)),
  peers('weights', 'server %B1% weight=3; server %B2%;', '', { B1: A, B2: B }, times(8)),
  peers(
    'weights of three',
    'server %B1% weight=5; server %B2% weight=1; server %B3% weight=2;',
    '',
    { B1: A, B2: B, B3: C },
    times(8),
  ),
  peers(
    'a weight that failed',
    'server %B1% weight=3 max_fails=3; server %B2%;',
    '',
    { B1: [ok('a'), [CLOSE], ok('a')], B2: B },
    times(8),
  ),
  peers('max_conns', 'server %B1% max_conns=1; server %B2%;', '', { B1: [[200, ok('a')]], B2: B }, [
    get('/1'),
    { seen: '/1' },
    ALSO,
    get('/2'),
    WAIT,
    get('/3'),
    WAIT,
  ]),
  peers(
    'max_conns of all',
    'server %B1% max_conns=1; server %B2% max_conns=1;',
    '',
    { B1: [[300, ok('a')]], B2: [[300, ok('b')]] },
    [get('/1'), { seen: '/1' }, ALSO, get('/2'), { seen: '/2' }, ALSO, get('/3'), WAIT],
  ),
  peers('least_conn', 'least_conn; server %B1%; server %B2%;', '', { B1: [[300, ok('a')]], B2: B }, [
    get('/1'),
    { seen: '/1' },
    ALSO,
    get('/2'),
    WAIT,
    get('/3'),
    WAIT,
    get('/4'),
    WAIT,
  ]),
  peers('least_conn and weights', 'least_conn; server %B1% weight=2; server %B2%;', '', { B1: A, B2: B }, times(6)),
  peers('ip_hash', 'ip_hash; server %B1%; server %B2%; server %B3%;', '', { B1: A, B2: B, B3: C }, times(3)),
  peers(
    'ip_hash and down',
    'ip_hash; server %B1%; server %B2% down; server %B3%;',
    '',
    { B1: A, B2: B, B3: C },
    times(3),
  ),
  peers(
    'hash',
    'hash $arg_k; server %B1%; server %B2%; server %B3%;',
    '',
    { B1: A, B2: B, B3: C },
    [1, 2, 3, 4, 5, 6, 7].flatMap((k) => [get(`/?k=${k}`), WAIT]),
  ),
  peers(
    'hash and weights',
    'hash $arg_k; server %B1% weight=3; server %B2%;',
    '',
    { B1: A, B2: B },
    [1, 2, 3, 4, 5, 6, 7].flatMap((k) => [get(`/?k=${k}`), WAIT]),
  ),
  peers(
    'hash and a failure',
    'hash $arg_k; server %DEAD%; server %B2%; server %B1%;',
    '',
    { B1: A, B2: B },
    [1, 2, 3, 4, 5, 6, 7].flatMap((k) => [get(`/?k=${k}`), WAIT]),
  ),
  peers('hash of nothing', 'hash $arg_k; server %B1%; server %B2%;', '', { B1: A, B2: B }, times(4)),
  peers('random of one', 'random; server %B1%;', '', { B1: A }, times(2)),
  peers(
    'random two least_conn of two',
    'random two least_conn; server %B1%; server %B2% down;',
    '',
    { B1: A },
    times(3),
  ),
  peers('bind', 'server %B1%;', 'proxy_bind 127.0.0.9;', { B1: A }),
  peers('bind to nonsense', 'server %B1%;', 'set $b nonsense; proxy_bind $b;', { B1: A }),
  peers('bind off', 'server %B1%;', 'proxy_bind off;', { B1: A }),
  peers(
    'to a location after errors',
    UPSTREAM,
    'error_page 502 /sorry; location /sorry { return 200 "sorry $upstream_status"; }',
    { B1: [[CLOSE]], B2: [[CLOSE]] },
  ),
  peers('through two locations', UPSTREAM, 'error_page 404 = @other; proxy_intercept_errors on; location /none { } ', {
    B1: [response('404 None', 'x')],
    B2: B,
  }),
].map((c) =>
  c.name === 'through two locations'
    ? {
        ...c,
        conf: `location / { proxy_pass http://u%ID%; proxy_intercept_errors on; error_page 404 = @other; } location @other { proxy_pass http://u%ID%; ${SEEN} }`,
      }
    : c,
);
