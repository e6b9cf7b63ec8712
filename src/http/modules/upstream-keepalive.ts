/**
 * `keepalive` and its limits in upstream blocks. As in nginx since 1.29.7, a block keeps 32 connections for each location
 * when it says nothing. nginx: src/http/modules/ngx_http_upstream_keepalive_module.c.
 */
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import { initSlots, msecSlot, numSlot } from '../../conf/slots.ts';
import { parseNumber } from '../../conf/units.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import { KeepalivePool } from '../upstream/keepalive.ts';
import { upstreamModule } from '../upstream/module.ts';

interface KeepaliveServer {
  connections: number | undefined;
  local: boolean;
  time: number;
  timeout: number;
  requests: number;
}

const DEFAULT_CONNECTIONS = 32;

function setKeepalive(_cf: ConfContext, conf: KeepaliveServer, args: readonly string[]): string | undefined {
  if (conf.connections !== undefined) return 'is duplicate';
  const [text, option] = args as [string, string | undefined];
  const n = parseNumber(text);
  if (n === undefined) return `invalid value "${text}" in "keepalive" directive`;
  conf.connections = n;
  if (option === 'local') conf.local = true;
  else if (option !== undefined) return `invalid parameter "${option}"`;
  return undefined;
}

const directives: readonly Directive<KeepaliveServer>[] = [
  {
    name: 'keepalive',
    contexts: ['upstream'],
    args: [1, 2],
    level: 'server',
    doc: 'How many idle connections to the servers a worker keeps; `local`: for each location its own.',
    defaultText: '32 local',
    set: setKeepalive,
  },
  msecSlot<KeepaliveServer>('keepalive_time', ['upstream'], 'server', 'time', 3600000, 'Longest life of a connection.'),
  msecSlot<KeepaliveServer>(
    'keepalive_timeout',
    ['upstream'],
    'server',
    'timeout',
    60000,
    'Longest wait of an idle one.',
  ),
  numSlot<KeepaliveServer>(
    'keepalive_requests',
    ['upstream'],
    'server',
    'requests',
    1000,
    'Most requests of a connection.',
  ),
];

export const upstreamKeepaliveModule = httpModule<object, KeepaliveServer>({
  name: 'ngx_http_upstream_keepalive_module',
  directives,
  createMain: () => ({}),
  createServer: () =>
    ({
      connections: undefined,
      local: false,
      time: undefined,
      timeout: undefined,
      requests: undefined,
    }) as unknown as KeepaliveServer,
  initMain(_main, cf) {
    for (const upstream of upstreamModule.mainOf(httpOf(cf).confs).upstreams) {
      if (upstream.confs === undefined) continue;
      const conf = upstreamKeepaliveModule.serverOf(upstream.confs as ConfStack);
      if (conf.connections === 0) continue;
      initSlots(directives, 'server', conf);
      upstream.pool = new KeepalivePool({
        size: conf.connections ?? DEFAULT_CONNECTIONS,
        local: conf.local || conf.connections === undefined,
        requests: conf.requests,
        time: conf.time,
        timeout: conf.timeout,
      });
    }
  },
});
