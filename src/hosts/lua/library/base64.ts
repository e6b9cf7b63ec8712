/** The module ngx.base64: base64url without padding. lua-resty-core: lib/ngx/base64.lua. */
import { decodeBase64Url, encodeBase64Url } from '../../../api/encoding.ts';
import { type LuaResult, type LuaValue, ret2 } from '../../../lua/index.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

const NO_STRING = 'must provide a string';

function encode(v: LuaValue): LuaResult {
  return typeof v === 'string' ? encodeBase64Url(v) : ret2(undefined, NO_STRING);
}

function decode(v: LuaValue): LuaResult {
  if (typeof v !== 'string') return ret2(undefined, NO_STRING);
  const text = decodeBase64Url(v);
  return text === undefined ? ret2(undefined, 'invalid input') : text;
}

export const base64: ModuleLoader = () =>
  moduleTable({ version: CORE_VERSION, encode_base64url: encode, decode_base64url: decode });
