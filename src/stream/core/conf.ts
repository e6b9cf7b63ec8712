/** Configuration objects of ngx_stream_core_module. Times in milliseconds, sizes in bytes. */
import type { Port } from '../../conf/block.ts';
import type { ConfStack } from '../../conf/directive.ts';
import type { Log } from '../../log/log.ts';
import type { ListenAddress } from '../../net/listening.ts';
import type { ResolverConf } from '../../net/resolver-conf.ts';
import type { ContentHandler } from '../phases.ts';

/** Of the stream block. */
export interface CoreMain {
  readonly servers: CoreServer[];
  /** Sockets to listen on, each with the addresses that arrive there. Filled when the block closes. */
  readonly ports: Port<ListenGroup>[];
  /** Accepted, since people's configurations have them; maps need no sizes. */
  variablesHashMaxSize: number;
  variablesHashBucketSize: number;
}

/** One listening address with the server behind it. nginx: ngx_stream_conf_addr_t. */
export interface ListenGroup {
  readonly where: ListenAddress;
  readonly ssl: boolean;
  readonly server: CoreServer;
}

/** nginx: ngx_stream_core_srv_conf_t. */
export interface CoreServer {
  /** This server's configuration objects. */
  confs: ConfStack;
  /** What modules of http want to find for handshakes, by their indexes there: see src/stream-ssl. */
  readonly tlsConfs: unknown[];
  /** Where the block stands. */
  file: string;
  line: number;
  /** A `listen` directive was seen. */
  listen: boolean;
  /** One with `ssl`. */
  listenSsl: boolean;
  /** What serves its sessions (proxy_pass, return, content_by_lua...). */
  handler: ContentHandler | undefined;
  errorLog: Log;
  /** Undefined when none is configured. The same object in all blocks that inherit it. */
  resolver: ResolverConf | undefined;
  resolverTimeout: number;
  tcpNodelay: boolean;
  prereadBufferSize: number;
  prereadTimeout: number;
}
