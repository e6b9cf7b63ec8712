/** The module ngx.upstream: upstream blocks and their servers seen from Lua. lua-upstream-nginx-module. */
import { current } from '../../../api/context.ts';
import type { Block } from '../../../conf/block.ts';
import type { Upstream } from '../../../http/upstream/conf.ts';
import { upstreamModule } from '../../../http/upstream/module.ts';
import { peersNow } from '../../../http/upstream/round-robin.ts';
import { type LuaResult, LuaTable, type LuaValue, ret2, throwError } from '../../../lua/index.ts';
import { DOWN_FAILED, type RoundRobinPeer, type RoundRobinPeers } from '../../../upstream/peers.ts';
import { checkInteger, checkString, isTrue } from '../ngx/args.ts';
import { type ModuleLoader, moduleTable } from './module.ts';

function fullName(upstream: Upstream): string {
  return upstream.port === 0 ? upstream.host : `${upstream.host}:${upstream.port}`;
}

/** By the name alone, or by name and port. */
function find(block: Block, name: string): Upstream | undefined {
  const { upstreams } = upstreamModule.mainOf(block.confs);
  const colon = name.indexOf(':');
  return (
    upstreams.find((upstream) => upstream.host === name) ??
    (colon < 0
      ? undefined
      : upstreams.find(
          ({ host, port }) => port !== 0 && host === name.slice(0, colon) && String(port) === name.slice(colon + 1),
        ))
  );
}

function serversOf(upstream: Upstream): LuaTable {
  return LuaTable.fromArray(
    (upstream.servers ?? []).map((server) => {
      const { addresses } = server;
      const [first] = addresses;
      const table = new LuaTable();
      if (server.name !== '') table.setStr('name', server.name);
      table.setStr(
        'addr',
        addresses.length === 1 && first !== undefined ? first.text : LuaTable.fromArray(addresses.map((a) => a.text)),
      );
      table.setStr('weight', server.weight);
      table.setStr('max_fails', server.maxFails);
      table.setStr('fail_timeout', server.failTimeout);
      if (server.backup) table.setStr('backup', true);
      if (server.down !== 0) table.setStr('down', true);
      return table;
    }),
  );
}

function describePeer(peer: RoundRobinPeer, id: number): LuaTable {
  const table = new LuaTable();
  table.setStr('id', id);
  table.setStr('name', peer.address.name);
  table.setStr('weight', peer.weight);
  table.setStr('current_weight', peer.currentWeight);
  table.setStr('effective_weight', peer.effectiveWeight);
  table.setStr('conns', peer.conns);
  table.setStr('fails', peer.fails);
  table.setStr('max_fails', peer.maxFails);
  table.setStr('fail_timeout', peer.failTimeout);
  if (peer.accessed !== 0) table.setStr('accessed', peer.accessed);
  if (peer.checked !== 0) table.setStr('checked', peer.checked);
  if (peer.down !== 0) table.setStr('down', true);
  return table;
}

/** Runs something on an upstream's peers: where they are shared, on the latest ones and with their lock held. */
function withPeers(upstream: Upstream, run: (peers: RoundRobinPeers) => LuaResult): LuaResult {
  const { shared } = upstream;
  if (shared === undefined) return run(peersNow(upstream));
  return shared.locked(run);
}

export const upstream: ModuleLoader = (_state, block) => {
  /** Runs something on the peers of the upstream that the first argument names. */
  function onPeers(name: string, args: readonly LuaValue[], run: (peers: RoundRobinPeers) => LuaResult): LuaResult {
    const found = find(block, checkString(args[0], 1, name));
    if (found === undefined) return ret2(undefined, 'upstream not found');
    if (found.peers === undefined) return ret2(undefined, 'no peer data');
    return withPeers(found, run);
  }

  function getPeers(name: string, args: readonly LuaValue[], backup: boolean): LuaResult {
    if (args.length !== 1) throwError('exactly one argument expected');
    return onPeers(name, args, (peers) =>
      LuaTable.fromArray(((backup ? peers.backup : peers)?.peers ?? []).map(describePeer)),
    );
  }

  return moduleTable({
    get_upstreams: (...args: LuaValue[]) => {
      if (args.length !== 0) throwError('no argument expected');
      return LuaTable.fromArray(upstreamModule.mainOf(block.confs).upstreams.map(fullName));
    },
    get_servers: (...args: LuaValue[]) => {
      if (args.length !== 1) throwError('exactly one argument expected');
      const found = find(block, checkString(args[0], 1, 'get_servers'));
      return found === undefined ? ret2(undefined, 'upstream not found') : serversOf(found);
    },
    get_primary_peers: (...args: LuaValue[]) => getPeers('get_primary_peers', args, false),
    get_backup_peers: (...args: LuaValue[]) => getPeers('get_backup_peers', args, true),
    set_peer_down: (...args: LuaValue[]) => {
      if (args.length !== 4) throwError('exactly 4 arguments expected');
      const [, backup, id, down] = args;
      return onPeers('set_peer_down', args, (all) => {
        const peers = isTrue(backup) ? all.backup : all;
        if (peers === undefined) return ret2(undefined, 'no backup peers');
        const peer = peers.peers[checkInteger(id, 3, 'set_peer_down')];
        if (peer === undefined) return ret2(undefined, 'bad peer id');
        peer.down = isTrue(down) ? DOWN_FAILED : 0;
        if (!isTrue(down)) peer.fails = 0;
        return true;
      });
    },
    current_upstream_name: () => {
      const r = current?.r;
      if (r === undefined) throwError('no request object found');
      if (r.upstream === undefined) return undefined;
      const used = r.upstream.conf.upstream;
      if (used === undefined) throwError('no srv conf for upstream');
      return fullName(used);
    },
  });
};
