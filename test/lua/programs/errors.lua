local function show(f, ...) print(select(2, pcall(f, ...))) end
local up
show(function() local t = nil return t.x end)
show(function() return undefinedglobal.x end)
show(function() local t = {} return t.a.b end)
show(function() local t = {} t.a.b = 1 end)
show(function() up.x = 1 end)
show(function() return up[1] end)
show(function() undefinedfn() end)
show(function() local t = {} t.method() end)
show(function() local t = {} t:method() end)
show(function() ("x"):nomethod() end)
show(function() up() end)
show(function() local x = "a" return x + 1 end)
show(function() return {} + 1 end)
show(function() return 1 + nil end)
show(function() local a, b = 1, {} return a * b end)
show(function() local t = { x = true } return t.x - 1 end)
show(function() return -{} end)
show(function() local s = {} return "a" .. s end)
show(function() local s return s .. "a" end)
show(function() return #5 end)
show(function() local n = nil return #n end)
show(function() return 1 < "2" end)
show(function() return {} < {} end)
show(function() return nil > 1 end)
show(function() for i = "x", 2 do end end)
show(function() for i = 1, {} do end end)
show(function() for i = 1, 2, {} do end end)
show(function() for k in nil do end end)
show(error) show(error, nil) show(error, { 1 } and "tbl", 0)
show(function() error("msg") end) show(function() error("msg", 0) end) show(function() error("msg", 2) end)
show(function() error() end) show(function() error(nil) end)
print(pcall(function() error({ code = 5 }) end) == false, select(2, pcall(error, { code = 5 })).code)
show(function() string.rep() end) show(function() ("x"):rep({}) end) show(function() string.rep("x", 1, 2, 3) string.sub() end)
show(function() setmetatable(1, {}) end) show(function() setmetatable({}, 1) end)
show(function() tonumber("z", 99) end) show(function() ipairs() end)
show(function() assert(false) end) show(function() assert(nil, "why") end) show(function() assert(false, { 1 } and "x") end)
print(pcall(assert, 1, 2, 3))
print(xpcall(function() error("E") end, function(m) return "handled: " .. m end))
print(xpcall(function(...) return select("#", ...), ... end, print, 1, nil, 3))
print(xpcall(function() local x = nil; x() end, function(m) return (m:gsub("^.-:%d+: ", "")) end))
print(pcall(pcall, error, "nested"))
print(select("#", pcall(error)))
local ok, err = pcall(function() local ok2, e2 = pcall(error, "in") error("out:" .. e2, 0) end) print(ok, err)
local function lvl1() error("L2", 2) end
local function lvl2()
  lvl1()
end
print(pcall(lvl2))
print(pcall(function()
  local t = {}
  t.a =
    t.b.c
end))
print(pcall(function()
  print(("a"):rep(2),
    nil .. "x",
    1)
end))
print(pcall(function()
  undefinedfn(
    1,
    2
  )
end))
print(pcall(function()
  error(
    "multi"
  )
end))
for _, src in ipairs({ "x =", "for", "if x then", "x = }", "f(", "return return", "local function", "goto nope", "break", "x = 'abc", "x = [[abc", "--[[ abc", "::a:: ::a::", "local x = 1 = 2", "a.b:c = 1", "x = 0xg", "x = 3x", "(x) = 1", "f() = 1", "x, y", "for i = 1 do end", "for i, 2 in x do end", "function f(a,) end", "return ...", "function f() return ... end", "x = '\\q'", "x = '\\300'", "x = \"a\nb\"", "@", "x = a.1", "do local x ::l:: goto m end ::m:: x = 1 goto l", "local a <const> = 1", "x = function() end end", "until x", "x = {1, 2", "x = (1", "x = a[1", "f{", "return 1,", "and", "x = not", "if x else end", "repeat x = 1", "while x do" }) do
  print((select(2, loadstring(src, "=s"))))
end
local many = {} for i = 1, 201 do many[i] = "local a" .. i end
print((select(2, loadstring(table.concat(many, "\n"), "=many"))))
print((select(2, loadstring("x = " .. ("("):rep(300) .. "1" .. (")"):rep(300), "=deep"))))
print(pcall(string.format, "%d", "x"))
print(pcall(next, {}, "nokey"))
print(pcall(setfenv, print, {}))
local co = coroutine.create(function() local x = nil; x.y = 1 end)
print(coroutine.resume(co)) print(coroutine.resume(co)) print(coroutine.status(co))
local w = coroutine.wrap(function() error("in wrap") end) print(pcall(w))
w = coroutine.wrap(function() error({}) end) print(type(select(2, pcall(w))))
print(pcall(coroutine.wrap(function() return 1, 2 end)))
print(pcall(rawset, {}, nil, 1)) print(pcall(function() rawset({}, nil, 1) end))
