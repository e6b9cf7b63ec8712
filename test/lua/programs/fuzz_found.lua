-- What random programs (test/lua/fuzz) found to differ from LuaJIT.
local function show(...) print(select("#", ...), ...) end
-- A tail call replaces its caller: for positions, names of functions and levels.
local function fail(level) return error("x", level) end
local function outer() fail() end
print(pcall(fail)) print(pcall(fail, 2)) print(pcall(outer))
local function rep(...) return string.rep(...) end
print(pcall(rep)) print(pcall(function() local x = rep() return x end))
local o = { m = rep } print(pcall(function() local x = o:m() return x end))
local function line(n) return debug.getinfo(n, "l").currentline end
local function lines() local a, b = line(1), line(2) return a, b end print(lines())
local mt = setmetatable({}, { __index = function(t, k) return error("idx " .. k) end, __add = function(a, b) return error("add", 2) end })
print(pcall(function() local x = mt.foo end)) print(pcall(function() local x = mt + 1 end)) print(pcall(function() return mt.foo end))
-- A function that setfenv was used on is one level only.
local function level(l) error("lv", l) end
setfenv(level, getfenv()) print(pcall(level, 1)) print(pcall(level, 2)) print(pcall(function() level(2) end))
-- getfenv of a function that uses setfenv, and of one that was suspended.
local env = setmetatable({ own = 1 }, { __index = _G })
print(load("local e = getfenv() if false then setfenv(1, {}) end return e.own", "=e", "t", env)())
local co = coroutine.wrap(load("coroutine.yield() return getfenv().own, getfenv(1).own", "=e", "t", env)) co() print(co())
-- The first names a function's local setfenv, which uses no global.
local setfenv = setfenv
print(pcall(function(f) setfenv(f, {}) return 1 end, function() end))
-- Constant fields are there before computed ones.
local nothing, seven = nil, 7
local t = { p = seven, ["p"] = 1 } print(t.p) t = { p = nothing, ["p"] = 1 } print(t.p) t = { ["p"] = 1, p = seven } print(t.p)
t = { [1] = seven, 5 } print(t[1]) t = { [seven] = "computed", [7] = "constant" } print(t[7]) t = { p = (true and false), p = "b" } print(t.p)
t = { p = (nil or 4), p = 5 } print(t.p) t = { p = (false and 4), p = 5 } print(t.p)
-- Messages.
print(pcall(function() local e for k in e, 3 do end end)) print(pcall(function() for k in zz.y, 1 do end end))
print(pcall(function() function
  nothing.f() end end))
print(pcall(function() local x = -
  nothing end))
print(pcall(function() return "a" .. nothing .. "b\z
  c" end))
print(pcall(nil)) print(pcall({})) print(pcall(table.sort, { 1, "x" })) print(pcall(function() table.sort({ 1, "x" }) end))
print(pcall(rawset, {}, nil, 1)) print(pcall(function() rawset({}, 0 / 0, 1) end)) print(pcall(function() return next({}, 1) end))
print(pcall(next)) print(pcall(next, nil)) print(pcall(select)) print(pcall(rawequal)) print(pcall(rawset, {})) print(pcall(xpcall)) print(pcall(pcall))
print(pcall(loadstring)) print(pcall(loadstring, {})) print(pcall(load, "x", {})) print(loadstring(function() return nil end) ~= nil)
print(pcall(assert, false, "cut\0here")) print(pcall(function() assert(nil, "cut\0here") end)) print(pcall(function() error(1e-5) end))
for _, source in ipairs({ "x = 'a\\tb' 'c'", "(x)\nF", "(x), y = 1", "return [==", "(1[[\n]]", "goto l end", "x = \"\\65\\0b\" y" }) do print(loadstring(source, "=s")) end
-- Zero.
print(math.floor(-0), math.ceil(-0.5), 1 / math.floor(-0))
for _, step in ipairs({ 0, -0 }) do
  for x = 1, 2, step do print("up", step, x) break end
  for x = 2, 1, step do print("down", step, x) break end
end
for x = 1, 2, 0 do print("constant", x) break end
-- Powers.
for i = 1, 40 do io.write(("%.17g "):format(1.1 ^ i), ("%.17g "):format(3.7 ^ -i), ("%.17g "):format(10 ^ -i)) end print()
-- A jump back over variables of closures, which are used behind it.
do
  local n, list = 0, {}
  ::again::
  local v = n
  list[#list + 1] = function() v = v + 1 return v end
  n = n + 1
  if n < 3 then goto again end
  local last = function() return v * 10 end
  print(list[1](), list[1](), list[2](), list[3](), last())
end
-- A native at a level; slot 0; modes that are numbers.
print(pcall(function() return setfenv(1, {}) end)) print(pcall(function() return getfenv(1) == _G end))
print(next({ 5 }, 0)) print(next({ 5, x = 1 }, 0)) print(pcall(next, {}, 0)) print(pcall(next, { x = 1 }, 0))
print(load("", "=x", 1)) print(pcall(loadstring, "return 1", "=x", 2)) print(load("return 1", "=x", "1t") ~= nil)
