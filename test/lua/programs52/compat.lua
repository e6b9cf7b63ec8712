print(#setmetatable({}, { __len = function() return 42 end }))
for k, v in pairs(setmetatable({}, { __pairs = function(t) return function(_, k) if not k then return "key", "value" end end, t, nil end })) do print(k, v) end
for i, v in ipairs(setmetatable({}, { __ipairs = function(t) return function(_, i) if i < 2 then return i + 1, "v" .. i end end, t, 0 end })) do print(i, v) end
print(rawlen({ 1, 2 }), rawlen("abc"), pcall(rawlen, 1))
print(table.unpack({ 1, 2 })) print(table.pack(1, nil).n)
local lt = setmetatable({ n = 5 }, { __lt = function(a, b) return (type(a) == "table" and a.n or a) < (type(b) == "table" and b.n or b) end })
print(lt < 6, lt < 5, 4 < lt, lt <= 5, lt >= 6)
print(select("#", coroutine.running()), type(coroutine.running()))
print(loadstring("return f\n(1)") ~= nil, (select(2, loadstring("goto = 1", "=g"))))
print(load("return x", "=c", "t", { x = "env" })()) print(load("return 1", "=c", "b"))
print(math.log(8, 2), ("x"):rep(3, ","))
local ok, msg = pcall(function() local t = setmetatable({}, { __eq = function() return true end }) return t == setmetatable({}, getmetatable(t)) end) print(ok, msg)
print(pcall(function() return {} <= 1 end)) print(pcall(function() return "a" >= {} end)) print(pcall(function() return {} < 1 end))
