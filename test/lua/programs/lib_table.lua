-- The table library.
local function try(...)
  local r = { pcall(...) }
  for i = 1, 3 do r[i] = tostring(r[i]) end
  print(unpack(r, 1, 3))
end
local function show(t) local o = {} for i = 1, #t do o[i] = tostring(t[i]) end return '{' .. table.concat(o, ',') .. '}' end

local t = {}
table.insert(t, 'a') table.insert(t, 1, 'b') table.insert(t, 2, 'c') table.insert(t, 4, 'd')
print(show(t), table.remove(t), table.remove(t, 1), show(t), table.remove(t, 5), table.remove({}), select('#', table.remove({})))
t = { 1, 2, 3 } table.insert(t, 3, 'x') print(show(t))
t = { [2] = 'b', [3] = 'c' } table.insert(t, 1, 'a') print(show(t))
t = {} for i = 1, 100 do table.insert(t, 1, i) end print(t[1], t[100], #t)
for i = 1, 50 do table.remove(t, 1) end print(t[1], t[50], #t, t[51])
t = {} t.n = 5 table.insert(t, 'x') print(#t, t.n)
print(table.concat({ 1, 2, 3 }), table.concat({ 1, 2, 3 }, ', '), table.concat({ 'a', 'b', 'c' }, '-', 2), table.concat({ 'a', 'b', 'c' }, '-', 2, 2), table.concat({}, 'x'), table.concat({ 1, 2 }, '', 3))
print(table.concat({ 1.5, 2, 'x' }, 0), table.concat({ [5] = 'e', [6] = 'f' }, ',', 5, 6), #table.concat({ ('x'):rep(100), 'b', 'c', 'd', 'e', 'f', 'g', 'h' }, ', '))
try(table.concat, { 1, {}, 3 })
try(table.concat, { 1, 2, 3 }, ',', 1, 5)
try(table.concat, { 1, true })
try(table.concat)
try(table.concat, {}, {})
try(table.insert, {})
try(table.insert, {}, 1, 2, 3)
try(table.insert, nil, 1)
try(table.insert, {}, 'x', 1)
try(table.remove, nil)
try(table.remove, {}, 'x')
print(unpack({ 1, 2, 3 })) print(unpack({ 1, 2, 3 }, 2)) print(unpack({ 1, 2, 3 }, 2, 5)) print(select('#', unpack({}, 1, 3)), unpack({ 1, nil, 3 }, 1, 3))
try(unpack, {}, 1, 1e7)
try(unpack)
print(table.maxn({ 1, 2, [10] = 1, [3.5] = 2 }), table.maxn({}), table.getn({ 1, 2, 3 }))
print(show(table.move({ 1, 2, 3 }, 1, 3, 2)), show(table.move({ 1, 2, 3 }, 2, 3, 1)), show(table.move({ 1, 2, 3 }, 1, 3, 1, {})), show(table.move({ 1, 2, 3 }, 1, 0, 5)))
table.foreachi({ 'a', 'b' }, function(i, v) io.write(i, v, ' ') end) print(table.foreach({ x = 1 }, function(k, v) return k .. v end))

-- The order of equal items and the number of comparisons are those of Lua's quicksort.
local function sorted(n, f)
  local s, a, count = 42, {}, 0
  for i = 1, n do s = (s * 1103515245 + 12345) % 2147483648 a[i] = (s - s % 65536) / 65536 % 100 end
  table.sort(a, function(x, y) count = count + 1 return f(x, y) end)
  return count .. ':' .. table.concat(a, ' ')
end
print(sorted(40, function(a, b) return a < b end))
print(sorted(40, function(a, b) return a > b end))
print(sorted(60, function(a, b) return a % 10 < b % 10 end))
print(sorted(3, function(a, b) return a < b end), sorted(2, function(a, b) return a < b end), sorted(1, function() return true end), sorted(0, function() end))
t = { 'banana', 'apple', 'Cherry', '10', '9', '', 'b' } table.sort(t) print(show(t))
t = { 3, 1, 2.5, -1, 1e10, -1e10, 0 } table.sort(t) print(show(t))
t = { 3, 1, 2 } table.sort(t, function(a, b) return a > b end) print(show(t))
local mt = { __lt = function(a, b) return a.v < b.v end }
t = {} for i = 1, 5 do t[i] = setmetatable({ v = i * 7 % 5 }, mt) end
table.sort(t) for i = 1, 5 do io.write(t[i].v, ' ') end print()
try(table.sort, { 1, 'x' })
try(table.sort, { 1, 2, {} })
try(table.sort, { {}, {} })
try(table.sort, { 1, 2, 3 }, function() return true end)
try(table.sort, { 3, 2, 1 }, 5)
try(table.sort, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(a, b) return true end)
try(table.sort)
print(pcall(table.sort, { 2, 1 }, function() error('boom', 0) end))

local new, clear, clone = require 'table.new', require 'table.clear', nil
print(#new(10, 0), new == table.new, clear == table.clear)
t = { 1, 2, 3, x = 1, y = { } } clear(t) print(next(t), #t) t.x = 5 t[1] = 1 print(#t, t.x, next(t) ~= nil)
