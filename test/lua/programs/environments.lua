x = 1
local function f() return x end
print(f(), getfenv(f) == _G, getfenv(1) == _G, getfenv() == _G, getfenv(0) == _G)
setfenv(f, { x = "env" }) print(f(), x, getfenv(f).x)
local function maker() return function() return x end end
local g1 = maker() setfenv(maker, { x = "made" }) local g2 = maker() print(g1(), g2())
local chunk = loadstring("y = 5 return x, y") local env = setmetatable({ x = "sandbox" }, { __index = _G }) setfenv(chunk, env) print(chunk()) print(y, env.y)
local function sandboxed() setfenv(1, setmetatable({}, { __index = _G })) z = 3 local function inner() return z end return z, inner() end
print(sandboxed()) print(rawget(_G, "z"))
local function outer() local function setter() setfenv(2, { tag = "two", setfenv = setfenv }) end setter() return tag end print(pcall(outer))
print(pcall(setfenv, print, {})) print(pcall(getfenv, 200))
local up = "shared" local function usesup() up = up .. "!" return up, x end setfenv(usesup, { x = "e" }) print(usesup()) print(usesup()) print(up)
local e = load("return a", "=c", "t", { a = "from load" }) print(e())
module("mymod", package.seeall)
function hello() return "hello from " .. _NAME end
var = 42
print(hello(), _M == package.loaded.mymod, var)
setfenv(1, package.loaded._G) print(mymod.hello(), mymod.var, var)
