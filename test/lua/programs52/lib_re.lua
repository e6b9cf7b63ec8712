-- re: the syntax, definitions, functions, messages. The output is that of LPeg 1.1's re in LuaJIT.
local re = require 're'
local lpeg = require 'lpeg'
local function show(v)
  if type(v) ~= 'table' then return (tostring(v):gsub('0x%x+', '')) end
  local parts = {}
  for _, item in ipairs(v) do parts[#parts + 1] = show(item) end
  local keys = {}
  for k in pairs(v) do if type(k) == 'string' then keys[#keys + 1] = k end end
  table.sort(keys)
  for _, k in ipairs(keys) do parts[#parts + 1] = k .. '=' .. show(v[k]) end
  return '{' .. table.concat(parts, ' ') .. '}'
end
local function out(...)
  local t = { n = select('#', ...), ... }
  for i = 1, t.n do t[i] = show(t[i]) end
  print(table.concat(t, '\t', 1, t.n))
end
-- Where an error was raised is different in a module that is not written in Lua.
local function fails(f, ...)
  local ok, message = pcall(f, ...)
  out(ok, (tostring(message):gsub('^[^ ]*%.lua:%d+: ', '')))
end

for _, case in ipairs {
  { 'abc', '.' }, { 'abc', "'ab'" }, { 'abc', '"ab" !"d"' }, { 'abc', '[a-c]+' }, { 'abc', '[^c]*' }, { 'a-]', '[]a-]+' },
  { 'aaa', "'a'^2" }, { 'aaa', "'a'^+2" }, { 'aaa', "'a'^-2" }, { 'a b', "%a %s* {%a}" }, { 'x1_', '[_%w]+' }, { 'x\ny', '{[^%nl]*} %nl' },
  { 'ab', '{} {.} {}' }, { 'ab', '{| {.} {:k: . :} |}' }, { 'ab', "{~ ('a' -> 'x' / .)* ~}" }, { 'ab', '{: {.} {.} :}' },
  { 'abab', '{:k: .. :} =k' }, { 'abac', '{:k: .. :} =k' }, { 'ab', "({.} {.}) -> '%2%1'" }, { 'ab', '({.} {.}) -> 2' }, { 'ab', '. -> 0' },
  { 'ab', '({.} {.}) -> {}' }, { 'aXb', "'a' . -- a comment\n 'b'" }, { 'b', "'a' / 'b'" }, { 'ab', '&. {.}' }, { 'ab', '!. / {..}' },
  { '((x))', "b <- '(' ([^()] / b)* ')'" }, { '0011', "s <- '0' s '1' / ''" }, { 'ab', "s <- <x> <y> x <- 'a' y <- 'b'" },
  { 'abc', "('a' 'b' / 'a') 'c'" }, { '', "''" }, { 'a\\b', "'a\\b'" }, { 'AB', '%u+' }, { 'é', '%A+' }, { 'ab', "s <- 'a' (t <- 'b' t / '')" },
} do out(case[2]:gsub('\n', ' '), re.match(case[1], case[2])) end

-- definitions
local defs = {
  up = string.upper, num = tonumber, add = function(a, b) return a + b end, words = { one = 1 }, digits = lpeg.R '09',
  even = function(_, i, n) return #n % 2 == 0 and i, 'even ' .. n end, name = 'text',
}
for _, case in ipairs {
  { 'abc', '{.+} -> up' }, { '12', '%digits+ -> num' }, { 'one', "'one' -> words" }, { 'two', "'two' -> words" },
  { 'aa', "{'a'+} => even" }, { 'aaa', "{'a'+} => even" }, { '1 2 3', "({%d} -> num (' ' {%d} -> num)*) ~> add" },
  { '1 2 3', "%d -> num (' ' (%d -> num) >> add)*" }, { 'a', "'a' -> name" }, { 'text', '%name' },
} do out(case[2], re.compile(case[2], defs):match(case[1])) end

out(re.find('hello world', "'wor'"), re.find('abcabc', "'b'", 3), re.find('abc', "'x'"), re.find('abc', "{'b'} {'c'}"), re.find('', "''"))
out(re.gsub('hello', '[aeiou]', '.'), re.gsub('hello', '{.} {.}', '%2%1'), re.gsub('a b', '%a', string.upper), re.gsub('abc', '.', { a = 'x' }))
out(re.compile(lpeg.P 'a'):match 'a', re.match('abc', lpeg.C(2)), re.match('abc', '{.}', 2), re.match('abc', '{.}', -1), re.updatelocale())
out(re.match('1,2,,"x ""y"" z"\n', [[
  record <- {| field (',' field)* |} (%nl / !.)
  field <- escaped / nonescaped
  nonescaped <- { [^,"%nl]* }
  escaped <- '"' {~ ([^"] / '""' -> '"')* ~} '"'
]]))
local macro = re.compile [[
  text <- {~ item* ~}
  item <- macro / [^()] / '(' item* ')'
  arg <- ' '* {~ (!',' item)* ~}
  args <- '(' arg (',' arg)* ')'
  macro <- ('apply' args) -> '%1(%2)' / ('add' args) -> '%1 + %2' / ('mul' args) -> '%1 * %2'
]]
for _ = 1, 40 do assert(macro:match 'add(mul(a,b), apply(f,x))' == 'a * b + f(x)') end
out(macro:match 'add(mul(a,b), apply(f,x)) (x)')

for _, text in ipairs { "'a' -", 'a b', '(a', '[a', "'a", "{'a'", "{~ 'a' }", "'a' ->", "'a' -> foo", '%foo', 'a <- b', "a <- 'x' a <- 'y'",
  "'a'^", "'a'^x", 'a <- ', '<a', "{:x 'a' :}", "'a' {} )", "x <- 'a' y <- ", 'a <- a', "('a'*)*", 'x <- %', '=',
  "'aaaaaaaaaaaaaaaaa' $ aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } do
  fails(re.compile, text)
end
out(re.match('a', "'a' / / 'b'"), re.compile '':match '', re.compile '/':match '')
