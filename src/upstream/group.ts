/**
 * A group of servers, as the `upstream` blocks of http and stream have them. nginx: ngx_http_upstream_srv_conf_t and
 * ngx_stream_upstream_srv_conf_t, which are nearly the same.
 */
import type { ZoneRequest } from '../conf/cycle.ts';
import type { ListenAddress } from '../net/listening.ts';
import type { RoundRobinPeers } from './peers.ts';
import type { SharedUpstream } from './shared-peers.ts';

/** What is known about a group, whoever uses it. */
export interface UpstreamGroup {
  /** The block's name, or the host. */
  readonly host: string;
  /** 0 for blocks. */
  port: number;
  readonly noPort: boolean;
  /** Where it stands, or is first referred to. */
  readonly file: string;
  readonly line: number;
  /** It is a block. */
  explicit: boolean;
  /** SUPPORTS_* bits; a balancing method takes away what it does not know. */
  supports: number;
  /** Undefined for a host whose addresses have to be looked up at start. */
  servers: UpstreamServer[] | undefined;
  /** Set when the block is complete. */
  peers: RoundRobinPeers | undefined;
  /** `zone`: where the peers' numbers are shared by all workers. */
  zone: ZoneRequest | undefined;
  /** With a zone, once that is open: takes the place of `peers`. */
  shared: SharedUpstream | undefined;
}

/** One `server` of an upstream block. */
export interface UpstreamServer {
  /** As written. */
  readonly name: string;
  readonly addresses: readonly ListenAddress[];
  readonly weight: number;
  /** 0: no limit. */
  readonly maxConns: number;
  /** 0: failures are not counted. */
  readonly maxFails: number;
  /** Seconds. */
  readonly failTimeout: number;
  /** 0, or DOWN_* bits. */
  readonly down: number;
  readonly backup: boolean;
  /** What `sticky` knows it by; '' for a hash of its address. */
  readonly route: string;
  /** With `resolve`: the name that is resolved while the server runs. */
  readonly host: string | undefined;
  /** For that: the port, unless `service` says which service record has it. */
  readonly port: number;
  readonly service: string;
}

/** A server without what the parameters of `server` set. */
export function plainServer(name: string, address: ListenAddress, weight: number): UpstreamServer {
  return {
    name,
    addresses: [address],
    weight,
    maxConns: 0,
    maxFails: 0,
    failTimeout: 0,
    down: 0,
    backup: false,
    route: '',
    host: undefined,
    port: 0,
    service: '',
  };
}

// What a balancing method can do with the parameters of `server`.
export const SUPPORTS_WEIGHT = 0x0002;
export const SUPPORTS_MAX_FAILS = 0x0004;
export const SUPPORTS_FAIL_TIMEOUT = 0x0008;
export const SUPPORTS_DOWN = 0x0010;
export const SUPPORTS_BACKUP = 0x0020;
export const SUPPORTS_MAX_CONNS = 0x0100;
export const SUPPORTS_ALL =
  SUPPORTS_WEIGHT | SUPPORTS_MAX_FAILS | SUPPORTS_FAIL_TIMEOUT | SUPPORTS_DOWN | SUPPORTS_BACKUP | SUPPORTS_MAX_CONNS;

/** Of a method that a server to fall back to has no place in. */
export const SUPPORTS_ALL_BUT_BACKUP = SUPPORTS_ALL & ~SUPPORTS_BACKUP;
