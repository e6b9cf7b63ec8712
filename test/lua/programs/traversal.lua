-- Loops over tables: what happens to the table meanwhile, and yields in between.

local function keysOf(t, iterate)
  local list = {}
  for k, v in (iterate or pairs)(t) do list[#list + 1] = tostring(k) .. '=' .. tostring(v) end
  table.sort(list)
  return table.concat(list, ' ')
end

-- All parts of a table: items with holes, names from the source, computed keys.
local function mixed()
  local t = { 1, 2, nil, 4, nil, 6, name = 'n', other = false }
  t['computed' .. 1] = 'c'
  t[-1], t[1.5], t[true] = 'minus', 'half', 'yes'
  return t
end
print(keysOf(mixed()))
print(keysOf(mixed(), ipairs))

-- Values change, all are removed, one by one or each.
local t, n = mixed(), 0
for k, v in pairs(t) do t[k] = tostring(v) .. '!' end
print(keysOf(t))
for k in pairs(t) do t[k] = nil n = n + 1 end
print(n, next(t), keysOf(t))
for k in pairs(t) do error('nothing is left') end

-- The rest is removed in the first iteration.
local function removeOthers(make)
  local t, count = make(), 0
  for k in pairs(t) do
    count = count + 1
    for other in pairs(t) do if other ~= k then t[other] = nil end end
  end
  return count
end
print(removeOthers(mixed))
print(removeOthers(function() return { a = 1, b = 2, c = 3 } end))
print(removeOthers(function() local t = {} for i = 1, 20 do t['k' .. i] = i end return t end))
print(removeOthers(function() local t = {} for i = 1, 20 do t[i] = i end return t end))

-- ipairs sees what is appended, and stops at what has been removed.
t = { 1, 2, 3 }
for i, v in ipairs(t) do if i < 10 then t[i + 3] = v end end
print(#t, table.concat(t, ','))
for i, v in ipairs(t) do if i == 2 then t[4] = nil end n = i end
print(n)
for i, v in ipairs(t) do t[i] = nil n = i end
print(n, #t)
t = { 1, 2, 3 }
for i in ipairs(t) do while #t > 1 do t[#t] = nil end n = i end
print(n)
t = {}
for i in ipairs(t) do t[1] = 1 n = i end
t[2] = 2 t[3] = 3 t[1] = 1
for i in ipairs(t) do n = i end
print(n)

-- Yields between the steps, in nested loops.
local function walk(t, iterate)
  return coroutine.wrap(function()
    for k, v in (iterate or pairs)(t) do
      for i, w in ipairs { 'x', 'y' } do coroutine.yield(tostring(k) .. w .. tostring(v)) end
    end
  end)
end
for _, iterate in ipairs { pairs, ipairs } do
  local list = {}
  for s in walk(mixed(), iterate) do list[#list + 1] = s end
  table.sort(list)
  print(table.concat(list, ' '))
end
t = mixed()
n = 0
for s in walk(t) do
  n = n + 1
  if n == 3 then for k in pairs(t) do t[k] = nil end end
end
print(n)

-- next: from any key, again and again, after keys have come and gone.
t = {}
for i = 1, 30 do t['k' .. i] = i end
local seen, k, v = 0, next(t)
while k do
  assert(t[k] == v and select('#', next(t, k)) <= 2)
  seen = seen + 1
  local other = next(t)
  assert(other)
  k, v = next(t, k)
end
print(seen)
local last
for k in pairs(t) do last = k end
for i = 1, 29 do local k = next(t) if k == last then k = next(t, k) end t[k] = nil end
print(next(t) == last, next(t, last))
for i = 1, 40 do t['n' .. i] = i end
n = 0
k = next(t)
while k do n = n + 1 k = next(t, k) end
print(n, pcall(next, t, 'absent'))

-- A queue of work: taken and added.
t = { ['job' .. 1] = 3 }
local done = 0
while true do
  local k, v = next(t)
  if not k then break end
  t[k] = nil
  done = done + 1
  if v > 0 then
    t[k .. 'a'] = v - 1
    t[k .. 'b'] = v - 1
  end
end
print(done)

-- Weak tables.
local objects = { {}, {}, {} }
local weak = setmetatable({}, { __mode = 'k' })
for i, o in ipairs(objects) do weak[o] = i end
weak.name = 4
n = 0
for k, v in pairs(weak) do n = n + v end
k, v = next(weak)
while k do
  n = n + v
  k, v = next(weak, k)
end
print(n)

-- Iterators that are not those of tables, with the same loop.
local function each(f, s, c) local list = {} for a, b, c in f, s, c do list[#list + 1] = tostring(a) .. tostring(b) .. tostring(c) end return #list, list[1], list[#list] end
print(each(next, { 5, 6 }))
print(each(next, { 5, 6 }, 1))
print(each(ipairs({})))
print(each(function(s, c) if c < 3 then return c + 1, s end end, 's', 0))
print(each(string.gmatch('a=1,b=2', '(%w)=(%w)')))
print(each(setmetatable({}, { __call = function(_, s, c) if c < 2 then return c + 1 end end }), nil, 0))
