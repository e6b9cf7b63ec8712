// empty_gif, stub_status, split_clients, secure_link, random_index, browser, userid, mirror.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

const md5 = (text: string) => createHash('md5').update(text);

describe('small modules', () => {
  const server = new TestServer(
    `
    log_format m '$uri $request_method "$request_body"';
    access_log off;
    split_clients "$arg_a" $split { 10% ten; 20.5% twenty; 0.01% tiny; 30% thirty; * rest; }
    server { listen 127.0.0.1:1; root %DIR%/html;
      location /gif { empty_gif; }
      location /status { stub_status; }
      location /numbers { return 200 "$connections_active $connections_reading $connections_writing $connections_waiting"; }
      location /split { return 200 $split; }
      location /link/ { secure_link $arg_md5,$arg_e; secure_link_md5 "$secure_link_expires$uri word"; return 200 "[$secure_link][$secure_link_expires]"; }
      location /plain/ { secure_link $arg_md5; secure_link_md5 "$uri word"; return 200 "[$secure_link][$secure_link_expires]"; }
      location /old { secure_link_secret word; return 200 "[$secure_link]"; }
      location /random/ { random_index on; }
      location /browser { modern_browser msie 5.5; modern_browser gecko 1.0.0; ancient_browser Lynx; return 200 "$modern_browser|$ancient_browser|$msie"; }
      location /unlisted { modern_browser unlisted; ancient_browser Lynx netscape4; return 200 "$modern_browser|$ancient_browser"; }
      location /uid { userid on; userid_domain example.com; userid_path /x; userid_expires max; userid_flags secure samesite=lax; userid_p3p p; return 200 "[$uid_got][$uid_set]"; }
      location /mark { userid v1; userid_service 7; userid_mark q; return 200 "[$uid_got][$uid_set]"; }
      location /reset { userid on; set $uid_reset log; return 200 "[$uid_got]"; }
      location /uidlog { userid log; return 200 "[$uid_got][$uid_set]"; }
      location /mirror/ { mirror /copy; mirror /second; try_files /a.txt =404; }
      location /mirror/bare { mirror /copy; mirror_request_body off; return 204; try_files /a.txt =404; }
      location ~ ^/(copy|second) { internal; log_subrequest on; access_log logs/copies.log m; return 200 copied; }
    }`,
    { 'html/random/only.txt': 'only', 'html/random/.hidden': 'x', 'html/a.txt': 'mirrored', 'logs/copies.log': '' },
  );
  after(() => server.close());

  it('empty_gif', async () => {
    const { headers, body } = await server.get('/gif');
    assert.equal(headers['content-type'], 'image/gif');
    assert.equal(headers['last-modified'], 'Mon, 28 Sep 1970 06:00:00 GMT');
    assert.equal(body.length, 43);
    assert.ok(body.startsWith('GIF89a') && body.endsWith(';'));
    assert.equal((await server.get('/gif', ['Content-Length: 0'], 'POST')).status, 405);
  });

  it('stub_status', async () => {
    const text = await server.body('/status');
    const match =
      /^Active connections: (\d+) \nserver accepts handled requests\n (\d+) (\d+) (\d+) \nReading: (\d+) Writing: (\d+) Waiting: (\d+) \n$/.exec(
        text,
      );
    assert.ok(match !== null, text);
    const [, active, accepts, handled, requests, reading, writing] = match.map(Number) as number[];
    assert.deepEqual([active, reading, writing], [1, 0, 1]);
    assert.equal(accepts, handled);
    assert.ok((requests as number) >= 1);
    assert.equal(await server.body('/numbers'), '1 0 1 0');
    assert.equal((await server.get('/status', ['Content-Length: 0'], 'POST')).status, 405);
  });

  // As nginx gives them.
  for (const [key, expected] of [
    ['1', 'twenty'],
    ['hello', 'rest'],
    ['abcdefghijk', 'twenty'],
    ['', 'ten'],
    ['x4', 'rest'],
  ] as const) {
    it(`split_clients ${key}`, async () => assert.equal(await server.body(`/split?a=${key}`), expected));
  }

  const link = (text: string): string => md5(text).digest('base64url');
  const links: readonly (readonly [string, string])[] = [
    [`/plain/x?md5=${link('/plain/x word')}`, '[1][]'],
    ['/plain/x?md5=wrong', '[][]'],
    ['/plain/x', '[][]'],
    [`/link/x?md5=${link('4000000000/link/x word')}&e=4000000000`, '[1][4000000000]'],
    [`/link/x?md5=${link('1000/link/x word')}&e=1000`, '[0][1000]'],
    ['/link/x?md5=a&e=b', '[][]'],
    [`/old/${md5('a/b?cword').digest('hex')}/a/b?c`, '[a/b?c]'],
    ['/old/0123/a', '[]'],
  ];
  for (const [uri, expected] of links) it(uri, async () => assert.equal(await server.body(uri), expected));

  it('random_index', async () => assert.equal(await server.body('/random/'), 'only'));

  const agents: readonly (readonly [string, string, string])[] = [
    ['Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)', '1||1', '|1'],
    ['Mozilla/4.0 (compatible; MSIE 5.0; Windows NT 5.1)', '|1|1', '|1'],
    ['Mozilla/4.0 (compatible; MSIE 6.0; X11) Opera 7.50  [en]', '|1|', '|1'],
    ['Mozilla/5.0 (X11; U; Linux i686; rv:1.0.0) Gecko/20020610', '1||', '1|'],
    ['Mozilla/5.0 (X11; U; Linux i686; rv:0.9.9) Gecko/20020610', '|1|', '1|'],
    ['Mozilla/4.72 [en] (X11; U; Linux)', '|1|', '|1'],
    ['Lynx/2', '|1|', '|1'],
    ['other', '|1|', '1|'],
  ];
  for (const [agent, listed, unlisted] of agents) {
    it(agent, async () => {
      assert.equal(await server.body('/browser', [`User-Agent: ${agent}`]), listed);
      assert.equal(await server.body('/unlisted', [`User-Agent: ${agent}`]), unlisted);
    });
  }

  it('userid sets a cookie', async () => {
    const { headers, body } = await server.get('/uid');
    const cookie = headers['set-cookie'] ?? '';
    const match =
      /^uid=([\w+/]{22})==; expires=Thu, 31-Dec-37 23:55:55 GMT; domain=example\.com; path=\/x; secure; samesite=lax$/.exec(
        cookie,
      );
    assert.ok(match !== null, cookie);
    assert.equal(headers.p3p, 'p');
    const uid = Buffer.from(match[1] as string, 'base64');
    assert.deepEqual([...uid.subarray(0, 4)], [127, 0, 0, 1]);
    const words = [0, 4, 8, 12].map((at) => uid.readUInt32LE(at).toString(16).toUpperCase().padStart(8, '0'));
    assert.equal(body, `[][uid=${words.join('')}]`);
    const again = await server.get('/uid', [`Cookie: ${cookie.split(';', 1)[0]}`]);
    assert.equal(again.headers['set-cookie'], undefined);
    assert.equal(again.body, `[uid=${words.join('')}][]`);
  });

  it('userid marks cookies and resets them', async () => {
    const uid = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex').toString('base64');
    const hex = 'uid=04030201080706050C0B0A09100F0E0D';
    const marked = await server.get('/mark', [`Cookie: uid=${uid}`]);
    assert.equal(marked.headers['set-cookie'], `uid=${uid.slice(0, 22)}q=; path=/`);
    assert.equal(marked.body, `[${hex}][${hex}]`);
    assert.equal((await server.get('/mark', [`Cookie: uid=${uid.slice(0, 22)}q=`])).headers['set-cookie'], undefined);
    assert.match((await server.get('/mark')).headers['set-cookie'] ?? '', /^uid=BwAAA[\w+/]{17}q=; path=\/$/);
    assert.match((await server.get('/reset', [`Cookie: uid=${uid}`])).headers['set-cookie'] ?? '', /^uid=fwAAA/);
    assert.ok(server.log.some((line) => line.startsWith(`userid cookie "${hex}" was reset`)));
    assert.equal(await server.body('/uidlog', [`Cookie: uid=${uid}`]), `[${hex}][]`);
    await server.get('/uidlog', ['Cookie: uid=short']);
    assert.ok(server.log.some((line) => line.startsWith('client sent too short userid cookie "uid=short"')));
  });

  it('mirror', async () => {
    assert.equal(await server.body('/mirror/x'), 'mirrored');
    await server.send('PUT /mirror/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody');
    await server.get('/mirror/x?q');
    assert.equal(
      server.read('logs/copies.log'),
      '/copy GET "-"\n/second GET "-"\n/copy PUT "body"\n/second PUT "body"\n/copy GET "-"\n/second GET "-"\n',
    );
    assert.deepEqual(
      server.log.filter((line) => line.startsWith('http request')),
      [],
    );
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['split_clients a $x { 60% a; 50% b; }', /^percent total is greater than 100% in /],
    ['split_clients a $x { 0% a; }', /^invalid percent value "0%" in /],
    ['secure_link_secret a; server { secure_link x; secure_link_secret b; }', /cannot be mixed/],
    ['modern_browser foo 1;', /^unknown browser name "foo" in /],
    ['userid_mark ab;', /^"userid_mark" directive value must be "off" or a single letter, digit or "=" in /],
    ['mirror /a; mirror off;', /^"mirror" directive is duplicate in /],
  ];
  for (const [block, message] of wrong) {
    it(`refuses ${block}`, () => assert.throws(() => loadHttp(block), { message }));
  }
});
