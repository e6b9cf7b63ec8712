-- What the libraries have of Lua 5.2.
print(("abc"):find("", 10), ("abc"):find("", 4), ("abc"):match("()", 5), ("abc"):find("c", 100))
local t = table.pack(1, nil, 3)
print(t.n, t[1], t[2], t[3], table.unpack(t, 1, 3))
print(io.write("written\n") == io.stdout)
print(os.execute("exit 3"))
print(os.execute("true"))
print(os.execute("kill -9 $$"))
print(os.execute())
local p = io.popen("echo out; exit 4")
print(p:read("*a"), p:close())
p = io.popen("exit 0", "w")
print(p:write("ignored") == p, p:close())
print(("x"):rep(3, ","), math.log(8, 2), ("a,b"):gsub("%g", "."))
for l in io.lines("/dev/null", "*L") do print(l) end
-- Errors of cjson carry a position, those of cjson.safe do not.
local cjson, safe = require "cjson", require "cjson.safe"
print(pcall(cjson.decode, "[1,]"))
print(pcall(function() local v = cjson.decode("{") return v end))
print(pcall(function() local v = cjson.encode(print) return v end))
print(safe.decode("[1,]"))
print(safe.encode({ print }))
print(safe.encode({ [{}] = 1 }))
print(pcall(cjson.encode))
print(pcall(safe.decode, 1, 2))
print(cjson.array_mt == safe.array_mt, cjson.null == safe.null, tostring(cjson.null), cjson.null ~= nil)
print(getmetatable("").__index == string, require "table.isempty" ({}), require "table.nkeys" { 1, 2, x = 3 }, require "table.isarray" { 1, 2 })
local copy = require "table.clone" { 1, 2, x = { 1 } }
print(#copy, copy.x[1], table.clone == require "table.clone")
