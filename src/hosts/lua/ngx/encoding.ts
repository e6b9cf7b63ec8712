/** ngx.escape_uri, ngx.md5, ngx.encode_base64, ... : strings to strings. */
import {
  crc32,
  decodeArgs,
  decodeBase64,
  decodeBase64Mime,
  digest,
  ESCAPE_MAIL_AUTH,
  ESCAPE_URI,
  encodeBase64,
  escapeUri,
  hmacSha1,
  quoteSqlString,
  unescapeUri,
} from '../../../api/encoding.ts';
import {
  argError,
  type LuaResult,
  type LuaTable,
  type LuaValue,
  NULL,
  ret2,
  throwError,
  toText,
} from '../../../lua/index.ts';
import { checkString, checkTable, isTrue, typeName } from './args.ts';
import { argsTable, encodeArgsTable } from './query.ts';

/** lua-resty-core turns anything into a string, nil and false into an empty one. */
function text(v: LuaValue): string {
  return typeof v === 'string' ? v : isTrue(v) ? toText(v) : '';
}

function ngxEscapeUri(v: LuaValue, kind: LuaValue): LuaResult {
  if (kind === undefined) return escapeUri(text(v));
  if (typeof kind !== 'number') throwError('"type" is not a number', 0);
  if (kind < ESCAPE_URI || kind > ESCAPE_MAIL_AUTH) throwError(`"type" ${kind} out of range`, 0);
  return escapeUri(text(v), Math.trunc(kind));
}

function ngxDecodeArgs(v: LuaValue, max: LuaValue, into: LuaValue): LuaResult {
  const query = checkString(v, 1, 'decode_args');
  const limit = max === undefined ? 100 : Number(max);
  const { args, truncated } = decodeArgs(query, limit);
  const table = argsTable(args, into === undefined ? undefined : clear(checkTable(into, 3, 'decode_args')));
  return truncated ? ret2(table, 'truncated') : table;
}

/** Empties a table that the caller wants reused. */
export function clear(t: LuaTable): LuaTable {
  for (const [k] of t.entries()) t.set(k, undefined);
  return t;
}

function ngxEncodeBase64(v: LuaValue, noPadding: LuaValue): LuaResult {
  const source = typeof v === 'string' ? v : v === undefined ? '' : toText(v);
  if (noPadding !== undefined && typeof noPadding !== 'boolean') {
    throwError(`bad argument #2 to 'encode_base64' (boolean expected, got ${typeName(noPadding)})`);
  }
  return encodeBase64(source, noPadding !== true);
}

function ngxQuoteSql(v: LuaValue): LuaResult {
  if (v === NULL) return 'NULL';
  if (v === undefined || typeof v === 'boolean' || (typeof v === 'object' && typeName(v) !== 'string')) {
    argError(1, 'quote_sql_str', `string expected, got ${typeName(v)}`);
  }
  return quoteSqlString(checkString(v, 1, 'quote_sql_str'));
}

export function installEncoding(ngx: LuaTable): void {
  ngx.setStr('escape_uri', ngxEscapeUri);
  ngx.setStr('unescape_uri', (v: LuaValue) => unescapeUri(text(v)));
  ngx.setStr('encode_args', (v: LuaValue) => encodeArgsTable(checkTable(v, 1, 'encode_args')));
  ngx.setStr('decode_args', ngxDecodeArgs);
  ngx.setStr('md5', (v: LuaValue) => digest('md5', text(v), 'hex'));
  ngx.setStr('md5_bin', (v: LuaValue) => digest('md5', text(v), 'binary'));
  ngx.setStr('sha1_bin', (v: LuaValue) => digest('sha1', text(v), 'binary'));
  ngx.setStr('hmac_sha1', (key: LuaValue, v: LuaValue) =>
    hmacSha1(checkString(key, 1, 'hmac_sha1'), checkString(v, 2, 'hmac_sha1')),
  );
  ngx.setStr('crc32_short', (v: LuaValue) => crc32(text(v)));
  ngx.setStr('crc32_long', (v: LuaValue) => crc32(text(v)));
  ngx.setStr('encode_base64', ngxEncodeBase64);
  ngx.setStr('decode_base64', (v: LuaValue) => {
    if (typeof v !== 'string') throwError('string argument only');
    return decodeBase64(v);
  });
  ngx.setStr('decode_base64mime', (v: LuaValue) => {
    if (typeof v !== 'string') throwError('string argument only');
    return decodeBase64Mime(v);
  });
  ngx.setStr('quote_sql_str', ngxQuoteSql);
}
