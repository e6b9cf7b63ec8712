local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end return "end" end) end
local g = gen(3) print(g(), g(), g(), g()) print(pcall(g))
local co = coroutine.create(function(a, b) print("start", a, b) local c = coroutine.yield(a + b) print("got", c) local d, e = coroutine.yield(c * 2) print("got", d, e) return "fin", 99 end)
print(coroutine.resume(co, 1, 2)) print(coroutine.status(co)) print(coroutine.resume(co, 10)) print(coroutine.resume(co, "x", "y")) print(coroutine.status(co), coroutine.resume(co))
-- through pcall, metamethods, iterators, sort comparisons excepted
co = coroutine.wrap(function(...)
  print(pcall(function() local r = coroutine.yield("p1") error("after " .. r, 0) end))
  local t = setmetatable({}, { __index = function(_, k) return coroutine.yield("index " .. k) end, __newindex = function(_, k, v) coroutine.yield("newindex " .. k) rawset(_, k, v) end,
    __add = function(a, b) return coroutine.yield("add") end, __concat = function(a, b) return coroutine.yield("concat") end, __eq = function() return coroutine.yield("eq") end,
    __lt = function() return coroutine.yield("lt") end, __le = function() return coroutine.yield("le") end, __call = function(_, x) return coroutine.yield("call " .. x), "two" end, __unm = function() return coroutine.yield("unm") end })
  print(t.foo, t.bar) t.new = 5 print(rawget(t, "new")) print(t + 1, 1 + t, "a" .. t .. "b", t .. "x") print(t == setmetatable({}, getmetatable(t)), t < t, t <= t, not (t > t)) print(t(7)) print(-t)
  if t < t then print("lt true") else print("lt false") end
  for i in function(_, i) local r = coroutine.yield("iter") if r ~= "stop" then return r end end do print("loop", i) end
  print(xpcall(function() coroutine.yield("xp") error("boom") end, function(m) return "H:" .. m:gsub("^.-:%d+: ", "") end))
  local x = coroutine.yield("a") .. coroutine.yield("b") .. coroutine.yield("c") print(x)
  local tt = { coroutine.yield("t1"), k = coroutine.yield("t2"), coroutine.yield("t3") } print(tt[1], tt.k, tt[2], tt[3])
  local cond = coroutine.yield("cond") and coroutine.yield("and") or coroutine.yield("or") print(cond)
  while coroutine.yield("while") do print("body") end
  repeat local v = coroutine.yield("repeat") until v
  for i = coroutine.yield("from"), coroutine.yield("to"), coroutine.yield("step") do io.write(i, " ", tostring(coroutine.yield("in")), " ") end print()
  tt[coroutine.yield("key")] = coroutine.yield("val") print(tt.kk)
  local a, b, c = coroutine.yield("multi") print(a, b, c)
  return "done", ...
end)
local inputs = { nil, "one", "F", "B", nil, "A1", "A2", "C1", "C2", "C3", true, false, nil, 1, "r1", "U", nil, 1, 2, "stop", nil, "x", "y", "z", 1, 2, 3, nil, "orv", true, true, false, false, true, 1, 5, 2, "i1", "i2", "i3", "kk", "vv", "m1" }
local i = 1
while true do
  local ok, r = pcall(co, inputs[i], i)
  print("->", ok, r)
  i = i + 1
  if not ok or r == "done" or i > 60 then break end
end
-- deep stacks and recursion
local function walk(t) if type(t) == "table" then for _, v in ipairs(t) do walk(v) end else coroutine.yield(t) end end
local out = {} for v in coroutine.wrap(function() walk({ 1, { 2, { 3, { 4 } } }, 5 }) end) do out[#out + 1] = v end print(table.concat(out, " "))
local function deep(n) if n == 0 then return coroutine.yield("bottom") end return 1 + deep(n - 1) end
co = coroutine.wrap(function() return deep(100) end) print(co(), co(0))
-- producers and consumers, status of each
local main = {}
main.a = coroutine.create(function() print(coroutine.status(main.a)) main.b = coroutine.create(function() print(coroutine.status(main.a), coroutine.status(main.b)) coroutine.yield() end) coroutine.resume(main.b) print(coroutine.status(main.b)) end)
coroutine.resume(main.a) print(coroutine.status(main.a))
print(coroutine.resume(coroutine.create(function(...) return select("#", ...), ... end), nil, nil))
print(select("#", coroutine.resume(coroutine.create(function() end))))
local wrapped = coroutine.wrap(function(...) local n = select("#", ...) while true do n = select("#", coroutine.yield(n)) end end) print(wrapped(1, 2, 3), wrapped(), wrapped(nil))
-- closures made before and after a suspension share variables
co = coroutine.wrap(function() local n = 0 local function inc() n = n + 1 return n end inc() coroutine.yield(inc) local function dec() n = n - 1 return n end inc() coroutine.yield(dec) return n end)
local inc = co() inc() local dec = co() print(inc(), dec(), dec(), co())
-- goto and loops with suspensions
co = coroutine.wrap(function() for a = 1, 3 do for b = 1, 3 do if b == 2 then goto cont end coroutine.yield(a .. ":" .. b) ::cont:: end end local k = 0 ::again:: k = k + coroutine.yield("k" .. k) if k < 3 then goto again end return "end" .. k end)
for _ = 1, 10 do io.write(tostring(co(1)), " ") end print()
co = coroutine.wrap(function() local ok, e = pcall(function() local ok2, e2 = pcall(coroutine.yield, "inner") print(ok2, e2) error("outer err", 0) end) print(ok, e) return "over" end) print(co()) print(co("resumed"))
co = coroutine.create(function() coroutine.yield() error("dead now", 0) end) coroutine.resume(co) print(coroutine.resume(co)) print(coroutine.status(co))
