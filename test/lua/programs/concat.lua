-- Concatenation of strings and numbers, in every mixture.

local zero, minus, int, big, half, s = 0, -0, 42, 2 ^ 31, 0.5, 's'
local small, negative, huge, nan, inf = 1e-5, -7, 1e15, 0 / 0, 1 / 0
print(int .. int, int .. s, s .. int, int .. int .. int, int .. s .. int, s .. int .. int, int .. int .. s)
print(zero .. zero, zero .. s, s .. zero, minus .. s, s .. minus, minus .. minus)
print(big .. s, s .. big, half .. half, small .. s, s .. huge, s .. negative, negative .. negative, s .. inf, inf .. s)
print(s .. -2 ^ 31, s .. 2 ^ 31 - 1, (2 ^ 31 - 1) .. (2 ^ 31 - 1), s .. 2 ^ 53, s .. 1e100)
print(1 .. 2, 1 .. int, int .. 1, int .. 1 .. int, 1 .. int .. int, -1 .. s, 0.1 .. s)
for i = -2, 2 do io.write(i .. i, ' ', 'k' .. i, ' ', i .. 'k', ' ', i .. i .. 'k', ' ', 'k' .. i .. i, '\n') end
for i = 1, 3 do io.write('x' .. i % 2 .. 'y' .. i * 2 .. i / 2, '\n') end
local t = setmetatable({}, { __concat = function(a, b) return type(a) .. type(b) end })
print(t .. int, int .. t, t .. s, s .. t, int .. int .. t, t .. t, s .. int .. t)
for _, bad in ipairs { true, false, {}, print } do
  print(pcall(function() return bad .. int end))
  print(pcall(function() return int .. bad end))
  print(pcall(function() return s .. int .. bad end))
  print(pcall(function() return bad .. s .. int end))
end
print(pcall(function() return int .. nil end))
print(#(int .. ''), ('' .. int) == '42', (int .. '') + 1)
