import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { HttpRequest } from '../../src/http/request.ts';
import { getByName, setByName } from '../../src/http/variables.ts';
import { loadHttp, TestServer } from './test-server.ts';

describe('variables of the core module', () => {
  const server = new TestServer(`
    access_log off;
    map $args $loop1 { default $loop2; }
    map $args $loop2 { default $loop1; }
    server { listen 127.0.0.1:1; server_name the.name other;
      
      location /host { return 200 "$host|$server_name|$http_host|$request_port|$is_request_port"; }
      location /uri { return 200 "$uri|$request_uri|$args|$query_string|$is_args|$document_uri"; }
      location /line { return 200 "$request|$request_method|$server_protocol|$scheme|$https"; }
      location /args { return 200 "$arg_a|$arg_b|$arg_c|$arg_A"; }
      location /setargs { set $args "x=$args"; return 200 "$args|$arg_x|$request_uri"; }
      location /cookie { return 200 "$cookie_a|$cookie_b|$cookie_c|$http_cookie"; }
      location /field { return 200 "$http_x_one|$http_x_two|$content_type|$content_length|$http_user_agent"; }
      location /client { return 200 "$remote_addr|$server_addr|$remote_user|$connection_requests|$pipe"; }
      location /path { root /r/$arg_x; return 200 "$document_root|$request_filename"; }
      location /status { return 418 "$status|$sent_http_x|$body_bytes_sent|$request_completion"; }
      location /time { return 200 "$msec|$time_iso8601|$time_local|$request_time|$connection_time"; }
      location /id { return 200 "$request_id$request_id"; }
      location /loop { return 200 "[$loop1]"; }
      location /braces { return 200 "\${arg_a}b$arg_a-"; }
    }`);
  after(() => server.close());

  const cases: readonly (readonly [string, string, (readonly string[])?])[] = [
    ['/host', 'localhost|the.name|localhost||'],
    ['/host', 'foo.bar|the.name|FOO.bar:81|81|:', ['Host: FOO.bar:81']],
    ['/uri%20x?a=1&b', '/uri x|/uri%20x?a=1&b|a=1&b|a=1&b|?|/uri x'],
    ['/uri', '/uri|/uri||||/uri'],
    ['/line?q', 'GET /line?q HTTP/1.1|GET|HTTP/1.1|http|'],
    ['/args?a=1&B=2&a=3&c', '1|2||1'],
    ['/args?xa=1&a=%20', '%20|||%20'],
    ['/setargs?y=2', 'x=y=2|y=2|/setargs?y=2'],
    ['/cookie', '1|two words||a=1; b=two words; x; c=', ['Cookie: a=1; b=two words', 'Cookie: x; c=']],
    ['/field', '1, 2||t/x||', ['X-One: 1', 'X-One: 2', 'Content-Type: t/x']],
    ['/client', '127.0.0.1|127.0.0.1|user|1|.', ['Authorization: Basic dXNlcjpwYXNz']],
    ['/client', '127.0.0.1|127.0.0.1||1|.', ['Authorization: Basic ????']],
    ['/path/y?x=z', '/r/z|/r/z/path/y'],
    ['/status', '418||0|'],
    ['/braces?a=Q', 'QbQ-'],
  ];
  for (const [uri, expected, headers] of cases) {
    it(`${uri} ${headers?.join(' ') ?? ''}`, async () => assert.equal(await server.body(uri, headers), expected));
  }

  it('tells the time in four forms', async () => {
    assert.match(
      await server.body('/time'),
      /^\d{10}\.\d{3}\|\d{4}-\d\d-\d\dT[\d:]{8}[+-]\d\d:\d\d\|\d\d\/\w{3}\/\d{4}:[\d:]{8} [+-]\d{4}\|0\.\d{3}\|0\.\d{3}$/,
    );
  });

  it('gives a request one id', async () => {
    const id = await server.body('/id');
    assert.match(id, /^([0-9a-f]{32})\1$/);
    assert.notEqual(await server.body('/id'), id);
  });

  it('stops variables that refer to each other', async () => {
    assert.equal(await server.body('/loop'), '[]');
    assert.match(server.log.join('\n'), /cycle while evaluating variable "loop[12]"/);
  });
});

describe('declaring variables', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['server { return 200 $nope; }', /^unknown "nope" variable$/],
    ['server { return 200 "$"; }', /^invalid variable name in /],
    ['server { return 200 "$-"; }', /^invalid variable name in /],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: nginx's syntax
    ['server { return 200 "a${b"; }', /^the closing bracket in "b" variable is missing in /],
    ['server { set $uri x; }', /^the duplicate "uri" variable in /],
    ['server { set x y; }', /^invalid variable name "x" in /],
    ['map $uri $host { a b; }', /^the duplicate "host" variable in /],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});

describe('variables by name', () => {
  const http = loadHttp('server { set $mine x; set $args y; return 200 $arg_seen; }');
  const request = (args: string): HttpRequest =>
    ({ http, variables: [], args, uri: '/u', log: () => {} }) as unknown as HttpRequest;

  it('finds declared ones and prefixes, in any case', () => {
    const r = request('a=1&Seen=2');
    assert.equal(getByName(r, 'URI'), '/u');
    assert.equal(getByName(r, 'arg_a'), '1');
    assert.equal(getByName(r, 'arg_seen'), '2');
    assert.equal(getByName(r, 'arg_none'), null);
    assert.equal(getByName(r, 'no_such_thing'), null);
  });

  it('sets what may be set', () => {
    const r = request('');
    assert.equal(setByName(r, 'mine', 'value'), undefined);
    assert.equal(getByName(r, 'mine'), 'value');
    assert.equal(setByName(r, 'mine', null), undefined);
    assert.equal(getByName(r, 'mine'), null);
    assert.equal(setByName(r, 'args', 'k=v'), undefined);
    assert.equal(r.args, 'k=v');
    assert.equal(getByName(r, 'arg_k'), 'v');
    assert.equal(setByName(r, 'uri', 'x'), 'variable "uri" not changeable');
    assert.match(setByName(r, 'arg_k', 'x') ?? '', /^variable "arg_k" not found for writing; maybe it is a built-in/);
  });
});
