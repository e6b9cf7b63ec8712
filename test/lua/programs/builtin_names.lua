-- Which functions LuaJIT numbers; the numbers differ between its versions.
local function show(f) print((tostring(f):gsub("#%d+", "#n"):gsub("0x%x+", "address"))) end
for _, f in ipairs { assert, pairs, print, table.sort, io.open, string.len, coroutine.wrap, bit.bxor, show, require } do show(f) end
print(tostring(assert) == tostring(assert), tostring(assert) == tostring(pairs), tostring(assert):match("builtin"))
print((string.format("%s", print):gsub("%d+", "n")))
