/** Configuration of ngx_stream_proxy_module. Times in milliseconds, sizes in bytes. */
import type { StreamValue } from '../../script.ts';
import type { Upstream } from '../../upstream/conf.ts';

/** `proxy_bind`: a fixed address, or one with variables. Null: none. */
export interface LocalAddress {
  readonly value: StreamValue;
  readonly address: { readonly address: string; readonly port: number } | undefined;
}

export interface ProxyServer {
  /** Undefined when the target has variables, or there is none. */
  upstream: Upstream | undefined;
  /** A target with variables. */
  target: StreamValue | undefined;
  local: LocalAddress | null;
  socketKeepalive: boolean;
  connectTimeout: number;
  timeout: number;
  bufferSize: number;
  nextUpstream: boolean;
  /** 0: no limit. */
  nextUpstreamTries: number;
  nextUpstreamTimeout: number;
  halfClose: boolean;
}
