/** Expected lines are those of nginx 1.22 for the same requests. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

describe('access_log', () => {
  const server = new TestServer(
    `
    log_format plain '$remote_addr "$request" $status $body_bytes_sent [$arg_x] $http_nope $args $request_length $bytes_sent $pipe \${host}x';
    log_format json escape=json '{"u":"$http_user_agent","n":"$http_nope","x":"$arg_x"}';
    log_format bare escape=none '[$http_user_agent][$http_nope]';
    map $status $loggable { ~^2 0; default 1; }
    server { listen 127.0.0.1:1; server_name localhost;
      access_log logs/plain.log plain;
      location / { return 200 "ok\\n"; }
      location /default { access_log logs/default.log; return 200; }
      location /json { access_log logs/json.log json; return 200; }
      location /bare { access_log logs/bare.log bare; return 200; }
      location /off { access_log off; return 200; }
      location /two { access_log logs/plain.log plain; access_log logs/bare.log bare; return 200; }
      location /if { access_log logs/if.log bare if=$loggable; return 200; location /if/404 { return 404; } }
      location /buffered { access_log logs/buffered.log bare buffer=40; return 200; }
      location /script { access_log logs/script_$arg_x.log bare; root %DIR%/html; return 200; }
      location /noroot { access_log logs/script_$arg_x.log bare; root %DIR%/nope; return 200; }
    }`,
    { 'html/x': '' },
  );
  after(() => server.close());

  const last = (file: string) => server.read(`logs/${file}`).trimEnd().split('\n').at(-1);

  it('writes a line for a request', async () => {
    await server.get('/?x=a%20b"', ['User-Agent: a']);
    assert.match(
      last('plain.log') ?? '',
      /^127\.0\.0\.1 "GET \/\?x=a%20b\\x22 HTTP\/1\.1" 200 3 \[a%20b\\x22\] - x=a%20b\\x22 78 \d+ \. localhostx$/,
    );
  });

  it('has a default format', async () => {
    await server.get('/default', ['User-Agent: q"uo\\te \x01 \xe9', 'Referer: r']);
    assert.match(
      last('default.log') ?? '',
      /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:[\d:]{8} [+-]\d{4}\] "GET \/default HTTP\/1\.1" 200 0 "r" "q\\x22uo\\x5Cte \\x01 \\xE9"$/,
    );
  });

  it('escapes for JSON, or not at all', async () => {
    await server.get('/json?x="\\', ['User-Agent: q"uo\\te\t\xe9']);
    assert.equal(last('json.log'), '{"u":"q\\"uo\\\\te\\t\xe9","n":"","x":"\\"\\\\"}');
    await server.get('/bare', ['User-Agent: q"u']);
    assert.equal(last('bare.log'), '[q"u][]');
  });

  it('knows when not to', async () => {
    const before = server.read('logs/plain.log');
    await server.get('/off');
    assert.equal(server.read('logs/plain.log'), before);
    await server.get('/if');
    assert.equal(server.read('logs/if.log'), '');
    await server.get('/if/404', ['User-Agent: no']);
    assert.equal(last('if.log'), '[no][]');
  });

  it('writes to several files', async () => {
    await server.get('/two', ['User-Agent: two']);
    assert.match(last('plain.log') ?? '', /"GET \/two HTTP\/1\.1"/);
    assert.equal(last('bare.log'), '[two][]');
  });

  it('logs requests that could not be read, and pipelined ones', async () => {
    await server.send('FOO\r\n\r\n');
    await until(() => /^127\.0\.0\.1 "FOO" 400 \d+ \[-\] - - 0 \d+ \. localhostx$/.test(last('plain.log') ?? ''));
    await server.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await until(() => /^127\.0\.0\.1 "GET \/2 HTTP\/1\.1" 200 3 \[-\] - - 47 \d+ p ax$/.test(last('plain.log') ?? ''));
  });

  it('buffers lines', async () => {
    await server.get('/buffered', ['User-Agent: 0123456789']);
    assert.equal(server.read('logs/buffered.log'), '');
    await server.get('/buffered', ['User-Agent: 0123456789']);
    await server.get('/buffered', ['User-Agent: 0123456789']);
    assert.equal(server.read('logs/buffered.log'), '[0123456789][]\n'.repeat(2));
  });

  it('makes the path of variables, if there is a root', async () => {
    await server.get('/script?x=1', ['User-Agent: a']);
    assert.equal(server.read('logs/script_1.log'), '[a][]\n');
    await server.get('/noroot?x=2');
    assert.throws(() => server.read('logs/script_2.log'), { code: 'ENOENT' });
    assert.ok(
      server.log.some((line) => line.startsWith(`testing "${server.dir}/nope" existence failed (2: No such file`)),
    );
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['access_log off x;', /^invalid parameter "x" in /],
    ['access_log a nope;', /^unknown log format "nope" in /],
    ['access_log a combined buffer=0;', /^invalid buffer size "0" in /],
    ['access_log a combined flush=1s;', /^no buffer is defined for access_log "a" in /],
    ['access_log a$uri combined buffer=1k;', /^buffered logs cannot have variables in name in /],
    ['access_log a combined gzip=10;', /^invalid compression level "10" in /],
    [
      'access_log a combined buffer=1k; server { access_log a combined buffer=2k; }',
      /already defined with conflicting/,
    ],
    ['log_format combined x;', /^duplicate "log_format" name "combined" in /],
    ['log_format a escape=x y;', /^unknown log format escaping "x" in /],
    ['log_format a $;', /^invalid parameter "\$" in /],
    ['open_log_file_cache inactive=1s;', /must have "max" parameter in /],
  ];
  for (const [text, message] of wrong) {
    it(`refuses ${text}`, () => assert.throws(() => loadHttp(text), { message }));
  }
});

/** The line of a request that failed may be written after its connection is closed. */
async function until(test: () => boolean): Promise<void> {
  for (let i = 0; !test(); i++) {
    if (i === 500) throw new Error('waited in vain');
    await new Promise((go) => setTimeout(go, 2));
  }
}
