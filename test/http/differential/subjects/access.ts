/** Modules that decide who may ask, and small ones with answers of their own. */
import { ALSO, type Case, NEXT, type Script, WAIT } from '../case.ts';
import { get, head, ok, post, request, response } from './make.ts';

const one = (name: string, conf: string, send: Case['send'] = get(), more: Partial<Case> = {}): Case => ({
  name,
  conf,
  send,
  ...more,
});
const files = (name: string, conf: string, send: Case['send'], list: Case['files'], more: Partial<Case> = {}): Case =>
  one(name, conf, send, { files: list, ...more });
const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text, 'latin1').toString('base64')}`;
const USERS =
  'plain:{PLAIN}secret\nsha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\napr:$apr1$abcdefgh$zDcX5.4EfJ4xyWiQ28b2C.\n# note:{PLAIN}x\nempty:\nnoted:{PLAIN}secret:a note\n';
const auth = (name: string, ...lines: string[]): Case =>
  files(
    `auth_basic: ${name}`,
    'auth_basic "the realm"; auth_basic_user_file %DIR%/users; location / { return 200 "user $remote_user"; } location = /file.txt { }',
    get('/file.txt', ...lines),
    { users: USERS, 'file.txt': 'contents' },
  );
const AUTH_REQUEST =
  'location / { auth_request /auth; auth_request_set $who $upstream_http_x_user; add_header Who $who; proxy_pass http://%B1%; } location = /auth { internal; proxy_pass http://%B2%; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header X-Original-URI $request_uri; }';
const authRequest = (name: string, answer: Script, send: Case['send'] = get('/x')): Case =>
  one(`auth_request: ${name}`, AUTH_REQUEST, send, { backend: { B1: [ok('allowed')], B2: [answer] } });
const referer = (name: string, conf: string, value?: string): Case =>
  one(
    `referer: ${name}`,
    `location / { valid_referers ${conf}; return 200 "invalid=$invalid_referer"; }`,
    get('/', ...(value === undefined ? [] : [`Referer: ${value}`])),
  );
const realip = (name: string, conf: string, lines: readonly string[]): Case =>
  one(
    `realip: ${name}`,
    `${conf} location / { return 200 "$remote_addr|$remote_port|$realip_remote_addr|$http_x_forwarded_for"; }`,
    get('/', ...lines),
    { mask: [[/\|\d{4,5}\|/g, '|PORT|']] },
  );
const proxied = (name: string, header: string, conf = '', more: Partial<Case> = {}): Case =>
  one(
    `PROXY protocol: ${name}`,
    `${conf} location / { return 200 "$remote_addr|$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port"; }`,
    [header + get()],
    { listen: 'proxy_protocol', ...more },
  );
/** Of what is no header only the first line is logged now. */
const BROKEN: Partial<Case> = {
  newer: { because: 'shorter since 1.25', edits: [[/(broken header: "[^\r\n]*)[^"]*"/, '$1"']] },
};
const geo = (name: string, geoConf: string, arg: string): Case =>
  one(`geo: ${name}`, 'location / { return 200 "$g%ID%"; }', get(`/?a=${arg}`), {
    http: `geo $arg_a $g%ID% { ${geoConf} }`,
  });
const browser = (
  name: string,
  agent: string,
  conf = 'modern_browser msie 5.5; modern_browser gecko 1.0.0; modern_browser opera 9.0; modern_browser safari 413; ancient_browser Lynx;',
): Case =>
  one(
    `browser: ${name}`,
    `${conf} location / { return 200 "m=$modern_browser a=$ancient_browser i=$msie"; }`,
    get('/', `User-Agent: ${agent}`),
  );
const memcached = (name: string, answer: Script, conf = '', send: Case['send'] = get('/key')): Case =>
  one(
    `memcached: ${name}`,
    `location / { set $memcached_key $uri; memcached_pass %B1%; ${conf} } location @n { return 200 "next"; }`,
    send,
    { backend: [answer] },
  );
const echo = (name: string, conf: string, send: Case['send'] = get('/?a=1')): Case =>
  one(`echo: ${name}`, conf.includes('location') ? conf : `location / { ${conf} }`, send);
const misc = (name: string, conf: string, uri = '/?a=x%20y'): Case =>
  one(`set-misc: ${name}`, `location / { ${conf} return 200 "[$r]"; }`, get(uri));

export const access: readonly Case[] = [
  auth('nobody'),
  auth('a plain password', basic('plain:secret')),
  auth('a wrong password', basic('plain:wrong')),
  auth('another user', basic('nobody:secret')),
  auth('SHA', basic('sha:password')),
  auth('an empty password', basic('empty:')),
  auth('a user behind a note', basic('noted:secret')),
  auth('a user in a comment', basic('# note:x')),
  auth('no colon', basic('plain')),
  auth('an empty user', basic(':secret')),
  auth('another scheme', 'Authorization: Bearer x'),
  auth('not base64', 'Authorization: Basic !!!'),
  auth('in lower case', basic('plain:secret').replace('Basic', 'basic')),
  auth('no value', 'Authorization: Basic'),
  files(
    'auth_basic: no file',
    'auth_basic r; auth_basic_user_file %DIR%/none; location = /f.txt {}',
    get('/f.txt', basic('a:b')),
    { 'f.txt': 'x' },
  ),
  files(
    'auth_basic: off',
    'auth_basic r; auth_basic_user_file %DIR%/users; location = /f.txt { auth_basic off; }',
    get('/f.txt'),
    { users: USERS, 'f.txt': 'x' },
  ),
  files(
    'satisfy any, allowed by address',
    'satisfy any; allow 127.0.0.1; deny all; auth_basic r; auth_basic_user_file %DIR%/users; location = /f.txt {}',
    get('/f.txt'),
    { users: USERS, 'f.txt': 'x' },
  ),
  files(
    'satisfy any, neither',
    'satisfy any; deny all; auth_basic r; auth_basic_user_file %DIR%/users; location = /f.txt {}',
    get('/f.txt'),
    { users: USERS, 'f.txt': 'x' },
  ),
  files(
    'satisfy any, by password',
    'satisfy any; deny all; auth_basic r; auth_basic_user_file %DIR%/users; location = /f.txt {}',
    get('/f.txt', basic('plain:secret')),
    { users: USERS, 'f.txt': 'x' },
  ),
  files(
    'satisfy all, denied',
    'deny all; auth_basic r; auth_basic_user_file %DIR%/users; location = /f.txt {}',
    get('/f.txt', basic('plain:secret')),
    { users: USERS, 'f.txt': 'x' },
  ),
  ...[
    'allow all;',
    'deny 127.0.0.0/8;',
    'deny 127.0.0.1; allow all;',
    'allow 127.0.0.1; deny all;',
    'allow 10.0.0.0/8; deny all;',
    'deny unix:; allow all;',
    'deny ::1; deny all;',
  ].map((conf) => files(`access: ${conf}`, `location = /f.txt { ${conf} }`, get('/f.txt'), { 'f.txt': 'x' })),
  authRequest('200', ok('', 'X-User: me')),
  authRequest('204', head('204 None', 'X-User: me')),
  authRequest('401', response('401 No', 'x', 'WWW-Authenticate: Basic realm="b"')),
  authRequest('403', response('403 No', 'x')),
  authRequest('500', response('500 Oh', 'x')),
  authRequest('302', response('302 Found', '', 'Location: /login')),
  authRequest('404', response('404 None', 'x')),
  authRequest('a body', ok(''), post('abc', '/x')),
  authRequest('a large answer', ok('y'.repeat(5000))),
  one(
    'mirror',
    'location / { mirror /copy; proxy_pass http://%B1%; } location = /copy { internal; proxy_pass http://%B2%$request_uri; }',
    post('abc', '/x?y'),
    { backend: { B1: [[150, ok('main')]], B2: [ok('copy')] } },
  ),
  one(
    'mirror without the body',
    'location / { mirror /copy; mirror_request_body off; proxy_pass http://%B1%; } location = /copy { internal; proxy_pass http://%B2%$request_uri; proxy_pass_request_body off; proxy_set_header Content-Length ""; }',
    post('abc', '/x?y'),
    { backend: { B1: [[150, ok('main')]], B2: [ok('copy')] } },
  ),
  one(
    'mirror that fails',
    'location / { mirror /copy; proxy_pass http://%B1%; } location = /copy { internal; return 500; }',
    get('/x'),
    { backend: [ok('main')] },
  ),
  referer('none', 'none example.com', undefined),
  referer('none, but there', 'none example.com', 'http://x/'),
  referer('blocked', 'blocked example.com', 'XXXXX'),
  referer('a name', 'example.com', 'http://example.com/x'),
  referer('https', 'example.com', 'https://example.com/x'),
  referer('another name', 'example.com', 'http://example.org/'),
  referer('a wildcard', '*.example.com', 'http://www.example.com/'),
  referer('a wildcard at the end', 'www.example.*', 'http://www.example.net/'),
  referer('server_names', 'server_names', 'http://case/'),
  referer('a regex', '~\\.google\\.', 'http://www.google.de/'),
  referer('a path', 'example.com/a/', 'http://example.com/a/b'),
  referer('another path', 'example.com/a/', 'http://example.com/b'),
  referer('a port', 'example.com', 'http://example.com:8080/'),
  referer('capitals', 'example.com', 'HTTP://EXAMPLE.com/'),
  realip('trusted', 'set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;', ['X-Forwarded-For: 1.2.3.4']),
  realip('not trusted', 'set_real_ip_from 10.0.0.1; real_ip_header X-Forwarded-For;', ['X-Forwarded-For: 1.2.3.4']),
  realip('the last one', 'set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;', [
    'X-Forwarded-For: 1.2.3.4, 5.6.7.8',
  ]),
  realip(
    'recursive',
    'set_real_ip_from 127.0.0.1; set_real_ip_from 5.6.7.0/24; real_ip_header X-Forwarded-For; real_ip_recursive on;',
    ['X-Forwarded-For: 1.2.3.4, 5.6.7.8'],
  ),
  realip(
    'recursive, all trusted',
    'set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; real_ip_recursive on;',
    ['X-Forwarded-For: 1.2.3.4, 5.6.7.8'],
  ),
  realip('two lines', 'set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;', [
    'X-Forwarded-For: 1.2.3.4',
    'X-Forwarded-For: 9.9.9.9',
  ]),
  realip('X-Real-IP', 'set_real_ip_from 127.0.0.1;', ['X-Real-IP: 1.2.3.4']),
  realip('with a port', 'set_real_ip_from 127.0.0.1;', ['X-Real-IP: 1.2.3.4:555']),
  realip('IPv6', 'set_real_ip_from 127.0.0.1;', ['X-Real-IP: 2001:db8::1']),
  realip('IPv6 with a port', 'set_real_ip_from 127.0.0.1;', ['X-Real-IP: [2001:db8::1]:555']),
  realip('nonsense', 'set_real_ip_from 127.0.0.1;', ['X-Real-IP: nonsense']),
  realip('any header', 'set_real_ip_from 127.0.0.1; real_ip_header X-Any;', ['X-Any: 1.2.3.4']),
  proxied('TCP4', 'PROXY TCP4 1.2.3.4 5.6.7.8 111 222\r\n'),
  proxied('TCP6', 'PROXY TCP6 2001:db8::1 2001:db8::2 111 222\r\n'),
  proxied('UNKNOWN', 'PROXY UNKNOWN\r\n'),
  proxied('UNKNOWN with more', 'PROXY UNKNOWN x y z\r\n'),
  proxied('none', '', '', BROKEN),
  proxied('broken', 'PROXY TCP4 1.2.3.4\r\n', '', BROKEN),
  proxied('another family', 'PROXY TCP9 1.2.3.4 5.6.7.8 1 2\r\n', '', BROKEN),
  proxied('LF alone', 'PROXY TCP4 1.2.3.4 5.6.7.8 111 222\n', '', BROKEN),
  proxied('a bad port', 'PROXY TCP4 1.2.3.4 5.6.7.8 99999 222\r\n', '', BROKEN),
  proxied('version 2', `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x6f\0\xde`),
  proxied(
    'version 2, IPv6',
    `\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24${'\x20\x01\x0d\xb8'}${'\0'.repeat(11)}\x01${'\x20\x01\x0d\xb8'}${'\0'.repeat(11)}\x02\0\x6f\0\xde`,
  ),
  proxied('version 2, local', `\r\n\r\n\0\r\nQUIT\n\x20\0\0\0`),
  proxied(
    'version 2, TLVs',
    `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x12\x01\x02\x03\x04\x05\x06\x07\x08\0\x6f\0\xde\x01\0\x03abc`,
  ),
  proxied('version 3', `\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x6f\0\xde`),
  proxied(
    'realip',
    'PROXY TCP4 1.2.3.4 5.6.7.8 111 222\r\n',
    'set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;',
  ),
  geo('an address', 'default d; 1.2.3.4 a; 1.2.3.0/24 n;', '1.2.3.4'),
  geo('a network', 'default d; 1.2.3.4 a; 1.2.3.0/24 n;', '1.2.3.5'),
  geo('the default', 'default d; 1.2.3.4 a;', '9.9.9.9'),
  geo('no default', '1.2.3.4 a;', '9.9.9.9'),
  geo('not an address', 'default d; 255.255.255.255 none;', 'nonsense'),
  geo('IPv6', 'default d; 2001:db8::/32 six;', '2001:db8::5'),
  geo('ranges', 'ranges; default d; 1.2.3.0-1.2.3.100 r;', '1.2.3.50'),
  geo('delete', 'default d; 1.2.3.0/24 n; delete 1.2.3.0/24;', '1.2.3.5'),
  geo('the longest', 'default d; 1.0.0.0/8 a; 1.2.0.0/16 b;', '1.2.3.4'),
  ...['a', 'b', 'foo', 'bar', '12345'].map((key) =>
    one(`split_clients: ${key}`, 'location / { return 200 "$s%ID%"; }', get(`/?k=${key}`), {
      http: 'split_clients "$arg_k" $s%ID% { 20% one; 30.5% two; * three; }',
    }),
  ),
  browser('msie', 'Mozilla/4.0 (compatible; MSIE 6.0; Windows)'),
  browser('old msie', 'Mozilla/4.0 (compatible; MSIE 4.0; Windows)'),
  browser('gecko', 'Mozilla/5.0 (X11; Linux) Gecko/20100101 rv:1.9'),
  browser('opera', 'Opera/9.80 (Windows)'),
  browser('safari', 'Mozilla/5.0 AppleWebKit/522.11 Safari/412'),
  browser('an ancient word', 'Lynx/2.8'),
  browser('unknown', 'curl/7'),
  browser('unknown is modern', 'curl/7', 'modern_browser unlisted;'),
  one(
    'secure_link: right',
    'secure_link $arg_md5,$arg_e; secure_link_md5 "$uri secret"; location / { return 200 "[$secure_link] $secure_link_expires"; }',
    get(`/x?md5=${'zA_uvs9ESSHLIhW4hpMrpA'}&e=9999999999`),
  ),
  one(
    'secure_link: wrong',
    'secure_link $arg_md5; secure_link_md5 "$uri secret"; location / { return 200 "[$secure_link]"; }',
    get('/x?md5=AAAAAAAAAAAAAAAAAAAAAA'),
  ),
  one(
    'secure_link: none',
    'secure_link $arg_md5; secure_link_md5 "$uri secret"; location / { return 200 "[$secure_link]"; }',
    get('/x'),
  ),
  one(
    'secure_link: old form',
    'location /p/ { secure_link_secret s; return 200 "[$secure_link]"; }',
    get('/p/0123456789abcdef0123456789abcdef/x'),
  ),
  one(
    'secure_link: old form, right',
    'location /p/ { secure_link_secret s; return 200 "[$secure_link]"; }',
    get('/p/ab12/x'),
  ),
  one(
    'userid: given',
    'location / { userid on; userid_name u; return 200 "got=$uid_got set=$uid_set"; }',
    get('/', 'Cookie: u=fwAAAWVf0dMABQ5aAwMEAg=='),
  ),
  one(
    'userid: bad cookie',
    'location / { userid log; userid_name u; return 200 "got=$uid_got set=$uid_set"; }',
    get('/', 'Cookie: u=short'),
  ),
  one(
    'userid: new',
    'location / { userid on; userid_name u; userid_expires max; userid_domain d.org; userid_path /p; userid_p3p policyref; userid_flags secure samesite=lax; return 200 "got=$uid_got"; }',
    get('/'),
    {
      mask: [
        [/u=[A-Za-z0-9+/=]{24}/g, 'u=UID'],
        [/expires=[^;]*/g, 'expires=X'],
      ],
    },
  ),
  one('userid: v1', 'location / { userid v1; userid_name u; return 200 "x"; }', get('/'), {
    mask: [[/u=[A-Za-z0-9+/=]{24}/g, 'u=UID']],
  }),
  // Limits.
  one(
    'limit_req',
    'location / { limit_req zone=%ID%; return 200; } location /f { limit_req zone=%ID%; try_files /x =404; }',
    [get('/f'), WAIT, get('/f'), WAIT],
    { http: 'limit_req_zone $server_name zone=%ID%:64k rate=1r/m;' },
  ),
  one(
    'limit_req: status and level',
    'limit_req_status 429; limit_req_log_level warn; location /f { limit_req zone=%ID%; try_files /x =404; }',
    [get('/f'), WAIT, get('/f'), WAIT],
    { http: 'limit_req_zone $server_name zone=%ID%:64k rate=1r/m;', mask: [[/excess: \d\.\d{3}/g, 'excess: N']] },
  ),
  one(
    'limit_req: burst',
    'location /f { limit_req zone=%ID% burst=1; try_files /x =404; }',
    [get('/f'), WAIT, get('/f'), WAIT],
    {
      http: 'limit_req_zone $server_name zone=%ID%:64k rate=2r/s;',
      atLeast: 300,
      settle: 700,
      mask: [[/excess: \d\.\d{3}|by \d\.\d{3}/g, 'N']],
    },
  ),
  one(
    'limit_req: nodelay',
    'location /f { limit_req zone=%ID% burst=1 nodelay; try_files /x =404; }',
    [get('/f'), WAIT, get('/f'), WAIT, get('/f'), WAIT],
    { http: 'limit_req_zone $server_name zone=%ID%:64k rate=1r/m;', mask: [[/excess: \d\.\d{3}/g, 'excess: N']] },
  ),
  one(
    'limit_req: dry run',
    'location /f { limit_req zone=%ID%; limit_req_dry_run on; add_header S $limit_req_status always; try_files /x =404; }',
    [get('/f'), WAIT, get('/f'), WAIT],
    { http: 'limit_req_zone $server_name zone=%ID%:64k rate=1r/m;', mask: [[/excess: \d\.\d{3}/g, 'excess: N']] },
  ),
  one(
    'limit_req: an empty key',
    'location /f { limit_req zone=%ID%; try_files /x =404; }',
    [get('/f'), WAIT, get('/f'), WAIT],
    { http: 'limit_req_zone $arg_k zone=%ID%:64k rate=1r/m;' },
  ),
  one(
    'limit_conn',
    'location / { limit_conn %ID% 1; proxy_pass http://%B1%; }',
    [get('/1'), { seen: '/1' }, ALSO, get('/2'), WAIT],
    { http: 'limit_conn_zone $server_name zone=%ID%:64k;', backend: [[800, ok()]], settle: 1000 },
  ),
  one(
    'limit_conn: status',
    'limit_conn_status 429; limit_conn_log_level info; location / { limit_conn %ID% 1; add_header S $limit_conn_status always; proxy_pass http://%B1%; }',
    [get('/1'), { seen: '/1' }, ALSO, get('/2'), WAIT],
    { http: 'limit_conn_zone $server_name zone=%ID%:64k;', backend: [[800, ok()]], settle: 1000 },
  ),
  one(
    'limit_conn: after another',
    'location / { limit_conn %ID% 1; proxy_pass http://%B1%; }',
    [get('/1'), NEXT, get('/2'), WAIT],
    { http: 'limit_conn_zone $server_name zone=%ID%:64k;', backend: [ok()] },
  ),
  // Files and small answers.
  files(
    'autoindex',
    'location / { autoindex on; }',
    get('/d/'),
    {
      'd/a.txt': 'aaa',
      'd/b b.txt': 'b',
      'd/<x>&.html': 'c',
      'd/sub/z': 'z',
      'd/.hidden': 'h',
      [`d/${'long'.repeat(20)}.txt`]: 'l',
    },
    { mask: [[/\d\d-\w\w\w-\d{4} \d\d:\d\d( +-)/g, 'DATE$1']] },
  ),
  files(
    'autoindex: JSON',
    'location / { autoindex on; autoindex_format json; }',
    get('/d/'),
    { 'd/a.txt': 'aaa', 'd/b"b.txt': 'b', 'd/sub/z': 'z' },
    { mask: [[/("directory", "mtime":)"[^"]*"/g, '$1"X"']] },
  ),
  files('autoindex: XML', 'location / { autoindex on; autoindex_format xml; }', get('/d/'), {
    'd/a.txt': 'aaa',
    'd/b&b.txt': 'b',
  }),
  files(
    'autoindex: exact sizes off',
    'location / { autoindex on; autoindex_exact_size off; autoindex_localtime on; }',
    get('/d/'),
    { 'd/a.txt': 'a'.repeat(5000), 'd/b': 'b'.repeat(3_000_000) },
  ),
  files('autoindex: off', 'location / { }', get('/d/'), { 'd/a.txt': 'aaa' }),
  files('autoindex: HEAD', 'location / { autoindex on; }', request('HEAD', '/d/'), { 'd/a.txt': 'aaa' }),
  files('autoindex: POST', 'location / { autoindex on; }', post('x', '/d/'), { 'd/a.txt': 'aaa' }),
  files('random_index', 'location / { random_index on; }', get('/d/'), { 'd/a.txt': 'only' }),
  files('random_index: empty', 'location / { random_index on; }', get('/d/'), { 'd/.hidden': 'x' }),
  one('empty_gif', 'location / { empty_gif; }', get()),
  one('empty_gif: HEAD', 'location / { empty_gif; }', request('HEAD', '/')),
  one('empty_gif: POST', 'location / { empty_gif; }', post('x')),
  one('stub_status', 'location / { stub_status; }', get(), { mask: [[/\d+/g, 'N']] }),
  files('a file', 'location / { }', get('/f.txt'), { 'f.txt': 'contents' }),
  files(
    'a file: ranges',
    'location / { }',
    get('/f.txt', 'Range: bytes=1-2,4-5'),
    { 'f.txt': 'contents' },
    { mask: [[/\d{20}/g, 'BOUNDARY']] },
  ),
  files('a file: not modified', 'location / { }', get('/f.txt', 'If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT'), {
    'f.txt': 'contents',
  }),
  files('a file: If-Range', 'location / { }', get('/f.txt', 'Range: bytes=1-2', 'If-Range: "no"'), {
    'f.txt': 'contents',
  }),
  files('a file: If-Match', 'location / { }', get('/f.txt', 'If-Match: "no"'), { 'f.txt': 'contents' }),
  files('a file: POST', 'location / { }', post('x', '/f.txt'), { 'f.txt': 'contents' }),
  files('a folder', 'location / { }', get('/d'), { 'd/index.html': 'index' }),
  files('a folder and its index', 'location / { }', get('/d/'), { 'd/index.html': 'index' }),
  // memcached.
  memcached('a value', 'VALUE /key 0 5\r\nhello\r\nEND\r\n'),
  memcached('no value', 'END\r\n'),
  memcached('an error', 'SERVER_ERROR oh\r\n'),
  memcached('another key', 'VALUE /other 0 5\r\nhello\r\nEND\r\n'),
  memcached('a bad length', 'VALUE /key 0 x\r\nhello\r\nEND\r\n'),
  memcached('a bad end', 'VALUE /key 0 5\r\nhello\r\nXND\r\n'),
  memcached('flags that mean gzip', 'VALUE /key 2 5\r\nhello\r\nEND\r\n', 'memcached_gzip_flag 2;'),
  memcached('not found, next', 'END\r\n', 'error_page 404 = @n;'),
  // echo.
  echo('echo', 'echo hello "$arg_a"; echo -n x; echo y;'),
  echo('nothing', 'echo;'),
  echo('HEAD', 'echo hello;', request('HEAD', '/')),
  echo('POST', 'echo hello;', post('abc')),
  echo('duplicate', 'echo_duplicate 3 ab; echo_duplicate 2 $arg_a;'),
  echo('flush and sleep', 'echo a; echo_flush; echo_sleep 0.05; echo b;'),
  echo(
    'location',
    'location / { echo before; echo_location /sub "x=y"; echo after; } location /sub { echo "sub $args"; }',
  ),
  echo(
    'location_async',
    'location / { echo before; echo_location_async /sub; echo after; } location /sub { echo sub; }',
  ),
  echo(
    'subrequest',
    'location / { echo_subrequest POST /sub -q "a=b" -b body; } location /sub { echo "$echo_request_method $args"; echo_read_request_body; echo_request_body; }',
  ),
  echo('request body', 'echo_read_request_body; echo "[$request_body]"; echo_request_body;', post('the body')),
  echo('client headers', 'echo $echo_client_request_headers;', get('/', 'X-A: 1')),
  echo('client method', 'echo $echo_client_request_method $echo_request_uri;'),
  echo('exec', 'location / { echo_exec /other "q=1"; } location /other { echo "$uri $args"; }'),
  echo('exec, named', 'location / { echo_exec @n; } location @n { echo "named $uri"; }'),
  echo('before and after body', 'location / { echo body; echo_before_body b; echo_after_body a; }'),
  echo('foreach', 'echo_foreach_split "," "a,b,c"; echo "<$echo_it>"; echo_end;'),
  echo('status', 'echo_status 404; echo none;'),
  echo('timer', 'echo_reset_timer; echo ok;'),
  // set-misc.
  misc('set_if_empty', 'set $r ""; set_if_empty $r d;'),
  misc('quote SQL', 'set_quote_sql_str $r "a\'b\\\\c";'),
  misc('quote PostgreSQL', 'set_quote_pgsql_str $r "a\'b";'),
  misc('quote JSON', 'set_quote_json_str $r "a\\"b";'),
  misc('unescape', 'set_unescape_uri $r $arg_a;'),
  misc('escape', 'set_escape_uri $r "a b/c?d&e=\u00e4";'),
  misc('base32', 'set_encode_base32 $r "hello world";'),
  misc('decode base32', 'set_decode_base32 $r "d1imor3f41rmusjccg======";'),
  misc('base64', 'set_encode_base64 $r "hello world";'),
  misc('decode base64', 'set_decode_base64 $r "aGVsbG8=";'),
  misc('hex', 'set_encode_hex $r "hello";'),
  misc('decode hex', 'set_decode_hex $r "68656c6c6f";'),
  misc('sha1', 'set_sha1 $r hello;'),
  misc('md5', 'set_md5 $r hello;'),
  misc('hmac', 'set_hmac_sha1 $h key text; set_encode_base64 $r $h;'),
  misc('rotate', 'set $r 1; set_rotate $r 0 3;'),
];
