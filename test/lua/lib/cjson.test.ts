// cjson where the way it is built shows: decoders for texts that are plain JSON and others, tables of known shapes.
// What its functions do in Lua programs is in test/lua/programs52/cjson.lua.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfig, JsonFailure } from '../../../src/lua/lib/cjson/config.ts';
import { decodeJson } from '../../../src/lua/lib/cjson/decode.ts';
import { encodeJson } from '../../../src/lua/lib/cjson/encode.ts';
import { decodeLeniently } from '../../../src/lua/lib/cjson/lenient.ts';
import { LuaTable } from '../../../src/lua/table.ts';
import type { LuaValue } from '../../../src/lua/value.ts';

const config = defaultConfig(new LuaTable(), new LuaTable());

function show(v: LuaValue): string {
  if (typeof v === 'string') return JSON.stringify(v);
  if (typeof v === 'number') return Object.is(v, -0) ? '-0' : String(v);
  if (!(v instanceof LuaTable)) return String(v);
  const pairs: string[] = [];
  for (const [k, x] of v.entries()) pairs.push(`${show(k)}=${show(x)}`);
  return `{${pairs.sort().join()}}`;
}

test('objects of a shape that no program has made become tables', () => {
  // Decoded often enough for a constructor, without any Lua code being compiled meanwhile.
  for (let i = 0; i < 40; i++) {
    const t = decodeJson(config, `{"brandNew": ${i}, "neverSeen": {"inner": true}}`);
    assert.equal(show(t), `{"brandNew"=${i},"neverSeen"={"inner"=true}}`);
  }
});

test('an object whose keys differ from the expected ones', () => {
  for (let i = 0; i < 20; i++) decodeJson(config, '{"first": 1, "second": 2}');
  assert.equal(show(decodeJson(config, '{"first": 1, "secon": 2}')), '{"first"=1,"secon"=2}');
  assert.equal(show(decodeJson(config, '{"first": 1, "seconds": 2}')), '{"first"=1,"seconds"=2}');
  assert.equal(show(decodeJson(config, '{"first": 1, "second\\"": 2}')), '{"first"=1,"second\\""=2}');
  assert.equal(show(decodeJson(config, '{"first": 1, "first": 2}')), '{"first"=2}');
});

test('plain JSON is read as the lenient parser reads it', () => {
  const texts = [
    '[0, -0, -0.0, 1.5, 1., 1.e2, 1e5, 1E+5, -12.25e-3, 0.1234567890123456789, 123456789012345]',
    '[1234567890123456, 12345678901234567890, 9007199254740993, 5e-324, 1.7976931348623157e308, 1e400]',
    '[0.30000000000000004, 12345.678901234567, 999999999999999, 0.000000000000001]',
    '["", "short", "exactly 12 ch", "a string that is longer than those scanned byte by byte"]',
    '["a\\"b", "\\\\", "\\/", "\\u0041\\u00e9\\u20ac\\ud83d\\ude00", "\\u0000", "plain between", "\\b\\f\\n\\r\\t"]',
    '{"a\\"b": "c\\"d", "\\u006b": {"x": [true, false, null]}, "": []}',
    ' [ 1 , { "a" : [ ] , "b" : { } } ] \n',
    '[1]\0 anything',
  ];
  for (const text of texts) assert.equal(show(decodeJson(config, text)), show(decodeLeniently(config, text)), text);
});

test('what is not plain JSON is left to the lenient parser', () => {
  assert.equal(show(decodeJson(config, '[0x10, +1, 01, nan]')), '{1=16,2=1,3=1,4=NaN}');
  const commented = { ...config, decodeAllowComment: true };
  assert.equal(show(decodeJson(commented, '["\\"" /* " */, 2] // "')), '{1="\\"",2=2}');
  const failures: [string, string][] = [
    ['["a', 'Expected value but found unexpected end of string at character 4'],
    ['["a\0b"]', 'Expected value but found unexpected end of string at character 4'],
    ['["a string longer than a few bytes\0b"]', 'Expected value but found unexpected end of string at character 35'],
    ['["\\n", "\\x"]', 'Expected value but found invalid escape code at character 9'],
    ['{"a" 1}', 'Expected colon but found T_INTEGER at character 6'],
    ['[tru]', 'Expected value but found invalid token at character 2'],
    ['1.5.', 'Expected the end but found invalid token at character 4'],
  ];
  for (const [text, message] of failures) {
    assert.throws(
      () => decodeJson(config, text),
      (e) => e instanceof JsonFailure && e.message === message,
      text,
    );
  }
});

test('strings are escaped alike wherever they stand', () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  const plain = 'a plain text that is long enough to be written by one native call';
  for (const slashes of [true, false]) {
    const settings = { ...config, escapeForwardSlash: slashes };
    for (const text of ['', 'a', 'a"b', all, plain, `${plain}\n`, `"${plain}`, '/'.repeat(100), '\0'.repeat(33)]) {
      const alone = encodeJson(settings, text);
      assert.equal(JSON.parse(alone), text);
      assert.equal(alone.includes('\\/'), slashes && text.includes('/'));
      // Arrays of long strings are written at once.
      const mixed = encodeJson(settings, LuaTable.fromArray([text, plain, plain, plain, all]));
      const json = encodeJson(settings, plain);
      assert.equal(mixed, `[${alone},${json},${json},${json},${encodeJson(settings, all)}]`);
    }
  }
});
