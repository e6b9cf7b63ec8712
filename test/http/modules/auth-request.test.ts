import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { TestServer } from '../test-server.ts';

const server = new TestServer(
  `
  default_type text/plain;
  server { listen 127.0.0.1:1;
    location /in { auth_request /ok; root %DIR%; }
    location /variables { auth_request /ok?x=1; auth_request_set $who "$sent_http_x_user $request_uri"; echo "$who"; }
    location /401 { auth_request /challenge; echo never; }
    location /403 { auth_request /forbidden; auth_request_set $who me; error_page 403 /denied; echo never; }
    location /302 { auth_request /elsewhere; echo never; }
    location /off { auth_request /forbidden; location /off/inside { auth_request off; echo inside; } }
    location /any { satisfy any; deny all; auth_request /ok; echo in; }
    location /body { auth_request /read; echo_read_request_body; echo_request_body; }
    location /ok { more_set_headers "X-User: bob"; return 204; }
    location /read { echo_read_request_body; echo_request_body; }
    location /challenge { more_set_headers -s 401 'WWW-Authenticate: Basic realm="realm"'; return 401; }
    location /forbidden { return 403; }
    location /denied { return 403 "denied to $who"; }
    location /elsewhere { return 302 /; }
  }`,
  { 'in/file': '0123456789' },
);
after(() => server.close());

describe('auth_request', () => {
  it('lets in after 2xx', async () => {
    const { status, body } = await server.get('/in/file', ['Range: bytes=1-2']);
    assert.equal(status, 206);
    assert.equal(body, '12');
    assert.match(await server.body('/any'), /in/);
  });

  it('keeps out after 401, with the challenges, and after 403', async () => {
    const { status, headers, raw } = await server.get('/401');
    assert.equal(status, 401);
    assert.equal(headers['www-authenticate'], 'Basic realm="realm"');
    assert.doesNotMatch(raw, /never/);
    const denied = await server.get('/403');
    assert.equal(denied.status, 403);
    assert.equal(denied.body, 'denied to me');
  });

  it('fails after any other status', async () => {
    assert.equal((await server.get('/302')).status, 500);
    assert.match(server.log.join('\n'), /auth request unexpected status: 302, client/);
  });

  it('sets variables from the subrequest', async () =>
    assert.match(await server.body('/variables'), /bob \/variables/));

  it('can be off', async () => assert.match(await server.body('/off/inside'), /inside/));

  it('leaves the body to whoever serves the request', async () => {
    const answer = await server.send(
      'POST /body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello',
    );
    assert.equal(answer.split('hello').length, 2);
  });
});
