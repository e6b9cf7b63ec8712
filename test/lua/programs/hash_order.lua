-- Keys read in order of insertion, missed and then added, also by other ways than assignment; strings that are equal but
-- not the same object.
local function key(i) return table.concat({ 'k', i, i * 7919 % 1000 }, '.') end

local t = {}
for i = 1, 300 do
  local k = key(i)
  if t[k] == nil then
    -- Another key comes between looking and adding.
    if i % 3 == 0 then t['x' .. i] = i end
    if i % 5 == 0 then rawset(t, k, -1) end
    if i % 7 == 0 then t[k] = nil end
    t[k] = (t[k] or 0) + i
  end
end
for round = 1, 3 do
  local sum, n = 0, 0
  for i = 1, 300 do sum = sum + t[key(i)] end
  for i = 300, 1, -1 do sum = sum + t[key(i)] end
  for i = 1, 300, 2 do sum = sum + t[key(i)] + (t['x' .. i] or 0) end
  for k, v in pairs(t) do n = n + 1 end
  print(sum, n)
end

-- Removed and added again while the table is read in order.
for i = 1, 300 do
  local k = key(i)
  local v = t[k]
  t[k] = nil
  if t[k] ~= nil then print('still there', k) end
  if i % 2 == 0 then t[k] = v end
end
local n, sum = 0, 0
for k, v in pairs(t) do n = n + 1 sum = sum + v end
print(n, sum)
for i = 1, 400 do
  local k = 'new' .. i
  local _ = t[k]
  t[k] = i
  if t[k] ~= i then print('lost', k) end
end
n, sum = 0, 0
for k, v in pairs(t) do n = n + 1 sum = sum + v end
print(n, sum)

-- Missed in one table, added to another.
local a, b = {}, {}
for i = 1, 40 do a['a' .. i] = i b['b' .. i] = i end
print(a.zz, a['z' .. 'z'], b['zz'])
local k = 'z' .. #('z')
local _ = a[k]
b[k] = 1
a[k .. ''] = 2
print(a[k], b[k], a['z1'], b['z1'])
_ = a['m' .. 1]
a['m' .. 2] = 'two'
print(a['m1'], a['m2'], a.m1, a.m2)
_ = a['q' .. 1]
a[1.5], a[true], a[a] = 'number', 'boolean', 'table'
a['q' .. 1] = 'q'
print(a.q1, a[1.5], a[true], a[a])

-- Missed in the hash, but elsewhere: properties, __index.
local p = setmetatable({ name = 'field' }, { __index = function(_, key) return 'index ' .. tostring(key) end })
for i = 1, 20 do p['p' .. i] = i end
print(p['na' .. 'me'], p['p' .. 3], p['o' .. 1], p[{} and 1], p[false])
p['o' .. 1] = 'own'
p['na' .. 'me'] = nil
print(p['o' .. 1], p.o1, p.name, p['na' .. 'me'])
local late = {}
for i = 1, 20 do late['l' .. i] = i end
print(late['f' .. 1])
late.f1 = 'constant'
print(late['f' .. 1], late.f1)
rawset(late, 'f2', late['f' .. 2])
setmetatable(late, { __index = { f3 = 'inherited' }, __newindex = function(x, key, v) rawset(x, key, 'set ' .. v) end })
print(late['f' .. 3], late['f' .. 4])
late['f' .. 4] = 'v'
print(late['f' .. 4])

-- Many keys with nothing that tells them apart at their ends.
local same = {}
for i = 1, 100 do
  local s = i .. 'abc'
  s = ('0'):rep(6 - #s) .. s
  if not same[s] then same[s] = i end
end
sum = 0
for i = 1, 100 do
  local s = i .. 'abc'
  sum = sum + same[('0'):rep(6 - #s) .. s]
end
print(sum)
