-- Callbacks of natives may yield, which LuaJIT refuses.
local function collect(f)
  local co, out = coroutine.wrap(f), {}
  local v = co()
  while v ~= nil do
    out[#out + 1] = tostring(v)
    v = co(#out)
  end
  return table.concat(out, ' ')
end
local yield = coroutine.yield

local result, count
print(collect(function() result, count = ('abc def'):gsub('%a+', function(w) return yield(w) end) end), result, count)
print(collect(function() result, count = ('a1b2c3'):gsub('(%a)(%d)', function(a, d) yield(a) yield(d) return a == 'b' and '<' .. d .. '>' end, 2) end), result, count)
print(collect(function() result, count = ('x y'):gsub('%a', setmetatable({}, { __index = function(_, k) return yield(k) end })) end), result, count)
local t = { 5, 3, 9, 1, 7, 2, 8, 6, 4, 10 }
local asked = 0
collect(function() table.sort(t, function(a, b) asked = asked + 1 yield(a) return a < b end) end)
print(table.concat(t, ' '), asked)
local again, plain = { 5, 3, 9, 1, 7, 2, 8, 6, 4, 10 }, 0
table.sort(again, function(a, b) plain = plain + 1 return a < b end)
print(table.concat(again, ' '), plain == asked)
t = {} for i = 1, 30 do t[i] = { k = i * 7 % 10 } end
collect(function() table.sort(t, function(a, b) if a.k % 3 == 0 then yield(1) end return a.k > b.k end) end)
for i = 1, 30 do io.write(t[i].k, ' ') end print()
print(collect(function() table.foreachi({ 'a', 'b' }, function(i, v) yield(i .. v) end) end))
print(collect(function() result = table.foreach({ x = 1 }, function(k, v) yield(k) return v end) end), result)
print(collect(function() for k in ('a=1 b=2'):gmatch('(%a)=') do yield(k) end end))
-- An error of the callback passes through, whether it has yielded or not.
print(collect(function() result, count = pcall(string.gsub, 'ab', '.', function(c) yield(c) error('no ' .. c, 0) end) end), result, count)
print(collect(function() result, count = pcall(table.sort, { 2, 1 }, function(a) yield(a) error({}) end) end), result, type(count))
-- Yields within yields.
print(collect(function()
  result = ('ab'):gsub('.', function(c) return (('12'):gsub('.', function(d) yield(c .. d) return d .. c end)) end)
end), result)
-- A formatted value whose __tostring yields is refused.
local lazy = setmetatable({}, { __tostring = function() yield(1) return 'x' end })
print(collect(function() result, count = pcall(string.format, '%s', lazy) end), result, count)
