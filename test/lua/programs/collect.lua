local function count(t) local n = 0 for _ in pairs(t) do n = n + 1 end return n end
local t = setmetatable({}, {__mode='v'})
do
  local k = {}
  t.x = k
  t[1] = k
  t[2] = {}
end
for i = 1, 3 do local y = {i} t[y] = y t['a'..i] = y end
local function f(o) return o, o end
f({})
print(#t, count(t))
collectgarbage()
print(t.x, t[1], #t, count(t))
local keep = {}
do
  local mt = {}
  local late = setmetatable({}, mt)
  late[1] = keep late[2] = {} late.s = {}
  mt.__mode = 'v'
  collectgarbage()
  print('late', count(late), late[1] == keep)
  mt.__mode = nil
  late[2] = {} 
  collectgarbage()
  print('strong again', count(late), #late)
end
do
  local e = setmetatable({}, {__mode='k'})
  for i = 1, 10 do local k = {} e[k] = {k} end
  e[keep] = 1
  collectgarbage()
  print('ephemeron', count(e) <= 11, e[keep])
end
do
  local c = setmetatable({}, {__mode='k'})
  do local obj = {} local fn = function() return obj end c[obj] = 1 fn() end
  collectgarbage()
  print('closure', count(c))
end
do
  local w = setmetatable({}, {__mode='v'})
  local set = {}
  do local obj = {} w[1] = obj set[obj] = true set[obj] = nil end
  collectgarbage()
  print('removed key', count(w))
  for i = 1, 10 do w[i] = {i} end
  table.sort(w, function(a, b) return a[1] > b[1] end)
  print(#w, w[1][1], table.remove(w, 1)[1], #w, (unpack(w))[1], select('#', unpack(w)))
  table.insert(w, 1, {77}) print(#w, w[1][1], w[2][1], w[10][1])
  collectgarbage() print(#w, next(w))
end
for i = 1, 3 do local p = newproxy(true) getmetatable(p).__gc = function(o) print('gc', i, type(o)) end end
collectgarbage()
print'after'
local co = coroutine.wrap(function() local x = {} t.co = x coroutine.yield() end)
co()
collectgarbage() print('suspended', t.co ~= nil)
co = nil collectgarbage() print('dropped', t.co)
local x = setmetatable({}, {__mode='k'})
for k in pairs({1,2,3}) do x[{}] = k end
for k, v in pairs(x) do k = nil collectgarbage() end
print(pcall(function() local d = {} t.d = d error('x') end))
collectgarbage() print(t.d)
print(collectgarbage("stop"), collectgarbage("isrunning"))
print(collectgarbage(), collectgarbage("isrunning"))
print(collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("step") ~= nil, collectgarbage("isrunning"))
print(collectgarbage("restart"), collectgarbage("isrunning"))
print(collectgarbage("setpause"), collectgarbage("setpause", 100), collectgarbage("setpause", 200))
print(collectgarbage("setstepmul"), collectgarbage("setstepmul", 100), collectgarbage("setstepmul", 200))
print(pcall(collectgarbage, "setstepmul", "x5"))
print(type(collectgarbage("count")), collectgarbage("count") > 10)
local before = collectgarbage("count")
local big = {}
for i = 1, 1e5 do big[i] = { i } end
local full = collectgarbage("count")
big = nil
collectgarbage()
print(full - before > 3000, full - collectgarbage("count") > 3000)
-- cdata and proxies: proxies first, each the last one first; at the end of the state the other way round.
local ffi = require 'ffi'
local kept = {}
for i = 1, 3 do
  local p, c = newproxy(true), ffi.new('int[1]', i)
  getmetatable(p).__gc = function() print('proxy', i) end
  kept[i], kept[i + 3] = p, ffi.gc(c, function(o) print('cdata', o[0]) end)
end
kept[2], kept[5], kept[4] = nil
collectgarbage()
ffi.gc(kept[6], nil)
kept = nil
collectgarbage()
-- A traversal during which objects go.
local weak = setmetatable({}, { __mode = 'k' })
local strong = {}
for i = 1, 50 do local k = { i } weak[k] = i if i % 2 == 0 then strong[i] = k end end
local sum = 0
for k, i in pairs(weak) do if i % 10 == 0 then k = nil collectgarbage() end if i % 2 == 0 then sum = sum + i end end
print(sum)
-- A job that makes and reads weak references without end keeps its memory.
local cache = setmetatable({}, { __mode = 'v' })
for i = 1, 2e5 do cache[i % 100] = { string.rep('x', 100) .. i } end
local found = 0
for i = 1, 2e5 do if cache[i % 100] then found = found + 1 end end
print(found <= 2e5)
