-- string.buffer.
local buffer = require 'string.buffer'
local function try(...)
  local r = { pcall(...) }
  for i = 1, 3 do r[i] = tostring(r[i]) end
  print(unpack(r, 1, 3))
end
local b = buffer.new()
print(type(b), #b, tostring(b) == '', b:put('a', 1, 2.5, 'b') == b, #b, tostring(b))
print(b:get(2), b:get(1, 2), b:tostring(), b:get(100), #b, b:get())
b:putf('%s=%d;', 'x', 5):put('tail') print(b:tostring(), b:skip(2):tostring(), b:skip(100):tostring() == '')
print(b:set('fixed'):tostring(), b:put('!'):get(), b:reset() == b, b:free() == b)
print(buffer.new(100):put(buffer.new():put('inner')):put(setmetatable({}, { __tostring = function() return '<t>' end })):get())
print(buffer.new():put('x') .. 'y', 'y' .. buffer.new():put('x'), #buffer.new():put(('ab'):rep(1000)))
print(getmetatable(b), string.format('%s', buffer.new():put('f')))
for i = 1, 1000 do b:put(i, ',') end
print(#b, b:get(10), #b)
local n = 0 while #b > 0 do n = n + #b:get(7) end print(n)
try(b.put, b, {})
try(b.put, b, nil)
try(b.put, b, b)
try(b.get, b, -1)
try(b.put)
try(b.skip, b, 'x')
try(b.set, b)
try(buffer.new, -1)
try(buffer.encode)
try(buffer.encode, print)
try(buffer.decode, '')
try(buffer.decode, '\1\1')
try(buffer.decode, '\255')
try(buffer.decode, '\19')
try(buffer.decode, '\15\0')
-- serialization
local function show(v)
  if type(v) ~= 'table' then return tostring(v) end
  local o = {}
  for k, x in pairs(v) do o[#o + 1] = tostring(k) .. '=' .. show(x) end
  table.sort(o)
  return '{' .. table.concat(o, ' ') .. '}'
end
for _, v in ipairs { 1.5, -0.25, 'text', ('x'):rep(300), ('y'):rep(9000), true, false, {}, { 1.5, 2.5, 3.5 }, { a = 0.5, b = { c = 'd' } }, { 'x', nil, 'z' }, { [1.5] = true, x = {} } } do
  local s = buffer.encode(v)
  print(#s, show(buffer.decode(s)) == show(v), show(v):sub(1, 60))
end
print(buffer.encode('abc'):byte(1, -1)) print(buffer.encode(0.5):byte(1, -1)) print(buffer.encode(nil):byte()) print(buffer.encode({}):byte(1, -1))
print(buffer.encode({ 'a', 'b' }):byte(1, -1)) print(buffer.encode({ a = 'b' }):byte(1, -1)) print(buffer.encode({ 'a', x = 'y' }):byte(1, -1))
print(buffer.decode('\6\255\255\255\255'), buffer.decode('\7\0\0\0\0\0\0\240\63'), show(buffer.decode('\10\2!a!b')))
local mt = { __index = { kind = 'M' } }
local options = { dict = { 'name', 'id' }, metatable = { mt } }
b = buffer.new(options)
b:encode(setmetatable({ name = 'n' }, mt))
print(b:tostring():byte(1, -1))
local v = b:decode() print(v.name, v.kind, #b)
b:encode('one'):encode('two') print(b:decode(), b:decode(), #b)
try(b.decode, b)
local deep = {} for _ = 1, 101 do deep = { deep } end
try(buffer.encode, deep)
