-- Binary chunks: modes, truncated and foreign ones, stripped ones.
local d = string.dump(function() return 1 end)
print(loadstring(d, '=x', 't'))
print(loadstring('return 1', '=x', 'b'))
print((load(d, '=x', 'b'))(), (load(d, '=x', 'bt'))(), (load('return 2', '=x', 'bt'))())
for _, i in ipairs { 5, 20, #d - 1 } do print((loadstring(d:sub(1, i), '=x')), (select(2, loadstring(d:sub(1, i), '=x')):gsub('cannot.*', ''))) end
print(loadstring('\27Lua', '=x'))
print(loadstring('\27', '=x'))
print(loadstring('\27LJ', '=x'))
local function g(a) error('e') end
print(pcall(loadstring(string.dump(g))))
print(debug.getinfo(loadstring(string.dump(g, true), '=named'), 'S').short_src)
print(debug.getinfo(loadstring(string.dump(g), '=named'), 'S').short_src)
local dd = string.dump(loadstring(string.dump(g, true), ''), true)
print(dd == string.dump(g, true))
