import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

describe('map', () => {
  const server = new TestServer(
    `
    access_log off;
    map $arg_m $mapped { default "def:$arg_m"; a valA; B valB; ~^x(\\d+)$ "num$1"; ~*^y(?<yy>.*)$ "y=$yy"; \\default escaped; include more; }
    map $http_host $host_kind { hostnames; default none; .example.com dot; *.test.com star; www.* tail; exact.org exact; }
    map $arg_v $volatile { volatile; default $arg_v; }
    map $arg_v $cached { default $arg_v; }
    map a$arg_m$uri $joined { "ab/map2" yes; }
    server { listen 127.0.0.1:1;
      location /map2 { return 200 "[$joined]"; }
      location /map { return 200 $mapped; }
      location /host { return 200 $host_kind; }
      location /volatile { set $args v=1; set $a "$volatile$cached"; set $args v=2; return 200 "$a $volatile$cached"; }
    }`,
    { more: 'included "from a file";\n' },
  );
  after(() => server.close());

  const cases: readonly (readonly [string, string])[] = [
    ['/map?m=a', 'valA'],
    ['/map?m=A', 'valA'],
    ['/map?m=b', 'valB'],
    ['/map?m=x12', 'num12'],
    ['/map?m=YES', 'y=ES'],
    ['/map?m=q', 'def:q'],
    ['/map', 'def:'],
    ['/map?m=default', 'escaped'],
    ['/map?m=included', 'from a file'],
    ['/map2?m=b', '[yes]'],
    ['/map2?m=c', '[]'],
    ['/volatile', '11 21'],
  ];
  for (const [uri, expected] of cases) {
    it(uri, async () => assert.equal(await server.body(uri), expected));
  }

  const hosts: readonly (readonly [string, string])[] = [
    ['example.com', 'dot'],
    ['a.b.example.com', 'dot'],
    ['test.com', 'none'],
    ['x.test.com', 'star'],
    ['www.foo.bar', 'tail'],
    ['EXACT.org.', 'exact'],
    ['zzz', 'none'],
  ];
  for (const [host, expected] of hosts) {
    it(host, async () => assert.equal(await server.body('/host', [`Host: ${host}`]), expected));
  }

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['map $uri x { }', /^invalid variable name "x" in /],
    ['map $uri $x { a b c; }', /^invalid number of the map parameters in /],
    ['map $uri $x { default a; default b; }', /^duplicate default map parameter in /],
    ['map $uri $x { a 1; A 2; }', /^conflicting parameter "a" in /],
    ['map $uri $x { hostnames; a.*.b 1; }', /^invalid hostname or wildcard "a\.\*\.b" in /],
    ['map $uri $x { ~( 1; }', /^pcre2_compile\(\) failed/],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});
