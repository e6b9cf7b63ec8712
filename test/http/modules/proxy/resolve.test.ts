import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestServer } from '../../test-server.ts';
import { Backend } from './backend.ts';

let names: Socket;
let backend: Backend;
let server: TestServer;
let asked = 0;

/** Answers with 127.0.0.1 for names that begin with `b`, not at all for `s`, and that there is no such name for others. */
function answer(query: Buffer): Buffer | undefined {
  const first = String.fromCharCode(query[13] as number);
  if (first === 's') return undefined;
  const found = first === 'b';
  const head = Buffer.from(query);
  head.writeUInt16BE(found ? 0x8180 : 0x8183, 2);
  head.writeUInt16BE(found ? 1 : 0, 6);
  return found ? Buffer.concat([head, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])]) : head;
}

before(async () => {
  names = createSocket('udp4');
  names.on('message', (query, from) => {
    asked++;
    const reply = answer(query);
    if (reply !== undefined) names.send(reply, from.port, from.address);
  });
  names.bind(0, '127.0.0.1');
  await once(names, 'listening');
  backend = await Backend.start();
  server = new TestServer(`
    resolver_timeout 100ms;
    server { listen 127.0.0.1:1;
      set $name $arg_name;
      location / {
        resolver 127.0.0.1:${names.address().port} ipv6=off;
        proxy_pass http://$name:${backend.port}/;
        add_header X-Upstream "$upstream_addr|$upstream_status" always;
      }
      location /both {
        resolver 127.0.0.1:${names.address().port} ipv6=off;
        echo_location /?name=b3.test;
        echo_location /?name=b3.test;
      }
      location /patient {
        resolver 127.0.0.1:${names.address().port} ipv6=off;
        resolver_timeout 5s;
        proxy_pass http://$name:${backend.port}/;
      }
      location /without { proxy_pass http://$name:${backend.port}/; }
    }`);
});
after(() => {
  server.close();
  backend.close();
  names.close();
});

/** Waits for something that comes soon. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await sleep(10);
  assert.ok(condition());
}

describe('proxy_pass to a name with variables', () => {
  it('asks the resolver once while the answer holds', async () => {
    for (let i = 0; i < 3; i++) {
      const { status, body, headers } = await server.get('/?name=b1.test');
      assert.equal(status, 200);
      assert.match(body, /^Host: b1\.test:/m);
      assert.equal(headers['x-upstream'], `127.0.0.1:${backend.port}|200`);
    }
    assert.equal(asked, 1);
  });

  it('works in subrequests', async () => {
    assert.equal((await server.body('/both')).split('Host: b3.test:').length, 3);
  });

  it('says why a name has no address', async () => {
    const none = await server.get('/?name=none.test');
    assert.equal(none.status, 502);
    assert.equal(none.headers['x-upstream'], '|');
    assert.match(server.log.join('\n'), /none\.test could not be resolved \(3: Host not found\), client: 127\.0\.0\.1/);
    assert.equal((await server.get('/?name=s1.test')).status, 502);
    assert.match(server.log.join('\n'), /s1\.test could not be resolved \(110: Operation timed out\)/);
  });

  it('stops waiting when the client goes', async () => {
    const before = server.log.length;
    const client = connect(server.port, '127.0.0.1');
    const questions = asked;
    client.write('GET /patient?name=s2.test HTTP/1.0\r\n\r\n');
    await until(() => asked > questions);
    client.destroy();
    const lines = (): string => server.log.slice(before).join('\n');
    await until(() => /client prematurely closed connection/.test(lines()));
    await sleep(50);
    assert.doesNotMatch(lines(), /s2\.test could not be resolved/);
  });

  it('needs a resolver', async () => {
    assert.equal((await server.get('/without?name=b1.test')).status, 502);
    assert.match(server.log.join('\n'), /no resolver defined to resolve b1\.test/);
  });
});
