/**
 * proxy_ssl_certificate_by_lua and proxy_ssl_verify_by_lua: Lua in handshakes with backends. It runs on behalf of the
 * request that the backend is for, between its phases. ngx_lua: ngx_http_lua_proxy_ssl_certby.c, _proxy_ssl_verifyby.c.
 */
import { contextOf } from '../../api/context.ts';
import { IN_PROXY_SSL_CERT, IN_PROXY_SSL_VERIFY } from '../../api/phase.ts';
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { AGAIN, DONE, ERROR, HTTP_SPECIAL_RESPONSE } from '../../http/codes.ts';
import { proxyModule } from '../../http/modules/proxy/module.ts';
import { type BackendHook, newHooksId } from '../../http/upstream/handshake.ts';
import { LOG_DEBUG } from '../../log/log.ts';
import type { LuaCode } from './code.ts';
import type { LuaLocation } from './conf.ts';
import { addCleanup, loadCode } from './handlers.ts';
import { finalizeThreads, resetRun, runPosted, startEntry } from './run.ts';
import { runOf } from './vm.ts';

/** How one of the two is called in messages. */
interface Names {
  readonly directive: string;
  readonly what: string;
  /** For debug lines. */
  readonly callback: string;
}

const CERTIFICATE: Names = {
  directive: 'proxy_ssl_certificate_by_lua',
  what: 'certificate',
  callback: 'cert cb',
};
const VERIFY: Names = { directive: 'proxy_ssl_verify_by_lua', what: 'verify', callback: 'cert verify callback' };

function nothing(): void {}

function hookOf(code: LuaCode, phase: number, names: Names): BackendHook {
  const { directive, callback } = names;
  return ({ r }, done) => {
    const run = runOf(r);
    const ctx = contextOf(r);
    r.connection.action = `loading proxy ssl ${names.what} by lua`;
    const closure = loadCode(r, run, code);
    if (typeof closure === 'number') {
      done(false);
      return nothing;
    }
    resetRun(run);
    ctx.phase = phase;
    ctx.entered = phase;
    addCleanup(r, run);
    const passed = (rc: number): boolean => {
      run.onEnd = undefined;
      finalizeThreads(run);
      ctx.entered = 0;
      return rc !== ERROR && rc < HTTP_SPECIAL_RESPONSE;
    };
    run.onEnd = (rc) => {
      const ok = passed(rc);
      if (ctx.debugging) ctx.log(LOG_DEBUG, `${directive}: ${callback} exit code: ${ok ? 1 : 0}`);
      done(ok);
    };
    let rc = startEntry(run, closure);
    if (rc === AGAIN) rc = runPosted(run);
    if (rc !== AGAIN && rc !== DONE) {
      const ok = passed(rc);
      if (ctx.debugging) {
        ctx.log(LOG_DEBUG, `${directive}: handler return value: ${rc}, ${callback} exit code: ${ok ? 1 : 0}`);
      }
      done(ok);
      return nothing;
    }
    return () => {
      run.onEnd = undefined;
      ctx.entered = 0;
      finalizeThreads(run);
      if (ctx.debugging) ctx.log(LOG_DEBUG, `${directive}: ${callback} aborted`);
    };
  };
}

/**
 * Has the location's connections to backends run its code. For mergeLocation, behind that of the proxy module.
 *
 * @throws ConfError without a position, as ngx_lua's messages are
 */
export function mergeProxySsl(cf: ConfContext, parent: LuaLocation, conf: LuaLocation): void {
  conf.proxySslCertificate ??= parent.proxySslCertificate;
  conf.proxySslVerify ??= parent.proxySslVerify;
  const { proxySslCertificate: certificate, proxySslVerify: verify } = conf;
  if (certificate === undefined && verify === undefined) return;
  const { tls } = proxyModule.locationOf(cf.confs as ConfStack);
  if (tls === undefined) {
    const { directive } = certificate === undefined ? VERIFY : CERTIFICATE;
    throw new ConfError(`${directive}* should be used with proxy_pass https url`);
  }
  tls.hooks = {
    id: newHooksId(),
    certificate: certificate && hookOf(certificate, IN_PROXY_SSL_CERT, CERTIFICATE),
    verify: verify && hookOf(verify, IN_PROXY_SSL_VERIFY, VERIFY),
    skipDefaultVerify: conf.skipDefaultVerify,
  };
}
