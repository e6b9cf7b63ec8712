-- Declarations, layouts, conversions and their errors.
local ffi = require 'ffi'
local bit = require 'bit'

local function try(f, ...)
  local ok, e = pcall(f, ...)
  print(ok, ok and '' or (tostring(e):gsub('%d%d%d+', 'N')))
end

for _, t in ipairs {
  'int[10]', 'const char *', 'int (*)[4]', 'int *const', 'const int *const *', 'int (*)(int)', 'int &', 'int (&)[3]',
  'complex float', 'int __attribute__((vector_size(16)))', 'int[?]', 'volatile const unsigned long', 'char *(*)(int)',
  'int[2][3]', 'unsigned', 'long long', 'size_t', 'bool', 'short int', 'int8_t', 'void *', 'int *(*(*[3])(void))[5]',
} do
  print(t, tostring(ffi.typeof(t)), ffi.sizeof(t, 3), ffi.alignof(t))
end

for _, t in ipairs { 'foo', 'int x', 'int int', 'struct nope', 'int[', '', 'struct { int a }', 'int[-1]', 'int)', 'int static', 'void[2]', '$' } do
  try(ffi.typeof, t)
end
try(ffi.cdef, 'int a b;')
try(ffi.cdef, 'struct again { int a; };\nstruct again { int b; };')

ffi.cdef [[
typedef struct { unsigned a:3, b:7; int c:20; char d; short e; double f; } bits_t;
typedef union { uint32_t u; float f; uint8_t b[4]; } both_t;
enum color { RED, GREEN = 5, BLUE };
struct outer { int a; struct { int b; char c[4]; }; struct { int x; } in; enum color col; const int k; static const int LIMIT = 12; };
struct tail { int n; short items[?]; };
#pragma pack(push, 1)
struct packed { char a; int b; };
#pragma pack(pop)
typedef struct outer *outer_p;
]]
print(ffi.sizeof 'bits_t', ffi.offsetof('bits_t', 'b'))
print(ffi.offsetof('bits_t', 'c'))
print(ffi.offsetof('bits_t', 'f'))
print(ffi.sizeof 'struct packed', ffi.sizeof 'struct outer', ffi.offsetof('struct outer', 'c'), ffi.offsetof('struct outer', 'zz'))
print(ffi.sizeof('struct tail', 5), ffi.sizeof(ffi.new('struct tail', 7)))

local b = ffi.new('bits_t')
b.a = 9 b.b = 100 b.c = -3
print(b.a, b.b, b.c)
local u = ffi.new('both_t')
u.f = 1
print(bit.tohex(u.u), u.b[3], u.b[0])

local o = ffi.new('struct outer', { 1, 2, 'abc', { 7 }, 'BLUE' })
print(o.a, o.b, ffi.string(o.c), o['in'].x, o.col == 'BLUE', tonumber(o.col), o.LIMIT)
try(function() o.k = 1 end)
try(function() o.nope = 1 end)
try(function() return o[1] end)
try(function() o.a = 'x' end)
try(function() o.a = nil end)
try(function() o.col = 'PINK' end)
try(function() return o + 1 end)
try(function() return o < o end)
try(function() return #o end)
try(function() return o .. 'x' end)
try(function() o() end)
local p = ffi.cast('outer_p', o)
p.a = 77
print(o.a, p == o, p[0].a, ffi.istype('struct outer', o), ffi.istype('struct outer', p), ffi.istype('outer_p', p))

-- Numbers
print(ffi.new('int8_t', 200) == -56, tonumber(ffi.new('uint8_t', 257)), tonumber(ffi.cast('int', 3.99)), tonumber(ffi.cast('uint32_t', -1)))
print(ffi.new('int64_t', -1), ffi.new('uint64_t', 7), ffi.cast('uint64_t', 2 ^ 63), ffi.new('double', 1.5) == 1.5)
print(tostring(ffi.new('bool', 3) == 1), ffi.new('int64_t', 5) / 2, 7LL ^ 3, -7LL % 4, 5ULL - 6, 1LL / 0, 2LL ^ -1)
print(1LL < 2, 1ULL < -1, -1LL < 1, 5LL <= 5, 5LL == 5, 5 == 5LL, 'x' == 5LL, nil == 5LL, 5LL ~= 6LL)
try(function() return 1LL + {} end)
try(function() return 1LL < 'x' end)
print(string.format('%d %x %s %5d', -5LL, 255ULL, 5LL, 2 ^ 53 + 1LL))
print(1.5i, -2i, 3i == nil, tostring(ffi.new('complex', 1, -2)))

-- Pointers
local a = ffi.new('int[10]', 3)
local q = a + 4
q[1] = 42
print(a[5], q - a, q > a, q >= a, a == q - 4, q ~= nil, nil == q, ffi.cast('void *', 0) == nil, (q + 1)[0])
try(function() return q + q end)
try(function() return q - ffi.new('char[1]') end)
try(ffi.cast, 'struct outer', 1)
try(function() local i = ffi.new('int') i = ffi.new('int', {}) end)
try(function() ffi.new('char *', ffi.new('const char[2]')) end)
try(ffi.new, 'int[2]', 1, 2, 3)
try(ffi.new, 'int[2]', { 1, 2, 3 })
ffi.copy(a, 'abcdefg')
try(ffi.string, a)
print(ffi.string(ffi.cast('char *', a)), ffi.string(a, 3), a[0] == 0x64636261)
ffi.fill(a, 8, 0x41)
print(ffi.string(a, 9))
local list = ffi.new('const char *[3]', { 'one', 'two' })
print(ffi.string(list[0]), ffi.string(list[1]), list[2] == nil)
local m = ffi.new('int[3][2]', { { 1, 2 }, { 3, 4 } })
print(m[0][1], m[1][0], m[2][1])
local ct = ffi.typeof('struct { $ x; int a[$]; }', ffi.typeof('int16_t'), 3)
print(ffi.sizeof(ct), ffi.typeof(ct()) == ct)
