-- The hash of a table: keys of all types, keys that are hard to tell apart, removal, traversal.

local function check(t, model, count)
  local seen = 0
  for k, v in pairs(t) do
    assert(model[k] == nil or model[k] == v, tostring(k))
    seen = seen + 1
  end
  assert(seen == count, seen .. ' instead of ' .. count)
end

-- Keys of one length with the same end: the hash of ends does not tell them apart.
for _, n in ipairs { 3, 5, 9, 12, 13, 14, 40, 300 } do
  local t = {}
  for i = 1, n do t[string.format('%04d-same', i)] = i end
  for i = 1, n do assert(t[string.format('%04d-same', i)] == i) end
  assert(t['0000-same'] == nil and t['same'] == nil)
  local count = 0
  for k in pairs(t) do count = count + 1 end
  assert(count == n)
  for i = 1, n, 2 do t[string.format('%04d-same', i)] = nil end
  count = 0
  for k, v in pairs(t) do
    assert(v % 2 == 0)
    count = count + 1
  end
  assert(count == math.floor(n / 2))
  for i = 1, n do t['new' .. i] = i end
  for i = 1, n do assert(t['new' .. i] == i) end
  for i = 1, n do assert(t[string.format('%04d-same', i)] == (i % 2 == 0 and i or nil)) end
end

-- All types in one table.
local f, co, inner = function() end, coroutine.create(print), {}
local keys = {
  'a', '', 'ab', 'abc', 'b', '1', '0', true, false, f, co, inner, print, 0, -1, 1.5, -1.5, 0.1, 1 / 0, -1 / 0, 2 ^ 31,
  2 ^ 53, -2 ^ 31, 1e300, 5e-324, 2 ^ 31 + 0.5, 100, 1000, '\0', '\0\0', '\255',
}
local all = {}
for i, k in ipairs(keys) do
  all[k] = i
  for j = 1, #keys do assert(all[keys[j]] == (j <= i and j or nil), tostring(keys[j])) end
end
check(all, all, #keys)
assert(all[-0] == all[0] and all[0 / 0] == nil and all[nil] == nil and all[{}] == nil and all['no'] == nil)
print(pcall(function() all[0 / 0] = 1 end))
print(pcall(function() all[nil] = 1 end))
for i, k in ipairs(keys) do
  if i % 3 == 0 then all[k] = nil end
end
for i, k in ipairs(keys) do assert(all[k] == (i % 3 ~= 0 and i or nil)) end
for i, k in ipairs(keys) do all[k] = -i end
for i, k in ipairs(keys) do assert(all[k] == -i) end

-- Removing all while traversing, in every size of index; then filling again.
for n = 1, 70 do
  local t, sum = {}, 0
  for i = 1, n do t['k' .. i] = i end
  for k, v in pairs(t) do
    sum = sum + v
    t[k] = nil
  end
  assert(sum == n * (n + 1) / 2 and next(t) == nil)
  for i = 1, n do t['k' .. i] = i * 2 end
  sum = 0
  for k, v in pairs(t) do sum = sum + v end
  assert(sum == n * (n + 1))
  t['k' .. n] = nil
  t['other'] = 1
  assert(t['k' .. n] == nil and t.other == 1)
end

-- A key that comes and goes: the position found last is not that of another key.
local t = { }
for round = 1, 200 do
  local k = 'x' .. round % 7
  t[k] = (t[k] or 0) + 1
  if round % 5 == 0 then t['x' .. (round + 3) % 7] = nil end
  if round % 11 == 0 then t[round .. 'y'] = round end
end
local list = {}
for k, v in pairs(t) do list[#list + 1] = k .. '=' .. v end
table.sort(list)
print(table.concat(list, ' '))

-- Negative and fractional numbers, sparse items.
local n = {}
for i = 1, 500 do
  n[-i] = i
  n[i + 0.25] = i
  n[i * 1000003] = i
end
for i = 1, 500 do assert(n[-i] == i and n[i + 0.25] == i and n[i * 1000003] == i) end
for i = 1, 500, 2 do n[-i] = nil end
local count = 0
for k, v in pairs(n) do count = count + 1 end
print(count, next(n, -500) ~= n)

-- Objects as keys, more of them than are searched in order.
local objects, o = {}, {}
for i = 1, 50 do
  objects[i] = i % 2 == 0 and {} or function() return i end
  o[objects[i]] = i
  o['s' .. i] = i
end
for i = 1, 50 do
  assert(o[objects[i]] == i and o['s' .. i] == i)
  if i % 4 == 0 then o[objects[i]] = nil end
end
for i = 1, 100 do o['t' .. i] = true end
for i = 1, 50 do assert(o[objects[i]] == (i % 4 ~= 0 and i or nil)) end
print(pcall(next, o, {}))
