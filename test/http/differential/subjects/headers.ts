/** Headers that are passed to a backend. */
import type { Case } from '../case.ts';
import { bytes, get, ok, post, request } from './make.ts';

const backend = [ok()];
const passed = (name: string, send: Case['send'], conf = ''): Case => ({
  name,
  conf: `${conf.includes('location') ? conf : `location / { proxy_pass http://%B1%; ${conf} }`}`,
  backend,
  send,
});

const DIRECT = 'proxy_http_version 1.1;';

const cases: readonly Case[] = [
  passed('ordinary ones', get('/', 'User-Agent: x', 'Accept: */*', 'X-A: 1')),
  passed('order and case', get('/', 'x-a: 1', 'ACCEPT: b', 'X-A: 2', 'cookie: c')),
  passed('Connection: close', get('/', 'Connection: close')),
  passed('Connection: keep-alive', get('/', 'Connection: keep-alive', 'Keep-Alive: timeout=5')),
  passed('Connection names a field', get('/', 'Connection: X-A', 'X-A: 1')),
  passed('Keep-Alive alone', get('/', 'Keep-Alive: 300')),
  passed('TE', get('/', 'TE: trailers', 'Connection: TE')),
  passed('Trailer', get('/', 'Trailer: X')),
  passed('Upgrade', get('/', 'Upgrade: websocket', 'Connection: Upgrade')),
  {
    ...passed('Proxy-Connection', get('/', 'Proxy-Connection: keep-alive')),
    newer: { because: 'since 1.29 it is hop-by-hop', edits: [['Proxy-Connection: keep-alive\r\n', '']] },
  },
  passed('Proxy-Authorization', get('/', 'Proxy-Authorization: Basic x')),
  passed('Proxy', get('/', 'Proxy: evil')),
  passed('Authorization', get('/', 'Authorization: Basic eDp5')),
  passed('Expect', post('ab', '/', 'Expect: nothing')),
  passed('an empty value', get('/', 'X-A:', 'X-B: ')),
  passed('spaces around a value', get('/', 'X-A:   1 2   ')),
  passed('tabs around a value', get('/', 'X-A:\t1\t')),
  passed('bytes above 127', get('/', 'X-A: \xe4\xc3\xa4')),
  passed('underscores', get('/', 'X_A: 1', 'X-B: 2')),
  passed(
    'underscores allowed',
    get('/', 'X_A: 1'),
    'underscores_in_headers on; location / { proxy_pass http://%B1%; }',
  ),
  passed('invalid names', get('/', 'X A: 1', 'X-B: 2'), ''),
  passed(
    'invalid names passed',
    get('/', 'X.A: 1', 'X!B: 2'),
    'ignore_invalid_headers off; location / { proxy_pass http://%B1%; }',
  ),
  passed('a dot in a name', get('/', 'X.A: 1', 'X-B: 2')),
  passed(
    'duplicates',
    get('/', 'X-A: 1', 'X-A: 2', 'Cookie: a=1', 'Cookie: b=2', 'X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 2.2.2.2'),
  ),
  passed('X-Forwarded-For made', get('/'), 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'),
  passed(
    'X-Forwarded-For added to',
    get('/', 'X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 2.2.2.2'),
    'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
  ),
  passed('a large one', get('/', `X-A: ${bytes(7000)}`)),
  passed('many', get('/', ...Array.from({ length: 90 }, (_, i) => `X-${i}: ${i}`))),
  passed('of HTTP/1.0', 'GET / HTTP/1.0\r\nX-A: 1\r\n\r\n'),
  passed('of HTTP/1.0 with keep-alive', 'GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n'),
  passed('of HTTP/0.9', 'GET /x\r\n'),
  passed('an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'),
  passed(
    'Host with a port',
    'GET / HTTP/1.1\r\nHost: Case:8080\r\n\r\n',
    'proxy_set_header Host $host; proxy_set_header A $http_host;',
  ),
  passed('Host of the client', 'GET / HTTP/1.1\r\nHost: Case.\r\n\r\n', 'proxy_set_header Host $http_host;'),
  passed('$host without Host', 'GET / HTTP/1.0\r\n\r\n', 'proxy_set_header Host $host;'),
  passed('Host of the backend', get('/'), 'proxy_set_header Host $proxy_host;'),
  passed('Host set to nothing', get('/'), 'proxy_set_header Host "";'),
  {
    ...passed('Host set to nothing, 1.1', get('/'), `${DIRECT} proxy_set_header Host "";`),
    newer: {
      because: 'since 1.29 a request of HTTP/1.1 always has Host',
      edits: [[' HTTP/1.1\r\n\r\n', ' HTTP/1.1\r\nHost: %B1%\r\n\r\n']],
    },
  },
  passed(
    'Host of the absolute form',
    'GET http://abs/x HTTP/1.1\r\nHost: case\r\n\r\n',
    'proxy_set_header Host $host; proxy_set_header A $http_host;',
  ),
  passed('Host of an upstream', get('/'), 'location / { proxy_pass http://u%ID%; }'),
  passed('Host of a variable', get('/'), 'location / { set $t %B1%; proxy_pass http://$t; }'),
  passed('set', get('/', 'X-A: 1'), 'proxy_set_header X-A 2; proxy_set_header X-B $http_x_a;'),
  passed('set to nothing', get('/', 'X-A: 1', 'X-B: 2'), 'proxy_set_header X-A "";'),
  passed('set twice', get('/', 'X-A: 1'), 'proxy_set_header X-A 2; proxy_set_header X-A 3;'),
  passed('set in another case', get('/', 'X-A: 1'), 'proxy_set_header x-a 2;'),
  passed('Connection set', get('/', 'Connection: close'), 'proxy_set_header Connection keep-alive;'),
  passed('Connection set to nothing', get('/'), 'proxy_set_header Connection "";'),
  passed('Content-Length set to nothing', post('abc'), 'proxy_set_header Content-Length "";'),
  passed('Content-Length set', post('abc'), 'proxy_set_header Content-Length 3;'),
  passed('Accept-Encoding set to nothing', get('/', 'Accept-Encoding: gzip'), 'proxy_set_header Accept-Encoding "";'),
  passed('inherited', get('/', 'X-A: 1'), 'proxy_set_header X-A s; location / { proxy_pass http://%B1%; }'),
  passed(
    'not inherited',
    get('/', 'X-A: 1'),
    'proxy_set_header X-A s; location / { proxy_pass http://%B1%; proxy_set_header X-B l; }',
  ),
  passed(
    'inherited in a nested location',
    get('/a/b'),
    'location /a { proxy_set_header X-A o; location /a/b { proxy_pass http://%B1%; } }',
  ),
  passed('none passed', get('/', 'X-A: 1', 'Accept: b'), 'proxy_pass_request_headers off;'),
  passed('none passed, some set', get('/', 'X-A: 1'), 'proxy_pass_request_headers off; proxy_set_header X-B 1;'),
  passed('HTTP/1.1', get('/', 'X-A: 1'), DIRECT),
  passed('HTTP/1.1, Connection: close', get('/', 'Connection: close'), DIRECT),
  passed(
    'If-Modified-Since and others',
    get('/', 'If-Modified-Since: x', 'If-None-Match: y', 'Range: bytes=0-1', 'If-Range: z'),
  ),
  passed('Range of a HEAD', request('HEAD', '/', ['Range: bytes=0-1'])),
  passed('a folded line', 'GET / HTTP/1.1\r\nHost: case\r\nX-A: 1\r\n 2\r\n\r\n'),
  passed('without a colon', 'GET / HTTP/1.1\r\nHost: case\r\nX-A\r\nX-B: 2\r\n\r\n'),
  passed('proxy_method', get('/'), 'proxy_method POST;'),
  passed('proxy_method of a variable', get('/?m=PUT'), 'proxy_method $arg_m;'),
  passed('proxy_method HEAD', get('/'), 'proxy_method HEAD;'),
  passed('proxy_set_body', post('abc'), 'proxy_set_body "<$request_body>";'),
  passed('proxy_set_body without a body', get('/?x=1'), 'proxy_set_body $arg_x;'),
  passed('proxy_set_body, empty', post('abc'), 'proxy_set_body "";'),
  passed('no body passed', post('abc'), 'proxy_pass_request_body off;'),
  passed(
    'no body and no length passed',
    post('abc'),
    'proxy_pass_request_body off; proxy_set_header Content-Length "";',
  ),
  ...[
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'DELETE',
    'OPTIONS',
    'PATCH',
    'PROPFIND',
    'MKCOL',
    'LOCK',
    'TRACE',
    'FOO',
    'get',
  ].map((method) => passed(`method ${method}`, `${method} /x HTTP/1.1\r\nHost: case\r\n\r\n`)),
  {
    ...passed('method CONNECT', 'CONNECT /x HTTP/1.1\r\nHost: case\r\n\r\n'),
    newer: {
      because: 'since 1.31 CONNECT wants an authority',
      edits: [
        ['405 Not Allowed', '400 Bad Request'],
        [
          'client sent CONNECT method while reading client request headers',
          'client sent invalid request while reading client request line',
        ],
        [', host: "case"', ''],
      ],
    },
  },
  passed('OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: case\r\n\r\n'),
];

export const headers = cases.map((c) =>
  c.conf?.includes('u%ID%') ? { ...c, http: 'upstream u%ID% { server %B1%; }' } : c,
);
