/**
 * The Lua modules that are built in: those of lua-resty-core, which work on nginx's own data there, and libraries
 * that OpenResty bundles whose C parts are not needed here. They win over files of the same name.
 */
import type { Block } from '../../../conf/block.ts';
import { currentState, type LuaState, throwError } from '../../../lua/index.ts';
import { balancer } from './balancer.ts';
import { base64 } from './base64.ts';
import { defineSymbols } from './c-symbols.ts';
import { coreModules } from './core.ts';
import { digestModule, random, sha, string, tablepool } from './digest.ts';
import { errlog } from './errlog.ts';
import { traceReport } from './jit.ts';
import { lrucache } from './lrucache.ts';
import type { ModuleLoader } from './module.ts';
import { ocsp } from './ocsp.ts';
import { pipe } from './pipe.ts';
import { process_ } from './process.ts';
import { proxyssl, proxysslcert, proxysslverify } from './proxy-ssl.ts';
import { re } from './re.ts';
import { req, resp } from './request.ts';
import { semaphore } from './semaphore.ts';
import { signal } from './signal.ts';
import { ssl } from './ssl.ts';
import { clientHello, sslSession } from './ssl-phases.ts';
import { upstream } from './upstream.ts';

const MODULES: Readonly<Record<string, ModuleLoader>> = {
  ...coreModules,
  'ngx.base64': base64,
  'ngx.errlog': errlog,
  'ngx.pipe': pipe,
  'ngx.process': process_,
  'ngx.re': re,
  'ngx.req': req,
  'ngx.resp': resp,
  'ngx.semaphore': semaphore,
  'ngx.balancer': balancer,
  'ngx.ocsp': ocsp,
  'ngx.proxyssl': proxyssl,
  'ngx.ssl': ssl,
  'ngx.ssl.clienthello': clientHello,
  'ngx.ssl.proxysslcert': proxysslcert,
  'ngx.ssl.proxysslverify': proxysslverify,
  'ngx.ssl.session': sslSession,
  'ngx.upstream': upstream,
  'jit.dump': traceReport,
  'jit.v': traceReport,
  'resty.lrucache': lrucache,
  'resty.lrucache.pureffi': lrucache,
  'resty.md5': digestModule('md5'),
  'resty.random': random,
  'resty.sha': sha,
  'resty.sha1': digestModule('sha1'),
  'resty.sha224': digestModule('sha224'),
  'resty.sha256': digestModule('sha256'),
  'resty.sha384': digestModule('sha384'),
  'resty.sha512': digestModule('sha512'),
  'resty.signal': signal,
  'resty.string': string,
  tablepool,
};

/** Modules of lua-resty-core that refuse to be loaded in stream. */
const HTTP_ONLY: ReadonlySet<string> = new Set([
  'ngx.req',
  'ngx.resp',
  'ngx.ssl.proxysslcert',
  'ngx.ssl.proxysslverify',
  'ngx.ssl.session',
  'ngx.upstream',
  'resty.core.ndk',
  'resty.core.response',
]);

let symbolsDefined = false;

function notInStream(): never {
  return throwError('unsupported subsystem: stream');
}

/** Provides the modules for `require`. */
export function installLibrary(state: LuaState, block: Block): void {
  if (!symbolsDefined) {
    symbolsDefined = true;
    defineSymbols();
  }
  for (const name of Object.keys(MODULES)) {
    const refused = block.subsystem === 'stream' && HTTP_ONLY.has(name);
    const load: ModuleLoader = refused ? notInStream : (MODULES[name] as ModuleLoader);
    state.preload(name, () => load(currentState(), block));
  }
}
