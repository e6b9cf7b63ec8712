-- The math and bit libraries.
local function try(...)
  local r = { pcall(...) }
  for i = 1, 3 do r[i] = tostring(r[i]) end
  print(unpack(r, 1, 3))
end

for _, seed in ipairs { 0, 1, 42, -7, 123456789, 3.25, 1e18 } do
  math.randomseed(seed)
  print(('%.17g %.17g'):format(math.random(), math.random()), math.random(10), math.random(5, 15), math.random(2 ^ 40), math.random(-3, 3))
end
print(math.floor(3.7), math.floor(-3.7), math.ceil(3.2), math.ceil(-3.2), math.floor('3.5'), math.floor(2 ^ 70), math.abs(-5), math.abs('-2'))
print(math.max(1, 5, 3), math.min(4, 2, 8), math.max(-1), math.min('3', 4), math.sqrt(16), math.pow(2, 10), math.fmod(7, 3), math.fmod(-7, 3))
print(math.fmod(7, -3), math.modf(3.7), math.modf(-3.7), math.modf(5), math.modf(1 / 0), math.frexp(8), math.frexp(0), math.frexp(-0.3), math.frexp(5e-324))
print(math.ldexp(0.5, 4), math.ldexp(1, -1074), math.ldexp(1, 1024), math.ldexp(3, -2), math.ldexp(5e-324, 1074), math.ldexp(0, 5000))
print(math.log(8, 2), math.log(100, 10), math.log10(1000), math.log(1), math.exp(0), math.deg(math.pi), math.rad(180), math.huge, -math.huge)
print(math.pi, math.sin(0), math.cos(0), math.tan(0), math.asin(1), math.acos(1), math.atan(1), math.atan2(1, -1), math.sinh(1), math.cosh(1), math.tanh(1))
print(math.mod, math.max(0 / 0, 1), math.max(1, 0 / 0) ~= math.max(1, 0 / 0))
print(5 % 3, -5 % 3, 5 % -3, -5 % -3, 5.5 % 2, 5 % math.huge, -5 % math.huge, 2 ^ 0.5, 7 / 2, -7 / 2)
try(math.max)
try(math.floor, {})
try(math.floor, 'x')
try(math.random, {})
try(math.fmod, 1)
try(math.randomseed)
try(math.pow, 2)
try(math.log, 1, nil)

local b = require 'bit'
print(b.tobit(2 ^ 31), b.tobit(2 ^ 32 + 5), b.tobit(-1.5), b.tobit(0.5), b.tobit(1.5), b.tobit(1e18), b.tobit('0xff'), b.tobit(-2 ^ 60), b.tobit(2 ^ 52))
print(b.band(255, '15', 7), b.bor(1), b.bor(1, 2, 4), b.bxor(1, 2, 4, 8), b.bnot(0), b.band(2 ^ 32 - 1, -1), b.bnot(2 ^ 31))
print(b.lshift(1, 33), b.rshift(-1, 28), b.arshift(-256, 4), b.rol(0x12345678, 8), b.ror(0x12345678, 8), b.rol(1, 32), b.bswap(0x12345678), b.lshift(1, -1))
print(b.tohex(255), b.tohex(-1, 4), b.tohex(255, -4), b.tohex(1, 0), b.tohex(0x12345678, 3), b.tohex(1, 20), b.tohex(2 ^ 31, -8))
try(b.band)
try(b.band, 1, {})
try(b.bnot)
try(b.lshift, 1)
try(b.tobit, 'x')
try(b.tohex)
