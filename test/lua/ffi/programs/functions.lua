-- Calls of C functions, callbacks, metatypes.
local ffi = require 'ffi'
ffi.cdef [[
size_t strlen(const char *);
double sqrt(double);
int abs(int);
long long llabs(long long);
char *strchr(const char *, int);
void *memcpy(void *, const void *, size_t);
int snprintf(char *, size_t, const char *, ...);
void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
typedef struct { int quot, rem; } div_t;
div_t div(int, int);
int renamed(int) asm("abs");
int no_such_function_at_all(void);
char *strerror(int);
int close(int);
extern char **environ;
enum { FLAG_A = 1, FLAG_B = 0x10 };
typedef struct { double x, y; } vec;
]]
local C = ffi.C
print(C.strlen 'hello', C.sqrt(2), C.abs(-3), C.llabs(-5LL), C.renamed(-9), C.FLAG_B)
local buf = ffi.new('char[?]', 64)
print(C.snprintf(buf, 64, '%d %s %.2f %lld', ffi.new('int', 5), 'str', 2.5, 7LL), ffi.string(buf))
local s = ffi.new('char[6]', 'hello')
local p = C.strchr(s, string.byte 'l')
print(p - s, ffi.string(p), C.strchr(s, 0x7a) == nil)
local d = C.div(17, 5)
print(d.quot, d.rem)
local v = ffi.new('int[6]', 5, 3, 9, 1, 4, 2)
C.qsort(v, 6, 4, function(a, b) return ffi.cast('const int *', a)[0] - ffi.cast('const int *', b)[0] end)
print(v[0], v[1], v[2], v[3], v[4], v[5])
local cb = ffi.cast('int (*)(int, double)', function(a, b) return a * b end)
print(cb(3, 2.5))
cb:set(function(a, b) return a + b end)
print(cb(3, 2.5))
cb:free()
print(C.close(-1), ffi.errno(), ffi.string(C.strerror(9)))
print(C.environ ~= nil)
print(select(2, pcall(function() return C.nope end)))
print((select(2, pcall(function() return C.no_such_function_at_all end)):gsub('%S+: undefined', 'undefined')))
print(select(2, pcall(C.abs)))
print(select(2, pcall(function() C.abs 'x' end)))
print(select(2, pcall(function() C.strlen(5) end)))
print(select(2, pcall(function() C.abs = 1 end)))

local vec
vec = ffi.metatype('vec', {
  __index = { length = function(self) return C.sqrt(self.x * self.x + self.y * self.y) end },
  __add = function(a, b) return vec(a.x + b.x, a.y + b.y) end,
  __eq = function(a, b) return a.x == b.x and a.y == b.y end,
  __lt = function(a, b) return a:length() < b:length() end,
  __len = function() return 2 end,
  __concat = function(a, b) return 'concat' end,
  __call = function(self, k) return self[k] end,
  __unm = function(a) return vec(-a.x, -a.y) end,
  __tostring = function(a) return '<' .. a.x .. ',' .. a.y .. '>' end,
  __new = function(ct, x, y) return ffi.new(ct, x or 1, y or 1) end,
})
local a, b = vec(3, 4), vec()
print(a:length(), tostring(a + b), a == vec(3, 4), a ~= b, b < a, #a, a .. 'x', a 'x', tostring(-a))
print((select(2, pcall(function() return a.nope end)):gsub('struct %d+', 'struct N')))
print(select(2, pcall(ffi.metatype, 'vec', {})))
local cp = ffi.new('vec *', a)
print(cp:length(), tostring(cp))

-- A linked list of nodes.
ffi.cdef 'typedef struct node { int value; struct node *next; } node;'
local keep = {}
local head = nil
for i = 1, 5 do
  local n = ffi.new('node', i, head)
  keep[i] = n
  head = n
end
local n, t = ffi.cast('node *', head), {}
while n ~= nil do
  t[#t + 1] = n.value
  n = n.next
end
print(table.concat(t, ' '))
print(ffi.string(ffi.cast('const char *', 'literal'), 3), ffi.cast('uintptr_t', ffi.cast('const char *', 'same')) == ffi.cast('uintptr_t', ffi.cast('const char *', 'same')))
