import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { socketAddress } from '../../../src/net/sockaddr.ts';
import { libc } from '../../../src/shm/libc.ts';
import { UnixDatagramSocket } from '../../../src/tools/test/unix-datagram.ts';

const folder = mkdtempSync(join(tmpdir(), 'datagram-'));
after(() => rmSync(folder, { recursive: true }));

test('a datagram socket with a path receives and answers', { skip: process.platform !== 'linux' }, async () => {
  const path = join(folder, 'a.sock');
  const received: string[] = [];
  const server = new UnixDatagramSocket(path, (data, reply) => {
    received.push(data);
    reply(`re: ${data}`);
  });
  const peer = join(folder, 'peer.sock');
  const answer = new Promise<string>((resolve) => {
    const client = new UnixDatagramSocket(peer, (data) => {
      client.close();
      resolve(data);
    });
    // The client's own datagram goes out by a plain call.
    const fd = libc.socket(1, 2, 0);
    const own = socketAddress({ family: 'unix', address: join(folder, 'out.sock'), port: 0, text: '' });
    libc.bind(fd, own, own.length);
    const to = socketAddress({ family: 'unix', address: peer, port: 0, text: '' });
    libc.sendto(fd, Buffer.from('direct'), 6, 0, to, to.length);
  });
  assert.equal(await answer, 'direct');
  const fd = libc.socket(1, 2, 0);
  const own = socketAddress({ family: 'unix', address: join(folder, 'own.sock'), port: 0, text: '' });
  libc.bind(fd, own, own.length);
  const to = socketAddress({ family: 'unix', address: path, port: 0, text: '' });
  libc.sendto(fd, Buffer.from('ping'), 4, 0, to, to.length);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const buffer = Buffer.alloc(64);
  assert.equal(buffer.toString('latin1', 0, libc.recv(fd, buffer, 64, 0x40)), 're: ping');
  assert.deepEqual(received, ['ping']);
  server.close();
  assert.equal(existsSync(path), false);
});
