-- setfenv of a helper changes the chunk that runs.
local before = function() return x end
local function enter(env) setfenv(3, env) end
local load = loadstring([[
local enter, print, G = ...
local old = x
enter()
x = "in module"
function f() return x end
print(x, f(), old, G.x)
]], "=module")
x = "global"
local env = {}
load(function() enter(env) end, print, _G)
print(x, env.x, env.f(), f, before())
local co = coroutine.wrap(loadstring([[
local enter, yield, print = ...
yield()
enter()
y = 1
yield()
print(y, G)
]], "=co"))
local env2 = {}
co(function() enter(env2) end, coroutine.yield, print)
co() 
print(y, env2.y)
co()
