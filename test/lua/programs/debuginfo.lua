local function where() local i = debug.getinfo(2, "Sl") return i.short_src:match("[^/]*$") .. ":" .. i.currentline end
print(where()) print(where(),
  where())
local function named() return debug.getinfo(1, "n").name, debug.getinfo(1, "n").namewhat end
local function callit() local a, b = named() return a, b end print(callit())
local t = { field = function() local i = debug.getinfo(1, "n") return i.name, i.namewhat end } local a, b = t.field() print(a, b) a, b = t:field() print(a, b)
function globalfn() local i = debug.getinfo(1, "nSl") return i.name, i.namewhat, i.what, i.linedefined, i.lastlinedefined, i.currentline end local r = { globalfn() } print(unpack(r))
local i = debug.getinfo(globalfn) print(i.linedefined, i.what, i.func == globalfn, i.nups, i.currentline)
i = debug.getinfo(print) print(i.what, i.short_src, i.source, i.linedefined, i.currentline)
i = debug.getinfo(1) print(i.what, i.linedefined)
print(debug.getinfo(50), pcall(debug.getinfo, 1, "X"))
local function tb() local s = debug.traceback("msg") return s end
local function strip(s) return (s:gsub("[^%s<]*/", ""):gsub("\n%s*%[C%]: at 0x%x+", "")) end
local function lvl3() local s = tb() return s end
function lvl2() local s = lvl3() return s end
print(strip(lvl2()))
print(strip((select(2, xpcall(function() local x = nil; x.y = 1 end, debug.traceback)))))
print(strip(debug.traceback("m", 1))) print(debug.traceback({}) ~= nil, debug.traceback(12, 1) ~= nil)
local co = coroutine.create(function() local function inner() coroutine.yield() end inner() end) coroutine.resume(co) print(strip(debug.traceback(co))) print(strip(debug.traceback(co, "hi")))
print(strip(select(2, xpcall(function() local s = string.rep({}) end, debug.traceback))))
print(strip(select(2, pcall(string.rep))))
local mt = setmetatable({}, { __index = function(_, k) return debug.getinfo(1, "n").name end, __add = function() return debug.getinfo(1, "n").namewhat end }) print(mt.x, mt + 1)
print(debug.getmetatable("").__index == string) debug.setmetatable(1, { __index = { double = function(n) return n * 2 end } }) print((5):double()) debug.setmetatable(1, nil)
do
  local function body() coroutine.yield() end
  local co = coroutine.create(body)
  coroutine.resume(co)
  print(debug.getinfo(co, 1, "f").func == body)
end
