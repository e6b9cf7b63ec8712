-- What xpcall's handler and debug.traceback see of a stack overflow; long tracebacks.
local function f()
  f()
end
-- In a coroutine, whose outermost level is known.
local ok, text = coroutine.wrap(function()
  local ok, text = xpcall(f, debug.traceback)
  return ok, text
end)()
print(ok, select(2, text:gsub('\n', '')))
print((text:gsub(':%d+:', ':N:'):gsub("<[^\n]*", '<f>')))

local function g() return 1 + g() end
print(xpcall(g, function(m)
  return m .. '|' .. debug.getinfo(2, 'l').currentline .. '|' .. debug.getinfo(3, 'n').name
end))
print(xpcall(g, function() local function again() return 1 + again() end again() end))
print(xpcall(g, function() error('again') end))
print(pcall(g))

local co = coroutine.create(g)
print(coroutine.resume(co))
print(select(2, debug.traceback(co):gsub('\n', '')), (debug.traceback(co):match('%.%.%..*')))

-- A coroutine that an error has ended keeps its stack for tracebacks.
co = coroutine.create(function(a)
  local function inner() error('x' .. a) end
  inner()
end)
print(coroutine.resume(co, 1))
print(debug.traceback(co))
print(debug.traceback(co, 'message', 1))
print(debug.getinfo(co, 1, 'l').currentline, debug.getinfo(co, 9))

-- From which level on "..." stands for levels depends on where the traceback begins.
local function lines(text) return select(2, text:gsub('\n', '')), text:find('...', 1, true) ~= nil end
for k = 8, 24 do
  local function deep(n, level)
    if n == k then return (debug.traceback('', level)) end
    return (deep(n + 1, level))
  end
  -- In a coroutine, whose outermost level is known.
  local one, isOneCut = lines(coroutine.wrap(function() return (deep(1)) end)())
  local two, isTwoCut = lines(coroutine.wrap(function() return (deep(1, 5)) end)())
  co = coroutine.create(function() local function down(n) if n == k then coroutine.yield() end return (down(n + 1)) end down(1) end)
  coroutine.resume(co)
  print(k, one, isOneCut, two, isTwoCut, lines(debug.traceback(co)))
end

local function h(i)
  if i < 1000 then return 1 + h(i + 1) end
  local n = 0
  while debug.getinfo(n + 1, 'l') do n = n + 1 end
  print(n > 1000, lines(debug.traceback('', 900)))
  return 1
end
h(1)
print(debug.traceback(nil), debug.traceback(nil, 1), debug.traceback(co, nil))
