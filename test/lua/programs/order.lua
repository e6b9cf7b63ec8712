-- order of evaluation
local log = {} local function l(v) log[#log + 1] = tostring(v) return v end
local function flush() print(table.concat(log, " ")) log = {} end
local t = {} t[l(1)] = l(2) flush()
t[l(1)], t[l(2)] = l(3), l(4) flush()
local x = l(1) + l(2) * l(3) - l(4) flush()
l(print)(l("arg1"), l("arg2")) log[1] = "print" flush()
x = l("a") .. l("b") .. l("c") flush()
x = { l(1), k = l(2), l(3), [l("k4")] = l(4) } flush()
x = l(1) < l(2) flush() x = l(1) > l(2) flush() x = l(1) == l(2) flush()
local function ret() return l("r1"), l("r2") end local a, b = ret(), l("b") flush()
local obj = { m = function(self, ...) l("m") return self end } l(nil or obj):m(l(1)):m(l(2)) log[1] = "obj" log[3] = "m" print(#log) log = {}
local v = 1 local function setv(n) v = n return n end
print(v + setv(5), v) v = 1 print(v, setv(6), v) v = 1 local tt = { v, setv(7), v } print(tt[1], tt[2], tt[3])
v = 1 print(v .. setv(8) .. v) v = 1 print(v < setv(0), v == setv(3), setv(4) == v)
local up = 1 local function g() local function s(n) up = n return n end return up + s(10), up end print(g())
local arr = { 1, 2, 3 } local idx = 1 local function nxt() idx = idx + 1 return idx end print(arr[idx] + arr[nxt()] + arr[idx])
local i = 1 local q = {} i, q[i], q[i + 1] = 2, "one", "two" print(i, q[1], q[2])
local aa, bb, cc = 1, 2, 3 aa, bb, cc = cc, aa, bb print(aa, bb, cc)
local s = { n = 0 } local function get() s.n = s.n + 1 return s end get().x, get().y = 1, 2 print(s.x, s.y, s.n)
