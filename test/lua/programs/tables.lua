local t = { 1, 2, 3, nil, 5, x = "y", ["a b"] = 1, [10] = "ten", [1.5] = "f", [true] = "b", get = "method", set = 1, __proto__ = "p", constructor = "c", ["1"] = "s" }
print(t[1], t[5], t.x, t["a b"], t[10], t[1.5], t[true], t.get, t.set, t.__proto__, t.constructor, t["1"], t.toString, t.length)
t.get = nil t.length = 4 print(t.get, t.length)
local keys = {} for k in pairs({ a = 1, b = 2, get = 3, [1] = 4, [-1] = 5, ["$a"] = 6, ["x y"] = 7 }) do keys[#keys + 1] = tostring(k) end
table.sort(keys) print(table.concat(keys, ","))
local a = {} for i = 1, 10 do a[i] = i end
print(#a) a[#a] = nil print(#a) a[11] = 1 print(a[11])
local r = {} for i = 10, 1, -1 do r[i] = i end print(#r)
local s = {} s[3] = 3 s[2] = 2 s[1] = 1 print(#s)
for k, v in pairs(a) do a[k] = nil end print(next(a))
local big = {} for i = 1, 100 do big["k" .. i] = i end
local sum, n = 0, 0 for k, v in pairs(big) do sum = sum + v n = n + 1 big[k] = nil end print(sum, n, next(big))
for i = 1, 50 do big["z" .. i] = i big["z" .. (i - 1)] = nil end
n = 0 for k in pairs(big) do n = n + 1 end print(n, big.z50)
local k = nil n = 0 local u = { 1, 2, x = 1, y = 2, [20] = 3 } repeat k = next(u, k) if k then n = n + 1 end until not k print(n)
local u2 = { a = 1, b = 2, c = 3 } for key in next, u2 do u2[key] = nil end print(next(u2))
print(select("#", table.unpack and 1 or 1), #{ n = 1 }, #{ 1, 2, nil }, #"")
local function mr() return 1, 2, 3 end
local m = { mr(), mr() } print(#m, m[1], m[2], m[4])
local m2 = { mr(), (mr()) } print(#m2)
local m3 = { [1] = "x", mr() } print(m3[1], #m3)
local function va(...) local p = { ... } return #p, select("#", ...), (...) end
print(va()) print(va(nil)) print(va(1, nil, 3))
t = {} t[1] = 1 t[2] = 2 t[4] = 4 print(t[4]) t[3] = 3 print(#t)
t.a, t.b = 1, 2 t.a, t.b = t.b, t.a print(t.a, t.b)
local i = 1 i, t[i] = i + 1, "swapped" print(i, t[1], t[2])
local x, y, z = (function() return 1, 2 end)() print(x, y, z)
x, y = 5 print(x, y)
x, y, z = 1, mr() print(x, y, z)
t = setmetatable({}, { __index = function(_, key) return key .. "!" end }) print(t.foo, t[1], rawget(t, "foo"))
print(pcall(function() local q = {} q[nil] = 1 end)) print(pcall(function() local q = {} q[0 / 0] = 1 end))
print(({ 1, 2 })[2], ({ a = { b = "deep" } }).a.b, #"x" == 1)
t = { f = function(self, v) return v end } print(t:f(3), t.f(t, 4))
local nested = { { { 1 } }, { 2, { 3 } } } print(nested[1][1][1], nested[2][2][1])
t = {} for j = 1, 300 do t[j] = j end for j = 1, 299 do table.remove(t, 1) end print(#t, t[1])
t = {} t[-0] = "zero" print(t[0], t[-0]) t[2 ^ 53] = 1 print(t[2 ^ 53])
local function open(...) local q = { ... } return #q end
print(open(1, 2, 3), open(1, nil, 3), open(1, 2, nil, 4), open(1, nil, 3, 4, 5, 6), open(nil, 2), open(nil, nil, 3), open(1, 2, 3, nil), open(1, nil, 3, nil, 5), open(nil), open())
local function rest(...) return ... end
print(#{ rest(1, nil, 3) }, #{ 0, rest(1, nil, 3) }, #{ 0, 0, 0, rest(nil, nil, 3) }, #{ nil, 2 }, #{ nil, nil, 3 }, #{ 1, nil, 3, nil }, #{ 1, 2, nil, nil })
local holes = { rest(1, nil, 3) } print(holes[1], holes[2], holes[3], select("#", unpack(holes, 1, 3)))
for key, val in pairs({ 1, nil, 3, nil, x = nil }) do io.write(key, "=", val, " ") end print()
