// Peers in shared memory, as several workers see them: here one zone that is attached to several times.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Upstream } from '../../src/http/upstream/conf.ts';
import { upstreamModule } from '../../src/http/upstream/module.ts';
import { HEADER } from '../../src/shm/layout.ts';
import { createZone, type Zone } from '../../src/shm/zone.ts';
import type { RoundRobinPeer } from '../../src/upstream/peers.ts';
import {
  attachSharedUpstreams,
  createSharedUpstreams,
  type ResolvedPeer,
  type SharedUpstream,
} from '../../src/upstream/shared-peers.ts';
import { loadHttp } from '../http/test-server.ts';

function upstreamsOf(blocks: string): readonly Upstream[] {
  const { upstreams } = upstreamModule.mainOf(loadHttp(`resolver 127.0.0.1; ${blocks}`).confs);
  return upstreams;
}

const BLOCKS = `
  upstream u { zone z 32k; server 127.0.0.1:1 weight=2; server x.test:5 resolve; server 127.0.0.1:3 backup; }
  upstream v { zone z; server unix:/path; server [::1]:8 down; }`;

/** Each call is another worker's view of the same zone. */
function attach(zone: Zone, ledger: number): { u: SharedUpstream; v: SharedUpstream } {
  const upstreams = upstreamsOf(BLOCKS);
  attachSharedUpstreams(zone, upstreams);
  const [u, v] = upstreams.map(({ shared }) => shared as SharedUpstream) as [SharedUpstream, SharedUpstream];
  u.takeLedger(ledger);
  v.takeLedger(ledger);
  return { u, v };
}

function make(size = 32768): Zone {
  const zone = createZone('z', size, false);
  createSharedUpstreams(zone, upstreamsOf(BLOCKS), 2, undefined);
  return zone;
}

const names = (shared: SharedUpstream): string => shared.view.peers.map((peer) => peer.address.name).join(' ');
const resolved = (...list: string[]): ResolvedPeer[] =>
  list.map((name) => ({ name, server: 'x.test:5', weight: 1, backup: false }));
const first = (shared: SharedUpstream): RoundRobinPeer => shared.view.peers[0] as RoundRobinPeer;

describe('shared peers', () => {
  it('are those of the configuration', () => {
    const { u, v } = attach(make(), 1);
    assert.equal(names(u), '127.0.0.1:1');
    assert.equal(u.view.backup?.peers[0]?.address.name, '127.0.0.1:3');
    assert.deepEqual([u.view.totalWeight, u.view.single, v.view.tries], [2, false, 1]);
    assert.deepEqual(v.view.peers[0]?.address.target, { path: '/path' });
    assert.deepEqual(v.view.peers[1]?.address.target, { address: '::1', port: 8 });
  });

  it('numbers of one worker are those of all', () => {
    const zone = make();
    const [one, two] = [attach(zone, 1), attach(zone, 2)];
    first(one.u).enter();
    first(two.u).enter();
    first(one.u).noteFailure(2_200_000_000);
    assert.deepEqual([first(two.u).conns, first(two.u).fails, first(two.u).checked], [2, 1, 2_200_000_000]);
    assert.equal(first(one.v).conns, 0);
  });

  it('a worker that begins takes back what one before it has left', () => {
    const zone = make();
    const [one, two] = [attach(zone, 1), attach(zone, 2)];
    first(one.u).enter();
    first(one.u).enter();
    first(one.u).addInflight(1);
    first(two.u).enter();
    const again = attach(zone, 1);
    assert.deepEqual([first(again.u).conns, first(again.u).inflight], [1, 0]);
  });

  it('addresses come and go; what stays keeps its numbers', () => {
    const zone = make();
    const [one, two] = [attach(zone, 1), attach(zone, 2)];
    assert.equal(one.u.update(1, resolved('10.0.0.1:5', '10.0.0.2:5'), 100), true);
    assert.equal(names(two.u), '127.0.0.1:1 10.0.0.1:5 10.0.0.2:5');
    assert.equal(two.u.validUntil(1), 100);
    const [, , busy] = two.u.view.peers as [RoundRobinPeer, RoundRobinPeer, RoundRobinPeer];
    busy.enter();
    one.u.update(1, resolved('10.0.0.2:5', '10.0.0.3:5'), 200);
    assert.equal(names(two.u), '127.0.0.1:1 10.0.0.2:5 10.0.0.3:5');
    assert.equal(two.u.view.peers[1]?.conns, 1);
  });

  it('a removed one stays until its last request has ended', () => {
    const zone = make();
    const { u } = attach(zone, 1);
    const pages = zone.slab.freeBytes;
    u.update(1, resolved('10.0.0.1:5'), 0);
    const busy = u.view.peers[1] as RoundRobinPeer;
    busy.enter();
    u.update(1, [], 0);
    assert.equal(names(u), '127.0.0.1:1');
    // What it was must not be given to others meanwhile.
    u.update(1, resolved('10.0.0.7:5', '10.0.0.8:5'), 0);
    assert.equal(busy.conns, 1);
    busy.leave();
    u.dropGone(busy);
    u.update(1, [], 0);
    assert.equal(zone.slab.freeBytes, pages);
  });

  it('a repair counts anew, and loses nothing', () => {
    const zone = make();
    const { u } = attach(zone, 2);
    u.update(1, resolved('10.0.0.1:5', '10.0.0.2:5'), 0);
    for (const peer of u.view.peers) peer.enter();
    const before = names(u);
    zone.slab.format();
    zone.words[HEADER.repair] = 1;
    u.acquire();
    u.release();
    assert.equal(zone.repairs, 1);
    assert.deepEqual(
      u.view.peers.map((peer) => peer.conns),
      [1, 1, 1],
    );
    // Memory that is in use is known to be.
    u.update(1, resolved('10.0.0.1:5', '10.0.0.2:5', '10.0.0.3:5', '10.0.0.4:5'), 0);
    assert.equal(names(u), `${before} 10.0.0.3:5 10.0.0.4:5`);
  });

  it('has an end', () => {
    const { u } = attach(make(), 1);
    const many = Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:5`);
    assert.equal(u.update(1, resolved(...many), 0), false);
    assert.ok(u.view.peers.length > 50);
    assert.equal(u.update(1, resolved('10.0.0.0:5'), 0), true);
    assert.equal(u.view.peers.length, 2);
  });

  it('names that were resolved go over into a new zone', () => {
    const zone = make();
    attach(zone, 1).u.update(1, resolved('10.0.0.1:5'), 77);
    const upstreams = upstreamsOf(BLOCKS.replace('x.test:5', 'x.test:6 weight=4'));
    createSharedUpstreams(createZone('z', 32768, false), upstreams, 2, zone);
    const { shared } = upstreams[0] as { shared: SharedUpstream };
    assert.equal(names(shared), '127.0.0.1:1 10.0.0.1:6');
    assert.equal(shared.view.peers[1]?.weight, 4);
    assert.equal(shared.validUntil(1), 77);
  });

  it('a zone may be too small', () => {
    const servers = Array.from({ length: 500 }, (_, i) => `server 127.0.${i >> 8}.${i & 255}:1;`).join(' ');
    const zone = createZone('z', 32768, false);
    assert.throws(
      () => createSharedUpstreams(zone, upstreamsOf(`upstream u { zone z 32k; ${servers} }`), 2, undefined),
      {
        message: 'no memory in upstream zone "z"',
      },
    );
  });
});
