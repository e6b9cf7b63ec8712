import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { loadHttp, TestServer } from '../test-server.ts';

const server = new TestServer(`
  server { listen 127.0.0.1:1; server_name here.test ~^rx;
    location /none { valid_referers none blocked foo.com; return 200 "[$invalid_referer]"; }
    location /hosts { valid_referers foo.com www.example.com/img *.example.org .fr/find www.tail.*; return 200 "[$invalid_referer]"; }
    location /names { valid_referers server_names; return 200 "[$invalid_referer]"; }
    location /regex { valid_referers ~^bar\\.; return 200 "[$invalid_referer]"; }
    location /without { return 200 "[$invalid_referer]"; }
  }`);
after(() => server.close());

async function check(path: string, referer: string | undefined, invalid: boolean): Promise<void> {
  const { body } = await server.get(path, referer === undefined ? [] : [`Referer: ${referer}`]);
  assert.equal(body, invalid ? '[1]' : '[]', `${path} ${referer}`);
}

describe('valid_referers', () => {
  it('none and blocked', async () => {
    await check('/none', undefined, false);
    await check('/none', 'hidden', false);
    await check('/none', 'ftp://elsewhere.test/', false);
    await check('/none', 'http://elsewhere.test/', true);
    await check('/hosts', undefined, true);
    await check('/hosts', 'hidden', true);
  });

  it('hosts and paths', async () => {
    await check('/hosts', 'http://foo.com', false);
    await check('/hosts', 'HTTPS://FOO.com:8080/x', false);
    await check('/hosts', 'http://www.example.com/img/1', false);
    await check('/hosts', 'http://www.example.com/im', true);
    await check('/hosts', 'http://www.example.com', true);
    await check('/hosts', 'http://a.b.example.org/', false);
    await check('/hosts', 'http://example.org/', true);
    await check('/hosts', 'http://x.google.fr/find?x', false);
    await check('/hosts', 'http://www.tail.de/', false);
    await check('/hosts', `http://${'a'.repeat(300)}/`, true);
  });

  it('server names and expressions', async () => {
    await check('/names', 'http://here.test/', false);
    await check('/names', 'http://rx7/', false);
    await check('/names', 'http://not.here.test/', true);
    await check('/regex', 'http://BAR.de/x', false);
    await check('/regex', 'http://foo.bar.de/x', true);
  });

  it('says nothing without the directive', async () => check('/without', 'http://elsewhere.test/', false));

  it('refuses what makes no sense', () => {
    const load = (text: string) => () => loadHttp(`server { listen 1; ${text} }`);
    assert.throws(load('valid_referers none;'), /are specified in the "valid_referers" directive without any valid/);
    assert.throws(load('valid_referers a.* b a.*;'), /conflicting parameter "a\.\*" in /);
    assert.throws(load('valid_referers a.*.b;'), /invalid hostname or wildcard "a\.\*\.b" in /);
    assert.throws(load('valid_referers ~;'), /empty regex in "~" in /);
  });
});
