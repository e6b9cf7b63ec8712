-- string.dump and load.
local function add(a, b) return a + b end
local text = string.dump(add)
print(type(text), text:byte(1), text == string.dump(add), load(text)(2, 3), loadstring(text)(4, 5))
local up, counter = "upvalue", 0
local function uses() counter = (counter or 10) + 1 return up, counter end
print(uses(), select("#", uses()))
print(load(string.dump(uses))())
local vararg = load(string.dump(function(...) return select("#", ...), ... end, true))
print(vararg(1, nil, 3))
x = "global"
local f = string.dump(function() return x end)
print(load(f)(), load(f, "name", "b", { x = "own" })())
print(load(f, "name", "t"))
print(load("return 1", "=name", "b"))
print(pcall(string.dump, print))
print(pcall(string.dump, 1))
print(pcall(string.dump))
local chunk = loadstring("local a = ... local function inner(n) return n < 2 and n or inner(n - 1) + inner(n - 2) end return inner(a), inner", "=fib")
local n, inner = chunk(10)
print(n, (load(string.dump(chunk))(12)))
local parts, i = { string.dump(add):sub(1, 5), string.dump(add):sub(6) }, 0
print(load(function() i = i + 1 return parts[i] end)(20, 22))
local name = os.tmpname()
local file = io.open(name, "wb") file:write(string.dump(loadstring("return ..., 'from a file'"))) file:close()
print(loadfile(name)("arg")) print(dofile(name))
print(loadfile(name, "t") == nil)
os.remove(name)
print(debug.getinfo(load(string.dump(add)), "S").short_src, debug.getinfo(load(string.dump(add)), "S").linedefined)
