/** Expected answers are those of nginx 1.22 to the same requests. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

describe('rewrite module', () => {
  const server = new TestServer(
    `
    access_log off;
    rewrite_log on;
    server { listen 127.0.0.1:1; server_name localhost;
      set $sv srv;
      if ($http_x_block) { return 403 "blocked $http_x_block"; }
      rewrite ^/old/(.*)$ /new/$1;
      location / { return 200 "uri=$uri args=$args sv=$sv"; }
      location /new/ { return 200 "new uri=$uri args=$args"; }
      location /cycle { rewrite ^/cycle /cycle2; }
      location /cycle2 { rewrite ^/cycle2 /cycle; }
      location /redirect { rewrite ^/redirect/(.*)$ /to/$1 redirect; rewrite ^ /none permanent; }
      location /absolute { rewrite ^/absolute/(.*)$ http://example.com/$1?x=1; }
      location /dropped { rewrite ^/dropped/(.*)$ http://example.com/$1?; }
      location /break { rewrite ^/break/(.*)$ /file.txt break; return 200 no; }
      location /last { rewrite ^/last/(.*)$ /new/$1?q=1 last; return 200 no; }
      location /lastq { rewrite ^/lastq/(.*)$ /new/$1? last; }
      location /escape { rewrite ^/escape/(.*)$ /new/?a=$1; }
      location /unset { rewrite ^/unset(x)?(y) /new/[$1][$2]; }
      location /empty { rewrite ^/empty(.*) $1; }
      location /if { set $r "";
        if ($arg_a = 1) { set $r "\${r}A"; }
        if ($arg_a != 1) { set $r "\${r}B"; }
        if ($request_uri ~* "X(\\d+)") { set $r "\${r}C$1"; }
        if ($request_uri !~ y) { set $r "\${r}D"; }
        if ($arg_zero) { set $r "\${r}Z"; }
        return 200 "r=$r 1=$1"; }
      location /files { set $f "";
        if (-f %DIR%/html/file.txt) { set $f f; }
        if (-d %DIR%/html) { set $f "\${f}d"; }
        if (!-e %DIR%/html/nope) { set $f "\${f}n"; }
        if (-x %DIR%/html/file.txt) { set $f "\${f}x"; }
        return 200 "$f"; }
      location /conf { default_type text/outer; set $t "";
        if ($arg_t) { set $t inner; add_header X-In $t; }
        return 200 "t=$t"; }
      location /return301 { return 301 /a?b=$arg_b; }
      location /returnurl { return http://example.org$request_uri; }
      location /return404 { return 404; }
      location /return404text { return 404 "text $status"; }
      location /return204 { return 204; }
      location /return999 { return 999; }
      location /setescape { set $c ""; if ($uri ~ ^/setescape/(.*)$) { set $c $1; } return 200 "$c $1"; }
      location /uninitialized { return 200 "[$never]"; set $never 1; }
      location /error { error_page 404 =203 /errorpage; return 404; }
      location /named { error_page 404 @fallback; return 404; }
      location /elsewhere { error_page 404 = http://example.com/nf; return 404; }
      location = /errorpage { internal; return 200 "page $uri"; }
      location @fallback { return 200 "fallback $uri"; }
    }`,
    { 'html/file.txt': 'content' },
  );
  after(() => server.close());

  const bodies: readonly (readonly [string, number, string])[] = [
    ['/', 200, 'uri=/ args= sv=srv'],
    ['/old/x%20y?k=v', 200, 'new uri=/new/x y args=k=v'],
    ['/last/a?b=c', 200, 'new uri=/new/a args=q=1&b=c'],
    ['/lastq/a?b=c', 200, 'new uri=/new/a args='],
    ['/break/x?o=1', 200, 'content'],
    ['/escape/a%20b%26', 200, 'new uri=/new/ args=a=a%20b%26'],
    ['/escape/ab', 200, 'new uri=/new/ args=a=ab'],
    ['/unsety', 200, 'new uri=/new/[][y] args='],
    ['/if?a=1', 200, 'r=AD 1='],
    ['/if?a=2&X12', 200, 'r=BC12D 1='],
    ['/if?y&zero=0', 200, 'r=B 1='],
    ['/if?zero=1', 200, 'r=BDZ 1='],
    ['/files', 200, 'fdn'],
    ['/conf', 200, 't='],
    ['/conf?t=1', 200, 't=inner'],
    ['/return404text', 404, 'text 404'],
    ['/return204', 204, ''],
    ['/return999', 999, ''],
    ['/setescape/a%20b', 200, 'a%20b a b'],
    ['/uninitialized', 200, '[]'],
    ['/error', 203, 'page /errorpage'],
    ['/named', 404, 'fallback /named'],
  ];
  for (const [uri, status, body] of bodies) {
    it(uri, async () => {
      const answer = await server.get(uri);
      assert.equal(answer.status, status);
      assert.equal(answer.body, body);
    });
  }

  const redirects: readonly (readonly [string, number, string])[] = [
    ['/redirect/abc?q=1', 302, 'http://localhost:1/to/abc?q=1'],
    ['/redirect/a%20b%25?q=1', 302, 'http://localhost:1/to/a%20b%25?q=1'],
    ['/redirectx', 301, 'http://localhost:1/none'],
    ['/absolute/p?y=2', 302, 'http://example.com/p?x=1&y=2'],
    ['/dropped/p?y=2', 302, 'http://example.com/p'],
    ['/return301?b=%20', 301, 'http://localhost:1/a?b=%20'],
    ['/returnurl?x', 302, 'http://example.org/returnurl?x'],
    ['/elsewhere', 302, 'http://example.com/nf'],
  ];
  for (const [uri, status, location] of redirects) {
    it(uri, async () => {
      const answer = await server.get(uri);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['location'], location);
    });
  }

  it("applies the configuration of an `if`'s block", async () => {
    assert.equal((await server.get('/conf?t=1')).headers['x-in'], 'inner');
    assert.equal((await server.get('/conf')).headers['x-in'], undefined);
    assert.equal((await server.get('/conf?t=1')).headers['content-type'], 'text/outer');
  });

  it('runs the steps of the server first', async () => {
    const answer = await server.get('/x', ['X-Block: yes']);
    assert.equal(answer.status, 403);
    assert.equal(answer.body, 'blocked yes');
  });

  it('ends rewriting that goes round', async () => {
    assert.equal((await server.get('/cycle')).status, 500);
    assert.match(server.log.join('\n'), /rewrite or internal redirection cycle while processing "\/cycle2?", client: /);
  });

  it('refuses to rewrite to nothing', async () => {
    assert.equal((await server.get('/empty')).status, 500);
    assert.match(server.log.join('\n'), /the rewritten URI has a zero length/);
  });

  it('logs what it does', async () => {
    await server.get('/last/a');
    const log = server.log.join('\n');
    assert.match(log, /"\^\/old\/\(\.\*\)\$" does not match "\/last\/a", client: /);
    assert.match(log, /"\^\/last\/\(\.\*\)\$" matches "\/last\/a", client: /);
    assert.match(log, /rewritten data: "\/new\/a", args: "q=1", client: /);
    assert.match(log, /using uninitialized "never" variable/);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['rewrite a "";', /^empty replacement in /],
    ['rewrite a b c;', /^invalid parameter "c" in /],
    ['rewrite ( b;', /^pcre2_compile\(\) failed: missing closing parenthesis in "\(" in /],
    ['return x;', /^invalid return code "x" in /],
    ['return 1000;', /^invalid return code "1000" in /],
    ['if $a { }', /^invalid condition "\$a" in /],
    ['if ($a = b c) { }', /^invalid condition "\$a" in /],
    ['if ($a == b) { }', /^unexpected "==" in condition in /],
    ['if (-z x) { }', /^invalid condition "-z" in /],
  ];
  for (const [text, message] of wrong) {
    it(`refuses ${text}`, () => assert.throws(() => loadHttp(`server { ${text} }`), { message }));
  }
});
