-- Messages of the lexer and parser that only OpenResty's build of LuaJIT, or its limits, give.
local function try(text)
  print((select(2, loadstring(text, "=x"))))
end

-- A string in a message is shown as read so far.
try([[x="a\n\u{110000}"]])
try([[x="a\n\65\q"]])
try([[x="a\u{10000}\u{1FFFFF}"]])
try([[x="a\65\x1z"]])
try([[x="a\z   b\q"]])
try("x='a\\\nb\\q'")
try("x='a\\tb\nb'")
try("x='\\u{d800}'")

-- A variable in parentheses cannot be assigned to.
try("(a)")
try("(a) = 1")
try("(a).b")
try("a[(b)]")
try("a, (b) = 1, 2")

print((select(2, loadstring("\27Lua"))), (select(2, loadstring("\27Lua", "@name"))))
print((select(2, loadstring("\27Lua", "name"))))

local names = {}
for i = 1, 121 do names[i] = "v" .. i end
local all = "local " .. table.concat(names, ",", 1, 100) .. " local " .. table.concat(names, ",", 101)
local function upvalues(n)
  return all .. " return function() return " .. table.concat(names, "+", 1, n) .. " end"
end
print((select(2, loadstring(upvalues(121), "=x"))))
print(type(loadstring(upvalues(120))()))
print(pcall(rawlen, 1))
