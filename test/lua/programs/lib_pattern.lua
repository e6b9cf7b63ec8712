-- find, match, gmatch and gsub.
local function try(...)
  local r = { pcall(...) }
  for i = 1, 6 do r[i] = tostring(r[i]) end
  print(unpack(r, 1, 6))
end

print(("hello world"):find("o w"), ("hello world"):find("(o)( )(w)"), ("hello"):find("l+"), ("hello"):find("xyz"))
print(("key = value"):match("^(%w+)%s*=%s*(%w+)$"), ("2024-01-15"):match("(%d+)-(%d+)-(%d+)"), ("  trim  "):match("^%s*(.-)%s*$"))
print(("abc"):match("()b()"), ("abc"):match(".-"), ("abc"):match(".-$"), ("abc"):match("a*b*c*d*"), ("aaa"):match("a-"))
print(("[[nested]]"):match("%[(%b[])%]"), ("f(a(b)c)d"):match("%b()"), ("THE (quick) fox"):find("%((%a+)%)"))
print(("THE (quick) fox"):gsub("%f[%a]%a+", "<%0>"), ("hello"):gsub("", "-"), ("hello world"):gsub("o", "0", 1))
print(("hello"):gsub("l", { l = "L" }), ("hello"):gsub("[el]", { e = 3, l = false }), ("abc"):gsub("%w", "%0%0"))
print(("abc def"):gsub("(%w+) (%w+)", "%2 %1"), ("abc"):gsub("b", "%%"), ("abc"):gsub(".", { a = 1, b = true and 'x' }))
print(("hello"):gsub("l+", function(s) return #s end), ("x"):gsub("x", function() end), ("abc"):gsub("(b)(c)", function(a, b) return b .. a end))
print(("$name is $age"):gsub("%$(%w+)", { name = "Bob", age = 42 }))
print(("a,b,,c"):gsub(",", ";"), ("abc"):gsub("^a", "x"), ("aaa"):gsub("^a", "x"), ("abc"):gsub("c$", "x"), ("a$c"):gsub("$", "x"))
for k, v in ("a=1, b=2, c=3"):gmatch("(%w+)=(%w+)") do io.write(k, ':', v, ' ') end
print()
for w in ("one two  three"):gmatch("%a+") do io.write(w, '|') end
print()
for p in ("abc"):gmatch("()") do io.write(p, ' ') end
print()
for a in ("^x^x"):gmatch("^x") do io.write('[', a, ']') end
print()
print(("abc123"):match("%a+()"), ("\0a\0"):find("%z"), ("a\0b"):match("%Z+"), ("a\0b"):gsub("%z", "Z"))
print(("%d"):gsub("%%d", "%%s"), ("a.b-c"):gsub("%p", "%%%0"), ("x^2"):match("x^2"), ("a]b"):match("[]]"), ("a^b"):match("[%^]"))
print(("abab"):match("(ab)%1"), ("abcabd"):find("(ab)c%1"), ("\"x\" 'y'"):match("([\"'])(.-)%1"), ("aXbX"):match("(X).*%1"))
print(("ab-c"):match("[a-]+"), ("a-c"):match("[%a-]+"), ("x-z"):match("[+-]"), ("b"):match("[^a-]"), ("\200"):match("[\128-\255]") == "\200")
print(("  x"):match("^%s+"), ("x  "):gsub("%s+$", ""), ((" "):rep(3000) .. "x"):gsub("%s+$", ""):len())
print(("a b c"):gsub(" ", "%0%0", 1), (("a"):rep(50)):match(".-b"), (("a"):rep(200) .. "b"):match("a-b"):len())
print(string.find("a\nb", "a.b"), string.find("", ""), string.find("", "x"), string.match("", ".*"), string.gsub("", "", "x"))
try(string.find, "a", "[a")
try(string.find, "a", "[^")
try(string.find, "a", "%")
try(string.find, "a", "(a")
try(string.find, "a", "a)")
try(string.find, "a", "%1")
try(string.find, "a", "(a)%2")
try(string.find, "a", "%f")
try(string.find, "a", "%b")
try(string.find, "a", "%bx")
try(string.match, "a", "(a)(%1")
try(string.gsub, "a", "a", "%2")
try(string.gsub, "a", "(a", "%1")
try(string.gsub, "a", "(a", "x")
try(string.gsub, "a", "a", "%")
try(string.gsub, "a", "a", {})
try(string.gsub, "a", "a", function() return {} end)
try(string.gsub, "a", "a", true)
try(string.gsub, "a", "a")
try(string.gsub, "a")
try(string.gsub, "a", {}, "")
try(string.find, "a", ("()"):rep(33))
try(string.find, ("a"):rep(300), ("a?"):rep(250))
try(string.find, ("a"):rep(300), ("a*"):rep(199))
try(string.find, ("a"):rep(300), ("a*"):rep(200))
try(string.match, "b", "b[")
try(string.match, "a", "b[")
try(string.gmatch, "a")
try(string.gmatch("a", "[a"))
-- Keys are looked up with metamethods, values of replacement tables are converted.
print(("a b"):gsub("%w", setmetatable({}, { __index = function(_, k) return k .. k end })))
print(("a b"):gsub("%w", setmetatable({}, { __index = { a = 'A', b = 2.5 } })))
-- Long subjects need no deep recursion.
local long = ("x"):rep(200000)
print(#long:match("x*"), #long:match("^(x-)$"), (long:gsub("x", "")) == "", #long:gsub("(x)(x)", "%2"))
print(long:find("y"), long:find(("x"):rep(3) .. "$"))
-- Callbacks may use patterns themselves, and the same ones.
print(("a1b2"):gsub("%a%d", function(s) return (s:gsub("%a", function(c) return c:upper():match("%a") end)) end))
-- Often enough to be compiled.
for i = 1, 300 do
  local s = "item" .. i .. "=" .. (i * 7) .. ";"
  local a, b = s:match("^(%a+)%d+=(%d+);$")
  assert(a == "item" and tonumber(b) == i * 7)
  assert(s:find("[=;]") == #("item" .. i) + 1)
  assert(s:gsub("%d", "") == "item=;")
  assert((s:gsub("(%d+)=(%d+)", "%2=%1")) == "item" .. i * 7 .. "=" .. i .. ";")
  assert(s:match("()=()%d") == #("item" .. i) + 1)
end
