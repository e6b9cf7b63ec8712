/** Configuration objects of ngx_http_lua_module. Times in milliseconds, sizes in bytes. */

import type { SocketTls } from '../../api/socket/tls.ts';
import type { KeyValue } from '../../conf/slots.ts';
import type { VariantContext } from '../../http/ssl/variant-context.ts';
import type { KeepalivePool } from '../../http/upstream/keepalive.ts';
import type { LuaCode } from './code.ts';

/** Of the http block. */
export interface LuaMain {
  packagePath: string | undefined;
  packageCpath: string | undefined;
  initCode: LuaCode | undefined;
  initWorkerCode: LuaCode | undefined;
  exitWorkerCode: LuaCode | undefined;
  maxPendingTimers: number;
  maxRunningTimers: number;
  regexCacheMaxEntries: number;
  regexMatchLimit: number;
  rewriteNoPostpone: boolean;
  accessNoPostpone: boolean;
  precontentNoPostpone: boolean;
  /** Of stream. */
  prereadNoPostpone: boolean;
  captureErrorLogSize: number;
  loadRestyCore: boolean;
  saRestart: boolean;
  threadCacheMaxEntries: number;
  workerThreadVmPoolSize: number;
  mallocTrim: number;
  /** Names of lua_shared_dict zones in the order of declaration. */
  readonly sharedDicts: string[];
  /** Phases in use anywhere, so that only what is used is registered. */
  readonly uses: Set<string>;
}

/** Of a server. */
export interface LuaServer {
  serverRewrite: LuaCode | undefined;
  sslClientHello: LuaCode | undefined;
  sslCertificate: LuaCode | undefined;
  sslSessionFetch: LuaCode | undefined;
  sslSessionStore: LuaCode | undefined;
  /** Of an upstream block. */
  balancer: LuaCode | undefined;
  /** Idle connections that it keeps; undefined: not set. */
  balancerKeepalive: number | undefined;
  balancerPool: KeepalivePool | undefined;
}

/** What applies to all user code of a location, or of a stream server. */
export interface LuaSettings {
  codeCache: boolean;
  socketLogErrors: boolean;
  socketConnectTimeout: number;
  socketSendTimeout: number;
  socketReadTimeout: number;
  socketKeepaliveTimeout: number;
  socketBufferSize: number;
  socketPoolSize: number;
  socketSendLowat: number;
  checkClientAbort: boolean;
  /** Or-ed PROTOCOL_* bits. */
  sslProtocols: number;
  sslCiphers: string;
  sslVerifyDepth: number;
  sslCertificates: readonly string[] | undefined;
  sslCertificateKeys: readonly string[] | undefined;
  sslTrustedCertificate: string;
  sslCrl: string;
  /** Absolute path; '' for none. */
  sslKeyLog: string;
  sslConfCommands: readonly KeyValue[] | undefined;
  /** Shared by locations that say nothing of their own. */
  sslContext: VariantContext | undefined;
  /** What comes of them. */
  tls: SocketTls;
}

/** Of a location. */
export interface LuaLocation extends LuaSettings {
  rewrite: LuaCode | undefined;
  access: LuaCode | undefined;
  precontent: LuaCode | undefined;
  content: LuaCode | undefined;
  headerFilter: LuaCode | undefined;
  bodyFilter: LuaCode | undefined;
  log: LuaCode | undefined;
  proxySslCertificate: LuaCode | undefined;
  proxySslVerify: LuaCode | undefined;
  /** lua_upstream_skip_openssl_default_verify */
  skipDefaultVerify: boolean;
  needRequestBody: boolean;
  transformUnderscores: boolean;
  http10Buffering: boolean;
  useDefaultType: boolean;
}

/** Of a stream server, or an upstream block of stream. */
export interface LuaStreamServer extends LuaSettings {
  sslClientHello: LuaCode | undefined;
  sslCertificate: LuaCode | undefined;
  preread: LuaCode | undefined;
  content: LuaCode | undefined;
  log: LuaCode | undefined;
  balancer: LuaCode | undefined;
}
