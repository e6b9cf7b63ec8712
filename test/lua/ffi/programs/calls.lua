-- C functions: arguments, results, callbacks, errors in them.
local ffi = require 'ffi'
ffi.cdef [[
int abs(int); long labs(long); double floor(double); size_t strlen(const char *); char *strchr(const char *s, int c);
int memcmp(const void *a, const void *b, size_t n); int snprintf(char *to, size_t size, const char *format, ...);
typedef struct { int quot; int rem; } c_div; c_div div(int a, int b);
typedef struct { long quot; long rem; } c_ldiv; c_ldiv ldiv(long a, long b);
void qsort(void *base, size_t n, size_t size, int (*compare)(const int *, const int *));
void *bsearch(const void *key, const void *base, size_t n, size_t size, int (*compare)(const void *, const void *));
long strtol(const char *s, char **end, int base); double strtod(const char *s, char **end);
char *getenv(const char *); int close(int fd); char *strerror(int); int toupper(int);
int renamed(int) __asm__("abs");
]]
local C = ffi.C
print(C.abs(-5), C.labs(-2 ^ 40), C.floor(-1.5), C.strlen 'hello', C.renamed(-3), C.toupper(97))
print(C.memcmp('abc', 'abd', 3) < 0, C.memcmp('abc', 'abd', 2), ffi.string(C.strchr('a=b', 61)), C.strchr('ab', 61) == nil)
local q, l = C.div(17, 5), C.ldiv(-2 ^ 40, 3)
print(q.quot, q.rem, l.quot, l.rem)

local b = ffi.new 'char[100]'
local function format(...)
  local n = C.snprintf(b, 100, ...)
  return n, ffi.string(b)
end
print(format('%d %s %.2f', ffi.new('int', 42), 'str', 1.5))
print(format('%lld %llu', -5LL, 2 ^ 63 + 0ULL))
print(format('%g %c %x', ffi.new('float', 0.5), ffi.new('char', 65), ffi.new('uint32_t', 255)))
print(format('%s', ffi.new('char[4]', 'arr')))
print(format 'none')
print(pcall(C.snprintf, b, 100, 'x', {}))

local e = ffi.new 'char *[1]'
print(C.strtol('123abc', e, 10), ffi.string(e[0]), C.strtod('2.5e3x', e), ffi.string(e[0]))

local a = ffi.new('int[6]', 5, 3, 9, 1, 7, 3)
local calls = 0
local compare = ffi.cast('int (*)(const int *, const int *)', function(x, y)
  calls = calls + 1
  return x[0] - y[0]
end)
C.qsort(a, 6, 4, compare)
print(a[0], a[1], a[2], a[3], a[4], a[5], calls > 0)
compare:set(function(x, y) return y[0] - x[0] end)
C.qsort(a, 6, 4, compare)
print(a[0], a[5])
compare:free()
print(pcall(function() compare:free() end))
C.qsort(a, 6, 4, function(x, y) return x[0] - y[0] end)
print(a[0], a[5])

local cb = ffi.cast('double (*)(int8_t, uint16_t, int64_t, float, bool, const char *)', function(i, u, n, f, t, s)
  return i + u + tonumber(n) + f + (t and 1 or 0) + #ffi.string(s)
end)
print(cb(-1, 65535, 2 ^ 33, 0.25, true, 'four'))
print(pcall(cb, 1))
local bad = ffi.cast('int (*)(void)', function() error 'in the callback' end)
print(pcall(bad))
print(pcall(ffi.cast('int (*)(void)', function() return 'no number' end)))
local value = ffi.cast('void (*)(int)', function(n) calls = n end)
value(77)
print(calls)

print(C.close(-1), ffi.errno(), ffi.string(C.strerror(ffi.errno())))
print(ffi.errno(11), ffi.errno())
print(C.getenv 'SURELY_NOT_SET' == nil)
print(pcall(C.abs), pcall(C.abs, 1, 2))
print(pcall(function() C.abs {} end))
print(pcall(function() C.strlen(5) end))
print(pcall(function() return C.not_declared end))

local table_of = ffi.new('struct { int (*f)(int); double (*g)(double); }', C.abs, C.floor)
print(table_of.f(-8), table_of.g(2.75), ffi.cast('void *', C.abs) == ffi.cast('void *', table_of.f))
print(pcall(function() C.abs = 1 end))
