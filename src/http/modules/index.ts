/**
 * The modules of http, in nginx's order (auto/modules of its sources): within a phase the later module's handler runs
 * earlier, except in the log phase, and the later filter sees the response earlier. A module is added at its place in
 * nginx's own list; third-party ones stand where OpenResty builds them in.
 */
import { coreModule } from '../core/define.ts';
import { chunkedFilterModule } from '../filters/chunked.ts';
import { copyFilterModule } from '../filters/copy.ts';
import { headerFilterModule } from '../filters/header.ts';
import { notModifiedFilterModule } from '../filters/not-modified.ts';
import { postponeFilterModule } from '../filters/postpone.ts';
import { rangeBodyModule, rangeHeaderModule } from '../filters/range.ts';
import { writeFilterModule } from '../filters/write.ts';
import type { HttpModule } from '../module.ts';
import { upstreamModule } from '../upstream/module.ts';
import { accessModule } from './access.ts';
import { additionModule } from './addition.ts';
import { arrayVarModule } from './array-var/module.ts';
import { authBasicModule } from './auth-basic/module.ts';
import { authRequestModule } from './auth-request.ts';
import { autoindexModule } from './autoindex.ts';
import { browserModule } from './browser.ts';
import { charsetModule } from './charset/module.ts';
import { davModule } from './dav/module.ts';
import { echoModule } from './echo/module.ts';
import { emptyGifModule } from './empty-gif.ts';
import { encryptedSessionModule } from './encrypted-session.ts';
import { formInputModule } from './form-input.ts';
import { geoModule } from './geo/module.ts';
import { gunzipModule } from './gunzip.ts';
import { gzipModule } from './gzip.ts';
import { gzipStaticModule } from './gzip-static.ts';
import { headersModule } from './headers.ts';
import { headersMoreModule } from './headers-more.ts';
import { indexModule } from './index-module.ts';
import { limitConnModule } from './limit/conn.ts';
import { limitReqModule } from './limit/req.ts';
import { logModule } from './log/module.ts';
import { mapModule } from './map.ts';
import { memcModule } from './memc/module.ts';
import { memcachedModule } from './memcached/module.ts';
import { mirrorModule } from './mirror.ts';
import { proxyModule } from './proxy/module.ts';
import { randomIndexModule } from './random-index.ts';
import { realipModule } from './realip.ts';
import { redis2Module } from './redis2/module.ts';
import { refererModule } from './referer.ts';
import { rewriteModule } from './rewrite/module.ts';
import { secureLinkModule } from './secure-link.ts';
import { setMiscModule } from './set-misc/module.ts';
import { sliceModule } from './slice.ts';
import { splitClientsModule } from './split-clients.ts';
import { srcacheAccessModule, srcacheModule } from './srcache/module.ts';
import { sslModule } from './ssl/module.ts';
import { staticModule } from './static.ts';
import { stubStatusModule } from './stub-status.ts';
import { subModule } from './sub/module.ts';
import { tryFilesModule } from './try-files.ts';
import { upstreamHashModule } from './upstream-hash.ts';
import { upstreamIpHashModule } from './upstream-ip-hash.ts';
import { upstreamKeepaliveModule } from './upstream-keepalive.ts';
import { upstreamLeastConnModule } from './upstream-least-conn.ts';
import { upstreamLeastTimeModule } from './upstream-least-time.ts';
import { upstreamListModule } from './upstream-list.ts';
import { upstreamRandomModule } from './upstream-random.ts';
import { upstreamStickyModule } from './upstream-sticky.ts';
import { upstreamZoneModule } from './upstream-zone.ts';
import { useridModule } from './userid.ts';

/**
 * All modules; a module's index is its position here.
 *
 * @param hosts the modules that run user code: at the place where OpenResty builds ngx_http_lua_module in
 */
export function httpModules(hosts: readonly HttpModule[]): readonly HttpModule[] {
  return number([
    coreModule,
    logModule,
    upstreamModule,
    // v2, v3
    staticModule,
    gzipStaticModule,
    davModule,
    autoindexModule,
    indexModule,
    randomIndexModule,
    mirrorModule,
    tryFilesModule,
    authRequestModule,
    authBasicModule,
    accessModule,
    limitConnModule,
    limitReqModule,
    realipModule,
    geoModule,
    mapModule,
    splitClientsModule,
    refererModule,
    rewriteModule,
    sslModule,
    proxyModule,
    // fastcgi, uwsgi, scgi, grpc
    memcachedModule,
    emptyGifModule,
    browserModule,
    secureLinkModule,
    upstreamHashModule,
    upstreamIpHashModule,
    upstreamLeastConnModule,
    upstreamLeastTimeModule,
    upstreamRandomModule,
    upstreamKeepaliveModule,
    upstreamZoneModule,
    upstreamStickyModule,
    stubStatusModule,
    memcModule,
    redis2Module,
    upstreamListModule,
    setMiscModule,
    encryptedSessionModule,
    formInputModule,
    arrayVarModule,

    // Filters, the last one first to see a response.
    writeFilterModule,
    headerFilterModule,
    chunkedFilterModule,
    rangeHeaderModule,
    gzipModule,
    postponeFilterModule,
    // ssi
    charsetModule,
    subModule,
    additionModule,
    gunzipModule,
    useridModule,
    headersModule,
    echoModule,
    srcacheModule,
    ...hosts,
    srcacheAccessModule,
    headersMoreModule,
    copyFilterModule,
    rangeBodyModule,
    notModifiedFilterModule,
    sliceModule,
  ]);
}

// biome-ignore lint/suspicious/noExplicitAny: each module has its own types of configuration
function number(modules: readonly HttpModule<any, any, any, any>[]): readonly HttpModule[] {
  modules.forEach((module, index) => {
    module.index = index;
  });
  return modules as readonly HttpModule[];
}
