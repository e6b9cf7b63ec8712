-- debug.sethook: events, lines, names; errors from hooks; coroutines.

-- LuaJIT's compiled code calls no hooks.
jit.off()

local log = {}
local function note(...)
  local t = {}
  for i = 1, select('#', ...) do t[i] = tostring((select(i, ...))) end
  log[#log + 1] = table.concat(t, ' ')
end
local function show(title)
  print(title .. ':')
  for _, line in ipairs(log) do print('  ' .. line) end
  log = {}
end

local function add(a, b) return a + b end
local function work(n)
  local s = 0
  for i = 1, n do
    s = add(s, i)
  end
  local t = { 1, 2 }
  for k, v in pairs(t) do
    s = s + v
  end
  while s > 5 do
    s = s - 4
  end
  repeat
    s = s + 1
  until s > 7
  if s > 100 then
    s = 0
  elseif s == 8 then
    s = 1
  else
    s = 2
  end
  t.s = add(s, 1)
  return s, t
end

-- Lines
debug.sethook(function(event, line) note(event, line, debug.getinfo(2, 'l').currentline) end, 'l')
work(2)
local x
do x = 1 end
goto over
x = 2
::over::
x = function()
  return 1
end
x()
debug.sethook()
show 'lines'

-- Calls and returns, with names
local function names(event, line)
  local i = debug.getinfo(2, 'nS')
  note(event, line, i.name, i.what)
end
debug.sethook(names, 'cr')
work(1)
math.abs(-1)
pcall(add, 1, 2)
debug.sethook()
show 'calls'

debug.sethook(function(event) note(event, debug.getinfo(2, 'f').func == add) end, 'r')
add(1, 2)
debug.sethook()
show 'functions'

-- Counting
local count = 0
debug.sethook(function(event, line) count = count + 1 note(event, line) debug.sethook() end, '', 100)
for i = 1, 1000 do end
print(count)
show 'count'
count = 0
debug.sethook(function() count = count + 1 end, '', 1)
do local y = 1 end
debug.sethook()
print(count > 0)

-- A limit: errors pass through
local function limited(f, n)
  debug.sethook(function() error('too long', 0) end, '', n)
  local ok, e = pcall(f)
  debug.sethook()
  return ok, e
end
print(limited(function() while true do end end, 1000))
print(limited(function() local function r() return r() end r() end, 1000))
print(limited(function() return 1 end, 1000))
print(limited(function() coroutine.wrap(function() while true do end end)() end, 1000))
print(pcall(limited, function() table.sort({ 3, 2, 1 }, function() while true do end end) end, 1000))
local ok, e = pcall(function()
  debug.sethook(function() debug.sethook() error 'here' end, 'l')
  local z = 1
end)
debug.sethook()
print(ok, (e:gsub('^[^:]*:%d+', 'pos')))

-- The hook is not entered again, nor by what it calls
count = 0
debug.sethook(function() count = count + 1 add(1, 2) pcall(error) end, 'l')
local a = 1
debug.sethook()
print(count)

-- gethook
print(debug.gethook())
local function h() end
debug.sethook(h, 'rlc', 77)
local f, mask, n = debug.gethook()
debug.sethook()
print(f == h, mask, n)
debug.sethook(h, '', 0)
print(select(2, debug.gethook()))
print(pcall(debug.sethook, h))
print(pcall(debug.sethook, 1, 'l'))

-- Coroutines share the hook
local co = coroutine.create(function()
  local v = 1
  coroutine.yield(v)
  v = 2
  return v
end)
debug.sethook(function(event, line) note(event, line) end, 'l')
coroutine.resume(co)
coroutine.resume(co)
debug.sethook()
show 'coroutine'
-- One that sets it
co = coroutine.create(function()
  debug.sethook(function(event, line) note(event, line) end, 'l')
  coroutine.yield()
  local w = 1
end)
coroutine.resume(co)
local w = 2
coroutine.resume(co)
w = 3
debug.sethook()
show 'set inside'

-- Locals
debug.sethook(function()
  local name, value = debug.getlocal(2, 1)
  note(name, value)
  debug.setlocal(2, 1, 'changed')
  debug.sethook()
end, 'c')
local function see(v) note(v) end
see 'given'
show 'locals'

-- Results pass between events unharmed
local function many(...) return ... end
debug.sethook(function() return 'wrong' end, 'crl', 1)
local r = { many(1, 2, 3, 4, 5) }
local p, q = many(6, 7)
r[#r + 1] = (many(8, 9))
r[#r + 1] = select('#', many())
debug.sethook()
print(table.concat(r, ' '), p, q)
