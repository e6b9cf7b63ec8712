import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { SET_VARS } from '../../../src/http/modules/set-misc/functions.ts';
import type { HttpRequest } from '../../../src/http/request.ts';
import { TestServer } from '../test-server.ts';

const server = new TestServer(`
  default_type text/plain;
  server { listen 127.0.0.1:1;
    location /own { set $x "a b"; set_escape_uri $x; set_md5 $y $x; echo "$x $y"; }
    location /base32 { set_base32_padding off; set_base32_alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
      set_encode_base32 $a $arg_v; set_decode_base32 $b $a; echo "$a $b"; }
    location /padded { set_encode_base32 $a $arg_v; echo $a; }
    location /empty { set $x ''; set_if_empty $x $arg_v; set_if_empty $x fallback; echo $x; }
    location /rotate { set $n $arg_v; set_rotate $n 2 4; echo $n; }
    location /bad { set_decode_hex $x xyz; echo $x; }
    location /random { set_random $r 5 5; set_secure_random_alphanum $a 8; set_secure_random_lcalpha $l 6; echo "$r $a $l"; }
    location /time { set_local_today $t; set_formatted_gmt_time $g "%Y-%j %%"; echo "$t $g"; }
    location /if { set_md5 $x 1; if ($arg_v) { set_md5 $x $arg_v; } echo $x; }
  }`);
after(() => server.close());

const body = async (uri: string) => (await server.send(`GET ${uri} HTTP/1.0\r\n\r\n`)).split('\r\n\r\n')[1];

describe('the set_* directives', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/own', 'a%20b 4c85f5eb3a20b8ad41bddfdd57ff6347\n'],
    ['/base32?v=hello', 'NBSWY3DP hello\n'],
    ['/base32?v=hell', 'NBSWY3A hell\n'],
    ['/padded?v=hell', 'd1imor0=\n'],
    ['/padded?v=', '\n'],
    ['/empty', 'fallback\n'],
    ['/empty?v=1', '1\n'],
    ['/if', 'c4ca4238a0b923820dcc509a6f75849b\n'],
    ['/if?v=a', '0cc175b9c0f1b6a831c399e269772661\n'],
  ];
  for (const [uri, expected] of cases) it(uri, async () => assert.equal(await body(uri), expected));

  it('count around and around', async () => {
    let all = '';
    for (let i = 0; i < 4; i++) all += await body('/rotate');
    assert.equal(all, '2\n3\n4\n2\n');
    assert.equal(await body('/rotate?v=3'), '4\n');
  });

  it('end the request when a value is wrong', async () => {
    assert.equal((await server.get('/bad')).status, 500);
    assert.match(server.log.at(-1) as string, /^set_decode_hex: invalid value, client: /);
  });

  it('make random values and times', async () => {
    assert.match((await body('/random')) as string, /^5 [A-Za-z0-9]{8} [a-z]{6}\n$/);
    assert.match((await body('/time')) as string, /^\d{4}-\d\d-\d\d \d{4}-\d{3} %\n$/);
  });
});

describe('the functions behind them, as ndk.set_var calls them', () => {
  const errors: string[] = [];
  const r = { log: (_level: number, message: string) => errors.push(message) } as unknown as HttpRequest;
  const cases: readonly (readonly [name: string, args: readonly string[], result: string | undefined])[] = [
    ['set_escape_uri', [' :/?&=+a-._~\xe4'], '%20%3A%2F%3F%26%3D%2Ba-._~%E4'],
    ['set_unescape_uri', ['a%20b+c%zz%2'], 'a b czz'],
    ['set_quote_sql_str', ['it\'s "$x\\\n\0'], "'it\\'s \\\"\\$x\\\\\\n\\0'"],
    ['set_quote_sql_str', [''], "''"],
    ['set_quote_pgsql_str', ['\xc3\xa4'], "E'\xc3\xa4'"],
    ['set_quote_pgsql_str', ['\xff'], "E'\\\\377'"],
    ['set_quote_json_str', ['a"\n\x01\xe4'], '"a\\"\\n\\u0001\xe4"'],
    ['set_quote_json_str', [''], 'null'],
    ['set_encode_base64', ['a\xff'], 'Yf8='],
    ['set_decode_base64', ['Yf8='], 'a\xff'],
    ['set_decode_base64', ['Y'], undefined],
    ['set_decode_base64', ['Y-8='], undefined],
    ['set_encode_base64url', ['\xfb\xff'], '-_8'],
    ['set_decode_base64url', ['-_8'], '\xfb\xff'],
    ['set_encode_hex', ['a\xff'], '61ff'],
    ['set_decode_hex', ['61FF'], 'a\xff'],
    ['set_decode_hex', ['6'], undefined],
    ['set_sha1', ['abc'], 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    [
      'set_hmac_sha1',
      ['key', 'text'],
      Buffer.from('369e2959eb49450338b212748f77d8ded74847bb', 'hex').toString('latin1'),
    ],
    ['set_random', ['1', 'x'], undefined],
    ['set_secure_random_alphanum', ['65'], undefined],
  ];
  for (const [name, args, result] of cases) {
    it(`${name} ${JSON.stringify(args)}`, () => assert.equal(SET_VARS.get(name)?.run(r, args), result));
  }
});
