-- Constants in table constructors come before computed fields, whatever LuaJIT computes when it compiles; lengths
-- of lists with holes that end with a call.
local e, b, n = nil, 3, "x"
local t = { 10, e, b * b, string.upper(n) } print(#t)
print(unpack({ 10, e, b * b, string.upper(n) }))
local function f() return unpack({ 10, e, b * b, string.upper(n) }) end print(f())
local function f() return unpack({ 10, e, b * b, f and "x" }) end print(f())
local function f() return unpack({ e, e, e, n }) end print(f())
print(#{ e, e, e, n, e }, #{ n, e, e, n, e }, #{ n, n, e, n, e, e }, #{e, e, n}, #{n, e, n}, #{nil, nil, 3}, #{1, nil, 3, nil}, #{1, e, 3, nil},#{1, e, 3, e})
t = { name = 1, ["name"] = (" 7 " - 1), ["key=val"] = 10 .. 20 } print(t.name)
t = { ["name"] = (" 7 " - 1), name = 1, } print(t.name)
t = { ["name"] = 1, name = -(2^3), } print(t.name)
t = { ["name"] = -n:len(), name = -(2^3), } print(t.name)
t = { ["name"] = n, name = -(2^3)-0, } print(t.name)
t = { ["name"] = n, name = -(0/0), } print(t.name)
t = { ["name"] = n, name = -0, } print(t.name)
t = { ["name"] = n, name = 0*-1, } print(t.name)
t = { ["name"] = n, name = 5 % 0, } print(t.name)
t = { ["name"] = n, name = 5 % -3, } print(t.name)
t = { ["name"] = n, name = 1 / 0, } print(t.name)
t = { ["name"] = n, name = 1 .. 0, } print(t.name)
t = { ["name"] = n, name = #"x" } print(t.name)
t = { ["name"] = n, name = not 1 } print(t.name)
t = { ["name"] = n, name = 1 < 2 } print(t.name)
t = { ["name"] = n, name = "1" + 2 } print(t.name)
t = { ["name"] = n, name = -"1" } print(t.name)
t = { ["name"] = n, name = - - 1 } print(t.name)
t = { ["name"] = n, name = (1 and 2) } print(t.name)
t = { ["name"] = n, name = (1 and -(2)) } print(t.name)
t = { ["name"] = n, name = ((1 and 2) + 1) } print(t.name)
for k = 0, 7 do
  for bits = 0, 2 ^ k - 1, k > 8 and 7 or 1 do
    local a = {}
    for i = 1, k do a[i] = math.floor(bits / 2 ^ (i - 1)) % 2 == 1 or nil end
    local function f(i) return unpack(a, i, k) end
    local o = {}
    o[1] = #{ f(1) }
    if k > 0 then o[2] = #{ a[1], f(2) } end
    if k > 1 then o[3] = #{ a[1], a[2], f(3) } end
    if k > 2 then o[4] = #{ a[1], a[2], a[3], f(4) } end
    if k > 3 then o[5] = #{ a[1], a[2], a[3], a[4], f(5) } end
    if k > 1 then o[6] = #{ 1, a[2], f(3) } end
    if k > 2 then o[7] = #{ 1, a[2], "x", f(4) } end
    print(k, bits, unpack(o, 1, 7))
  end
end
t = { p = ((false or false) or false), p = "b" } print(t.p)
t = { p = ((n or false) or false), p = "b" } print(t.p)
t = { p = n, p = ((1 and nil) or 2) } print(t.p)
t = { p = n, p = ((nil and 1) or 2) } print(t.p)
t = { p = n, p = not (false or 2) } print(t.p)
t = { p = {}, p = - -0 } print(type(t.p))
t = { p = - -0, p = "b" } print(t.p)
print(- -0, 1 / - -0, 1 / -0, - - -0)
