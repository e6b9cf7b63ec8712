local V = {} V.__index = V
local function v(x, y) return setmetatable({ x = x, y = y }, V) end
V.__add = function(a, b) if type(a) == "number" then return v(a + b.x, a + b.y) elseif type(b) == "number" then return v(a.x + b, a.y + b) end return v(a.x + b.x, a.y + b.y) end
V.__sub = function(a, b) return v(a.x - b.x, a.y - b.y) end
V.__mul = function(a, b) return "mul" end V.__div = function() return "div" end V.__mod = function() return "mod" end V.__pow = function() return "pow" end
V.__unm = function(a) return v(-a.x, -a.y) end
V.__eq = function(a, b) return a.x == b.x and a.y == b.y end
V.__lt = function(a, b) return a.x < b.x end V.__le = function(a, b) return a.x <= b.x end
V.__tostring = function(a) return "(" .. a.x .. "," .. a.y .. ")" end
V.__concat = function(a, b) return tostring(a) .. "~" .. tostring(b) end
V.__call = function(self, a, ...) return "called", self.x, a, select("#", ...) end
local a, b = v(1, 2), v(3, 4)
print(tostring(a + b), tostring(a + 1), tostring(1 + a), tostring(a - b), a * b, a / 2, 2 % a, a ^ 2, tostring(-a))
print(a == v(1, 2), a ~= b, a < b, a <= b, a > b, a >= b, a == 1)
print(a .. b, a .. "s", "s" .. a, 1 .. a, a .. b .. "x", "x" .. "y" .. a)
print(a(5, 6, 7)) print(pcall(a, 1))
local log = {}
local p = setmetatable({}, { __index = function(t, k) log[#log + 1] = "r" .. tostring(k) return nil end, __newindex = function(t, k, val) log[#log + 1] = "w" .. tostring(k) rawset(t, k, val) end })
p.x = 1 p.x = 2 local _ = p.y p[1] = 3 _ = p[1] _ = p[2] print(table.concat(log, " "))
local chain = setmetatable({}, { __index = setmetatable({ a = 1 }, { __index = setmetatable({ b = 2 }, { __index = function(_, k) return "fn:" .. k end }) }) })
print(chain.a, chain.b, chain.c, chain[7])
local store = {} local proxy = setmetatable({}, { __newindex = store }) proxy.k = "v" print(rawget(proxy, "k"), store.k)
print(getmetatable("").__index == string, ("x"):rep(3), ("%d"):format(7), #("abc"):upper())
print(getmetatable(setmetatable({}, { __metatable = "locked" })), pcall(setmetatable, setmetatable({}, { __metatable = 1 }), {}))
print(rawequal(a, v(1, 2)), rawequal(a, a))
local Animal = {} Animal.__index = Animal
function Animal.new(name) return setmetatable({ name = name }, Animal) end
function Animal:speak() return self.name .. " makes a sound" end
local Dog = setmetatable({}, { __index = Animal }) Dog.__index = Dog
function Dog.new(name) return setmetatable(Animal.new(name), Dog) end
function Dog:speak() return self.name .. " barks; " .. Animal.speak(self) end
print(Dog.new("Rex"):speak(), Animal.new("Cat"):speak())
local lt_only = setmetatable({ n = 1 }, { __lt = function(x, y) return x.n < y.n end })
print(pcall(function() return {} < {} end))
local mt = { __eq = function() return true end } local e1, e2 = setmetatable({}, mt), setmetatable({}, mt) print(e1 == e2, e1 ~= e2, setmetatable({}, { __eq = function() return true end }) == e1)
local c = setmetatable({}, { __call = function(self, x) return x end }) print(c(1), (c(2)), select("#", c(nil)))
for w in setmetatable({}, { __call = function(_, s, i) i = i + 1 if i <= 3 then return i end end }), nil, 0 do io.write(w, " ") end print()
print(tostring(setmetatable({}, { __tostring = function() return "custom" end })))
local ud = newproxy(true) getmetatable(ud).__index = function(_, k) return "ud " .. k end print(ud.foo, type(ud))
getmetatable(ud).__len = function() return 42 end print(#ud)
print(pcall(function() local t = setmetatable({}, { __index = 1 }) return t.x end))
local deep = {} for i = 1, 20 do deep = setmetatable({}, { __index = deep }) end print(deep.none)
