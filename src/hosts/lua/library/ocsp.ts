/** The module ngx.ocsp. lua-resty-core: lib/ngx/ocsp.lua. */
import {
  createOcspRequest,
  DEFAULT_SIZE,
  ocspResponder,
  setOcspStatus,
  validateOcspResponse,
} from '../../../api/ocsp.ts';
import { type LuaResult, type LuaValue, ret2 } from '../../../lua/index.ts';
import { checkInteger, checkString } from '../ngx/args.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

function sizeOf(value: LuaValue, n: number, name: string): number {
  return value === undefined || value === false ? DEFAULT_SIZE : checkInteger(value, n, name);
}

/** ngx_lua names the call of OpenSSL's and throws its reasons away. */
function reason({ error }: { readonly error: string }): string {
  return error.replace(/ \(SSL: .*$/, '');
}

function getResponder(chain: LuaValue, most: LuaValue): LuaResult {
  const name = 'get_ocsp_responder_from_der_chain';
  const found = ocspResponder(checkString(chain, 1, name), sizeOf(most, 2, name));
  if (found === undefined) return undefined;
  if ('error' in found) return ret2(undefined, reason(found));
  return found.truncated ? ret2(found.url, 'truncated') : found.url;
}

function createRequest(chain: LuaValue, most: LuaValue): LuaResult {
  const name = 'create_ocsp_request';
  const made = createOcspRequest(checkString(chain, 1, name), sizeOf(most, 2, name));
  return 'error' in made ? ret2(undefined, reason(made)) : made.request;
}

function validateResponse(response: LuaValue, chain: LuaValue, most: LuaValue): LuaResult {
  const name = 'validate_ocsp_response';
  const found = validateOcspResponse(checkString(response, 1, name), checkString(chain, 2, name));
  if ('error' in found) return ret2(undefined, reason(found).slice(0, sizeOf(most, 3, name)));
  return ret2(true, found.nextUpdate);
}

function setStatus(response: LuaValue): LuaResult {
  const result = setOcspStatus(checkString(response, 1, 'set_ocsp_status_resp'));
  if (result === undefined) return true;
  return typeof result === 'string' ? ret2(true, result) : ret2(undefined, result.error);
}

export const ocsp: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    get_ocsp_responder_from_der_chain: getResponder,
    create_ocsp_request: createRequest,
    validate_ocsp_response: validateResponse,
    set_ocsp_status_resp: setStatus,
  });
