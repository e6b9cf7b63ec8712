/**
 * What ngx_http_core_module declares: its objects before anything is set, its directives and variables, and what is
 * inherited in other ways than by slots. nginx: ngx_http_core_create_loc_conf(), ngx_http_core_merge_loc_conf(), ...
 */
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import { httpOf } from '../cycle.ts';
import type { HttpModuleSpec } from '../module.ts';
import { literalValue } from '../script.ts';
import type { CoreLocation, CoreMain, CoreServer } from './conf.ts';
import { coreDirectives, defaultBodyPath } from './directives.ts';
import { coreModule } from './module.ts';
import { completeServerNames } from './server-name.ts';
import { DEFAULT_TYPES } from './types.ts';
import { coreVariables } from './variables.ts';

/** All fields, unset. Every field is named here, so that the objects of all blocks have the same shape. */
type Unset<T> = { [K in keyof T]: T[K] | undefined };

function createMain(): CoreMain {
  const main: Unset<CoreMain> = {
    servers: [],
    addresses: [],
    ports: [],
    variablesHashMaxSize: undefined,
    variablesHashBucketSize: undefined,
    serverNamesHashMaxSize: undefined,
    serverNamesHashBucketSize: undefined,
  };
  return main as CoreMain;
}

const NO_CONFS: ConfStack = { main: [], server: [], location: [] };

function createServer(): CoreServer {
  const server: Unset<CoreServer> = {
    serverName: '',
    confs: NO_CONFS,
    file: '',
    line: 0,
    connectionPoolSize: undefined,
    requestPoolSize: undefined,
    clientHeaderTimeout: undefined,
    clientHeaderBufferSize: undefined,
    largeClientHeaderBuffers: undefined,
    ignoreInvalidHeaders: undefined,
    mergeSlashes: undefined,
    underscoresInHeaders: undefined,
    maxHeaders: undefined,
    clientBodyEarlyRead: undefined,
    listen: false,
    serverNames: [],
    captures: false,
    named: new Map(),
  };
  return server as CoreServer;
}

function createLocation(): CoreLocation {
  const location: Unset<CoreLocation> = {
    name: '',
    escapedName: '',
    regex: undefined,
    exactMatch: false,
    noRegex: false,
    named: false,
    noname: false,
    limitExceptBlock: false,
    file: '',
    line: 0,
    children: [],
    tree: undefined,
    regexLocations: undefined,
    autoRedirect: false,
    confs: [],
    limitExcept: 0,
    limitExceptConfs: undefined,
    handler: undefined,
    root: undefined,
    alias: 0,
    types: undefined,
    defaultType: undefined,
    clientMaxBodySize: undefined,
    clientBodyBufferSize: undefined,
    clientBodyTimeout: undefined,
    clientBodyTempPath: undefined,
    clientBodyInFileOnly: undefined,
    clientBodyInSingleBuffer: undefined,
    satisfy: undefined,
    ifModifiedSince: undefined,
    maxRanges: undefined,
    internal: undefined,
    sendfile: undefined,
    sendfileMaxChunk: undefined,
    subrequestOutputBufferSize: undefined,
    readAhead: undefined,
    directio: undefined,
    directioAlignment: undefined,
    aio: undefined,
    aioWrite: undefined,
    tcpNopush: undefined,
    tcpNodelay: undefined,
    sendTimeout: undefined,
    sendLowat: undefined,
    postponeOutput: undefined,
    limitRate: undefined,
    limitRateAfter: undefined,
    keepaliveTime: undefined,
    keepaliveTimeout: undefined,
    keepaliveMinTimeout: undefined,
    keepaliveHeader: undefined,
    keepaliveRequests: undefined,
    keepaliveDisable: undefined,
    lingeringClose: undefined,
    lingeringTime: undefined,
    lingeringTimeout: undefined,
    resolver: undefined,
    resolverTimeout: undefined,
    resetTimedoutConnection: undefined,
    absoluteRedirect: undefined,
    serverNameInRedirect: undefined,
    portInRedirect: undefined,
    msiePadding: undefined,
    msieRefresh: undefined,
    logNotFound: undefined,
    logSubrequest: undefined,
    recursiveErrorPages: undefined,
    chunkedTransferEncoding: undefined,
    etag: undefined,
    serverTokens: undefined,
    authDelay: undefined,
    errorPages: undefined,
    errorLog: undefined,
    postAction: undefined,
    earlyHints: undefined,
    gzipVary: undefined,
    gzipHttpVersion: undefined,
    gzipProxied: undefined,
    gzipDisable: undefined,
    gzipDisableMsie6: undefined,
    openFileCache: undefined,
    openFileCacheValid: undefined,
    openFileCacheMinUses: undefined,
    openFileCacheErrors: undefined,
    openFileCacheEvents: undefined,
    disableSymlinks: undefined,
    disableSymlinksFrom: undefined,
  };
  return location as CoreLocation;
}

function mergeServer(_parent: CoreServer, server: CoreServer, cf: ConfContext): void {
  if (server.largeClientHeaderBuffers.size < server.connectionPoolSize) {
    throw cf.error('the "large_client_header_buffers" size must be equal to or greater than "connection_pool_size"');
  }
  completeServerNames(server);
}

function mergeLocation(parent: CoreLocation, location: CoreLocation, cf: ConfContext): void {
  if (location.root === undefined) {
    location.root = parent.root ?? literalValue(cf.fullName('html'));
    location.alias = parent.root === undefined ? 0 : parent.alias;
  }
  location.types ??= parent.types ?? DEFAULT_TYPES;
  location.errorLog ??= parent.errorLog ?? httpOf(cf).log;
  location.keepaliveHeader ??= parent.keepaliveHeader ?? 0;
  location.gzipDisableMsie6 ??= parent.gzipDisableMsie6 ?? false;
  location.disableSymlinksFrom ??= parent.disableSymlinksFrom;
  location.clientBodyTempPath ??= parent.clientBodyTempPath ?? defaultBodyPath(cf);
}

Object.assign(coreModule, {
  directives: coreDirectives,
  variables: coreVariables,
  createMain,
  createServer,
  createLocation,
  mergeServer,
  mergeLocation,
} satisfies Partial<HttpModuleSpec<CoreMain, CoreServer, CoreLocation>>);

export { coreModule };
