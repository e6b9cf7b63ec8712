import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { crypt } from '../../../src/http/modules/auth-basic/crypt.ts';
import { TestServer } from '../test-server.ts';

describe('crypt', () => {
  // Made with `openssl passwd` and `htpasswd`.
  const hashes: readonly (readonly [string, string])[] = [
    ['secret', '$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/'],
    ['a very long password that goes over sixteen', '$apr1$ab$/tiAv6Y/aUKFitns36DgX1'],
    ['secret', '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='],
    ['secret', '{PLAIN}secret'],
    ['secret', '{SSHA}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA=='],
    ['secret', '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'],
  ];
  for (const [password, hash] of hashes) {
    it(hash, () => {
      assert.equal(crypt(password, hash), hash);
      assert.notEqual(crypt(`${password}x`, hash), hash);
    });
  }
  it('ends passwords at a zero byte', () => assert.equal(crypt('secret\0more', '{PLAIN}'), '{PLAIN}secret'));
});

describe('auth_basic', () => {
  const server = new TestServer(
    `
    access_log off;
    server { listen 127.0.0.1:1; root %DIR%/html;
      location /a { auth_basic "closed site"; auth_basic_user_file passwords; return 200 "$remote_user"; try_files /x =200; }
      location /files/ { auth_basic "closed site"; auth_basic_user_file passwords; }
      location /var/ { auth_basic $arg_realm; auth_basic_user_file $document_root/../passwords; }
      location /missing/ { auth_basic x; auth_basic_user_file none; alias %DIR%/html/files/; }
      location /any/ { satisfy any; deny all; auth_basic x; auth_basic_user_file passwords; alias %DIR%/html/files/; }
    }`,
    {
      'html/files/a': 'content',
      'html/var/a': 'content',
      passwords: '# people\nann:{PLAIN}pw\r\nbo\nbob:{PLAIN}pw\nbob:{PLAIN}two:comment\nlast:{PLAIN}pw',
    },
  );
  after(() => server.close());

  const login = (text: string): string[] => [`Authorization: Basic ${Buffer.from(text).toString('base64')}`];
  const cases: readonly (readonly [string, string, number])[] = [
    ['/files/a', 'ann:pw', 200],
    ['/files/a', 'ann:pwx', 401],
    ['/files/a', 'nobody:pw', 401],
    ['/files/a', 'bob:two', 200],
    ['/files/a', 'last:pw', 200],
    ['/files/a', 'nocolon', 401],
    ['/files/a', '# people:x', 401],
    ['/var/a', 'ann:pw', 200],
    ['/var/a', 'ann:no', 401],
    ['/var/a?realm=off', 'x:y', 200],
    ['/missing/a', 'ann:pw', 403],
    ['/any/a', 'ann:pw', 200],
    ['/any/a', 'ann:no', 401],
  ];
  for (const [uri, text, status] of cases) {
    it(`${uri} ${text}`, async () => assert.equal((await server.get(uri, login(text))).status, status));
  }

  it('names the realm', async () => {
    const { headers, status } = await server.get('/files/a');
    assert.equal(status, 401);
    assert.equal(headers['www-authenticate'], 'Basic realm="closed site"');
  });

  it('logs', async () => {
    await server.get('/files/a', login('ann:bad'));
    await server.get('/files/a', login('eve:bad'));
    await server.get('/files/a');
    const starts = [
      'user "ann": password mismatch, client',
      `user "eve" was not found in "${server.dir}/passwords", client`,
      'no user/password was provided for basic authentication, client',
    ];
    for (const start of starts)
      assert.ok(
        server.log.some((line) => line.startsWith(start)),
        start,
      );
  });
});
