local function count(...) return select("#", ...) end
print(count(), count(nil), count(nil, nil), count(1, nil, 3, nil))
local function pass(...) return ... end
print(pass(1, 2, 3)) print((pass(1, 2, 3))) print(pass(), "after") print(#{ pass(1, 2, 3) }, #{ pass(1, 2), 9 })
local function tail(n, ...) if n == 0 then return ... end return tail(n - 1, n, ...) end
print(tail(5))
print(select(2, "a", "b", "c"), select(-1, "a", "b", "c"), select("#"))
print(pcall(select, 0, 1)) print(pcall(select, -2, 1))
local function first(a, ...) return a, ... end
print(first(), first(1), (first(1, 2)))
local t = { n = select("#", first(nil, nil)), first(nil, nil) } print(t.n)
print(string.format("%s %s", pass("a", "b")), math.max(pass(3, 9, 2)))
local function f(...) local a, b = ... return b, a end print(f(1, 2), f(1))
local function g(...) local function inner() return 1 end return inner(), ... end print(g("x", "y"))
local function h(a, b, ...) return a, b, select("#", ...), ... end print(h(1)) print(h(1, 2, 3, nil)) print(h(pass(1, 2, 3)))
print(unpack({ 1, 2, 3 })) print(unpack({ 1, 2, 3 }, 2)) print(unpack({ 1, 2, 3 }, 2, 5)) print(unpack({}, 1, 3))
local many = {} for i = 1, 250 do many[i] = i end print(count(unpack(many)), (select(250, unpack(many))))
print(pcall(unpack, {}, 1, 1e7))
print((function(...) local s = 0 for i = 1, select("#", ...) do s = s + (select(i, ...)) end return s end)(1, 2, 3, 4))
print(pcall(type, ...), select("#", ...))
local obj = { v = 10 } function obj:add(...) local s = self.v for _, x in ipairs({ ... }) do s = s + x end return s end print(obj:add(1, 2, 3))
print(#"x", -pass(3, 4) + 1, not pass(nil), pass(1, 2) == 1)
