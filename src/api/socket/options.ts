/** The lua_socket_* and lua_ssl_* directives as the API sees them: whatever host declares them tells how they are found. */

import { coreModule } from '../../http/core/module.ts';
import type { ResolverConf } from '../../net/resolver-conf.ts';
import { coreModule as streamCoreModule } from '../../stream/core/module.ts';
import type { ApiContext } from '../context.ts';
import type { SocketTls } from './tls.ts';

/** Times in milliseconds, sizes in bytes. */
export interface SocketOptions {
  readonly socketLogErrors: boolean;
  readonly socketConnectTimeout: number;
  readonly socketSendTimeout: number;
  readonly socketReadTimeout: number;
  readonly socketKeepaliveTimeout: number;
  readonly socketBufferSize: number;
  readonly socketPoolSize: number;
  readonly checkClientAbort: boolean;
  /** Undefined where nobody tells: there is no TLS then. */
  readonly tls: SocketTls | undefined;
}

const DEFAULTS: SocketOptions = {
  socketLogErrors: true,
  socketConnectTimeout: 60_000,
  socketSendTimeout: 60_000,
  socketReadTimeout: 60_000,
  socketKeepaliveTimeout: 60_000,
  socketBufferSize: 4096,
  socketPoolSize: 30,
  checkClientAbort: false,
  tls: undefined,
};

let find: (ctx: ApiContext) => SocketOptions = () => DEFAULTS;

/** The host module tells how to find the options of a context's location. */
export function setSocketOptions(own: (ctx: ApiContext) => SocketOptions): void {
  find = own;
}

/** The options that apply where `ctx` runs. */
export function socketOptions(ctx: ApiContext): SocketOptions {
  return find(ctx);
}

/** What cosockets take from the core module's directives. */
export interface CoreSettings {
  readonly resolver: ResolverConf | undefined;
  /** Milliseconds. */
  readonly resolverTimeout: number;
  readonly tcpNodelay: boolean;
}

/** The settings of the location, or of the stream server, where `ctx` runs. */
export function coreSettings(ctx: ApiContext): CoreSettings {
  const { index } = ctx.block?.subsystem === 'stream' ? streamCoreModule : coreModule;
  return ctx.locConf[index] as CoreSettings;
}
