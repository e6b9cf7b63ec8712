// set_hashed_upstream, array-var, form-input, encrypted-session.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadHttp, TestServer } from '../test-server.ts';

const KEY = 'encrypted_session_key "abcdefghijklmnopqrstuvwxyz123456";';
const server = new TestServer(
  `
  access_log off;
  upstream_list universe moon sun earth;
  server { listen 127.0.0.1:1;
    location /hashed { set_hashed_upstream $backend universe $arg_id; return 200 $backend; }
    location /named { set_hashed_upstream $backend $arg_list $arg_id; return 200 $backend; }
    location /split { array_split ',' $arg_n to=$list; array_map "[$array_it]" $list; array_join ' ' $list to=$out;
      return 200 "$out"; }
    location /copy { array_split ',' $arg_n to=$list; array_map "<$array_it>" $list to=$new; array_join '' $new;
      array_join '' $list; return 200 "$new $list"; }
    location /max { array_split ',' $arg_n $arg_m to=$list; array_map_op set_quote_sql_str $list; array_join '|' $list;
      return 200 $list; }
    location /chars { array_split '' $arg_n to=$list; array_join '-' $list; return 200 "$list"; }
    location /no-array { array_join '-' $arg_n to=$x; return 200 $x; }
    location /no-function { array_split ',' $arg_n to=$list; array_map_op set_if_empty $list; return 200 $list; }
    location /form { set_form_input $name; set_form_input $other Field; set_form_input_multi $all tag;
      array_join '+' $all; return 200 "$name/$other/$all"; }
    location /file { client_body_in_file_only clean; set_form_input $name; return 200 "[$name]"; }
    location /session { ${KEY} set_encrypt_session $s $arg_v; set_encode_base64url $e $s; set_decode_base64url $d $e;
      set_decrypt_session $p $d; return 200 "$e $p"; }
    location /open { ${KEY} set_decode_base64url $d $arg_s; set_decrypt_session $p $d; return 200 "[$p]"; }
    location /other { encrypted_session_key "abcdefghijklmnopqrstuvwxyz123457"; set_decode_base64url $d $arg_s;
      set_decrypt_session $p $d; return 200 "[$p]"; }
    location /expired { ${KEY} encrypted_session_expires 0; set_encrypt_session $s x; set_decrypt_session $p $s;
      return 200 $p; }
    location /no-key { set_encrypt_session $s x; return 200 $s; }
  }`,
  { 'client_body_temp/keep': '' },
);
after(() => server.close());

const post = (uri: string, body: string): Promise<string> =>
  server.send(
    `POST ${uri} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );

const cases: readonly (readonly [string, string])[] = [
  ['/hashed', 'moon'],
  ['/hashed?id=hello', 'sun'],
  ['/hashed?id=LARRY', 'earth'],
  ['/named?list=universe&id=hello', 'sun'],
  ['/split?n=a,b,,c', '[a] [b] [] [c]'],
  ['/split', '[]'],
  ['/copy?n=a,b', '<a><b> ab'],
  ["/max?n=a,b,c'&m=2", "'a'|'b,c\\''"],
  ['/max?n=a,b,c&m=1', "'a,b,c'"],
  ['/chars?n=abc', 'a-b-c'],
  ['/expired', 'x'],
];
describe('set directives', () => {
  for (const [uri, expected] of cases) {
    it(uri, async () => assert.equal(await server.body(uri), expected));
  }

  const failures: readonly (readonly [string, string])[] = [
    ['/named?list=none', 'set_hashed_upstream: upstream list "none" not defined yet'],
    ['/max?n=a&m=x', 'array_split: invalid max items: "x"'],
    ['/no-array?n=text', 'array_join: invalid array variable value in the 2nd argument: "text"'],
    ['/no-function?n=a', 'array_map_op: directive "set_if_empty" not found or does not use ndk_set_var_value'],
    ['/no-key', 'encrypted_session: a key is required to be defined by the encrypted_session_key directive'],
  ];
  for (const [uri, message] of failures) {
    it(`${uri} is an error`, async () => {
      assert.equal((await server.get(uri)).status, 500);
      assert.ok(
        server.log.some((line) => line.startsWith(message)),
        server.log.slice(-3).join('\n'),
      );
    });
  }
});

describe('form input', () => {
  it('fields, in any case, not decoded', async () => {
    assert.match(await post('/form', 'xname=0&name=x&fiELD=a%20b&tag=1&tag=2&xtag=3'), /\r\n\r\nx\/a%20b\/1\+2$/);
  });

  it('no form', async () => assert.equal(await server.body('/form'), '//'));

  it('a body that comes later', async () => {
    const socket = connect(server.port, '127.0.0.1');
    let received = '';
    socket.on('data', (data) => {
      received += data.toString('latin1');
    });
    socket.write(
      'POST /form HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\nname=',
    );
    await sleep(50);
    socket.write('x&tag=1');
    await new Promise((resolve) => socket.on('close', resolve));
    assert.match(received, /\r\n\r\nx\/\/1$/);
  });

  it('a body in a file is not looked at', async () => {
    assert.match(await post('/file', 'name=x'), /\r\n\r\n\[\]$/);
    assert.ok(server.log.some((line) => line.startsWith('form-input: in-file buffer found. aborted.')));
  });
});

describe('encrypted session', () => {
  it('comes back, and only unchanged and with the same key', async () => {
    const [sealed, plain] = (await server.body('/session?v=secret')).split(' ') as [string, string];
    assert.equal(plain, 'secret');
    assert.equal(await server.body(`/open?s=${sealed}`), '[secret]');
    assert.equal(await server.body(`/other?s=${sealed}`), '[]');
    const changed = (sealed[0] === 'A' ? 'B' : 'A') + sealed.slice(1);
    assert.equal(await server.body(`/open?s=${changed}`), '[]');
    assert.equal(await server.body(`/open?s=${sealed.slice(0, 20)}`), '[]');
    assert.equal(await server.body('/open'), '[]');
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['encrypted_session_key short;', /^encrypted_session_key: the key must be of 32 bytes long in /],
    [
      'encrypted_session_iv 12345678901234567;',
      /^encrypted_session_iv: the init vector must NOT be longer than 16 bytes in /,
    ],
    ['encrypted_session_expires x;', /^"encrypted_session_expires" directive invalid value in /],
    ['upstream_list a b; upstream_list a c;', /^duplicate upstream list name "a" in /],
    ['array_split , $x 1 2;', /^array_split: expecting the "to" option at the 4th argument: "2" in /],
    ['array_join , $x $y;', /^array_join: unexpected argument "\$y" in /],
    ['array_map x $x $y;', /^array_map: expecting the "to" option at the 3rd argument: "\$y" in /],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});
