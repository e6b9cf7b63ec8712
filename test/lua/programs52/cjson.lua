-- cjson: values, options, messages.
local cjson = require 'cjson'
local safe = require 'cjson.safe'
local function enc(v) return (cjson.encode(v)) end
local function fails(f, ...)
  local ok, message = pcall(f, ...)
  print(ok, message)
end

-- encode
print(enc({ 1, 2, 3 }), enc({}), enc({ a = 1 }), enc('x'), enc(true), enc(nil), enc(cjson.null), enc(1.5), enc(cjson.empty_array))
print(enc('a"b\\c/d\b\t\n\f\r\0\31\127\200'), enc(('x'):rep(50) .. '"'), enc({ ['k"'] = 1, }))
print(enc(0.1), enc(1e15), enc(123456789012), enc(-0.5), enc(1 / 3), enc(1e100))
print(enc({ [1] = 'a', [3] = 'c' }), enc({ nil, 2 }), enc({ [2] = 2, x = 1 } ):len())
print(enc({ { { } } }), enc({ a = { b = { 1, { c = false } } } }), enc({ get = 1, length = 2, ["$x"] = 3 }):len())
print(enc({ [1.5] = 1 }), enc({ [0] = 1 }), enc({ [-1] = 1 }))
fails(cjson.encode, print)
fails(cjson.encode, { coroutine.create(print) })
fails(cjson.encode, { [true] = 1 })
fails(cjson.encode, 0 / 0)
fails(cjson.encode, { 1 / 0 })
fails(cjson.encode, { [1] = 1, [100] = 2 })
fails(cjson.encode)
fails(cjson.encode, 1, 2)
local deep = {} local at = deep for _ = 1, 1000 do at[1] = {} at = at[1] end
fails(cjson.encode, deep)
at = {} at.at = at
fails(cjson.encode, at)

-- arrays
print(enc(setmetatable({}, cjson.array_mt)), enc(setmetatable({}, cjson.empty_array_mt)), enc(setmetatable({ a = 1 }, cjson.array_mt)), enc(setmetatable({ 1, 2, x = 3 }, cjson.array_mt)))
print(enc(setmetatable({ a = 1 }, cjson.empty_array_mt)), enc(setmetatable({}, { __len = function() return 2 end, __index = function(_, i) return i * 10 end })))
local j = cjson.new()
print(j ~= cjson, j.encode_empty_table_as_object(), j.encode_empty_table_as_object(false), j.encode({}), j.encode({ x = {} }), cjson.encode({}))
print(j.encode_sparse_array(true), j.encode({ [1] = 1, [100] = 2 }), j.encode_sparse_array(false, 0, 5))
print(#j.encode({ [1] = 1, [100] = 2 }))
print(j.encode_number_precision(3), j.encode(1 / 3), j.encode_number_precision(16), j.encode(0.1))
print(j.encode_invalid_numbers(), j.encode_invalid_numbers('null'), j.encode({ 0 / 0 }), j.encode_invalid_numbers(true), j.encode({ 1 / 0, -1 / 0, 0 / 0 }), j.encode_invalid_numbers('off'))
print(j.encode_escape_forward_slash(false), j.encode('a/b'), j.encode(('x'):rep(60) .. '/"'):sub(-5), cjson.encode('a/b'))
print(j.encode_skip_unsupported_value_types(true), j.encode({ 1, print, 3 }), j.encode({ print }), j.encode({ f = print }))
print(j.encode_keep_buffer(), j.encode_keep_buffer(false), j.encode_max_depth(2), j.decode_max_depth(2))
fails(j.encode, { { { } } })
fails(j.decode, '[[[]]]')
fails(j.encode_max_depth, 0)
fails(j.encode_max_depth, 1, 2)
fails(j.encode_invalid_numbers, 'maybe')
fails(j.encode_number_precision, 17)
j = cjson.new()
j.encode_indent('  ')
print(j.encode({ 1, { a = true }, {} }), j.encode({}), j.encode_indent(''), j.encode({ 1, 2 }))

-- decode
local function dump(v)
  if type(v) ~= 'table' then return v == cjson.null and 'NULL' or tostring(v) end
  local keys, o = {}, {}
  for k in pairs(v) do keys[#keys + 1] = tostring(k) end
  table.sort(keys)
  for i, k in ipairs(keys) do o[i] = k .. '=' .. dump(v[tonumber(k) or k] == nil and v[k] or v[tonumber(k) or k]) end
  return '{' .. table.concat(o, ' ') .. '}'
end
for _, text in ipairs {
  '{"a":1,"b":[true,false,null],"c":{"d":"e"}}', '[]', '{}', ' [ 1 , 2 ] ', '"x"', '12', '-1.5e3', 'null', 'true', '0', '-0.0', '1e2',
  '"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\n\\"\\/"', '{"get":1,"$a":2,"":3,"a b":4,"items":5}', '[[[[1]]]]', '{"a":1,"a":2}', '[1.0,10000000000,0.1]',
  '0x1F', '01', '+1', 'nan', '-Infinity', '[1,]', '[1', '{', '{"a"}', '{"a":}', '{a:1}', '[1 2]', '{"a":1 "b":2}', '"abc', '"a\\x"', '"\\u12"', '"\\ud83d"',
  '', ' ', 'tru', 'nul', '[}', ']', '1 2', '[1]x', '{"a":1,}', '-', '.5', "{'a':1}", '[1,2]]', '\0', '[1]\0garbage', 'nullx', '1x', '@', '"tab\t"',
} do
  local v, message = safe.decode(text)
  print(v == nil and message or dump(v))
end
fails(cjson.decode, '\0{')
fails(cjson.decode, {})
fails(cjson.decode)
fails(cjson.decode, ('['):rep(1001))
print(cjson.decode(12), #cjson.decode(('['):rep(1000) .. (']'):rep(1000)))
print(cjson.decode('"' .. ('long '):rep(20) .. '"'):len(), cjson.decode('{"' .. ('k'):rep(100) .. '":1}')[('k'):rep(100)])
j = cjson.new()
print(j.decode_array_with_array_mt(true), getmetatable(j.decode('[]')) == cjson.array_mt, j.encode(j.decode('{"a":[]}')), getmetatable(j.decode('{}')))
print(j.decode_invalid_numbers(false), pcall(j.decode, '[0x10]'), pcall(j.decode, '[01]'), pcall(j.decode, '[nan]'), j.decode('[-0.5]')[1], j.decode('0'))
print(pcall(j.decode, '[1] // c'), j.decode_allow_comment(true), #j.decode('// x\n[1, /* two */ 2] // end'), pcall(j.decode, '[1 /* '))
-- Keys decoded again and again become fields; tables stay consistent whichever way a key is held.
for i = 1, 5 do
  local t = cjson.decode('{"id1":' .. i .. ',"name":"n","id1":' .. i * 2 .. ',"k' .. i .. '":true}')
  assert(t.id1 == i * 2 and t['id' .. 1] == i * 2 and t.name == 'n' and t['k' .. i] == true)
  t.id1 = nil t['k' .. i] = nil t.name = nil
  assert(next(t) == nil)
end
local big = {} for i = 1, 200 do big[i] = '"key' .. i .. '":' .. i end
for _ = 1, 3 do local t = cjson.decode('{' .. table.concat(big, ',') .. '}') local n = 0 for k, v in pairs(t) do n = n + 1 assert(k == 'key' .. v) end assert(n == 200) end
print(safe.encode({ a = print }), safe.new().decode('x'), cjson._NAME, cjson._VERSION)
