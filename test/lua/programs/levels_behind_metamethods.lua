local mt = {}
mt.__index = function(t, k) return getfenv(2)[k] end
local t = setmetatable({}, mt)
v = "global"
print(t.v)
local function f(a) return t.v end
setfenv(f, { v = "own" })
print(f())
local function g() return (debug.getinfo(2, "f").func) end
local function h() return g() end
mt.__add = function() return debug.getinfo(2, "f").func end
local function adds(a) local r = t + a return r end
print(adds(1) == adds)
local function addsv(...) local r = t + 1 return print and r end
print(addsv(1) == addsv)
mt.__concat = function() return getfenv(2) == _G end
print(t .. "x")
local co = coroutine.wrap(function() local r = t .. "x" return r end)
print(co())
