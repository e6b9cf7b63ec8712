-- Variables called module and setfenv, in functions that use no globals.
local yield, print = coroutine.yield, print
local function process(get, name)
  local module, err = get(name)
  if module then return module, err end
  module, err = get(yield(name))
  for k, v in (function() return module end) do return k, err end
  return module
end
print(process(function(n) return n, "found" end, "a"))
local co = coroutine.wrap(process)
print(co(function(n) return n ~= "b" and n, n end, "b"))
print(co("c"))
local function chain(setfenv, list)
  local function inner() return setfenv(list) end
  local a, b = inner(), (inner())
  return a, b, inner()
end
print(chain(function(l) return l[1], l[2] end, { 1, 2 }))
co = coroutine.wrap(chain)
print(co(yield, "x")) print(co(1)) print(co(2)) print(co(3, 4))
