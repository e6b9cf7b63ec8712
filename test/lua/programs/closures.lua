-- captured variables: shared, per iteration, assigned later, recursive
local fs = {}
for i = 1, 3 do
  local x = i * 10
  fs[#fs + 1] = function(d) x = x + (d or 0) return x, i end
end
print(fs[1](1), fs[1](1), fs[2](), fs[3](5))
local ws = {}
local n = 0
while n < 3 do
  n = n + 1
  local k = n
  ws[n] = { get = function() return k end, set = function(v) k = v end }
end
ws[2].set(99)
print(ws[1].get(), ws[2].get(), ws[3].get())
repeat
  local done = true
  local f = function() return done end
until f()
local function counter()
  local c = 0
  return function() c = c + 1 return c end, function() return c end
end
local inc, get = counter()
inc() inc()
print(get())
local inc2, get2 = counter()
inc2()
print(get(), get2())
local function fact(n) if n <= 1 then return 1 end return n * fact(n - 1) end
print(fact(10))
local even, odd
function even(n) if n == 0 then return true end return odd(n - 1) end
function odd(n) if n == 0 then return false end return even(n - 1) end
print(even(10), odd(7), even(7))
local function params(a, b, ...)
  local g = function() a = a + 1 return a, b end
  b = "changed"
  return g, ...
end
local g, v = params(1, 2, "rest")
print(g()) print(g()) print(v)
for _, name in ipairs({ "a", "b" }) do
  local up = name
  fs[name] = function() return up, name end
end
print(fs.a()) print(fs.b())
do
  local t = {}
  for i = 1, 3 do
    for j = 1, 2 do t[#t + 1] = function() return i .. "," .. j end end
  end
  for _, f in ipairs(t) do io.write(f(), " ") end
  print()
end
if true then
  local hidden = 7
  fs.h = function() return hidden end
end
for i = 1, 2 do local waste = i end
print(fs.h())
