-- Variables through the debug library.
local a, b, c = 1, 2, 3
local function f(x, y, ...) local z = b; a = 4; print(c) return c, z end
print(debug.getupvalue(f, 1)) print(debug.getupvalue(f, 2)) print(debug.getupvalue(f, 3)) print(debug.getupvalue(f, 4))
print(debug.setupvalue(f, 2, 9), a, debug.setupvalue(f, 5, 9))
-- Never assigned otherwise.
print(debug.setupvalue(f, 1, 'new b'), debug.getupvalue(f, 1))
print(debug.setupvalue(f, 3, nil), debug.getupvalue(f, 3))
print(f(1), f(1, 2, 3))
print(pcall(debug.getupvalue, 1, 1)) print(pcall(debug.getupvalue, f))
print(pcall(debug.setupvalue, f, 1)) print(pcall(debug.upvalueid, f, 9))
print(pcall(debug.upvaluejoin, f, 1, print, 1))
print((debug.getlocal(f, 1)), (debug.getlocal(f, 2)), (debug.getlocal(f, 3)))

local function counter()
  local n = 0
  return function() n = n + 1 return n end, function() n = n + 10 print(n) end, tostring and function() n = n + 100 return tostring(n) end
end
local inc, show, text = counter()
local inc2, _, text2 = counter()
inc() show()
print(debug.upvalueid(inc, 1) == debug.upvalueid(show, 1), debug.upvalueid(inc, 1) == debug.upvalueid(inc2, 1))
print(debug.setupvalue(inc, 1, 50), inc(), debug.getupvalue(show, 1))
debug.upvaluejoin(text2, 1, text, 1)
print(text2(), inc(), inc2(), debug.upvalueid(text2, 1) == debug.upvalueid(text, 1))

-- Frames of coroutines.
local co = coroutine.create(function(p, ...)
  local q = 5
  do local hidden = 1 end
  local shared = 'a'
  local function change() shared = shared .. 'b' end
  change()
  while true do
    local r = 'r'
    local got = coroutine.yield(q, shared)
    if got == 'stop' then break end
  end
  return q, shared
end)
print(coroutine.resume(co, 'p', 7, 8))
for i = 1, 20 do
  local n, v = debug.getlocal(co, 1, i)
  if n == nil then break end
  print(i, n, type(v) == 'function' or v)
end
print(debug.getlocal(co, 1, -1)) print(debug.getlocal(co, 1, -2)) print(debug.getlocal(co, 1, -3))
print(pcall(debug.getlocal, co, 5, 1))
print(debug.setlocal(co, 1, 2, 'new q'), debug.setlocal(co, 1, 3, 'new'), debug.getlocal(co, 1, 2))
print(coroutine.resume(co, 'go'))
print(coroutine.resume(co, 'stop'))

-- Frames that run.
local function locals(level)
  local list = {}
  local i = 1
  while true do
    local n, v = debug.getlocal(level + 1, i)
    if n == nil then return table.concat(list, ' ') end
    if n:sub(1, 1) ~= '(' then list[#list + 1] = n .. '=' .. tostring(v) end
    i = i + 1
  end
end
local function work(m, n, ...)
  local k = 1
  do local gone = 2 end
  if m then
    local inner = 'i'
    print(locals(1))
    print(debug.setlocal(1, 3, 99), k, debug.setlocal(1, 40, 1))
    print(debug.getlocal(1, -2))
  end
  local late
  return k
end
print(work(1, nil, 'v1', 'v2'))
local up = 'u'
local function outer(x)
  local y = x .. up
  local function nested(z) up = z return (locals(2)) end
  local r = nested('w')
  return r, up, y
end
print((outer('x'):gsub('function: %S+', 'function')))
print(coroutine.wrap(function(s) local t = s coroutine.yield() t = t .. 2 local r = locals(1) return r end)('s'))
local w = coroutine.wrap(function(s) local t = s coroutine.yield() t = t .. 2 local r = locals(1) return r end)
w('s') print(w())
print(pcall(debug.getlocal, 100, 1))
